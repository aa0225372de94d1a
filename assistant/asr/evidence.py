"""How well each word that was heard fits what was said: by the network's own outputs along it.

A recognizer's confidence compares the few readings that its grammar allows, so whatever sounds
like none of them is still surely one. What tells a word that was said from one that was not is
how sure the network is of its phones among all phones (the goodness of pronunciation of Witt
and Young, Speech Communication 2000, here as a posterior), and whether its tone is the one that
was heard (``tones.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assistant.asr.alignment import Path, costs_of_skip, viterbi
from assistant.asr.lexicon import phone_table, pronunciations
from assistant.asr.tones import NOTHING, Melody, Ratios, Span, Tones, tone_class
from assistant.nlu import tables
from assistant.nlu.types import Shares

Matrix = npt.NDArray[np.float32]
_ANYTHING = (-1,)  # of a word that cannot be spelt out
_COST_OF_ANYTHING = np.float32(1.0)  # nepers an output, or it would leave its neighbours nothing
_EDGE = 0.02  # shares nearer to 0 or 1 say no more than this
_BESIDE = 8  # outputs at most that belong to a word on either side of its phones
_SPREAD = 0.5  # outputs of one word are no independent witnesses: share of a log-likelihood
_LEAST = 0.001  # share of the unlikeliest digit
_TONE = 3.0  # what a neper of a tone weighs, in nepers of the outputs
# A region may say its tones otherwise: they count for as much as those of the other digits of the
# utterance agree with what was heard, by their mean in nepers; some digits are taken for granted.
_STRANGE, _USUAL = -0.3, 0.3
_GRANTED, _AGREEING = 2, 0.8  # digits, nepers
_BETTER = 4.5  # times as likely as the digit that was heard, that another is taken for it
_SHORTEST = 5  # outputs of speech; in fewer anything fits
_WORST = (-3.0, -9.0, -25.0)  # of a fit's values; what is worse says no more


@dataclass(frozen=True, slots=True)
class Evidence:
    """``odds``: the recognizer's confidence as log odds; ``least``: log-probability of the word's
    least likely phone at its best output; ``doubt``: mean entropy, in nepers, of the outputs from
    its first phone to its last; ``tone``: nepers by which its tone is likelier there than it
    usually is. ``rivals``: of a digit, how likely each of the ten is by the same outputs and
    tone."""

    odds: float
    least: float
    doubt: float
    tone: float = 0.0
    rivals: Shares = field(default=(), repr=False)

    @property
    def values(self) -> tuple[float, ...]:
        """What a confidence is made of."""
        return self.odds, self.least, self.doubt, self.tone


@dataclass(frozen=True, slots=True)
class Fit:
    """How well an answer would be all that was said. ``whole``: its log-likelihood under that of
    the best path of any phones, in nepers an output of speech; ``least``: log-probability of its
    least likely phone; ``lead``: nepers by which it is likelier than the best of the others;
    ``tone``: by which its tone is likelier there than it usually is."""

    whole: float
    least: float
    lead: float
    tone: float = 0.0

    @property
    def values(self) -> tuple[float, ...]:
        """What the chance that it was said is made of."""
        whole, least, lead = map(max, (self.whole, self.least, self.lead), _WORST)
        return whole, least, min(lead, -_WORST[2]), self.tone


@dataclass(frozen=True, slots=True)
class Sound:
    """What is known of an utterance beside its search. ``outputs``: ``Network.outputs`` of the very
    samples; ``priors``: ``Network.priors``; ``melody`` and ``tones``: None where tones are not
    read."""

    outputs: Matrix = field(repr=False)
    priors: Matrix = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)
    melody: Melody | None = field(default=None, repr=False)
    tones: Tones | None = field(default=None, repr=False)

    def ratios(self, span: Span) -> Ratios:
        """Of every class of tones, for the word that is there."""
        if self.melody is None or self.tones is None:
            return NOTHING
        return self.tones.along(self.melody, span)


def log_odds(share: float) -> float:
    inside = min(1 - _EDGE, max(_EDGE, share))
    return math.log(inside / (1 - inside))


def evidence(words: Sequence[str], shares: Sequence[float], sound: Sound) -> list[Evidence | None]:
    """Of each word of a reading. ``shares``: the recognizer's confidences 0..1. None for words that
    cannot be spelt out, and for all of a reading that does not fit in."""
    outputs = sound.outputs
    spelt = [_positions(word) for word in words]
    emissions, path = _aligned([position for word in spelt for position in word], outputs)
    if path is None:
        return [None] * len(words)
    entropy = -(np.exp(outputs) * outputs).sum(axis=1)
    places_of = _spans(spelt, path, len(outputs))
    tones = _trusted(words, [_ratios(*pair, sound) for pair in zip(words, places_of, strict=True)])
    found: list[Evidence | None] = []
    at = 0
    for place, span in enumerate(places_of):
        places = range(at, at + len(spelt[place]))
        at = places.stop
        if spelt[place][0] is _ANYTHING:
            found.append(None)
            continue
        doubt = float(entropy[span.first : span.stop].mean())
        ratios = tones[place]
        found.append(
            Evidence(
                log_odds(shares[place]),
                _least(emissions, path, places),
                doubt,
                _own(words[place], ratios),
                _rivals(outputs[span.begin : span.end], ratios) if ratios else (),
            )
        )
    return found


def spans(words: Sequence[str], outputs: Matrix) -> list[Span]:
    """Where each word of a reading is; [] of a reading that does not fit in."""
    spelt = [_positions(word) for word in words]
    _, path = _aligned([position for word in spelt for position in word], outputs)
    return [] if path is None else _spans(spelt, path, len(outputs))


def _spans(spelt: Sequence[Sequence[tuple[int, ...]]], path: Path, outputs: int) -> list[Span]:
    starts, ends, _ = path
    found: list[Span] = []
    at = end = 0
    for word in spelt:
        first, stop = int(starts[at]), int(ends[at + len(word) - 1]) + 1
        begin, end = (first + end) // 2, stop
        at += len(word)
        after = int(starts[at]) if at < len(starts) else outputs
        middle = (stop + after + 1) // 2
        found.append(Span(first, stop, max(begin, first - _BESIDE), min(middle, stop + _BESIDE)))
    return found


def better_digits(words: Sequence[str], found: Sequence[Evidence | None]) -> list[str]:
    """The words, a digit instead of another where it is far likelier by its sound and tone."""
    numbers = tables.numbers()
    better = list(words)
    for place, (word, one) in enumerate(zip(words, found, strict=True)):
        if one is None or not one.rivals:
            continue
        best = max(range(len(one.rivals)), key=one.rivals.__getitem__)
        if one.rivals[best] > _BETTER * one.rivals[int(numbers.digit[word])]:
            better[place] = numbers.words[str(best)][0]
    return better


def _ratios(word: str, span: Span, sound: Sound) -> Ratios:
    """Of a digit; () of other words."""
    return sound.ratios(span) if word in tables.numbers().digit else ()


def _trusted(words: Sequence[str], found: Sequence[Ratios]) -> list[Ratios]:
    """What was read of every digit's tone, less where the tones of the others are strange."""
    own = [
        _own(word, ratios) if ratios and ratios != NOTHING else None
        for word, ratios in zip(words, found, strict=True)
    ]
    known = [tone for tone in own if tone is not None]
    total, count = sum(known) + _GRANTED * _AGREEING, len(known) + _GRANTED
    trusted: list[Ratios] = []
    for mine, ratios in zip(own, found, strict=True):
        agree = total / count if mine is None else (total - mine) / (count - 1)
        share = min(1.0, max(0.0, (agree - _STRANGE) / (_USUAL - _STRANGE)))
        trusted.append(tuple(share * ratio for ratio in ratios))
    return trusted


def _own(word: str, ratios: Ratios) -> float:
    """Of the word's own tone; nothing where none was read."""
    tone = tone_class(word)
    return ratios[tone] if ratios and tone is not None else 0.0


def _least(emissions: Matrix, path: Path, places: Sequence[int]) -> float:
    """The log-probability of the least likely of the phones at ``places``, each at its best
    output."""
    first, last, _ = path
    return min(float(emissions[first[n] : last[n] + 1, n + 1].max()) for n in places)


def _rivals(outputs: Matrix, ratios: Ratios) -> Shares:
    """How likely each digit is to have been said in these outputs, with such a tone."""
    best = _best(outputs, _digit_ways(), ratios)
    shares = np.exp(_SPREAD * (best - best.max()))
    shares = np.maximum(shares / shares.sum(), _LEAST)
    return tuple((shares / shares.sum()).tolist())


def fit_of(words: Sequence[str], outputs: Matrix) -> float:
    """The log-likelihood of these words and nothing else, in nepers; -inf where they do not fit in.
    What cannot be spelt out fits anything, a little badly."""
    _, path = _aligned([position for word in words for position in _positions(word)], outputs)
    return -math.inf if path is None else path[2] * len(outputs)


def alone(answers: tuple[tuple[str, ...], ...], sound: Sound) -> tuple[Fit, ...]:
    """How well each of the answers, in one of its forms, would be all that was said; none of no
    outputs."""
    outputs = sound.outputs
    if not len(outputs):
        return ()
    best = _best(outputs, ways_of(answers))
    speech = np.flatnonzero(outputs.argmax(axis=1))
    length = max(_SHORTEST, speech[-1] - speech[0] + 1 if len(speech) else 0)
    wholes = (best - outputs.max(axis=1).sum()) / length
    with np.errstate(invalid="ignore"):  # where nothing fits in
        leads = np.nan_to_num([b - np.delete(best, n).max() for n, b in enumerate(best)])
    fits: list[Fit] = []
    for whole, lead, forms in zip(wholes.tolist(), leads.tolist(), answers, strict=True):
        least, tone = max(_alone(word, sound) for word in forms)
        fits.append(Fit(whole, least, lead, tone))
    return tuple(fits)


def _alone(word: str, sound: Sound) -> tuple[float, float]:
    """The log-probability of its least likely phone, and how likely its tone is there."""
    phones = _positions(word)
    emissions, path = _aligned(phones, sound.outputs)
    if path is None:
        return -math.inf, 0.0
    (span,) = _spans([phones], path, len(sound.outputs))
    return _least(emissions, path, range(len(phones))), _own(word, sound.ratios(span))


def _best(outputs: Matrix, ways: Ways, ratios: Ratios = NOTHING) -> npt.NDArray[np.float64]:
    """The log-likelihood of each meaning by the best of its ways through the outputs."""
    emit = outputs[:, ways.states]  # (outputs, ways, states)
    score = np.full((len(ways.means), ways.states.shape[1] + 2), -np.inf)  # two in front
    score[:, 2:4] = emit[0, :, :2]
    for now in emit[1:]:
        stay = np.maximum(score[:, 2:], score[:, 1:-1])
        score[:, 2:] = np.maximum(stay, score[:, :-2] + ways.skips) + now
    rows = np.arange(len(ways.means))
    best = np.full(ways.means[-1] + 1, -np.inf)
    likely = np.maximum(score[rows, ways.last], score[rows, ways.last + 1])
    np.maximum.at(best, ways.means, likely + _TONE * np.asarray(ratios)[ways.tones])
    return best


class Ways(NamedTuple):
    """Every way to say every meaning, side by side: ``states`` (ways, states) are columns of the
    outputs, blanks and phones in turn; ``skips``: the cost of leaving out the blank before one;
    ``last``: place of the last phone, two in front counted; ``means``: what it says, rising;
    ``tones``: its tone's class."""

    states: npt.NDArray[np.int64]
    skips: npt.NDArray[np.float64]
    last: npt.NDArray[np.int64]
    means: npt.NDArray[np.int64]
    tones: npt.NDArray[np.int64]


@cache
def _digit_ways() -> Ways:
    return ways_of(tuple(tables.numbers().words[str(digit)] for digit in range(10)))


@cache
def ways_of(meanings: tuple[tuple[str, ...], ...]) -> Ways:
    """``meanings``: the words for each."""
    number = {phone: place for place, phone in enumerate(phone_table())}
    ways = [
        (meaning, tone_class(word), [number[phone] for phone in phones])
        for meaning, words in enumerate(meanings)
        for word in words
        for phones in pronunciations(word)
    ]
    wide = 2 * max(len(phones) for _, _, phones in ways) + 1
    states = np.zeros((len(ways), wide), np.int64)
    skips = np.full((len(ways), wide), -np.inf)
    for row, (_, _, phones) in enumerate(ways):
        states[row, 1 : 2 * len(phones) : 2] = phones
        skips[row, : 2 * len(phones) + 1] = costs_of_skip(phones)
    last = np.array([2 * len(phones) + 1 for _, _, phones in ways])
    means = np.array([meaning for meaning, _, _ in ways])
    return Ways(states, skips, last, means, np.array([tone or 0 for _, tone, _ in ways]))


def _aligned(phones: Sequence[tuple[int, ...]], outputs: Matrix) -> tuple[Matrix, Path | None]:
    """The emissions of these phones, and the best path through them."""
    emissions = _emissions(phones, outputs)
    return emissions, viterbi(emissions, [position[0] for position in phones])


def _emissions(phones: Sequence[tuple[int, ...]], outputs: Matrix) -> Matrix:
    """(outputs, 1 + phones): the blank, then each phone, of alternatives the likelier."""
    emissions = np.empty((len(outputs), 1 + len(phones)), np.float32)
    emissions[:, 0] = outputs[:, 0]
    for place, alternatives in enumerate(phones, 1):
        if alternatives is _ANYTHING:
            emissions[:, place] = outputs.max(axis=1) - _COST_OF_ANYTHING
        else:
            emissions[:, place] = outputs[:, alternatives].max(axis=1)
    return emissions


@cache
def _positions(word: str) -> tuple[tuple[int, ...], ...]:
    """The phones of a word one after the other, each with what some regions say instead."""
    ways = pronunciations(word)
    if not ways:
        return (_ANYTHING,)
    number = {phone: place for place, phone in enumerate(phone_table())}
    alike = [way for way in ways if len(way) == len(ways[0])]
    return tuple(
        tuple(dict.fromkeys(number[phone] for phone in phones))
        for phones in zip(*alike, strict=True)
    )
