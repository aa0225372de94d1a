"""Rates, alignments and tests of difference: known values and what must always hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.batch.scoring import Alignment, Rate, align, mcnemar, ratio_interval

TEXT = st.text(alphabet="0123", max_size=8)

# expected, heard, errors
ALIGNED = [
    ("", "", 0),
    ("0123", "0123", 0),
    ("0123", "0183", 1),
    ("0123", "013", 1),
    ("0123", "01233", 1),
    ("0123", "", 4),
    ("", "99", 2),
    ("7931025846", "7931258460", 2),
]


@given(TEXT, TEXT)
def test_an_alignment_spells_out_both_sides(expected: str, heard: str) -> None:
    pairs = align(expected, heard)
    assert "".join(a for a, _ in pairs if a) == expected
    assert "".join(b for _, b in pairs if b) == heard


@given(TEXT, TEXT)
def test_no_alignment_is_cheaper_than_the_length_difference(expected: str, heard: str) -> None:
    cost = sum(a != b for a, b in align(expected, heard))
    assert abs(len(expected) - len(heard)) <= cost <= max(len(expected), len(heard))
    assert (cost == 0) == (expected == heard)


@pytest.mark.parametrize(("expected", "heard", "errors"), ALIGNED)
def test_errors_of_known_pairs(expected: str, heard: str, errors: int) -> None:
    alignment = Alignment()
    alignment.add(expected, heard)
    assert (alignment.errors, alignment.length) == (errors, len(expected))
    assert alignment.clips == [(errors, len(expected))]


def test_errors_are_counted_per_expected_digit() -> None:
    alignment = Alignment()
    alignment.add("0123", "0183")
    alignment.add("99", "999")
    assert (alignment.errors, alignment.length) == (2, 6)
    assert alignment.pairs["2", "8"] == 1
    assert alignment.pairs[None, "9"] == 1


def test_wilson_interval_of_known_values() -> None:
    low, high = Rate(8, 10).interval
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert round(Rate(50, 50).interval[1], 9) == 1.0


@given(st.integers(0, 200), st.integers(1, 200))
def test_the_interval_holds_the_value(hits: int, extra: int) -> None:
    rate = Rate(hits, hits + extra)
    low, high = rate.interval
    assert low <= hits / (hits + extra) <= high


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(3, 10)), min_size=1, max_size=30))
def test_the_interval_of_an_error_rate_holds_it_and_is_the_same_every_time(
    clips: list[tuple[int, int]],
) -> None:
    low, high = ratio_interval(clips)
    assert low <= sum(e for e, _ in clips) / sum(n for _, n in clips) <= high
    assert ratio_interval(clips) == (low, high)


def test_no_error_seen_is_not_surely_none() -> None:
    """The rule of three: none in 300 digits, at most 1 % with 95 % confidence."""
    assert ratio_interval([(0, 10)] * 30) == (0.0, pytest.approx(0.01))
    assert ratio_interval([(0, 10)] * 30, difference=True) == (0.0, 0.0)
    assert ratio_interval([]) == (0.0, 1.0)


def test_errors_that_come_in_one_clip_are_less_sure_than_errors_spread_out() -> None:
    together = ratio_interval([(10, 10)] + [(0, 10)] * 9)
    apart = ratio_interval([(1, 10)] * 10)
    assert together[1] - together[0] > apart[1] - apart[0]


# only A right, only B right, exact two-sided p
@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (0, 0, 1.0), (1, 0, 1.0), (5, 5, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (0, 6, 0.03125),
        (9, 1, 22 / 1024), (1, 9, 22 / 1024),
    ],
)  # fmt: skip
def test_mcnemar_of_known_counts(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(p)
