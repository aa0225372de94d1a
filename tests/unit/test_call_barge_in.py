"""Speaking and keying over a prompt: it stops at once, nothing is lost, a cough changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from assistant.asr.types import EndReason, Word
from assistant.audio.mulaw import mulaw_decode, mulaw_encode
from assistant.call import Call
from assistant.call.barging import convincing
from assistant.call.echo import EchoPath
from assistant.call.listening import Answer
from assistant.dialogue.types import (
    Action,
    Ask,
    EndOfCall,
    Finish,
    Heard,
    Keyed,
    Reply,
    Say,
    SayDigits,
    Silence,
    VerifyAndReset,
)
from assistant.nlu.types import Expect, Interpretation
from assistant.settings import Turns, packaged
from assistant.tts.renderer import Part, Rendered, Renderer
from tests.call_tools import (
    CODES,
    FRAME,
    QUIET,
    RATE,
    FakeVoice,
    ScriptedTalk,
    make_parts,
    noise,
    play,
    silence,
)

HELLO = Reply((Say("greeting"), Say("menu_short"), Say("can_help")))  # three seconds
READBACK = Reply((Say("readback"), SayDigits("0123456789", (4, 3, 3)), Say("confirm_ask")))
SECRET = Reply((Say("reset_done"), SayDigits("482915", (3, 3), secret=True), Say("secret_ask")))
BYE = Finish(Reply((Say("goodbye"),)), EndOfCall.DONE)
MENU = Ask(HELLO, Expect.MENU, instant_keys="0123456789*#")
CODE = Ask(HELLO, Expect.CODE)
ROOM = [noise(20, i) for i in range(50)]  # a line is never quite silent


def start(*actions: Action, **parts: object) -> tuple[Call, ScriptedTalk]:
    talk = ScriptedTalk(actions)
    call = Call(make_parts(**parts), talk, None, "call-1", RATE)
    play(call, ROOM[:1])
    return call, talk


def voice(words: str, seconds: float = 0.3) -> list[bytes]:
    """A voice with the words at the ends of its parts, ``seconds`` each."""
    frames = []
    for word in words.split():
        part = [bytearray(noise(3_000, i)) for i in range(round(seconds / 0.02) - 1)]
        part.append(bytearray(noise(30)))  # a gap between words, as voices have
        part[-1][:2] = CODES[word].to_bytes(2, "little", signed=True)
        for frame in part[:-1]:
            frame[:2] = b"\0\0"
        frames += part
    return [bytes(frame) for frame in frames]


def cough(seconds: float = 0.35) -> list[bytes]:
    frames = [bytearray(noise(4_000, i)) for i in range(round(seconds / 0.02))]
    for frame in frames:
        frame[:2] = b"\0\0"  # no word
    return [bytes(frame) for frame in frames]


def room(seconds: float) -> Iterator[bytes]:
    for i in range(round(seconds / 0.02)):
        frame = bytearray(noise(20, i))
        frame[:2] = b"\0\0"
        yield bytes(frame)


def names(call: Call) -> list[str]:
    return [note.what for note in call.notes]


def said(talk: ScriptedTalk) -> list[str]:
    return [e.interpretation.text for e in talk.events if isinstance(e, Heard)]


def test_speech_stops_a_prompt_within_200_ms_and_not_a_word_is_lost() -> None:
    call, talk = start(MENU, CODE, BYE)
    play(call, room(1))
    out = play(call, [*voice("tôi quên mật khẩu"), *room(1)])
    stopped = next(i for i, frame in enumerate(out) if not any(frame))
    assert stopped * 0.02 <= 0.2
    assert said(talk)[0] == "tôi quên mật khẩu"
    assert names(call).index("prompt_paused") < names(call).index("prompt_stopped")


def test_a_short_word_is_enough() -> None:
    call, talk = start(MENU, CODE, BYE)
    play(call, [*room(1), *voice("quên", 0.3), *room(1)])
    assert said(talk) == ["quên"]


def test_a_word_that_only_the_last_decoding_knows_is_an_answer_too() -> None:
    call, talk = start(MENU, CODE, BYE)
    play(call, room(1))
    frames = [bytearray(frame) for frame in cough(0.3)]
    late = [bytearray(frame) for frame in room(Turns().barge_quiet + 0.1)]
    at = round((Turns().barge_quiet - 0.02) / 0.02)
    late[at][:2] = CODES["quên"].to_bytes(2, "little", signed=True)
    play(call, [bytes(frame) for frame in frames + late])
    play(call, room(1))
    assert said(talk) == ["quên"]


def test_a_cough_pauses_the_prompt_and_it_goes_on_to_its_end() -> None:
    call, talk = start(MENU, BYE)
    before = play(call, room(1))
    out = play(call, [*cough(), *room(Turns().barge_quiet)])
    assert len(talk.events) == 1
    assert "prompt_resumed" in names(call)
    assert "prompt_stopped" not in names(call)
    rest = play(call, room(3))
    spoken = sum(any(frame) for frame in before + out + rest)
    assert spoken * 0.02 >= 3.0 - 0.04 + Turns().barge_back - 0.02  # said whole, a little twice
    assert call.listening
    assert call.turns[-1].listened == pytest.approx(call.now - 1.0, abs=1.5)


@pytest.mark.parametrize(
    ("words", "confidence", "yes_no", "enough"),
    [
        ("tám", 0.8, None, False),  # what a cough is taken for
        ("tám", 0.95, None, True),
        ("tám", None, None, True),
        ("đúng", 0.5, True, True),
        ("sai", 0.5, False, True),
        ("một hai", 0.4, None, True),
        ("tám [unk]", 0.8, None, False),
        ("[unk] [unk]", 0.9, None, False),  # somebody else, or the street
        ("", None, None, False),
    ],
)
def test_what_is_worth_the_rest_of_a_prompt(
    words: str, confidence: float | None, yes_no: bool | None, enough: bool
) -> None:
    heard = tuple(Word(text, 0.0, 0.2, confidence) for text in words.split())
    event = Heard(Interpretation(text=words, yes_no=yes_no))
    answer = Answer(event, EndReason.SILENCE, 0.6, heard)
    assert convincing(answer, Turns().barge_confidence) is enough
    assert convincing(replace(answer, event=Keyed("8")), 1.0)
    assert not convincing(replace(answer, event=Silence()), 0.0)


def test_steady_noise_pauses_a_prompt_only_so_often() -> None:
    call, talk = start(MENU, BYE)
    play(call, room(0.5))
    for _ in range(4):
        play(call, [*cough(0.5), *room(1)])
    assert names(call).count("prompt_paused") == Turns().barge_pauses
    assert len(talk.events) == 1


def test_voice_without_words_does_not_hold_the_prompt_up_forever() -> None:
    call, talk = start(MENU, BYE)
    play(call, room(0.5))
    loud = [f for i in range(16) for f in (*cough(0.18), *room(0.02))]
    play(call, loud)
    assert "prompt_resumed" in names(call)
    assert len(talk.events) == 1


def test_keys_stop_a_paused_prompt() -> None:
    call, talk = start(MENU, CODE, BYE)
    play(call, [*room(1), *cough(0.3)])
    play(call, room(0.1), keys={0: "8"})
    assert talk.events[1] == Keyed("8")


def test_a_read_back_may_be_contradicted_at_once() -> None:
    call, talk = start(Ask(READBACK, Expect.CONFIRM), CODE, BYE)
    play(call, [*room(1.5), *voice("sai", 0.3), *room(1)])
    assert said(talk) == ["sai"]
    assert all(end <= 1.8 for _, end in call.spoken_digits), "no tone over what was not spoken"


def test_digits_of_a_prompt_that_went_on_are_where_they_were_heard() -> None:
    call, _ = start(Ask(READBACK, Expect.CONFIRM), BYE)
    out = play(call, [*room(1.2), *cough(0.3), *room(5)])
    spans = call.spoken_digits
    assert len(spans) == 2  # before the pause and after it
    pause = next(note.at for note in call.notes if note.what == "prompt_paused")
    resumed = next(note.at for note in call.notes if note.what == "prompt_resumed")
    assert spans[0] == (pytest.approx(1.0, abs=0.03), pytest.approx(pause, abs=0.03))
    assert spans[1][0] == pytest.approx(resumed, abs=0.03)
    # The digits last a second, from 1.0 s; what was paused goes back a little.
    left = 2.0 - (pause - Turns().barge_back)
    assert spans[1][1] - spans[1][0] == pytest.approx(min(left, 1.0), abs=0.05)
    assert sum(any(frame) for frame in out) > 0


def test_nothing_said_cuts_off_a_password() -> None:
    call, talk = start(Ask(SECRET, Expect.SECRET, instant_keys="*#"), BYE)
    out = play(call, [*room(0.5), *voice("không một hai ba"), *room(0.25)])
    assert all(any(frame) for frame in out)
    assert len(talk.events) == 1
    assert "prompt_paused" not in names(call)


def test_after_the_password_the_question_may_be_answered_at_once() -> None:
    call, talk = start(Ask(SECRET, Expect.SECRET, instant_keys="*#"), BYE)
    play(call, [*room(2.2), *voice("đúng", 0.3), *room(0.8)])
    assert said(talk) == ["đúng"]


@pytest.mark.parametrize("key", ["*", "#"])
def test_keys_work_while_the_password_is_spoken(key: str) -> None:
    call, talk = start(Ask(SECRET, Expect.SECRET, instant_keys="*#"), BYE)
    play(call, room(1.2))
    play(call, room(0.1), keys={0: key})
    assert talk.events[1] == Keyed(key)


@pytest.mark.parametrize(
    "action", [BYE, VerifyAndReset(HELLO, "1"), Ask(HELLO, Expect.CODE, keypad_only=True)]
)
def test_some_prompts_are_heard_out(action: Action) -> None:
    call, talk = start(action, BYE)
    out = play(call, [*room(0.3), *voice("quên", 0.3)])
    assert all(any(frame) for frame in out)
    assert len(talk.events) == 1


# --- the echo of our own prompt -----------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Rendered:
    voice = Renderer.open(packaged("audio_prompts"), RATE)
    return voice.render(Reply((Say("greeting"), Say("menu_short"))))


class RealVoice(FakeVoice):
    """A prompt with the sound of people's ears: the shipped clips."""

    def __init__(self, rendered: Rendered) -> None:
        super().__init__()
        self._rendered = rendered

    def render(self, reply: Reply) -> Rendered:
        part = Part("greeting", 0.0, self._rendered.seconds)
        return Rendered(self._rendered.pcm, RATE, "greeting", (part,))


HYBRIDS = {  # delay in s, gain, filter
    "near": (0.02, 0.2, [1, 0.5, -0.3, 0.2, 0.1, -0.05]),
    "loud and far": (0.3, 0.5, [1, 0.5, -0.3, 0.2, 0.1, -0.05]),
    "network": (0.44, 0.1, [0.7, 0.7, -0.4]),
}


def line_echo(call: Call, hybrid: str, seconds: float, caller: list[bytes]) -> list[bytes]:
    """Step the call with its own voice coming back over a µ-law line, and the caller with it."""
    delay, gain, taps = HYBRIDS[hybrid]
    sent, out = np.zeros(round(delay * RATE) + len(taps)), []
    for i in range(round(seconds / 0.02)):
        need = FRAME // 2 + len(taps) - 1
        first = len(sent) - round(delay * RATE) - need + FRAME // 2
        past = np.zeros(need)
        piece = sent[max(0, first) : first + need]
        past[-len(piece) :] = piece if len(piece) else 0
        back = gain * np.convolve(past, taps, "valid")[-FRAME // 2 :]
        mine = np.frombuffer(caller[i] if i < len(caller) else QUIET, "<i2")
        frame = np.clip(back + mine + np.frombuffer(noise(10, i), "<i2"), -32768, 32767)
        heard = bytearray(mulaw_decode(mulaw_encode(frame.astype("<i2").tobytes())))
        heard[:2] = mine[:1].tobytes()  # the word's mark survives the coding
        out.append(call.step(bytes(heard)))
        sent = np.concatenate([sent, np.frombuffer(out[-1], "<i2")])
    return out


@pytest.mark.parametrize("hybrid", HYBRIDS)
def test_our_own_echo_does_not_stop_us(hybrid: str, real: Rendered) -> None:
    call, talk = start(MENU, BYE, voice=RealVoice(real))
    line_echo(call, hybrid, real.seconds - 0.1, [])
    assert len(talk.events) == 1
    assert "prompt_paused" not in names(call)


@pytest.mark.parametrize("hybrid", ["near", "network"])
def test_a_caller_is_heard_over_our_own_echo(hybrid: str, real: Rendered) -> None:
    call, talk = start(MENU, CODE, BYE, voice=RealVoice(real))
    caller = [*silence(2), *voice("tôi quên")]
    line_echo(call, hybrid, 4, caller)
    paused = next(note.at for note in call.notes if note.what == "prompt_paused")
    assert paused - 2 <= 0.25
    assert said(talk) == ["tôi quên"]


def test_an_unrelated_voice_is_left_as_it_is(real: Rendered) -> None:
    rng = np.random.default_rng(4)
    prompt = np.frombuffer(real.pcm, "<i2")
    for _ in range(40):
        tone = rng.uniform(90, 250)
        other = 5_000 * np.sign(np.sin(2 * np.pi * tone / RATE * np.arange(2_080)))
        at = int(rng.integers(6_080, len(prompt)))
        heard = other.astype("<i2").tobytes()
        rest = EchoPath(RATE).without(heard, prompt[at - 6_080 : at].tobytes())
        left = np.frombuffer(rest, "<i2").astype(float)
        assert np.sqrt((left**2).mean()) > 5_000 * 0.7
