"""The YAML tables of what callers say and what it must mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.nlu import HeardWord, interpret, interpret_text
from assistant.nlu.evaluate import as_plain, case_of, evaluate
from assistant.nlu.types import Expect, Rejection
from assistant.settings import Understanding

DATA = Path(__file__).parent.parent / "data"
NO_LIMITS = Understanding(
    digit_confidence=0,
    few_digits_confidence=0,
    phrase_confidence=0,
    yes_confidence=0,
    weak_yes_confidence=0,
)
GOOD = ["nlu_digits", "nlu_corrections", "nlu_answers", "nlu_intents"]


def rows(name: str) -> list[dict[str, Any]]:
    raw = yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))
    return [{"expect": "code", **row} for row in raw["cases"]]


@pytest.mark.parametrize("row", [r for n in GOOD for r in rows(n)], ids=lambda r: r["text"])
def test_means_what_the_table_says(row: dict[str, Any]) -> None:
    case = case_of(row)
    assert case.wanted, "a case must judge something"
    result = evaluate([case])
    assert result.right == 1, result.misses[0].got


@pytest.mark.parametrize("row", rows("nlu_hard_negatives"), ids=lambda r: r["text"])
def test_never_means_what_it_looks_like(row: dict[str, Any]) -> None:
    got = as_plain(interpret_text(row["text"], Expect(row["expect"])))
    if "never" not in row:
        assert got["rejection"] is not None, got
        assert all(got[n] is None for n in ("intent", "yes_no", "digits", "correction")), got
    for name, value in row.get("never", {}).items():
        assert got[name] != value, got


@pytest.mark.parametrize("row", rows("nlu_known_failures"), ids=lambda r: r["text"])
def test_known_failures_still_fail(row: dict[str, Any]) -> None:
    result = evaluate([case_of(row)])
    assert result.right == 0, "it works now: move the case to the table where it belongs"


def test_no_word_at_all_is_empty() -> None:
    assert interpret([], Expect.CODE).rejection is Rejection.EMPTY


def test_digits_carry_their_lowest_confidence() -> None:
    heard = [HeardWord("mã", 0.2), HeardWord("một", 0.9), HeardWord("hai", 0.6)]
    span = interpret(heard, Expect.CODE).digits
    assert span is not None
    assert span.confidence == 0.6


@pytest.mark.parametrize("row", rows("nlu_yes_confidence"), ids=lambda r: r["text"])
def test_a_yes_to_a_code_must_be_heard_well(row: dict[str, Any]) -> None:
    given = (word.partition("/") for word in row["text"].split())
    words = [HeardWord(word, float(sure)) for word, _, sure in given]
    got = interpret(words, Expect(row["expect"]), 10)
    assert got.yes_no == row.get("yes_no")
    assert got.rejection == row.get("rejection")
    assert (got.digits.digits if got.digits else None) == row.get("digits")


@pytest.mark.parametrize("row", rows("nlu_confidence"), ids=lambda r: r["text"])
def test_which_digits_were_not_heard_well(row: dict[str, Any]) -> None:
    words = [HeardWord(w.rstrip("?"), 0.1 if w.endswith("?") else 0.9) for w in row["text"].split()]
    so_far, wants = row.get("digits_so_far", 0), row.get("wants")
    got = interpret(words, Expect(row["expect"]), so_far, wants=wants)
    assert got.rejection == row.get("rejection")
    if "digits" not in row:
        assert got.digits is None
        return
    assert got.digits is not None
    assert got.digits.digits == row["digits"]
    assert list(got.digits.unsure) == row["unsure"]
    assert len(got.digits.confidences) == len(row["digits"])
    low = [i for i, c in enumerate(got.digits.confidences) if c == 0.1]
    assert low == row["unsure"]


def test_what_a_digit_may_be_instead_goes_with_it() -> None:
    """Through repairs, cards and numbers said together, of digits that one word said."""
    rivals = {
        word: tuple(0.1 * (n == place) for n in range(10))
        for place, word in enumerate("bảy chín ba một hai năm tám bốn sáu".split())
    }

    def heard(text: str) -> list[HeardWord]:
        return [HeardWord(word, 0.9, rivals.get(word, ())) for word in text.split()]

    text = "dê nờ bốn bảy chín bảy chín ba một không hai năm tám bốn chín à nhầm bốn sáu"
    span = interpret(heard(text), Expect.CODE).digits
    assert span is not None
    assert span.digits == "7931025846"
    said = "bảy chín ba một không hai năm tám bốn sáu".split()
    assert span.rivals == tuple(rivals.get(word, ()) for word in said)
    span = interpret(heard("bảy mươi chín ba một không hai"), Expect.CODE).digits
    assert span is not None
    assert span.digits == "7931" + "02"
    assert span.rivals[:2] == ((), ())
    assert span.rivals[2:4] == (rivals["ba"], rivals["một"])


def test_noise_between_digits_counts_and_around_them_does_not() -> None:
    inside = [HeardWord("một", 0.9), HeardWord("[unk]", 0.4), HeardWord("hai", 0.8)]
    around = [HeardWord("[unk]", 0.4), HeardWord("một", 0.9), HeardWord("hai", 0.8)]
    assert interpret(inside, Expect.CODE).digits.confidence == 0.4  # type: ignore[union-attr]
    assert interpret(around, Expect.CODE).digits.confidence == 0.8  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "expect"), [("một hai ba", Expect.CODE), ("đúng rồi", Expect.CONFIRM)]
)
def test_what_was_hardly_heard_is_no_meaning(text: str, expect: Expect) -> None:
    heard = [HeardWord(w, 0.1) for w in text.split()]
    got = interpret(heard, expect)
    assert got.rejection is Rejection.LOW_CONFIDENCE
    assert (got.digits, got.yes_no) == (None, None)
    sure = interpret(heard, expect, limits=NO_LIMITS)
    assert sure.rejection is None


@pytest.mark.parametrize(
    ("text", "so_far", "unsure"),
    [
        ("một hai", 0, ()),  # too few to ask for one of them again
        ("một hai", 8, (1,)),  # they complete a code
        ("một hai ba bốn năm sáu bảy", 0, (1,)),
    ],
)
def test_digits_in_doubt_are_asked_for_where_others_stand_beside_them(
    text: str, so_far: int, unsure: tuple[int, ...]
) -> None:
    limits = Understanding(digit_confidence=0.6, few_digits_confidence=0.3)
    heard = [HeardWord(word, 0.5 if word == "hai" else 0.9) for word in text.split()]
    got = interpret(heard, Expect.CODE, digits_so_far=so_far, limits=limits)
    assert got.digits is not None
    assert got.digits.unsure == unsure
    worse = [HeardWord(word.text, 0.2) for word in heard[:2]]
    assert interpret(worse, Expect.CODE, limits=limits).rejection is Rejection.LOW_CONFIDENCE


def test_unknown_confidence_is_not_low() -> None:
    assert interpret([HeardWord("đúng"), HeardWord("rồi")], Expect.CONFIRM).yes_no is True


def test_callers_words_stay_out_of_repr() -> None:
    got = interpret_text("không một hai ba bốn năm sáu bảy tám chín", Expect.CODE)
    assert "0123456789" not in repr(got)
    assert "không một" not in repr(got)
