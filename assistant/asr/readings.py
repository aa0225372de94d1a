"""Which of the likeliest readings of an utterance (its n-best list) was meant, and how sure each
of its words is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.nlu.types import JOINT, Prior

Entry = Mapping[str, Any]
"""A word as Vosk gives it: ``word``, ``start`` and ``end`` (s)."""


def weighed(alternatives: Sequence[Mapping[str, Any]], prior: Prior) -> list[dict[str, Any]]:
    """The words of the reading that sounds and is likeliest, each with ``conf``: the share of all
    readings, by likelihood, that have this word there.

    ``alternatives``: Vosk's, the best-sounding first; their ``confidence`` is a log-likelihood in
    nepers.
    """
    readings: list[Sequence[Entry]] = [found.get("result", ()) for found in alternatives]
    scores = [
        float(found["confidence"]) + prior(spoken(reading))
        for found, reading in zip(alternatives, readings, strict=True)
    ]
    if not scores:
        return []
    top = max(scores)
    shares = [math.exp(score - top) for score in scores]
    total = sum(shares)
    best = readings[scores.index(top)]
    support = [0.0] * len(best)
    for reading, share in zip(readings, shares, strict=True):
        for place, _ in _shared(best, reading):
            support[place] += share / total
    return [{**entry, "conf": sure} for entry, sure in zip(best, support, strict=True)]


def instead(words: Sequence[Entry], sure: float, before: Sequence[Entry]) -> list[dict[str, Any]]:
    """``words`` with ``conf``, for a reading that takes the place of the one ``before``. ``sure``:
    0..1, that it is the better one; a word that stood there before is as sure as it was, else."""
    support = [0.0] * len(words)
    for place, other in _shared(words, before):
        support[place] = float(before[other]["conf"])
    return [
        {**entry, "conf": sure + (1 - sure) * old}
        for entry, old in zip(words, support, strict=True)
    ]


def spoken(reading: Sequence[Entry]) -> list[str]:
    """The words, joined ones apart."""
    return [part for entry in reading for part in str(entry["word"]).split(JOINT)]


def _shared(best: Sequence[Entry], other: Sequence[Entry]) -> list[tuple[int, int]]:
    """Places of ``best`` whose word ``other`` has at the same time, and its place there; each of
    its words but once, for "một" is no support of both in "một một"."""
    found: list[tuple[int, int]] = []
    begin = 0
    for place, entry in enumerate(best):
        for candidate in range(begin, len(other)):
            theirs = other[candidate]
            if theirs["start"] >= entry["end"]:
                break
            if theirs["word"] == entry["word"] and theirs["end"] > entry["start"]:
                found.append((place, candidate))
                begin = candidate + 1
                break
    return found
