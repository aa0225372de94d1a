"""Phrase tables against an utterance: which intents are there, and how well they match.

A phrase is accepted by rule (all its parts, in order, near each other, each close enough);
only then does its score rank it against the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from rapidfuzz import fuzz

from assistant.nlu import tables
from assistant.nlu.normal import UNKNOWN_WORD, bare, toned, toneless
from assistant.nlu.patterns import Words
from assistant.nlu.tables import Phrase
from assistant.nlu.tokens import find_phrase
from assistant.nlu.types import COLLECTING, Expect, Intent

# scores of one part, 0..100: the same words; the same without tones; typed without any marks
_EXACT, _TONELESS, _BARE = 100.0, 94.0, 90.0
_GAP_WORDS = 4  # between two parts of a phrase
_GAP_COST = 1.0  # per word of a gap
_OUR_PASSWORDS = frozenset({Intent.RESET, Intent.FAQ_CHANGE_PASSWORD, Intent.FAQ_EMAIL_ROUTE})
_LOST = 60.0  # a word the recognizer heard as noise
_NEAR = 75.0  # rapidfuzz ratio of two words: one letter of four


@dataclass(frozen=True, slots=True)
class Match:
    intent: Intent
    score: float  # 0..100
    weight: float  # letters matched × score: what ranks
    words: frozenset[int]  # indexes of the words it used


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    end: int
    score: float
    letters: int


@dataclass(frozen=True, slots=True)
class _Forms:
    """An utterance in its three normal forms, word by word."""

    toned: tuple[str, ...]
    toneless: tuple[str, ...]
    bare: tuple[str, ...]
    plain: bool  # typed without any diacritics
    meaningful_end: int  # index after the last word that is not politeness

    @classmethod
    def of(cls, words: Sequence[str]) -> _Forms:
        plain = tuple(map(bare, words))
        polite = tables.fillers().polite
        end = max((i + 1 for i, w in enumerate(words) if w not in polite), default=0)
        unmarked = plain == tuple(words)
        return cls(tuple(map(toned, words)), tuple(map(toneless, words)), plain, unmarked, end)


def matches(
    words: Sequence[str], expect: Expect, minimum: float, core: Sequence[str] = ()
) -> list[Match]:
    """The best match of each intent that is accepted, heaviest first.

    ``core``: the words without address and politeness; a one-word phrase must equal it."""
    forms, core_forms = _Forms.of(words), _Forms.of(core)
    places = _places(forms, minimum, expect)
    best: dict[Intent, Match] = {}
    for phrase in _phrases_of(expect):
        found = _match(phrase, forms, core_forms, places, minimum)
        if found and (phrase.intent not in best or found.weight > best[phrase.intent].weight):
            best[phrase.intent] = found
    if _holds(words, tables.elsewhere()):
        best = {intent: m for intent, m in best.items() if intent not in _OUR_PASSWORDS}
    if _holds(words, tables.book()):
        best.pop(Intent.FAQ_FIND_CODE, None)
    if Intent.RESET in best and _refused(words, min(best[Intent.RESET].words)):
        del best[Intent.RESET]
    return _ranked(best)


def _holds(words: Sequence[str], phrases: Sequence[Words]) -> bool:
    return any(find_phrase(words, i, phrases) for i in range(len(words)))


def _refused(words: Sequence[str], start: int) -> bool:
    """Whether what begins at ``start`` is refused: "đừng đổi mật khẩu"."""
    refused = tables.refused()
    return any(len(p) <= start and tuple(words[start - len(p) : start]) == p for p in refused)


def _ranked(best: dict[Intent, Match]) -> list[Match]:
    """Heaviest first; an intent that another one found here takes precedence over is left out."""
    beaten = {loser for winner, loser in tables.precedence() if winner in best and loser in best}
    kept = [m for m in best.values() if m.intent not in beaten]
    return sorted(kept, key=lambda m: m.weight, reverse=True)


def _match(
    phrase: Phrase,
    forms: _Forms,
    core: _Forms,
    places: Mapping[Words, Sequence[_Place]],
    minimum: float,
) -> Match | None:
    parts: list[list[_Place]] = []
    alone = len(phrase.pattern.parts) == 1
    for part in phrase.pattern.parts:
        found: list[_Place] = []
        for alternative in part:
            if alone and len(alternative) == 1:
                found += _whole_turn(alternative, forms, core)
                continue
            found += places.get(alternative, ())
        if not found:
            return None
        parts.append(found)
    if phrase.pattern.at_end:
        parts[-1] = [p for p in parts[-1] if p.end >= forms.meaningful_end]
    return _best_chain(phrase.intent, parts, minimum)


def _whole_turn(word: Words, forms: _Forms, core: _Forms) -> list[_Place]:
    """A one-word phrase: the whole turn, politeness aside, with the right tone."""
    wanted = _part_forms(word).toned
    same = wanted in (core.toned, forms.toned)
    return [_Place(0, len(forms.toned), _EXACT, len(word[0]))] if same else []


@cache
def _phrases_of(expect: Expect) -> tuple[Phrase, ...]:
    return tuple(p for p in tables.intent_phrases() if expect in p.states)


@cache
def _by_word() -> Mapping[str, Sequence[tuple[Words, int]]]:
    """A word without tone, or without any mark → the alternatives that hold it, and where.
    Every accepted place shares such a word with its alternative, so nothing else is tried."""
    found: defaultdict[str, list[tuple[Words, int]]] = defaultdict(list)
    parts = {a for p in tables.intent_phrases() for part in p.pattern.parts for a in part}
    for alternative in sorted(parts):
        for offset, word in enumerate(alternative):
            for key in {toneless(word), bare(word)}:
                found[key].append((alternative, offset))
    return found


def _places(forms: _Forms, minimum: float, expect: Expect) -> Mapping[Words, Sequence[_Place]]:
    """Where each alternative of the tables stands in the utterance. While digits are collected
    those are digits, whatever they are like: "tư tư" is no "từ từ"."""
    index, length = _by_word(), len(forms.toned)
    tries = {
        (alternative, at - offset)
        for at, word in enumerate(forms.toneless)
        for alternative, offset in index.get(word, ())
        if 0 <= at - offset <= length - len(alternative)
    }
    found: defaultdict[Words, list[_Place]] = defaultdict(list)
    for alternative, start in sorted(tries):
        score, end = _part_score(alternative, forms, start), start + len(alternative)
        if expect in COLLECTING and score < _EXACT and _digits() >= set(forms.toned[start:end]):
            continue
        if score >= minimum:
            letters = sum(map(len, alternative))
            found[alternative].append(_Place(start, end, score, letters))
    return found


def _part_score(alternative: Words, forms: _Forms, start: int) -> float:
    """How well the words at ``start`` say ``alternative``: 0 when a word is another word."""
    part = _part_forms(alternative)
    end = start + len(alternative)
    if forms.toned[start:end] == part.toned:
        return _EXACT
    if forms.plain:
        return _BARE if forms.bare[start:end] == part.bare else 0.0
    if len(alternative) == 1:
        return 0.0  # a single word with another tone is usually another word
    heard = zip(forms.toned[start:end], forms.toneless[start:end], strict=True)
    meant = zip(part.toned, part.toneless, strict=True)
    scores = [_word_score(*h, *m) for h, m in zip(heard, meant, strict=True)]
    sure = sum(score >= _TONELESS for score in scores)
    if min(scores) == 0.0 or 3 * sure < 2 * len(scores):
        return 0.0  # of two words none may differ, of three one
    letters = [len(w) for w in part.toneless]
    return sum(s * n for s, n in zip(scores, letters, strict=True)) / sum(letters)


@lru_cache(maxsize=65_536)  # pairs of words of two vocabularies
def _word_score(heard: str, heard_base: str, meant: str, meant_base: str) -> float:
    """One word against another, 0 when they are too far apart. A "not" must be heard as one,
    whatever its neighbours; a word lost in noise may be the one that is missing."""
    if heard == meant:
        return _EXACT
    if heard_base == meant_base:
        return _TONELESS
    if heard in _NEGATIONS or meant in _NEGATIONS or min(len(heard_base), len(meant_base)) < 3:
        return 0.0
    if heard == UNKNOWN_WORD:
        return _LOST
    near = fuzz.ratio(heard_base, meant_base)
    return near if near >= _NEAR else 0.0


@cache
def _part_forms(alternative: Words) -> _Forms:
    return _Forms.of(alternative)


@cache
def _digits() -> frozenset[str]:
    return frozenset(map(toned, tables.numbers().digit))


_NEGATIONS = frozenset(toned(w) for w in ("không", "chưa", "chẳng", "hết", "đừng"))


def _best_chain(intent: Intent, parts: Sequence[Sequence[_Place]], minimum: float) -> Match | None:
    """The heaviest way to put the parts one after the other."""
    chains: list[tuple[_Place, ...]] = [(p,) for p in parts[0]]
    for part in parts[1:]:
        chains = [
            (*chain, place)
            for chain in chains
            for place in part
            if 0 <= place.start - chain[-1].end <= _GAP_WORDS
        ]
    found = [_as_match(intent, chain) for chain in chains]
    accepted = [m for m in found if m.score >= minimum]
    return max(accepted, key=lambda m: m.weight, default=None)


def _as_match(intent: Intent, chain: Sequence[_Place]) -> Match:
    letters = sum(p.letters for p in chain)
    gap = chain[-1].end - chain[0].start - sum(p.end - p.start for p in chain)
    score = max(0.0, sum(p.score * p.letters for p in chain) / letters - _GAP_COST * gap)
    used = frozenset(i for p in chain for i in range(p.start, p.end))
    return Match(intent, score, letters * score, used)
