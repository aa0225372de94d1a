"""Confidences against what they kept: known errors, known curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.batch.calibration import calibration, isotonic

WORDS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)

# (confidence, right, wrong) of groups of words, expected calibration error
KNOWN = [
    ([(1.0, 10, 0)], 0.0),
    ([(1.0, 0, 10)], 1.0),
    ([(0.75, 3, 1)], 0.0),
    ([(0.95, 8, 2)], 0.15),
    ([(0.95, 8, 2), (0.25, 1, 3)], 0.15 * 10 / 14),
    ([(0.0, 0, 4), (1.0, 4, 0)], 0.0),
    ([(0.55, 0, 1), (0.55, 1, 0)], 0.05),
]


@pytest.mark.parametrize(("groups", "error"), KNOWN)
def test_the_error_of_known_words(groups: list[tuple[float, int, int]], error: float) -> None:
    judged = [(c, ok) for c, right, wrong in groups for ok in [True] * right + [False] * wrong]
    assert calibration(judged).error == pytest.approx(error)


@settings(max_examples=30)  # each resamples its words a thousand times
@given(WORDS)
def test_bins_hold_every_word_once_and_the_error_is_between_0_and_1(
    judged: list[tuple[float, bool]],
) -> None:
    found = calibration(judged)
    assert sum(b.kept.total for b in found.bins) == found.words == len(judged)
    assert sum(b.kept.hits for b in found.bins) == sum(ok for _, ok in judged)
    assert all(b.low - 1e-9 <= b.promised <= b.high + 1e-9 for b in found.bins)
    assert found.error is not None
    assert 0 <= found.error <= 1
    assert 0 <= found.interval[0] <= found.interval[1] <= 1


def test_no_words_no_error() -> None:
    found = calibration([])
    assert (found.words, found.error, found.bins) == (0, None, ())


def test_the_interval_shrinks_with_more_words() -> None:
    rng = np.random.default_rng(0)

    def width(count: int) -> float:
        confidence = rng.uniform(0, 1, count)
        low, high = calibration(
            list(zip(confidence.tolist(), (rng.random(count) < confidence).tolist(), strict=True))
        ).interval
        return high - low

    assert width(4_000) < width(100) / 2


def test_overconfident_words_can_be_fitted() -> None:
    """Words that promise 0.9 and keep half of it are put right by the fit."""
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.2, 1, 2_000)
    right = rng.random(2_000) < confidence / 2
    found = calibration(list(zip(confidence.tolist(), right.tolist(), strict=True)))
    assert found.error is not None
    assert found.fitted_error is not None
    assert found.error > 0.25
    assert found.fitted_error < 0.06


@pytest.mark.parametrize(("count", "known"), [(62, False), (63, True)])
def test_a_fit_needs_the_words_that_a_map_needs(count: int, known: bool) -> None:
    """Four fifths of 63 words are 50, the fewest that ``fitted_points`` makes a map of."""
    found = calibration([(i / count, i % 2 == 0) for i in range(count)])
    assert (found.fitted_error is not None) == known


@given(WORDS)
def test_isotonic_regression_never_falls(judged: list[tuple[float, bool]]) -> None:
    confidence, right = (np.array(column, np.float64) for column in zip(*judged, strict=True))
    at, share = isotonic(confidence, right)
    assert (np.diff(at) >= -1e-12).all()
    assert (np.diff(share) >= -1e-12).all()
    assert share.min() >= 0
    assert share.max() <= 1
