"""Which readings of an utterance are likelier for what callers say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.cli.wiring import likely
from assistant.dialogue.types import Ask, Reply
from assistant.nlu import prior
from assistant.nlu.types import CONFIRMING, Expect, Grammar
from assistant.settings import Understanding

READ_BACK = CONFIRMING - {Expect.WHICH}
CASES = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "nlu_likely.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["words"] or "nothing")
def test_a_whole_code_is_likelier(case: dict[str, Any]) -> None:
    weigh = prior(Expect.CODE, case.get("so_far", 0), Understanding(whole_code=2.5))
    assert weigh is not None
    assert weigh(case["words"].split()) == (2.5 if case["likely"] else 0.0)


@pytest.mark.parametrize("expect", sorted(READ_BACK))
@pytest.mark.parametrize(
    ("words", "likely"),
    [
        ("đúng", True),
        ("dạ đúng rồi", True),
        ("đúng [unk]", True),
        ("vâng", False),
        ("dạ", False),
        ("không", False),
        ("sai rồi", False),
        ("không đúng", False),
        ("đâu", False),
        ("bốn", False),
        ("số cuối là bảy", False),
        ("đúng mã là không một hai ba bốn năm sáu bảy tám chín", False),
        ("[unk]", False),
        ("", False),
    ],
)
def test_a_yes_is_likelier_to_a_read_back(expect: Expect, words: str, likely: bool) -> None:
    weigh = prior(expect, limits=Understanding(likely_yes=1.25))
    assert weigh is not None
    assert weigh(words.split()) == (1.25 if likely else 0.0)


def test_one_digit_at_a_time_is_a_code_too() -> None:
    weigh = prior(Grammar.DIGITS, 6, Understanding(whole_code=2.5))
    assert weigh is not None
    assert weigh("bốn năm sáu bảy".split()) == 2.5


def test_asked_which_digit_is_wrong_many_say_all_of_them_again() -> None:
    """And nobody says yes; "không phải" amidst a code is a "không bảy" that sounds like it."""
    weigh = likely(Ask(Reply(()), Expect.WHICH), Understanding(whole_code=2.5, likely_yes=1.5))
    assert weigh is not None
    assert weigh("năm sáu không bảy tám năm tám tám bảy một".split()) == 2.5
    assert weigh("năm sáu không phải tám năm tám tám bảy một".split()) == 0.0
    assert weigh("số cuối là bảy".split()) == weigh("đúng rồi".split()) == 0.0


def test_nowhere_else_is_anything_likelier() -> None:
    for state in {*Expect, *Grammar} - {Expect.CODE, Grammar.DIGITS, *CONFIRMING}:
        assert prior(state) is None


MISHEARD = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "nlu_misheard.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", MISHEARD, ids=lambda case: case["words"] or "nothing")
def test_what_is_all_but_a_whole_code_is_looked_at_again(case: dict[str, Any]) -> None:
    for state in (Expect.CODE, Expect.WHICH, Grammar.DIGITS):
        found = prior(state, case.get("so_far", 0))
        assert found is not None
        assert found.whole(case["words"].split()) == tuple(case["lengths"])
        nothing = prior(state, case.get("so_far", 0), Understanding(whole_code=0))
        assert nothing is not None
        assert nothing.whole(case["words"].split()) == ()
    for state in READ_BACK:
        found = prior(state)
        assert found is not None
        assert found.whole(case["words"].split()) == ()
