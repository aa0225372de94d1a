"""The handset: what the microphone hears while we speak, and what is said when it is missing."""

from __future__ import annotations

import importlib
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from assistant.audio import card
from assistant.call import Call
from assistant.channels import microphone
from assistant.channels.microphone import Handset, Loudspeaker
from assistant.dialogue.types import Ask, Reply, Say
from assistant.errors import DependencyError, UsageError
from assistant.nlu.types import Expect
from tests.call_tools import FRAME, QUIET, silence
from tests.live_tools import BYE, ScriptedExchange
from tests.unit.test_call_barge_in import voice

HELLO = Reply((Say("greeting"),))
MENU = Ask(HELLO, Expect.MENU, instant_keys="0123456789*#")


def handset(*actions: Any, headset: bool = False) -> Handset:
    call: Call = ScriptedExchange(*actions).new(None, "microphone")
    return Handset(call, headset)


def said(hand: Handset) -> list[str]:
    return [n["text"] for n in hand.news() if n["type"] == "heard"]


def test_it_does_not_hear_itself() -> None:
    """Our own voice comes back through the air at full level; it is no turn."""
    hand = handset(MENU, BYE)
    back = QUIET
    for _ in range(60):
        back = hand.frame(back)
    assert not any("paused" in note.what for note in hand.call.notes)
    for frame in silence(0.3):
        hand.frame(frame)
    for frame in [*voice("tôi quên"), *silence(1)]:
        hand.frame(frame)
    assert said(hand) == ["tôi quên"]


def test_with_a_headset_one_may_speak_over_a_prompt() -> None:
    frames = [*silence(0.3), *voice("tôi quên"), *silence(1)]
    deaf, hearing = handset(MENU, BYE), handset(MENU, BYE, headset=True)
    for frame in frames:
        deaf.frame(frame)
        hearing.frame(frame)
    assert said(deaf) == []
    assert said(hearing) == ["tôi quên"]


def test_keys_and_level() -> None:
    hand = handset(MENU, BYE)
    hand.frame(QUIET)
    assert hand.level == -100
    hand.press("8")
    hand.frame(voice("quên")[0])
    assert hand.level > -30
    hand.frame(QUIET)
    assert said(hand) == ["8"]


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def missing(error: Exception) -> None:
        def load(name: str) -> Any:
            if name == "sounddevice":
                raise error
            return real(name)

        monkeypatch.setattr(card.importlib, "import_module", load)

    for error, code in ((ImportError(), "mic-missing"), (OSError(), "mic-portaudio")):
        missing(error)
        with pytest.raises(DependencyError) as caught:
            microphone.devices()
        assert caught.value.code == code
        assert "assistant serve" in caught.value.hint


@pytest.mark.parametrize(
    ("variable", "config"),
    [
        ("ALSA_CONFIG_PATH", "/nonexistent"),
        ("ALSA_CONFIG_PATH", "/dev/null"),
        ("ALSA_CONFIG_DIR", "/nonexistent"),
    ],
)
def test_an_alsa_without_its_configuration_is_a_coded_error(
    monkeypatch: pytest.MonkeyPatch, variable: str, config: str
) -> None:
    """PortAudio would abort the whole process."""
    if not sys.platform.startswith("linux"):
        pytest.skip("ALSA is Linux's")
    try:
        importlib.import_module("sounddevice")
    except (ImportError, OSError):
        pytest.skip("needs the extra `mic` and Debian's libportaudio2")
    monkeypatch.setenv(variable, config)
    with pytest.raises(DependencyError) as caught:
        microphone.devices()
    assert caught.value.code == "mic-device"
    assert "libasound2-data" in caught.value.hint
    assert "assistant serve" in caught.value.hint


def test_an_alsa_configured_in_an_unusual_place_is_not_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not card._ALSA.exists():
        pytest.skip("needs Debian's libasound2-data")
    monkeypatch.setattr(card, "_ALSA", Path("/nonexistent"))
    assert not card._aborts()


def test_a_device_that_cannot_be_opened_is_a_coded_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sound:
        class PortAudioError(Exception):
            pass

        class CallbackStop(Exception):
            pass

        def RawOutputStream(self, **_: object) -> nullcontext[None]:  # noqa: N802
            return nullcontext()

        def RawInputStream(self, **_: object) -> None:  # noqa: N802
            raise ValueError("No input device matching 'nothing'")

    monkeypatch.setattr(microphone, "sound_card", lambda _: Sound())
    hand = handset(MENU, BYE)
    with pytest.raises(UsageError) as caught:
        microphone.play(hand, ("nothing", None), lambda: None)
    assert caught.value.code == "mic-device"
    assert hand.call.ended is not None
    assert len(QUIET) == FRAME


def test_the_loudspeakers_clock_is_not_the_microphones() -> None:
    speaker = Loudspeaker(b"")
    assert speaker.take() == b""
    speaker.put(b"1")
    assert speaker.take() == b""  # one more first, against jitter
    speaker.put(b"2")
    assert [speaker.take() for _ in range(3)] == [b"1", b"2", b""]
    for number in range(30):  # it is slow: what is old is left out
        speaker.put(b"%d" % number)
    assert [speaker.take() for _ in range(9)] == [b"%d" % n for n in range(22, 30)] + [b""]
