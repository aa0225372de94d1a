"""The call loop is patient inside a code and quick after it: tests/data/end_of_turn.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.asr.types import EndReason
from assistant.call import Call
from assistant.cli.wiring import understand
from assistant.dialogue.types import Ask, EndOfCall, Finish, Heard, Reply
from assistant.nlu.types import Expect
from assistant.settings import DialogueLimits, Turns
from tests.call_tools import QUIET, RATE, ScriptedTalk, make_parts, play, silence, spoken

CASES = yaml.safe_load(
    (Path(__file__).parent.parent / "data" / "end_of_turn.yaml").read_text("utf-8")
)["cases"]
DECISION = 0.04  # s; the turn ends in the frame after the patience is over
NOTHING = Reply(())
AFTER_READ_BACK = {"more": Expect.CONFIRM_OR_MORE, "which": Expect.WHICH}


def asked(case: dict[str, Any]) -> Ask:
    so_far = case.get("so_far", "")
    kinds = [expect for name, expect in AFTER_READ_BACK.items() if case.get(name)]
    return Ask(
        NOTHING,
        *(kinds or [Expect.CODE]),
        digits_so_far=len(so_far),
        collected=so_far,
        wants=case.get("wants"),
        card=case.get("card", False),
    )


def frames(say: list[str | float]) -> list[bytes]:
    return [f for part in say for f in (spoken(part) if isinstance(part, str) else silence(part))]


@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c["say"]))
def test_end_of_turn(case: dict[str, Any]) -> None:
    talk = ScriptedTalk([asked(case), Finish(NOTHING, EndOfCall.DONE)])
    limits = DialogueLimits(accepted_ids=case.get("accepted", "both"))
    call = Call(make_parts(understand=understand, limits=limits), talk, None, "call-1", RATE)
    play(call, [QUIET, *frames(case["say"])])
    assert len(talk.events) == 1, "the caller was cut off"
    play(call, silence(5))
    event, turn = talk.events[1], call.turns[0]
    assert isinstance(event, Heard)
    said = " ".join(part for part in case["say"] if isinstance(part, str))
    assert event.interpretation.text == said
    waited = turn.timings.waited
    assert waited is not None
    if case["ends"] == "quick":
        assert turn.end_reason is EndReason.COMPLETE
        assert waited <= Turns().complete_silence + DECISION <= 0.4
    else:
        assert turn.end_reason is EndReason.SILENCE
        assert Turns().code_silence <= waited <= Turns().code_silence + DECISION
        assert waited >= 2.0
