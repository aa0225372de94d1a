"""A lone answer after a read-back, looked at twice: tests/data/nlu_second_look.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.nlu import prior
from assistant.nlu.second_look import ANSWERS
from assistant.nlu.types import Expect, HeardWord, Rejection
from assistant.nlu.understanding import interpret

CASES = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "nlu_second_look.yaml").read_text("utf-8")
)["cases"]
MEANINGS = {"yes": (True, None), "no": (False, None), "again": (None, Rejection.LOW_CONFIDENCE),
            "unknown": (None, Rejection.UNKNOWN), "ambiguous": (None, Rejection.AMBIGUOUS),
            "digits": (None, None)}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['heard']} {c['chances']}")
def test_second_look(case: dict[str, Any]) -> None:
    first, *rest = case["heard"].split()
    words = [HeardWord(first, 0.9, chances=tuple(map(float, case["chances"])))]
    words += [HeardWord(word, 0.9) for word in rest]
    heard = interpret(words, Expect(case.get("expect", "confirm")))
    assert (heard.yes_no, heard.rejection) == MEANINGS[case["means"]]


@pytest.mark.parametrize("text", ["gặp tổng đài viên", "số cuối là bảy", "nhắc lại"])
def test_a_request_is_what_it_says(text: str) -> None:
    first, *rest = text.split()
    others = [HeardWord(word, 0.9) for word in rest]
    heard = interpret([HeardWord(first, 0.9, chances=(0.9, 0.05)), *others], Expect.CONFIRM)
    assert heard == interpret([HeardWord(first, 0.9), *others], Expect.CONFIRM)
    assert heard.yes_no is None


def test_a_recognizer_is_asked_where_the_answer_is_looked_at() -> None:
    asked = {expect for expect in Expect if (p := prior(expect)) is not None and p.alone}
    assert asked == {Expect.CONFIRM}
    found = prior(Expect.CONFIRM)
    assert found is not None
    assert found.alone == ANSWERS
