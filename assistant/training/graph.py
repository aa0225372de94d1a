"""Words → the decoding graph: the look-ahead lexicon ``HCLr.fst`` and the grammar ``Gr.fst``.

The lexicon is a prefix tree of phones under one loop state. A phone is entered by its "go"
transition and held by its "stay" one; after it the blank may be held, which is CTC. A word's
label stands on the first arc that only it can take. "[unk]" is a filler, so that speech outside
the vocabulary has somewhere to go: one syllable of any phones, at a price that hardly a word has
to fear; and, much cheaper, one that is unlike every number and answer (``strangers.py``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from assistant.asr.lexicon import CODAS, INITIALS, MEDIAL, UNKNOWN, phone_table, pronunciations
from assistant.training.fst import Fst, const_fst, look_ahead_fst, relabelled, relabelling
from assistant.training.strangers import NO_PHONE, strangers

PHONES = phone_table()
_INDEX = {phone: index for index, phone in enumerate(PHONES)}


def go(phone: int) -> int:
    return 2 * phone + 2


def stay(phone: int) -> int:
    return 2 * phone + 1


@dataclass(slots=True)
class _Node:
    children: dict[int, _Node] = field(default_factory=dict)
    words: set[int] = field(default_factory=set)  # that go through here
    ends: set[int] = field(default_factory=set)  # that end here


def _tree(words: Sequence[str]) -> _Node:
    root = _Node()
    for number, word in enumerate(words, start=1):
        if word == UNKNOWN:
            continue
        for phones in pronunciations(word):
            node = root
            for phone in phones:
                node = node.children.setdefault(_INDEX[phone], _Node())
                node.words.add(number)
            node.ends.add(number)
    return root


@dataclass(frozen=True, slots=True)
class Filler:
    """What "[unk]" costs, nepers a syllable: ``any`` one, and a ``stranger`` to all of ``known``
    (words that must not be taken for one)."""

    any: float = 7.0
    stranger: float = 3.0
    known: tuple[str, ...] = ()


NO_WORDS: Mapping[str, float] = MappingProxyType({})


def lexicon_fst(
    words: Sequence[str],
    filler: Filler,
    word_cost: float = 0.0,
    likelier: Mapping[str, float] = NO_WORDS,
) -> Fst:
    """The lexicon loop over ``words`` (numbered from 1); ``[unk]`` among them is the filler.

    Every word costs ``word_cost`` nepers (less than 0: fewer words are lost), those of
    ``likelier`` so much less.
    """
    fst = Fst()
    start, loop = fst.state(), fst.state()
    fst.start = start
    fst.arc(start, 0, 0, 0.0, loop)
    silence = fst.state()
    fst.arc(start, go(0), 0, 0.0, silence)
    fst.arc(silence, stay(0), 0, 0.0, silence)
    fst.arc(silence, 0, 0, 0.0, loop)
    fst.finals[loop] = 0.0
    costs = [0.0, *(word_cost - likelier.get(word, 0.0) for word in words)]
    _grow(fst, [loop], _tree(words), loop, spoken=False, costs=costs)
    if UNKNOWN in words:
        label = list(words).index(UNKNOWN) + 1
        _any_syllable(fst, loop, label, filler.any)
        if filler.known:
            _stranger(fst, loop, label, filler.stranger, strangers(filler.known))
    return fst


def _held(fst: Fst, phone: int) -> tuple[int, int]:
    """States of a phone being held and of the blank after it."""
    held, blank = fst.state(), fst.state()
    fst.arc(held, stay(phone), 0, 0.0, held)
    fst.arc(held, go(0), 0, 0.0, blank)
    fst.arc(blank, stay(0), 0, 0.0, blank)
    return held, blank


def _grow(
    fst: Fst, sources: list[int], node: _Node, loop: int, spoken: bool, costs: Sequence[float]
) -> None:
    for phone, child in sorted(node.children.items()):
        alone = len(child.words) == 1 and not spoken
        label = next(iter(child.words)) if alone else 0
        held, blank = _held(fst, phone)
        for source in sources:
            fst.arc(source, go(phone), label, 0.0, held)
        done = spoken or alone
        for word in sorted(child.ends):
            for state in (held, blank):
                fst.arc(state, 0, 0 if done else word, costs[word], loop)
        _grow(fst, [held, blank], child, loop, done, costs)


def _any_syllable(fst: Fst, loop: int, label: int, cost: float) -> None:
    """One syllable of any phones: [initial] [glide] nucleus [coda]."""
    entry, after_initial, after_glide, after_nucleus = (fst.state() for _ in range(4))
    fst.arc(loop, 0, label, cost, entry)
    fst.arc(entry, 0, 0, 0.0, after_initial)
    fst.arc(after_initial, 0, 0, 0.0, after_glide)
    fst.arc(after_nucleus, 0, 0, 0.0, loop)
    initials = {p for _, p in INITIALS}
    codas = {p for _, p in CODAS}
    for index, phone in enumerate(PHONES[1:], start=1):
        if phone in initials:
            source, target = entry, after_initial
        elif phone == MEDIAL:
            source, target = after_initial, after_glide
        elif phone in codas:
            source, target = after_nucleus, loop
        else:
            source, target = after_glide, after_nucleus
        _heard(fst, source, index, target)


def _heard(fst: Fst, source: int, phone: int, target: int) -> None:
    """A phone, held as long as it lasts, from ``source`` to ``target``."""
    held, blank = _held(fst, phone)
    fst.arc(source, go(phone), 0, 0.0, held)
    fst.arc(held, 0, 0, 0.0, target)
    fst.arc(blank, 0, 0, 0.0, target)


def _stranger(
    fst: Fst,
    loop: int,
    label: int,
    cost: float,
    syllables: Mapping[str, Mapping[str, frozenset[str]]],
) -> None:
    """One syllable of initial → nucleus → codas; parts that go on alike are one part."""
    entry = fst.state()
    fst.arc(loop, 0, label, cost, entry)
    after_nucleus: dict[frozenset[str], int] = {}
    after_initial: dict[tuple[tuple[str, frozenset[str]], ...], int] = {}

    def codas_from(codas: frozenset[str]) -> int:
        if codas not in after_nucleus:
            state = after_nucleus[codas] = fst.state()
            for coda in sorted(codas):
                if coda == NO_PHONE:
                    fst.arc(state, 0, 0, 0.0, loop)
                else:
                    _heard(fst, state, _INDEX[coda], loop)
        return after_nucleus[codas]

    for initial, nuclei in syllables.items():
        rest = tuple(nuclei.items())
        if rest not in after_initial:
            state = after_initial[rest] = fst.state()
            for nucleus, codas in rest:
                _heard(fst, state, _INDEX[nucleus], codas_from(codas))
        if initial == NO_PHONE:
            fst.arc(entry, 0, 0, 0.0, after_initial[rest])
        else:
            _heard(fst, entry, _INDEX[initial], after_initial[rest])


def bigram_fst(sentences: Iterable[Sequence[str]], words: Sequence[str]) -> Fst:
    """Witten-Bell bigram over word numbers (1..), with back-off arcs on epsilon.

    A word outside ``words`` counts as "[unk]". Every word can follow every history through
    the back-off, so nothing is impossible, only dearer.
    """
    number = {word: index for index, word in enumerate(words, start=1)}
    unknown = number[UNKNOWN]
    after: dict[int, Counter[int]] = {}
    begin, end = 0, -1
    for sentence in sentences:
        line = [begin, *(number.get(w, unknown) for w in sentence), end]
        for left, right in pairwise(line):
            after.setdefault(left, Counter())[right] += 1
    unigram: Counter[int] = Counter(dict.fromkeys([*number.values(), end], 1))
    for counts in after.values():  # continuation counts: in how many contexts a word is seen
        unigram.update(dict.fromkeys(counts, 1))
    total = sum(unigram.values())
    fst = Fst()
    backoff = fst.state()
    states = {history: fst.state() for history in sorted(after)}
    fst.start = states[begin]
    for word, count in sorted(unigram.items()):
        cost = -math.log(count / total)
        if word == end:
            fst.finals[backoff] = cost
        else:
            fst.arc(backoff, word, word, cost, states.get(word, backoff))
    for history, counts in sorted(after.items()):
        seen, kinds = sum(counts.values()), len(counts)
        state = states[history]
        fst.arc(state, 0, 0, -math.log(kinds / (seen + kinds)), backoff)
        for word, count in sorted(counts.items()):
            lower = kinds / (seen + kinds) * unigram[word] / total
            cost = -math.log(count / (seen + kinds) + lower)
            if word == end:
                fst.finals[state] = cost
            else:
                fst.arc(state, word, word, cost, states.get(word, backoff))
    return fst


@dataclass(frozen=True, slots=True)
class Graph:
    """The files of ``graph/``."""

    lexicon: bytes
    grammar: bytes
    words: str


def build(
    words: Sequence[str],
    sentences: Iterable[Sequence[str]],
    filler: Filler = Filler(),
    word_cost: float = 0.0,
    likelier: Mapping[str, float] = NO_WORDS,
) -> Graph:
    """``words``: the vocabulary with "[unk]"; ``sentences``: text of the default grammar."""
    lexicon = lexicon_fst(words, filler, word_cost, likelier)
    mapping = relabelling(lexicon)
    missing = [w for n, w in enumerate(words, start=1) if n not in mapping]
    if missing:
        raise ValueError(f"words without a pronunciation: {missing}")
    grammar = bigram_fst(sentences, words)
    grammar.arcs = [
        sorted(
            ((mapping.get(i, 0), mapping.get(o, 0), w, n) for i, o, w, n in out),
            key=lambda a: a[0],
        )
        for out in grammar.arcs
    ]
    table = ["<eps> 0"]
    table += [f"{w} {n}" for n, w in sorted((mapping[i], w) for i, w in enumerate(words, 1))]
    extra = len(words) + 1
    table += [f"{s} {extra + k}" for k, s in enumerate(("#0", "<s>", "</s>"))]
    return Graph(
        look_ahead_fst(relabelled(lexicon, mapping)),
        const_fst(grammar),
        "\n".join(table) + "\n",
    )
