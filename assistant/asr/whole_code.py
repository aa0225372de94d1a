"""A code read anew where a word was heard amidst its digits: the likeliest digits of a whole one.

Where a digit was heard as a word, or a sound beside it as one, the search has dropped the right
reading long before anybody counts. A caller who is asked for a code says a whole one: so the
network's outputs are searched once more for so many digits and nothing else, exactly (Viterbi over
as many places as the code has; H. Ney, "The use of a one-stage dynamic programming algorithm for
connected word recognition", IEEE ASSP 32, 1984).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from assistant.asr.evidence import Matrix, Ways, fit_of, ways_of
from assistant.nlu import tables

_SCALE = 0.5  # of an output's log-likelihood, as in the recognizer's own search
# Nepers, chosen on codes spliced of people's digits (../shared/speech/dev) and on as many digits as
# no code has. Numbers read as numbers lie 25 and more away.
_STRAY = 10.0  # by which a code is likelier than digits with other words amidst them
_MORE = 4.0  # by which a reading is less likely for every word that it has more

_STAY, _STEP, _SKIP, _BLANK, _WORD = range(5)  # how a state was come to


@dataclass(frozen=True, slots=True)
class Spoken:
    """A digit that was said: the word, and its first and last output."""

    word: str = field(repr=False)
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Found:
    """``sure``: 0..1, against the reading that was found before."""

    spoken: tuple[Spoken, ...]
    sure: float


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """Of an utterance, as the recognizer's search weighs them. ``emissions``: (outputs, phones), in
    nepers; ``likelier``: nepers by which the lexicon makes words likelier."""

    emissions: Matrix = field(repr=False)
    likelier: Mapping[str, float]

    @classmethod
    def of(cls, outputs: Matrix, priors: Matrix, likelier: Mapping[str, float]) -> Likelihoods:
        """``outputs``: ``Network.outputs``; ``priors``: ``Network.priors``."""
        return cls(np.float32(_SCALE) * (outputs - priors), likelier)

    def reading(self, words: Sequence[str]) -> float:
        """Of these words and nothing else; -inf of what does not fit in."""
        return fit_of(words, self.emissions) + sum(self.likelier.get(word, 0.0) for word in words)


def whole_code(words: Sequence[str], lengths: Sequence[int], said: Likelihoods) -> Found | None:
    """The code of one of these ``lengths`` (digits, rising) that is likelier than the ``words`` of
    the reading that was found, not all of which are digits. None: that is likelier."""
    before = said.reading(words)
    if not math.isfinite(before):
        return None
    search = CodeSearch(said, lengths[-1])
    leads = {
        length: search.score(length) - before + _STRAY - _MORE * (length - len(words))
        for length in lengths
    }
    best = max(leads, key=leads.__getitem__)
    if not leads[best] > 0:
        return None
    return Found(search.spoken(best), 1 / (1 + math.exp(-min(leads[best], 50.0))))


class CodeSearch:
    """The best path through every number of digits up to the longest code, with blanks between or
    none: no digit begins as another ends."""

    def __init__(self, said: Likelihoods, most: int) -> None:
        ways, self._names = _ways()
        phones = ways.states[:, 1:-1]  # what is before and after a word is one blank for all
        skips = ways.skips[:, 1:-1]
        self._ends = ways.last - 3  # two in front, and that blank
        bonus = np.array([said.likelier.get(name, 0.0) for name in self._names])
        emit, blank = said.emissions[:, phones], said.emissions[:, 0]  # (outputs, ways, states)
        outputs, rows = len(blank), np.arange(len(phones))
        inside = np.full((most, *phones.shape), -np.inf)
        between = np.full(most + 1, -np.inf)
        between[0] = 0.0
        self._back = np.zeros((outputs, *inside.shape), np.int8)
        self._from = np.zeros((outputs, most + 1), np.int16)  # the way that ended before a blank
        self._into = np.zeros((outputs, most + 1), np.bool_)  # whether it ended just then
        options = np.full((5, *inside.shape), -np.inf)
        for t in range(outputs):
            ended = inside[:, rows, self._ends]  # (places, ways)
            way = ended.argmax(axis=1)
            end = ended[np.arange(most), way]
            options[_STAY] = inside
            options[_STEP, :, :, 1:] = inside[:, :, :-1]
            options[_SKIP, :, :, 2:] = inside[:, :, :-2] + skips[:, 2:]
            options[_BLANK, :, :, 0] = between[:-1, None] + bonus
            options[_WORD, 1:, :, 0] = end[:-1, None] + bonus
            self._back[t] = options.argmax(axis=0)
            inside = options.max(axis=0) + emit[t]
            self._from[t, 1:] = way
            self._into[t, 1:] = end > between[1:]
            between[1:] = np.maximum(between[1:], end)
            between += blank[t]
        ended = inside[:, rows, self._ends]
        self._way = ended.argmax(axis=1)
        self._inside, self._between = ended.max(axis=1), between

    def score(self, digits: int) -> float:
        """The log-likelihood of the best path of so many digits, in nepers; -inf: they do not fit
        in."""
        return float(max(self._inside[digits - 1], self._between[digits]))

    def spoken(self, digits: int) -> tuple[Spoken, ...]:
        """The words of that path; of one that there is."""
        found: list[Spoken] = []
        t, place = len(self._back) - 1, digits
        blank = bool(self._between[digits] > self._inside[digits - 1])
        way = int(self._way[digits - 1])
        while place:
            if blank:  # after ``place`` digits
                if self._into[t, place]:
                    blank, way = False, int(self._from[t, place])
                t -= 1
                continue
            last, state = t, int(self._ends[way])
            while (step := self._back[t, place - 1, way, state]) <= _SKIP:
                state -= int(step)
                t -= 1
            found.append(Spoken(self._names[way], t, last))
            place -= 1
            blank = bool(step == _BLANK)
            if not blank:
                way = int(self._from[t, place])
            t -= 1
        return tuple(reversed(found))


@cache
def _ways() -> tuple[Ways, tuple[str, ...]]:
    """Every way to say a digit, and the word of each."""
    words = tuple(word for forms in tables.numbers().words.values() for word in forms)
    ways = ways_of(tuple((word,) for word in words))
    return ways, tuple(words[meaning] for meaning in ways.means)
