"""Where each phone of an utterance is, by forced alignment with what a network said of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Path = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], float]
"""First and last output of every phone, and the mean log-probability of an output."""


def costs_of_skip(phones: Sequence[int]) -> npt.NDArray[np.float64]:
    """Of each state of a CTC path (blanks and phones in turn), what it costs to come there past the
    blank before it: nothing between unlike phones, else it cannot be."""
    costs = np.full(2 * len(phones) + 1, -np.inf)
    other = [a != b for a, b in zip(phones[1:], phones[:-1], strict=True)]
    costs[3::2] = np.where(other, 0.0, -np.inf)
    return costs


def viterbi(emissions: npt.NDArray[np.float32], phones: Sequence[int]) -> Path | None:
    """The best CTC path through ``phones``, or None when the utterance is too short for them.

    ``emissions``: (outputs, 1 + phones) log-probabilities, of the blank and of each phone in
    turn; ``phones`` only says which neighbours are the same, so that a blank must part them.
    """
    outputs, count = len(emissions), 2 * len(phones) + 1
    if not outputs:
        return None
    emit = np.repeat(emissions[:, :1], count, axis=1)
    emit[:, 1::2] = emissions[:, 1:]
    cost_of_skip = costs_of_skip(phones)
    score = np.full(count + 2, -np.inf)  # two in front, so that shifted views need no copies
    score[2:4] = emit[0, :2]
    back = np.zeros((outputs, count), np.int8)
    options = np.empty((3, count))
    for t in range(1, outputs):
        options[0], options[1] = score[2:], score[1:-1]
        np.add(score[:-2], cost_of_skip, out=options[2])
        back[t] = options.argmax(axis=0)
        score[2:] = options.max(axis=0) + emit[t]
    state = count - 1 if score[-1] >= score[-2] else count - 2
    if not np.isfinite(score[state + 2]):
        return None
    first = np.full(len(phones), outputs)
    last = np.full(len(phones), -1)
    total = float(score[state + 2])
    for t in range(outputs - 1, -1, -1):
        if state % 2:
            first[state // 2] = t
            last[state // 2] = max(last[state // 2], t)
        state -= int(back[t, state])
    return (first, last, total / outputs) if (last >= 0).all() else None
