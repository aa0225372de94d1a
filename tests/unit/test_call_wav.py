"""The polite caller of files: speaks while the assistant listens, and a file's end ends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from assistant.audio import write_wav
from assistant.call import Call
from assistant.channels.wav import FileTurn, KeyTurn, Tape, WavCaller, read_turns
from assistant.dialogue.types import Action, Ask, EndOfCall, Finish, Heard, Keyed, Reply, Say
from assistant.errors import AudioError
from assistant.nlu.types import Expect
from assistant.settings import AudioLimits, Turns, Vad
from tests.call_tools import RATE, ScriptedTalk, make_parts, silence, spoken

HELLO = Reply((Say("greeting"),))
MENU = Ask(HELLO, Expect.MENU, instant_keys="0123456789*#")
CODE = Ask(HELLO, Expect.CODE)
BYE = Finish(HELLO, EndOfCall.DONE)


def wav(folder: Path, name: str, frames: Sequence[bytes]) -> str:
    write_wav(folder / name, b"".join(frames), RATE)
    return str(folder / name)


def run(
    actions: Sequence[Action], names: Sequence[str], keys: str | None = None
) -> tuple[Call, ScriptedTalk, Tape]:
    talk = ScriptedTalk(actions)
    call = Call(make_parts(), talk, None, "call-1", RATE)
    caller = WavCaller(call, read_turns(names, keys), AudioLimits(), Turns(), Vad())
    return call, talk, caller.run()


def said(talk: ScriptedTalk) -> list[str]:
    return [
        event.interpretation.text if isinstance(event, Heard) else event.keys
        for event in talk.events
        if isinstance(event, Heard | Keyed)
    ]


def test_turn_by_turn(tmp_path: Path) -> None:
    names = [
        wav(tmp_path, "1.wav", spoken("tôi quên")),
        wav(tmp_path, "2.wav", silence(0.5) + spoken("chín một hai") + silence(0.5)),
        wav(tmp_path, "3.wav", spoken("đúng")),
    ]
    call, talk, tape = run([MENU, CODE, MENU, BYE], names)
    assert said(talk) == ["tôi quên", "chín một hai", "đúng"]
    assert call.ended is EndOfCall.DONE
    assert len(tape.caller) == len(tape.assistant) == round(call.now * RATE) * 2


def test_the_caller_is_silent_while_the_assistant_speaks(tmp_path: Path) -> None:
    _, _, tape = run([MENU, BYE], [wav(tmp_path, "1.wav", spoken("tôi quên"))])
    assert not any(tape.caller[: RATE * 2])  # the greeting lasts a second
    assert any(tape.caller[RATE * 2 : RATE * 4])


def test_the_end_of_a_file_ends_no_turn(tmp_path: Path) -> None:
    """After the last sample of the file our own end-pointing still waits its time."""
    call, _, _ = run([MENU, BYE], [wav(tmp_path, "1.wav", spoken("tôi quên"))])
    turn = call.turns[0]
    assert turn.listened is not None
    assert turn.ended is not None
    spoke = turn.ended - turn.listened
    assert spoke == pytest.approx(0.6 + Turns().end_silence, abs=0.05)


def test_one_long_file_is_paused_and_resumed(tmp_path: Path) -> None:
    frames = [
        *spoken("tôi quên"),
        *silence(1.5),
        *spoken("chín một hai"),
        *silence(2.5),
        *spoken("đúng"),
        *silence(1),
    ]
    call, talk, _ = run([MENU, CODE, MENU, BYE], [wav(tmp_path, "all.wav", frames)])
    assert said(talk) == ["tôi quên", "chín một hai", "đúng"]
    assert call.ended is EndOfCall.DONE


def test_a_file_whose_rest_is_silence_is_dropped(tmp_path: Path) -> None:
    names = [
        wav(tmp_path, "1.wav", spoken("tôi quên") + silence(30)),
        wav(tmp_path, "2.wav", spoken("đúng")),
    ]
    call, talk, _ = run([MENU, MENU, BYE], names)
    assert said(talk) == ["tôi quên", "đúng"]
    assert call.now < 10


def test_the_next_file_waits_until_the_assistant_has_spoken(tmp_path: Path) -> None:
    """A reply without words ("keep listening") does not start the next file."""
    names = [
        wav(tmp_path, "1.wav", spoken("tôi")),
        wav(tmp_path, "2.wav", spoken("đúng")),
    ]
    call, _, _ = run([MENU, Ask(Reply(()), Expect.MENU), MENU, BYE], names)
    assert [turn.event for turn in call.turns if turn.event] == ["Heard", "Silence", "Heard"]


def test_keys_between_files(tmp_path: Path) -> None:
    names = ["keys:8", wav(tmp_path, "1.wav", spoken("chín một hai")), "keys:345678#"]
    _, talk, _ = run([MENU, CODE, CODE, BYE], names)
    assert said(talk) == ["8", "chín một hai", "345678#"]


def test_keys_of_the_first_turn(tmp_path: Path) -> None:
    _, talk, _ = run([MENU, MENU, BYE], [wav(tmp_path, "1.wav", spoken("đúng"))], keys="8")
    assert said(talk) == ["8", "đúng"]


def test_a_person_goes_on_pressing_while_the_assistant_answers() -> None:
    _, talk, _ = run([CODE, MENU, BYE], ["keys:91234567801"])
    assert said(talk) == ["9123456780", "1"]


def test_after_the_last_turn_there_is_silence_until_the_call_ends(tmp_path: Path) -> None:
    call, talk, _ = run([MENU, MENU, MENU, BYE], [wav(tmp_path, "1.wav", spoken("tôi quên"))])
    assert said(talk) == ["tôi quên"]
    assert call.ended is EndOfCall.DONE


def test_a_conversation_that_never_ends_is_hung_up(tmp_path: Path) -> None:
    call, _, _ = run([MENU], [wav(tmp_path, "1.wav", spoken("tôi quên"))])
    assert call.ended is EndOfCall.CALLER_HUNG_UP
    assert 120 < call.now < 130


def test_a_bad_file_is_refused_before_the_call(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    talk = ScriptedTalk([MENU])
    call = Call(make_parts(), talk, None, "call-1", RATE)
    turns = read_turns([str(tmp_path / "bad.wav")])
    with pytest.raises(AudioError):
        WavCaller(call, turns, AudioLimits(), Turns(), Vad())
    assert talk.events == []


def test_warnings_of_files_reach_the_tape(tmp_path: Path) -> None:
    name = wav(tmp_path, "1.wav", spoken("tôi quên"))
    Path(name).write_bytes(Path(name).read_bytes()[:-100])
    _, _, tape = run([MENU, BYE], [name])
    assert [(file, warning.value) for file, warning in tape.warnings] == [("1.wav", "truncated")]


def test_turns_as_the_command_line_names_them() -> None:
    assert read_turns(["a.wav", "keys:12#"], "8") == [
        KeyTurn("8"),
        FileTurn(Path("a.wav")),
        KeyTurn("12#"),
    ]


def test_keys_are_not_in_a_repr() -> None:
    assert "12345" not in repr(KeyTurn("12345"))
