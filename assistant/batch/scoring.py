"""Scores with their uncertainty. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from assistant.nlu.evaluate import wilson

_RESAMPLES = 1_000
_SEED = 8079


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``total``; the interval is Wilson's, 95 %."""

    hits: int
    total: int

    @classmethod
    def of(cls, outcomes: Sequence[bool]) -> Rate:
        return cls(sum(outcomes), len(outcomes))

    @property
    def value(self) -> float | None:
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.hits, self.total)

    def as_dict(self) -> dict[str, object]:
        low, high = self.interval
        return {
            "hits": self.hits,
            "total": self.total,
            "value": self.value,
            "low": round(low, 4),
            "high": round(high, 4),
        }


@dataclass(slots=True)
class Alignment:
    """Edit counts of hypotheses against references; ``pairs`` counts (expected, heard), where
    None stands for nothing; ``clips`` holds (errors, length) of each."""

    pairs: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    clips: list[tuple[int, int]] = field(default_factory=list)

    def add(self, expected: Sequence[str], heard: Sequence[str]) -> None:
        found = align(expected, heard)
        self.pairs.update(found)
        self.clips.append((sum(a != b for a, b in found), len(expected)))

    @property
    def errors(self) -> int:
        return sum(n for (a, b), n in self.pairs.items() if a != b)

    @property
    def length(self) -> int:
        return sum(n for (a, _), n in self.pairs.items() if a is not None)

    @property
    def error_rate(self) -> float | None:
        return self.errors / self.length if self.length else None

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of the error rate by resampling whole clips: errors of one clip hang together."""
        return ratio_interval(self.clips)


def ratio_interval(
    clips: Sequence[tuple[float, float]], difference: bool = False
) -> tuple[float, float]:
    """95 % interval of Σ first / Σ second, by a bootstrap over the pairs with a fixed seed.
    ``difference``: the first may be negative, and none of it means "the same"."""
    if not clips:
        return 0.0, 1.0
    values = np.asarray(clips, np.float64)
    rng = np.random.default_rng(_SEED)
    sums = np.stack(
        [values[rng.integers(len(values), size=len(values))].sum(axis=0) for _ in range(_RESAMPLES)]
    )
    ratios = sums[:, 0] / np.maximum(sums[:, 1], 1e-9)
    low, high = np.quantile(ratios, (0.025, 0.975))
    if (
        not difference and not values[:, 0].any()
    ):  # no error seen: the rule of three, not "surely none"
        high = min(1.0, 3.0 / max(float(values[:, 1].sum()), 1.0))
    return float(low), float(high)


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact probability that two recognizers differ this much by chance, from the
    clips that only one of them has right (McNemar's test, binomial form)."""
    count, least = only_a + only_b, min(only_a, only_b)
    if not count:
        return 1.0
    below: float = sum(math.comb(count, k) for k in range(least + 1)) / 2**count
    return min(1.0, 2.0 * below)


def align(expected: Sequence[str], heard: Sequence[str]) -> list[tuple[str | None, str | None]]:
    """Cheapest alignment (substitution, insertion, deletion cost 1), as pairs in order."""
    rows, columns = len(expected) + 1, len(heard) + 1
    cost = [[i + j if not i or not j else 0 for j in range(columns)] for i in range(rows)]
    for i in range(1, rows):
        for j in range(1, columns):
            cost[i][j] = min(
                cost[i - 1][j - 1] + (expected[i - 1] != heard[j - 1]),
                cost[i - 1][j] + 1,
                cost[i][j - 1] + 1,
            )
    pairs: list[tuple[str | None, str | None]] = []
    i, j = rows - 1, columns - 1
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + (expected[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((expected[i], heard[j]))
        elif i and cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
            pairs.append((expected[i], None))
        else:
            j -= 1
            pairs.append((None, heard[j]))
    return pairs[::-1]
