"""How well each word that was heard fits what was said: by the network's own outputs along it.

A recognizer's confidence compares the few readings that its grammar allows, so whatever sounds
like none of them is still surely one. What tells a word that was said from one that was not is
how sure the network is of its phones among all phones (the goodness of pronunciation of Witt
and Young, Speech Communication 2000, here as a posterior).
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
from assistant.nlu import tables
from assistant.nlu.types import Shares

Matrix = npt.NDArray[np.float32]
_ANYTHING = (-1,)  # of a word that cannot be spelt out
_COST_OF_ANYTHING = np.float32(1.0)  # nepers an output, or it would leave its neighbours nothing
_EDGE = 0.02  # shares nearer to 0 or 1 say no more than this
_BESIDE = 8  # outputs at most that belong to a word on either side of its phones
_SPREAD = 0.5  # outputs of one word are no independent witnesses: share of a log-likelihood
_LEAST = 0.001  # share of the unlikeliest digit
_SHORTEST = 5  # outputs of speech; in fewer anything fits
_WORST = (-3.0, -9.0, -25.0)  # of a fit's values; what is worse says no more


@dataclass(frozen=True, slots=True)
class Evidence:
    """``odds``: the recognizer's confidence as log odds; ``least``: log-probability of the word's
    least likely phone at its best output; ``doubt``: mean entropy, in nepers, of the outputs from
    its first phone to its last. ``rivals``: of a digit, how likely each of the ten is by the same
    outputs."""

    odds: float
    least: float
    doubt: float
    rivals: Shares = field(default=(), repr=False)

    @property
    def values(self) -> tuple[float, ...]:
        """What a confidence is made of."""
        return self.odds, self.least, self.doubt


@dataclass(frozen=True, slots=True)
class Fit:
    """How well an answer would be all that was said. ``whole``: its log-likelihood under that of
    the best path of any phones, in nepers an output of speech; ``least``: log-probability of its
    least likely phone; ``lead``: nepers by which it is likelier than the best of the others."""

    whole: float
    least: float
    lead: float

    @property
    def values(self) -> tuple[float, ...]:
        """What the chance that it was said is made of."""
        whole, least, lead = map(max, (self.whole, self.least, self.lead), _WORST)
        return whole, least, min(lead, -_WORST[2])


def log_odds(share: float) -> float:
    inside = min(1 - _EDGE, max(_EDGE, share))
    return math.log(inside / (1 - inside))


def evidence(
    words: Sequence[str], shares: Sequence[float], outputs: Matrix
) -> list[Evidence | None]:
    """Of each word of a reading. ``shares``: the recognizer's confidences 0..1; ``outputs``:
    ``Network.outputs`` of the very samples. None for words that cannot be spelt out, and for all
    of a reading that does not fit in."""
    spelt = [_positions(word) for word in words]
    emissions, path = _aligned([position for word in spelt for position in word], outputs)
    if path is None:
        return [None] * len(words)
    first, last, _ = path
    entropy = -(np.exp(outputs) * outputs).sum(axis=1)
    found: list[Evidence | None] = []
    at = end = 0
    for place, (word, share) in enumerate(zip(spelt, shares, strict=True)):
        places = range(at, at + len(word))
        at = places.stop
        start, stop = int(first[places[0]]), int(last[places[-1]]) + 1
        begin, end = (start + end) // 2, stop
        if word[0] is _ANYTHING:
            found.append(None)
            continue
        doubt = float(entropy[start:stop].mean())
        rivals: Shares = ()
        if words[place] in tables.numbers().digit:
            after = int(first[at]) if at < len(first) else len(outputs)
            begin, middle = max(begin, start - _BESIDE), (stop + after + 1) // 2
            rivals = _rivals(outputs[begin : min(middle, stop + _BESIDE)])
        found.append(Evidence(log_odds(share), _least(emissions, path, places), doubt, rivals))
    return found


def _least(emissions: Matrix, path: Path, places: Sequence[int]) -> float:
    """The log-probability of the least likely of the phones at ``places``, each at its best
    output."""
    first, last, _ = path
    return min(float(emissions[first[n] : last[n] + 1, n + 1].max()) for n in places)


def _rivals(outputs: Matrix) -> Shares:
    """How likely each digit is to have been said in these outputs."""
    best = _best(outputs, _digit_ways())
    shares = np.exp(_SPREAD * (best - best.max()))
    shares = np.maximum(shares / shares.sum(), _LEAST)
    return tuple((shares / shares.sum()).tolist())


def fit_of(words: Sequence[str], outputs: Matrix) -> float:
    """The log-likelihood of these words and nothing else, in nepers; -inf where they do not fit in.
    What cannot be spelt out fits anything, a little badly."""
    _, path = _aligned([position for word in words for position in _positions(word)], outputs)
    return -math.inf if path is None else path[2] * len(outputs)


def alone(answers: tuple[tuple[str, ...], ...], outputs: Matrix) -> tuple[Fit, ...]:
    """How well each of the answers, in one of its forms, would be all that was said; none of no
    outputs."""
    if not len(outputs):
        return ()
    best = _best(outputs, ways_of(answers))
    speech = np.flatnonzero(outputs.argmax(axis=1))
    length = max(_SHORTEST, speech[-1] - speech[0] + 1 if len(speech) else 0)
    wholes = (best - outputs.max(axis=1).sum()) / length
    least = (max(_least_alone(word, outputs) for word in forms) for forms in answers)
    with np.errstate(invalid="ignore"):  # where nothing fits in
        leads = np.nan_to_num([b - np.delete(best, n).max() for n, b in enumerate(best)])
    return tuple(map(Fit, wholes.tolist(), least, leads.tolist()))


def _least_alone(word: str, outputs: Matrix) -> float:
    phones = _positions(word)
    emissions, path = _aligned(phones, outputs)
    return -math.inf if path is None else _least(emissions, path, range(len(phones)))


def _best(outputs: Matrix, ways: Ways) -> npt.NDArray[np.float64]:
    """The log-likelihood of each meaning by the best of its ways through the outputs."""
    emit = outputs[:, ways.states]  # (outputs, ways, states)
    score = np.full((len(ways.means), ways.states.shape[1] + 2), -np.inf)  # two in front
    score[:, 2:4] = emit[0, :, :2]
    for now in emit[1:]:
        stay = np.maximum(score[:, 2:], score[:, 1:-1])
        score[:, 2:] = np.maximum(stay, score[:, :-2] + ways.skips) + now
    rows = np.arange(len(ways.means))
    best = np.full(ways.means[-1] + 1, -np.inf)
    np.maximum.at(best, ways.means, np.maximum(score[rows, ways.last], score[rows, ways.last + 1]))
    return best


class Ways(NamedTuple):
    """Every way to say every meaning, side by side: ``states`` (ways, states) are columns of the
    outputs, blanks and phones in turn; ``skips``: the cost of leaving out the blank before one;
    ``last``: place of the last phone, two in front counted; ``means``: what it says, rising."""

    states: npt.NDArray[np.int64]
    skips: npt.NDArray[np.float64]
    last: npt.NDArray[np.int64]
    means: npt.NDArray[np.int64]


@cache
def _digit_ways() -> Ways:
    return ways_of(tuple(tables.numbers().words[str(digit)] for digit in range(10)))


@cache
def ways_of(meanings: tuple[tuple[str, ...], ...]) -> Ways:
    """``meanings``: the words for each."""
    number = {phone: place for place, phone in enumerate(phone_table())}
    ways = [
        (meaning, [number[phone] for phone in phones])
        for meaning, words in enumerate(meanings)
        for word in words
        for phones in pronunciations(word)
    ]
    wide = 2 * max(len(phones) for _, phones in ways) + 1
    states = np.zeros((len(ways), wide), np.int64)
    skips = np.full((len(ways), wide), -np.inf)
    for row, (_, phones) in enumerate(ways):
        states[row, 1 : 2 * len(phones) : 2] = phones
        skips[row, : 2 * len(phones) + 1] = costs_of_skip(phones)
    last = np.array([2 * len(phones) + 1 for _, phones in ways])
    return Ways(states, skips, last, np.array([meaning for meaning, _ in ways]))


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
