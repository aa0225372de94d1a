"""Scores with their uncertainty. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``total``; the interval is Wilson's, 95 %."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        if not self.total:
            return 0.0, 1.0
        z, n, p = 1.959964, self.total, self.hits / self.total
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

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
    None stands for nothing."""

    pairs: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)

    def add(self, expected: Sequence[str], heard: Sequence[str]) -> None:
        self.pairs.update(align(expected, heard))

    @property
    def errors(self) -> int:
        return sum(n for (a, b), n in self.pairs.items() if a != b)

    @property
    def length(self) -> int:
        return sum(n for (a, _), n in self.pairs.items() if a is not None)

    @property
    def error_rate(self) -> float | None:
        return self.errors / self.length if self.length else None


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
