"""Which readings of an utterance are likelier for what callers say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.nlu import prior
from assistant.nlu.types import Expect
from assistant.settings import Understanding

CASES = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "nlu_likely.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["words"] or "nothing")
def test_a_whole_code_is_likelier(case: dict[str, Any]) -> None:
    weigh = prior(Expect.CODE, case.get("so_far", 0), Understanding(whole_code=2.5))
    assert weigh is not None
    assert weigh(case["words"].split()) == (2.5 if case["likely"] else 0.0)


def test_only_who_is_asked_for_a_code_is_expected_to_say_one() -> None:
    for expect in set(Expect) - {Expect.CODE}:
        assert prior(expect) is None
