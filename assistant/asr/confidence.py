"""What a recognizer's confidences are worth: each mapped to the share of such words that are right.

Vosk's own are posteriors over the few readings that its search kept, and promise too much of
words that were never in question. So the network's own outputs along a word are weighed with them
(``evidence.py``). Weights and map stand in the model's card; ``assistant asr calibrate`` measures
them. What an answer's fit is worth (``Fit``) stands there too.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.asr.evidence import Evidence, Fit

Points = tuple[tuple[float, float], ...]
"""(raw confidence, share right), both rising."""
_WEIGHTS = len(Evidence(0.0, 0.0, 0.0).values) + 1
_OF_FITS = len(Fit(0.0, 0.0, 0.0).values) + 1


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
            raw = share(self.weights, evidence.values) if evidence else self.points[0][0]
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


def share(weights: Sequence[float], values: Sequence[float]) -> float:
    """0..1: what ``fitted_weights`` makes of the values. The last weight is of no value."""
    weighed = (weight * value for weight, value in zip(weights, (*values, 1.0), strict=True))
    odds = sum(weighed)
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


@dataclass(frozen=True, slots=True)
class Answers:
    """How likely an answer is to be all that was said. ``weights``: of each value of a ``Fit`` and
    one more; by the first form of the answer."""

    weights: Mapping[str, tuple[float, ...]]

    def known(self, answers: Sequence[Sequence[str]]) -> bool:
        """Whether every one of the answers, each in its forms, can be weighed."""
        return bool(answers) and all(forms[0] in self.weights for forms in answers)

    def of(self, answers: Sequence[Sequence[str]], fits: Sequence[Fit]) -> tuple[float, ...]:
        """0..1 of each answer; () of answers that cannot be weighed."""
        if not fits or not self.known(answers):
            return ()
        pairs = zip(answers, fits, strict=True)
        return tuple(share(self.weights[forms[0]], fit.values) for forms, fit in pairs)


UNWEIGHED = Answers({})


def answers_from_card(value: object) -> Answers:
    """Of a card's ``answers``: {answer: weights}. Raises ValueError."""
    if value is None:
        return UNWEIGHED
    if not isinstance(value, dict):
        raise ValueError("answers must have names")
    return Answers({str(name): _weights(found, _OF_FITS) for name, found in value.items()})


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
        weights = group.get("weights", ())
        mapped = Mapped(_weights(weights, _WEIGHTS) if weights else (), _points(group["points"]))
        if group.get("words"):
            named |= dict.fromkeys(map(str, group["words"]), mapped)
        else:
            others = mapped
    return Confidences(named, others)


def _weights(value: Sequence[float], many: int) -> tuple[float, ...]:
    weights = tuple(map(float, value))
    if len(weights) == many - 1:  # measured before tones were read
        weights = (*weights[:-1], 0.0, weights[-1])
    if len(weights) != many or not all(map(math.isfinite, weights)):
        raise ValueError(f"{many} weights are needed")
    return weights


def _points(value: Sequence[Sequence[float]]) -> Points:
    points = tuple((float(raw), float(right)) for raw, right in value)
    rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(points))
    if not points or not rising or not all(0 <= x <= 1 for point in points for x in point):
        raise ValueError("points must rise and lie between 0 and 1")
    return points
