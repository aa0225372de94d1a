from hypothesis import given
from hypothesis import strategies as st

from assistant.batch.scoring import Alignment, Rate, align

TEXT = st.text(alphabet="0123", max_size=8)


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
