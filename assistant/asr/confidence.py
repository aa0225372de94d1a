"""What a recognizer's confidences are worth: each mapped to the share of such words that are right.

Vosk's own are posteriors over the few readings that its search kept, and promise too much of
words that were never in question. So the network's own outputs along a word are weighed with them
(``evidence.py``). Weights and map stand in the model's card; ``assistant asr calibrate`` measures
them.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.asr.evidence import Evidence

Points = tuple[tuple[float, float], ...]
"""(raw confidence, share right), both rising."""
_WEIGHTS = len(Evidence(0.0, 0.0, 0.0).values) + 1


@dataclass(frozen=True, slots=True)
class Mapped:
    """``weights``: of each value of ``Evidence`` and one more, whose sum is the log odds of a
    confidence better than the recognizer's own; empty: its own. ``points``: what either is worth.
    """

    weights: tuple[float, ...] = ()
    points: Points = ()

    def of(self, raw: float, evidence: Evidence | None) -> float:
        """0..1, straight lines between the points."""
        if self.weights:
            raw = _from_evidence(self.weights, evidence) if evidence else self.points[0][0]
        points = self.points
        if not points:
            return raw
        place = bisect_right(points, raw, key=lambda point: point[0])
        if place == 0:
            return points[0][1]
        if place == len(points):
            return points[-1][1]
        (x0, y0), (x1, y1) = points[place - 1], points[place]
        return y0 + (y1 - y0) * (raw - x0) / (x1 - x0)


def _from_evidence(weights: Sequence[float], evidence: Evidence) -> float:
    """0..1."""
    values = (*evidence.values, 1.0)
    odds = sum(weight * value for weight, value in zip(weights, values, strict=True))
    return 0.5 + 0.5 * math.tanh(odds / 2)  # the logistic function, whatever the odds


@dataclass(frozen=True, slots=True)
class Confidences:
    """``words``: the map of some words; ``others``: of all the rest."""

    words: Mapping[str, Mapped]
    others: Mapped = Mapped()

    @property
    def weigh(self) -> bool:
        """Whether evidence is asked for at all."""
        return any(one.weights for one in (*self.words.values(), self.others))

    def asks_for(self, word: str) -> bool:
        """Whether evidence makes a difference to this word."""
        return bool(self.words.get(word, self.others).weights)

    def of(self, word: str, raw: float, evidence: Evidence | None = None) -> float:
        """0..1."""
        return self.words.get(word, self.others).of(raw, evidence)


RAW = Confidences({})


def from_card(value: object) -> Confidences:
    """Of a card's ``confidence``: [{"words": […], "weights": […], "points": [[raw, right], …]},
    …]; a group without words is for all the rest. Raises ValueError."""
    if value is None:
        return RAW
    if not isinstance(value, list):
        raise ValueError("confidence must be a list of groups")
    named: dict[str, Mapped] = {}
    others = Mapped()
    for group in value:
        mapped = Mapped(_weights(group.get("weights", ())), _points(group["points"]))
        if group.get("words"):
            named |= dict.fromkeys(map(str, group["words"]), mapped)
        else:
            others = mapped
    return Confidences(named, others)


def _weights(value: Sequence[float]) -> tuple[float, ...]:
    weights = tuple(map(float, value))
    if weights and (len(weights) != _WEIGHTS or not all(map(math.isfinite, weights))):
        raise ValueError(f"{_WEIGHTS} weights are needed")
    return weights


def _points(value: Sequence[Sequence[float]]) -> Points:
    points = tuple((float(raw), float(right)) for raw, right in value)
    rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(points))
    if not points or not rising or not all(0 <= x <= 1 for point in points for x in point):
        raise ValueError("points must rise and lie between 0 and 1")
    return points
