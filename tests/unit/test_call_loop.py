"""The call loop with a scripted recognizer: turns, prompts, failures, all in audio time."""

from __future__ import annotations

import logging
import random
from concurrent.futures import Future

import pytest

from assistant.accounts.types import Outcome
from assistant.asr.types import EndReason, Transcript, Word
from assistant.call import Call, TableConversation, call_cost
from assistant.dialogue.types import (
    Action,
    Ask,
    CallStarted,
    EndOfCall,
    Event,
    Failed,
    Finish,
    Heard,
    HungUp,
    Keyed,
    Refused,
    Reply,
    ResetDone,
    Say,
    SayDigits,
    Silence,
    VerifyAndReset,
)
from assistant.nlu.types import Expect, Grammar, Interpretation
from assistant.settings import DialogueLimits, Turns
from tests.call_tools import (
    FRAME,
    NAMES,
    QUIET,
    RATE,
    FakeAccounts,
    FakeModel,
    FakeRecognizer,
    FakeVoice,
    ScriptedTalk,
    make_parts,
    noise,
    play,
    silence,
    spoken,
    until_listening,
)

HELLO = Reply((Say("greeting"),))
EMPTY = Reply(())
BYE = Finish(Reply((Say("goodbye"),)), EndOfCall.DONE)


def start(*actions: Action, **parts: object) -> tuple[Call, ScriptedTalk]:
    talk = ScriptedTalk(actions)
    return Call(make_parts(**parts), talk, "0500000001", "call-1", RATE), talk


def ended(call: Call, limit: float = 60.0) -> None:
    play(call, silence(limit) if call.ended is None else [])
    assert call.ended is not None


def test_one_frame_in_one_frame_out() -> None:
    call, _ = start(Ask(HELLO, Expect.MENU), BYE)
    out = play(call, silence(2))
    assert {len(frame) for frame in out} == {FRAME}
    assert call.now == pytest.approx(2.0)
    spoke = [any(frame) for frame in out]
    assert spoke == [True] * 50 + [False] * 50  # a prompt of one second, from the first frame


def test_short_and_long_frames_are_taken() -> None:
    call, _ = start(Ask(EMPTY, Expect.MENU), BYE)
    assert len(call.step(b"")) == len(call.step(b"\1")) == len(call.step(bytes(5_000))) == FRAME
    assert call.ended is None


def test_a_turn_of_speech() -> None:
    call, talk = start(Ask(HELLO, Expect.MENU), BYE)
    until_listening(call)
    play(call, spoken("tôi quên") + silence(0.7))
    event = talk.events[1]
    assert isinstance(event, Heard)
    assert event.interpretation.text == "tôi quên"
    turn = call.turns[0]
    assert turn.end_reason is EndReason.SILENCE
    assert turn.timings.waited == pytest.approx(Turns().end_silence, abs=0.041)
    assert turn.listened == pytest.approx(1.0)
    ended(call)
    assert call.ended is EndOfCall.DONE
    assert isinstance(talk.events[-1], HungUp)


def test_the_reply_begins_in_the_frame_that_ends_the_turn() -> None:
    call, _ = start(Ask(EMPTY, Expect.MENU), BYE)
    out = play(call, [QUIET, *spoken("quên"), *silence(1)])
    first = next(i for i, frame in enumerate(out) if any(frame))
    assert call.turns[0].ended == pytest.approx(first * 0.02)


def test_silence_is_reported_after_no_input() -> None:
    call, talk = start(Ask(HELLO, Expect.MENU), BYE)
    play(call, silence(1 + Turns().no_input + 0.1))
    assert talk.events[1] == Silence()


def test_a_pause_inside_a_code_does_not_end_it_and_the_last_digit_does() -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE), BYE)
    # 321: no province code, so ten digits are complete
    frames = spoken("ba hai một không") + silence(1.5) + spoken("một hai ba") + silence(1.9)
    play(call, [QUIET, *frames, *spoken("bốn năm sáu")])
    assert len(talk.events) == 1
    play(call, silence(0.5))
    event = talk.events[1]
    assert isinstance(event, Heard)
    assert event.interpretation.digits is not None
    assert event.interpretation.digits.digits == "3210123456"
    assert call.turns[0].end_reason is EndReason.COMPLETE
    assert call.turns[0].timings.waited == pytest.approx(Turns().complete_silence, abs=0.041)


def test_ten_digits_that_may_be_twelve_get_more_patience() -> None:
    call, talk = start(Ask(EMPTY, Expect.CODE), BYE)
    play(call, [QUIET, *spoken("không không một hai ba bốn năm sáu bảy tám"), *silence(1.5)])
    assert len(talk.events) == 1
    play(call, spoken("chín không") + silence(0.5))
    assert len(talk.events) == 2
    assert call.turns[0].end_reason is EndReason.COMPLETE


@pytest.mark.parametrize("grammar", [None, Grammar.DIGITS])
def test_the_grammar_is_that_of_the_question(grammar: Grammar | None) -> None:
    model = FakeModel()
    call, _ = start(Ask(EMPTY, Expect.CODE, grammar=grammar), BYE, model=model)
    play(call, silence(0.1))
    assert model.made[0].begun == [(grammar or "code",)]


def test_keypad_only_does_not_listen() -> None:
    model = FakeModel()
    call, talk = start(Ask(EMPTY, Expect.CODE, keypad_only=True), BYE, model=model)
    play(call, [QUIET, *spoken("một hai ba"), *silence(5)])
    assert model.made[0].begun == []
    assert talk.events[1] == Silence()


def test_an_eager_first_word_is_not_cut() -> None:
    """The caller begins 0.2 s before the prompt ends; the words' sound ends after it."""
    call, talk = start(Ask(HELLO, Expect.MENU), BYE)
    frames = silence(0.8) + spoken("tôi quên", 0.36)
    play(call, frames + silence(1))
    event = talk.events[1]
    assert isinstance(event, Heard)
    assert event.interpretation.text == "tôi quên"


def test_noise_without_words_is_no_turn_forever() -> None:
    call, talk = start(Ask(EMPTY, Expect.MENU), BYE)
    play(call, [noise(3_000, i) for i in range(50 * 8)])
    assert talk.events[1] == Silence()


def test_verify_and_reset_goes_to_the_accounts_once() -> None:
    accounts = FakeAccounts(ResetDone("482915"))
    code = "".join(random.Random(1).choices("0123456789", k=10))
    call, talk = start(
        VerifyAndReset(HELLO, code), BYE, accounts=accounts, invented=lambda *_: True
    )
    ended(call)
    assert accounts.calls == [("0500000001", code, "call-1")]
    assert talk.events[1] == ResetDone("482915")
    assert (call.resets, call.reveal) == (1, True)


@pytest.mark.parametrize("outcome", [Refused(), Failed()])
def test_other_outcomes_are_events_too(outcome: Outcome) -> None:
    call, talk = start(VerifyAndReset(HELLO, "1"), BYE, accounts=FakeAccounts(outcome))
    ended(call)
    assert talk.events[1] == outcome
    assert (call.resets, call.reveal) == (0, False)


def test_the_line_is_held_while_the_accounts_work() -> None:
    future: Future[Outcome] = Future()
    call, talk = start(VerifyAndReset(HELLO, "1"), BYE, submit=lambda work: future)
    out = play(call, silence(5))
    assert len(talk.events) == 1
    assert not any(any(frame) for frame in out[50:])
    future.set_result(Refused())
    play(call, silence(0.1))
    assert talk.events[1] == Refused()


def test_the_caller_may_hang_up_at_any_time() -> None:
    for frames in (0, 10, 80, 200):
        model = FakeModel()
        call, talk = start(Ask(HELLO, Expect.MENU), BYE, BYE, model=model)
        play(call, [QUIET] * frames)
        call.hang_up()
        assert call.ended is EndOfCall.CALLER_HUNG_UP
        assert isinstance(talk.events[-1], HungUp)
        assert not any(recognizer.open for recognizer in model.made)
        assert call.step(QUIET) == bytes(FRAME)
        call.hang_up()


def test_hanging_up_during_the_goodbye_keeps_its_reason() -> None:
    call, _ = start(BYE)
    play(call, silence(0.2))
    call.hang_up()
    assert call.ended is EndOfCall.DONE


def test_a_call_does_not_last_forever() -> None:
    asks = [Ask(HELLO, Expect.MENU)] * 50
    call, _ = start(*asks, turns=Turns(max_call=20.0))
    play(call, silence(30))
    assert call.ended is EndOfCall.NOT_UNDERSTOOD
    assert call.now >= 20


class Broken:
    """Anything that fails in mid-call, with a secret in its message."""

    SECRET = "0123456789"

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(self.SECRET)


class BrokenRecognizer(FakeRecognizer):
    def feed(self, pcm: bytes) -> Transcript:
        raise RuntimeError(Broken.SECRET)


class BrokenModel(FakeModel):
    def recognizer(self) -> FakeRecognizer:
        return BrokenRecognizer()


def broken_understanding(words: tuple[Word, ...], ask: Ask) -> Interpretation:
    raise RuntimeError(Broken.SECRET)


class BrokenAccounts:
    def verify_and_reset(self, phone: str | None, code: str, call_id: str) -> Outcome:
        raise RuntimeError(code)


@pytest.mark.parametrize(
    "broken",
    [
        {"model": BrokenModel()},
        {"understand": broken_understanding},
        {"phrases": lambda expect: 1 / 0},
    ],
    ids=["recognizer", "understanding", "phrases"],
)
def test_a_failure_is_spoken_and_ends_the_call(
    broken: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    voice = FakeVoice()
    call, _ = start(Ask(EMPTY, Expect.MENU), BYE, voice=voice, **broken)
    with caplog.at_level(logging.ERROR):
        play(call, [QUIET, *spoken("quên"), *silence(10)])
    assert call.ended is EndOfCall.FAILED
    assert Say("failed") in voice.said[-1].parts
    assert "call-failed call-1" in caplog.text
    assert Broken.SECRET not in caplog.text


def test_an_account_system_that_raises_is_a_failure_without_its_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    code = "".join(random.Random(2).choices("0123456789", k=10))
    call, _ = start(VerifyAndReset(HELLO, code), BYE, accounts=BrokenAccounts())
    with caplog.at_level(logging.ERROR):
        ended(call)
    assert call.ended is EndOfCall.FAILED
    assert code not in caplog.text


def test_a_voice_that_cannot_even_apologise_ends_the_call() -> None:
    call, _ = start(Ask(HELLO, Expect.MENU), voice=Broken())
    assert call.step(QUIET) == bytes(FRAME)
    assert call.ended is EndOfCall.FAILED


def test_the_whole_dialogue_resets_a_password() -> None:
    rng = random.Random(3)
    code = "9" + "".join(rng.choices("0123456789", k=9))
    accounts = FakeAccounts(ResetDone("".join(rng.choices("0123456789", k=6))))
    parts = make_parts(accounts=accounts)
    call = Call(parts, TableConversation(DialogueLimits(), 3), "0500000001", "call-1", RATE)
    words = " ".join(NAMES[int(digit)] for digit in code)
    for said in ("tôi quên", words, "đúng"):
        until_listening(call)
        frames = iter(spoken(said) + silence(8))
        while call.listening:
            call.step(next(frames))
    ended(call)
    assert accounts.calls[0][1] == code
    assert call.resets == 1
    secrets = [p for reply in parts.voice.said for p in reply.parts if isinstance(p, SayDigits)]  # type: ignore[attr-defined]
    assert any(part.secret for part in secrets)


def test_the_trace_is_in_order_and_holds_nothing_of_the_caller() -> None:
    call, _ = start(Ask(HELLO, Expect.MENU), BYE)
    until_listening(call)
    play(call, spoken("quên") + silence(3), keys={3: "8"})
    assert [n.at for n in call.notes] == sorted(n.at for n in call.notes)
    assert {n.what for n in call.notes} >= {"prompt", "listen", "key", "end"}
    assert all(not any(c.isdigit() for c in n.what) for n in call.notes)


@pytest.mark.parametrize(
    ("seconds", "cost"), [(0, 1_000), (0.5, 1_000), (60, 1_000), (60.02, 2_000), (179, 3_000)]
)
def test_a_started_minute_is_a_minute(seconds: float, cost: int) -> None:
    assert call_cost(seconds, 1_000) == cost


def test_events_of_a_call_begin_with_its_start() -> None:
    call, talk = start(BYE)
    play(call, silence(0.1))
    events: list[Event] = talk.events
    assert events == [CallStarted()]
    assert not any(isinstance(event, Keyed) for event in events)
