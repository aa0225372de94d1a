"""The scenario caller against a call with a scripted recognizer: when it speaks, and whose turn
each answer is."""

from __future__ import annotations

from typing import Any

import numpy as np

from assistant.batch.caller import Prepared, ScenarioCaller, Tape
from assistant.batch.checking import is_subsequence
from assistant.batch.line import LineSound
from assistant.batch.scenario import Line, Turn
from assistant.call import Call
from assistant.dialogue.types import Ask, EndOfCall, Finish, Heard, Keyed, Reply, Say, Silence
from assistant.nlu.types import Expect
from tests.call_tools import RATE, FakeModel, FakeVoice, ScriptedTalk, make_parts

MENU = Ask(Reply((Say("a"), Say("b"))), Expect.MENU, instant_keys="0123456789*#")
BYE = Finish(Reply((Say("c"),)), EndOfCall.DONE)


def play(
    turns: list[dict[str, Any]], actions: list[Any], patience: int = 0
) -> tuple[Call, Tape, ScriptedTalk]:
    talk = ScriptedTalk(actions)
    call = Call(make_parts(model=FakeModel(), voice=FakeVoice(1.0)), talk, None, "id", RATE)
    line = LineSound(Line(codec="none"), RATE, 1)

    def prepare(turn: Turn, before: int) -> Prepared:
        if turn.keys:
            return Prepared(keys=turn.keys)
        sound = np.random.default_rng(1).normal(0, 0.1, RATE // 2).astype(np.float32)
        return Prepared(speech=sound) if turn.say else Prepared()

    caller = ScenarioCaller(
        call, [Turn.model_validate(turn) for turn in turns], prepare, lambda _: line, 0.02,
        patience,
    )  # fmt: skip
    return call, caller.run(), talk


def test_a_polite_turn_waits_for_the_question_and_then_a_moment() -> None:
    call, tape, talk = play([{"keys": "8", "pause": 0.5}], [MENU, BYE])
    assert [type(event) for event in talk.events[1:]] == [Keyed, *([type(talk.events[-1])])]
    first = call.turns[0]
    assert first.listened is not None
    assert first.ended is not None
    assert 0.48 <= first.ended - first.listened <= 0.56
    assert tape.owners[0] == 0


def test_barging_in_begins_while_the_assistant_speaks() -> None:
    call, _, _ = play([{"keys": "8", "barge_in": 0.6}], [MENU, BYE])
    first = call.turns[0]
    assert first.ended is not None
    assert 0.58 <= first.ended <= 0.7  # the prompt would have taken two seconds


def test_silences_are_counted_and_the_next_turn_follows() -> None:
    turns: list[dict[str, Any]] = [{"silence": 2}, {"keys": "8"}]
    _, tape, talk = play(turns, [MENU, MENU, MENU, BYE])
    kinds = [type(event) for event in talk.events[1:4]]
    assert kinds == [Silence, Silence, Keyed]
    assert tape.owners[:3] == (0, 0, 1)


def test_keys_beyond_a_reply_wait_for_the_next_question() -> None:
    _, tape, talk = play([{"keys": "8"}, {"keys": "1"}], [MENU, MENU, BYE])
    assert [e.keys for e in talk.events if isinstance(e, Keyed)] == ["8", "1"]
    assert tape.owners[:2] == (0, 1)


def test_hanging_up_ends_the_call_at_once() -> None:
    call, tape, _ = play([{"hang_up": True, "barge_in": 0.4}], [MENU, BYE])
    assert call.ended is EndOfCall.CALLER_HUNG_UP
    assert call.now < 0.6
    assert len(tape.caller) == len(tape.assistant)


def test_the_line_is_never_quite_silent() -> None:
    _, tape, talk = play([{"say": "x"}], [MENU, BYE])
    samples = np.frombuffer(tape.caller, "<i2")
    assert np.std(samples[:RATE]) > 5
    assert not any(isinstance(event, Heard) and event.interpretation.text for event in talk.events)


def test_subsequences() -> None:
    assert is_subsequence([], ["a"])
    assert is_subsequence(["a", "c"], ["a", "b", "c"])
    assert not is_subsequence(["c", "a"], ["a", "b", "c"])
    assert not is_subsequence(["a", "a"], ["a"])
