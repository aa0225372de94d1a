"""Syllables that nobody could have meant as a number or an answer.

The network takes one phone for a similar one all the time: "bốn" may look like "bống" or "bố", but
hardly like "quạt". So the filler that stands for speech of others may be cheap for syllables
that are unlike every word a call depends on, and must stay dear for the rest (``graph.py``).
How unlike two syllables are is counted part by part, less where the sounds are of one kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from assistant.asr.lexicon import CODAS, INITIALS, MEDIAL, phone_table, pronunciations

UNLIKE = 1.7  # parts that must differ, see ``_distance``; chosen on ../shared/speech/dev
MORE_UNLIKE = {"không": 2.0}  # said in the most ways of all, and the answer that protects
NO_PHONE = ""


class Syllable(NamedTuple):
    initial: str  # "" for none
    medial: str
    vowel: str
    tone: str
    coda: str


@dataclass(frozen=True, slots=True)
class _Part:
    """What it counts that a part differs: by a sound of another kind, or only by a similar one."""

    other: float
    similar: float
    kinds: Mapping[str, int]


def _kinds(*groups: str) -> dict[str, int]:
    """A group a kind; a sound that is in none is a kind of its own."""
    return {phone: kind for kind, group in enumerate(groups, 1) for phone in group.split()}


_PARTS = (  # in the order of a syllable's
    _Part(1.0, 0.6, _kinds("kh k h ng g", "b m v p f", "th t d dd n l nh", "ch s r")),  # initial
    _Part(0.7, 0.7, {}),  # glide
    _Part(1.3, 0.5, _kinds("a aw", "aa ow uw uow", "e ee i ie", "o oo u uo")),  # vowel
    _Part(0.4, 0.4, {}),  # tone
    _Part(0.8, 0.3, _kinds("C:n C:ng C:nh C:m", "C:k C:t C:p C:ch")),  # coda
)

_INITIALS = (NO_PHONE, *sorted({p for _, p in INITIALS}))
_CODAS = (NO_PHONE, *sorted({p for _, p in CODAS}))


def _distance(a: Syllable, b: Syllable) -> float:
    return sum(
        part.similar if part.kinds.get(x, x) == part.kinds.get(y, y) else part.other
        for part, x, y in zip(_PARTS, a, b, strict=True)
        if x != y
    )


def _syllable(phones: tuple[str, ...]) -> Syllable:
    (nucleus,) = [p for p in phones if "_" in p]
    at = phones.index(nucleus)
    before = [p for p in phones[:at] if p != MEDIAL]
    vowel, _, tone = nucleus.rpartition("_")
    return Syllable(
        before[0] if before else NO_PHONE,
        MEDIAL if MEDIAL in phones else NO_PHONE,
        vowel,
        tone,
        phones[at + 1] if len(phones) > at + 1 else NO_PHONE,
    )


def strangers(words: Iterable[str], unlike: float = UNLIKE) -> dict[str, dict[str, frozenset[str]]]:
    """initial → toned nucleus → codas of the syllables (without a glide) that differ from each
    of ``words`` by at least ``unlike`` (some by more). "" stands for no initial or no coda."""
    known = {
        _syllable(phones): max(unlike, MORE_UNLIKE.get(word, 0.0))
        for word in words
        for phones in pronunciations(word)
        if sum("_" in p for p in phones) == 1
    }
    nuclei = [p for p in phone_table() if "_" in p]
    found: dict[str, dict[str, frozenset[str]]] = {}
    for initial in _INITIALS:
        for nucleus in nuclei:
            vowel, _, tone = nucleus.rpartition("_")
            codas = frozenset(
                coda
                for coda in _CODAS
                if all(
                    _distance(Syllable(initial, NO_PHONE, vowel, tone, coda), other) >= least
                    for other, least in known.items()
                )
            )
            if codas:
                found.setdefault(initial, {})[nucleus] = codas
    return found
