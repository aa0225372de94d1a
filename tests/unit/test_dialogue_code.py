"""The code as a growing run of digits, by the cases of tests/data/dialogue_code.yaml."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from assistant.dialogue.code import (
    Progress,
    code_progress,
    edit_keys,
    groups,
    place,
    replace_digits,
    whole_code,
)
from assistant.dialogue.types import Ask, Reply
from assistant.nlu.types import DigitSpan, Expect

CASES = yaml.safe_load(
    (Path(__file__).parent.parent / "data" / "dialogue_code.yaml").read_text("utf-8")
)
DRAW = random.Random(20)
DIGITS = st.text("0123456789", max_size=17)
ACCEPTED = st.sampled_from(["both", "bhxh", "cccd"])


def drawn(template: str) -> str:
    return "".join(DRAW.choice("123456789") if c == "d" else c for c in template)


def asked(case: dict[str, Any]) -> Ask:
    return Ask(
        Reply(()),
        Expect(case["expect"]),
        collected=drawn(case.get("collected", "")),
        wants=case.get("wants"),
        card=case.get("card", False),
        instant_keys=case.get("instant", "#"),
    )


@pytest.mark.parametrize("case", CASES["progress"], ids=str)
@pytest.mark.parametrize("accepted", ["both", "bhxh", "cccd"])
def test_progress(case: dict[str, Any], accepted: Any) -> None:
    got = code_progress(drawn(case["digits"]), accepted, case.get("card", False))
    assert got == case[accepted]


@pytest.mark.parametrize(("n", "sizes"), CASES["groups"].items())
def test_groups(n: int, sizes: list[int]) -> None:
    assert groups(n) == tuple(sizes)


@given(st.integers(0, 40))
def test_groups_cover_every_digit_once(n: int) -> None:
    assert sum(groups(n)) == n
    assert all(1 <= size <= 4 for size in groups(n))


@pytest.mark.parametrize("case", CASES["keys"], ids=str)
def test_keys(case: dict[str, Any]) -> None:
    edit = edit_keys(case["digits"], case["keys"])
    assert edit.digits == case["gives"]
    assert edit.ended == case.get("ended", False)
    assert edit.deleted == case.get("deleted", False)


@pytest.mark.parametrize("case", CASES["place"], ids=str)
def test_place(case: dict[str, Any]) -> None:
    assert place(case["position"], case["count"], case["length"]) == case["start"]


@pytest.mark.parametrize("case", CASES["asks"], ids=str)
def test_ask_knows_how_complete_the_answer_is(case: dict[str, Any]) -> None:
    heard = DigitSpan(drawn(case["heard"]), whole_card=case.get("whole_card", False))
    assert asked(case).progress(heard, "both") == case["progress"]


@pytest.mark.parametrize("case", CASES["key_turns"], ids=str)
def test_ask_knows_when_keys_are_enough(case: dict[str, Any]) -> None:
    assert asked(case).keys_enough(drawn(case["keys"]), "both") is case["enough"]


@given(DIGITS, ACCEPTED, st.booleans())
def test_a_whole_code_has_an_accepted_length(digits: str, accepted: Any, card: bool) -> None:
    if code_progress(digits, accepted, card) in (Progress.COMPLETE, Progress.MAYBE_COMPLETE):
        code = whole_code(digits)
        assert digits.endswith(code)
        assert len(code) in {"both": (10, 12), "bhxh": (10,), "cccd": (12,)}[accepted]


@given(DIGITS, ACCEPTED)
def test_what_cannot_be_completed_is_overfull_and_stays_so(digits: str, accepted: Any) -> None:
    """Only the tail of a card may follow an overfull run; nothing follows sixteen digits."""
    if code_progress(digits, accepted) is Progress.OVERFULL and len(digits) > 12:
        assert code_progress(digits + "0", accepted) is Progress.OVERFULL


@given(st.text("0123456789", min_size=1, max_size=12), st.data())
def test_a_correction_changes_only_its_place(code: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(code) - 1))
    digits = data.draw(st.text("0123456789", min_size=1, max_size=len(code) - start))
    new = replace_digits(code, start, digits)
    assert len(new) == len(code)
    assert new[:start] == code[:start]
    assert new[start : start + len(digits)] == digits
    assert new[start + len(digits) :] == code[start + len(digits) :]


def test_neither_the_buffer_nor_keys_are_in_a_repr() -> None:
    assert "123" not in repr(edit_keys("", "123456"))
    assert "123" not in repr(Ask(Reply(()), Expect.CODE, collected="1234567890"))
