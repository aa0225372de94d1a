"""How well each word that was heard fits what was said: by the network's own outputs along it.

A recognizer's confidence compares the few readings that its grammar allows, so whatever sounds
like none of them is still surely one. What tells a word that was said from one that was not is
how sure the network is of its phones among all phones (the goodness of pronunciation of Witt
and Young, Speech Communication 2000, here as a posterior).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from assistant.asr.alignment import viterbi
from assistant.asr.lexicon import phone_table, pronunciations

Matrix = npt.NDArray[np.float32]
_ANYTHING = (-1,)  # of a word that cannot be spelt out
_COST_OF_ANYTHING = np.float32(1.0)  # nepers an output, or it would leave its neighbours nothing
_EDGE = 0.02  # shares nearer to 0 or 1 say no more than this


@dataclass(frozen=True, slots=True)
class Evidence:
    """``odds``: the recognizer's confidence as log odds; ``least``: log-probability of the word's
    least likely phone at its best output; ``doubt``: mean entropy, in nepers, of the outputs from
    its first phone to its last."""

    odds: float
    least: float
    doubt: float

    @property
    def values(self) -> tuple[float, ...]:
        return astuple(self)


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
    phones = [position for word in spelt for position in word]
    emissions = _emissions(phones, outputs)
    path = viterbi(emissions, [position[0] for position in phones])
    if path is None:
        return [None] * len(words)
    first, last, _ = path
    entropy = -(np.exp(outputs) * outputs).sum(axis=1)
    found: list[Evidence | None] = []
    at = 0
    for word, share in zip(spelt, shares, strict=True):
        places = range(at, at + len(word))
        at = places.stop
        if word[0] is _ANYTHING:
            found.append(None)
            continue
        best = (float(emissions[first[n] : last[n] + 1, n + 1].max()) for n in places)
        along = entropy[first[places[0]] : last[places[-1]] + 1]
        found.append(Evidence(log_odds(share), min(best), float(along.mean())))
    return found


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
