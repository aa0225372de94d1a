"""Does a confidence of 0.8 mean right in four words of five? Pure.

The expected calibration error (Naeini and others, AAAI 2015) is the mean distance between what
the words of a bin promise and what they keep, weighted by how many words the bin holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.batch.scoring import Rate

BINS = 10
_RESAMPLES = 1_000
_SEED = 8079
FOLDS = 5
_LEAST = 50  # words behind every point of a map
_PENALTY, _ROUNDS, _TINY = 1e-3, 30, 1e-9

Array = npt.NDArray[np.float64]
Judged = tuple[float, bool]  # a word's confidence 0..1, and whether it was right


@dataclass(frozen=True, slots=True)
class Bin:
    """Words with a confidence in [low, high), the last bin's end included."""

    low: float
    high: float
    promised: float  # mean confidence
    kept: Rate

    def as_dict(self) -> dict[str, object]:
        return {
            "low": self.low,
            "high": self.high,
            "promised": round(self.promised, 4),
            "kept": self.kept.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Calibration:
    """``error``: expected calibration error 0..1, None without words; ``fitted_error``: what is
    left when confidences are mapped as ``fitted_points`` would, fitted on other words
    (cross-validated); None with too few."""

    words: int
    bins: tuple[Bin, ...]
    error: float | None
    interval: tuple[float, float]
    fitted_error: float | None

    def as_dict(self) -> dict[str, object]:
        return {
            "words": self.words,
            "error": None if self.error is None else round(self.error, 4),
            "low": round(self.interval[0], 4),
            "high": round(self.interval[1], 4),
            "fitted_error": None if self.fitted_error is None else round(self.fitted_error, 4),
            "bins": [b.as_dict() for b in self.bins],
        }


def calibration(judged: Sequence[Judged]) -> Calibration:
    """Bins, expected calibration error and its 95 % interval (bootstrap over words)."""
    if not judged:
        return Calibration(0, (), None, (0.0, 1.0), None)
    confidence, right = _columns(judged)
    mapped = cross_validated(judged)
    return Calibration(
        words=len(judged),
        bins=tuple(_bins(confidence, right)),
        error=_error(confidence, right),
        interval=_interval(confidence, right),
        fitted_error=None if mapped is None else _error(*_columns(mapped)),
    )


def _interval(confidence: Array, right: Array) -> tuple[float, float]:
    """95 %, by drawing the words anew. Chance makes every draw's error larger than that of what it
    was drawn from, by as much as these words' is than the truth: taken off."""
    rng = np.random.default_rng(_SEED)
    drawn = (rng.integers(len(right), size=len(right)) for _ in range(_RESAMPLES))
    errors = np.asarray([_error(confidence[picked], right[picked]) for picked in drawn])
    excess = errors.mean() - _error(confidence, right)
    low, high = np.clip(np.quantile(errors, (0.025, 0.975)) - excess, 0.0, 1.0)
    return float(low), float(high)


def _columns(judged: Sequence[Judged]) -> tuple[Array, Array]:
    confidence = np.asarray([c for c, _ in judged], np.float64)
    return np.clip(confidence, 0, 1), np.asarray([r for _, r in judged], np.float64)


def _places(confidence: Array) -> npt.NDArray[np.int64]:
    return np.minimum((confidence * BINS).astype(np.int64), np.int64(BINS - 1))


def _error(confidence: Array, right: Array) -> float:
    gaps = np.bincount(_places(confidence), confidence - right, BINS)
    return float(np.abs(gaps).sum() / len(right))


def _bins(confidence: Array, right: Array) -> list[Bin]:
    places, found = _places(confidence), []
    for index in range(BINS):
        inside = places == index
        if inside.any():
            kept = Rate(int(right[inside].sum()), int(inside.sum()))
            promised = float(confidence[inside].mean())
            found.append(Bin(index / BINS, (index + 1) / BINS, promised, kept))
    return found


def cross_validated(judged: Sequence[Judged]) -> list[Judged] | None:
    """The words with confidences mapped as ``fitted_points`` would, each fifth of them by what the
    others taught; None with too few."""
    confidence, right = _columns(judged)
    if len(right) * (FOLDS - 1) < _LEAST * FOLDS:
        return None
    fold = folds(len(right))
    mapped = np.zeros_like(confidence)
    for number in range(FOLDS):
        steps, levels = _map(confidence[fold != number], right[fold != number], _LEAST)
        mapped[fold == number] = np.interp(confidence[fold == number], steps, levels)
    return list(zip(mapped.tolist(), (right > 0).tolist(), strict=True))


def folds(many: int) -> npt.NDArray[np.int64]:
    """A fold of each of so many, by lot, always the same."""
    return np.random.default_rng(_SEED).permutation(many) % FOLDS


def squared_error(judged: Sequence[Judged]) -> float:
    """Mean squared error of the confidences (Brier, 1950): small where they are true and tell
    right words from wrong ones; 0 without words."""
    confidence, right = _columns(judged)
    return float(np.square(confidence - right).mean()) if len(right) else 0.0


def fitted_points(judged: Sequence[Judged], least: int = _LEAST) -> list[list[float]]:
    """[raw confidence, share right] points for a model's card, each of ``least`` words or more;
    empty with fewer words. Counted as if one word more had been right and one wrong."""
    if len(judged) < least:
        return []
    confidence, right = _columns(judged)
    steps, levels = _map(confidence, right, least)
    rounded = zip(steps.round(4).tolist(), levels.round(4).tolist(), strict=True)
    return [[raw, share] for raw, share in dict(rounded).items()]  # the card's must rise


def fitted_weights(values: Array, right: Array, worth: Array | None = None) -> list[float]:
    """Weights of each column, and one more, whose sum is the log odds of being right: logistic
    regression by Newton's method, its penalty that of one word in a thousand.

    ``values``: (words, columns); ``right``: 0 or 1 of each; ``worth``: how many words each stands
    for, itself alone unless told.
    """
    each = np.ones(len(values)) if worth is None else worth
    mean, spread = values.mean(axis=0), values.std(axis=0) + _TINY
    table = np.column_stack([(values - mean) / spread, np.ones(len(values))])
    penalty = np.diag([_PENALTY * len(values)] * values.shape[1] + [0.0])
    weights = np.zeros(table.shape[1])
    for _ in range(_ROUNDS):
        share = 1 / (1 + np.exp(-table @ weights))
        slope = table.T @ (each * (right - share)) - penalty @ weights
        curve = (table * (each * share * (1 - share) + _TINY)[:, None]).T @ table + penalty
        weights += np.linalg.solve(curve, slope)
    scaled = weights[:-1] / spread
    return [*scaled.tolist(), float(weights[-1] - scaled @ mean)]


def _map(confidence: Array, right: Array, least: int) -> tuple[Array, Array]:
    """Rising points; between them straight lines, as ``asr/confidence.py`` draws them."""
    order = np.argsort(confidence, kind="stable")
    confidence, right = confidence[order], right[order]
    _, first = np.unique(confidence, return_index=True)
    starts = [0]
    for start in first.tolist():
        if start - starts[-1] >= least and len(confidence) - start >= least:
            starts.append(start)
    counts = np.diff([*starts, len(confidence)])
    means = np.add.reduceat(confidence, starts) / counts
    shares = (np.add.reduceat(right, starts) + 1) / (counts + 2)
    return isotonic(np.repeat(means, counts), np.repeat(shares, counts))


def isotonic(confidence: Array, right: Array) -> tuple[Array, Array]:
    """Increasing (confidence, share right) points nearest to the words, by pooling neighbours
    that fall."""
    levels, place, count = np.unique(confidence, return_inverse=True, return_counts=True)
    hits = np.bincount(place, right)
    pools: list[list[float]] = []  # sum of confidences, sum of right, count
    for level, hit, many in zip(levels, hits, count, strict=True):
        pools.append([float(level * many), float(hit), float(many)])
        while len(pools) > 1 and pools[-2][1] * pools[-1][2] >= pools[-1][1] * pools[-2][2]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    table = np.asarray(pools)
    return table[:, 0] / table[:, 2], table[:, 1] / table[:, 2]
