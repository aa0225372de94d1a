"""A lone answer after a read-back, looked at twice: tests/data/nlu_second_look.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.nlu import prior
from assistant.nlu.second_look import ANSWERS
from assistant.nlu.types import Expect, Fit, HeardWord, Rejection
from assistant.nlu.understanding import interpret

CASES = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "nlu_second_look.yaml").read_text("utf-8")
)["cases"]
MEANINGS = {"yes": (True, None), "no": (False, None), "again": (None, Rejection.LOW_CONFIDENCE),
            "unknown": (None, Rejection.UNKNOWN), "digits": (None, None)}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['word']} {c['fits']}")
def test_second_look(case: dict[str, Any]) -> None:
    fits = tuple(Fit(float(fit), float(case.get("least", -1))) for fit in case["fits"])
    word = HeardWord(case["word"], 0.9, alone=fits)
    heard = interpret([word], Expect(case.get("expect", "confirm")))
    assert (heard.yes_no, heard.rejection) == MEANINGS[case["means"]]


@pytest.mark.parametrize("text", ["không đúng", "đúng rồi", "gặp tổng đài viên", "số cuối là bảy"])
def test_more_than_one_word_is_what_it_says(text: str) -> None:
    words = text.split()
    fits = (Fit(-1.0, -1.0), Fit(-9.0, -1.0))
    heard = interpret([HeardWord(word, 0.9, alone=fits) for word in words], Expect.CONFIRM)
    assert heard == interpret([HeardWord(word, 0.9) for word in words], Expect.CONFIRM)


def test_a_recognizer_is_asked_where_the_answer_is_looked_at() -> None:
    asked = {expect for expect in Expect if (p := prior(expect)) is not None and p.alone}
    assert asked == {Expect.CONFIRM}
    found = prior(Expect.CONFIRM)
    assert found is not None
    assert found.alone == ANSWERS
