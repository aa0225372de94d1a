"""End-pointing by counted audio time: the table of cases in tests/data/endpoint.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.asr.endpoint import EndPointer, Slot, patience
from assistant.asr.types import EndReason
from assistant.settings import Turns

FRAME = 0.02
TABLE = yaml.safe_load((Path(__file__).parents[1] / "data" / "endpoint.yaml").read_text("utf-8"))


def run(case: dict[str, Any]) -> tuple[EndReason, float] | None:
    """Reason and time of the end; None when the segments run out before it."""
    pointer = EndPointer(Turns(**{**TABLE["defaults"], **case.get("settings", {})}), FRAME)
    now: dict[str, Any] = {"speech": False, "words": 0, "fillers": 0, "slot": "open"}
    for segment in case["segments"]:
        now.update({key: value for key, value in segment.items() if key != "for"})
        for _ in range(round(segment["for"] / FRAME)):
            reason = pointer.accept(now["speech"], now["words"], Slot(now["slot"]), now["fillers"])
            if reason is not None:
                return reason, pointer.now
    return None


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"])
def test_turn(case: dict[str, Any]) -> None:
    ended, expected = run(case), case["ends"]
    if expected is None:
        assert ended is None
        return
    assert ended is not None
    assert ended[0] is EndReason(expected["reason"])
    assert ended[1] == pytest.approx(expected["at"], abs=FRAME + 1e-6)


def test_patience_grows_with_what_is_missing() -> None:
    turns = Turns()
    assert patience(turns, Slot.COMPLETE) < patience(turns, Slot.OPEN)
    assert patience(turns, Slot.OPEN) < patience(turns, Slot.INCOMPLETE)


def test_waited_counts_from_the_last_voice() -> None:
    pointer = EndPointer(Turns(), FRAME)
    for _ in range(50):
        pointer.accept(True, 1, Slot.OPEN)
    assert pointer.waited == 0
    for _ in range(10):
        pointer.accept(False, 1, Slot.OPEN)
    assert pointer.waited == pytest.approx(0.2)
    assert pointer.started
