"""What a recognizer's confidences are worth: each mapped to the share of such words that are right.

Vosk's own are posteriors over the few readings that its search kept, and promise too much of
words that were never in question. The map stands in the model's card; ``assistant asr calibrate``
measures it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Points = tuple[tuple[float, float], ...]
"""(raw confidence, share right), both rising."""


@dataclass(frozen=True, slots=True)
class Confidences:
    """``words``: the map of some words; ``others``: of all the rest. No points: as they are."""

    words: Mapping[str, Points]
    others: Points = ()

    def of(self, word: str, raw: float) -> float:
        """0..1, straight lines between the points."""
        points = self.words.get(word, self.others)
        if not points:
            return raw
        place = bisect_right(points, raw, key=lambda point: point[0])
        if place == 0:
            return points[0][1]
        if place == len(points):
            return points[-1][1]
        (x0, y0), (x1, y1) = points[place - 1], points[place]
        return y0 + (y1 - y0) * (raw - x0) / (x1 - x0)


RAW = Confidences({})


def from_card(value: object) -> Confidences:
    """Of a card's ``confidence``: [{"words": […], "points": [[raw, right], …]}, …]; a group
    without words is for all the rest. Raises ValueError."""
    if value is None:
        return RAW
    if not isinstance(value, list):
        raise ValueError("confidence must be a list of groups")
    named: dict[str, Points] = {}
    others: Points = ()
    for group in value:
        points = _points(group["points"])
        if group.get("words"):
            named |= dict.fromkeys(map(str, group["words"]), points)
        else:
            others = points
    return Confidences(named, others)


def _points(value: Sequence[Sequence[float]]) -> Points:
    points = tuple((float(raw), float(right)) for raw, right in value)
    rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(points))
    if not points or not rising or not all(0 <= x <= 1 for point in points for x in point):
        raise ValueError("points must rise and lie between 0 and 1")
    return points
