"""Whatever is played into a call: it is heard or refused with a code, the process lives, and no
account is touched by accident."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.accounts.types import Outcome
from assistant.asr.transcribing import transcribe_file
from assistant.call import Call
from assistant.channels.wav import WavCaller, read_turns
from assistant.cli.wiring import Wired, new_call, open_parts
from assistant.dialogue.types import EndOfCall, ResetDone
from assistant.errors import AudioError
from assistant.settings import Settings, load_settings
from tests.audio_tools import REFUSED, USABLE, WARNED, encoded

RATE = 8_000
Samples = NDArray[np.float32]


class Trap:
    """An account system that would give a password to anybody, and remembers being asked."""

    def __init__(self) -> None:
        self.asked = 0

    def verify_and_reset(self, phone: str | None, code: str, call_id: str) -> Outcome:
        self.asked += 1
        return ResetDone("482915")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wired, Settings]]:
    folder = tmp_path_factory.mktemp("store")
    settings = load_settings().model_copy(update={"database_url": f"sqlite:///{folder}/a.sqlite3"})
    wired = open_parts(settings)
    with closing(wired):
        yield wired, settings


def play(opened: tuple[Wired, Settings], *names: str) -> tuple[Call, Trap]:
    wired, settings = opened
    trap = Trap()
    call = new_call(replace(wired, parts=replace(wired.parts, accounts=trap)), settings, None)
    turns = read_turns(names)
    WavCaller(call, turns, settings.audio, settings.turns, settings.vad).run()
    return call, trap


def check(opened: tuple[Wired, Settings], caplog: pytest.LogCaptureFixture, path: Path) -> Call:
    """As menu answer, code, read-back and more: never a reset, never a failure of ours."""
    with caplog.at_level(logging.ERROR):
        call, trap = play(opened, *[str(path)] * 4)
    assert trap.asked == call.resets == 0
    assert call.ended is not None
    assert call.ended is not EndOfCall.FAILED
    assert "call-failed" not in caplog.text
    return call


@pytest.mark.parametrize("name", [*USABLE, *WARNED])
def test_odd_but_usable_files(
    opened: tuple[Wired, Settings],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    name: str,
) -> None:
    make = USABLE[name] if name in USABLE else WARNED[name][0]
    (tmp_path / name).write_bytes(make())
    check(opened, caplog, tmp_path / name)
    wired, settings = opened
    heard = transcribe_file(tmp_path / name, wired.model, None, settings)
    assert heard.seconds > 0.4


@pytest.mark.parametrize("name", REFUSED)
def test_unusable_files(opened: tuple[Wired, Settings], tmp_path: Path, name: str) -> None:
    make, code = REFUSED[name]
    (tmp_path / name).write_bytes(make())
    wired, settings = opened
    with pytest.raises(AudioError) as error:
        play(opened, str(tmp_path / name))
    assert error.value.code == code
    with pytest.raises(AudioError):
        transcribe_file(tmp_path / name, wired.model, None, settings)


def noise(seconds: float, level: float, seed: int = 1) -> Samples:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * level
    return samples.astype("f4")


@cache
def music(seconds: float = 6.0) -> Samples:
    t = np.arange(round(seconds * RATE)) / RATE
    notes = 220 * 2 ** (np.floor(t * 4) % 12 / 12)
    return (0.3 * np.sin(2 * np.pi * np.cumsum(notes) / RATE)).astype("f4")


def dial_tones(seconds: float = 6.0) -> Samples:
    """The sound of keys in the caller's audio: they are not keys of ours."""
    t = np.arange(round(seconds * RATE)) / RATE
    on = (t * 5 % 1) < 0.5
    return (0.2 * on * (np.sin(2 * np.pi * 852 * t) + np.sin(2 * np.pi * 1336 * t))).astype("f4")


def bursts(seconds: float = 6.0) -> Samples:
    """Noise in the rhythm of digits."""
    t = np.arange(round(seconds * RATE)) / RATE
    return noise(seconds, 0.2) * ((t * 3 % 1) < 0.5).astype("f4")


SOUNDS = {
    "silence": lambda: np.zeros(RATE * 8, "f4"),
    "a whisper of noise": lambda: noise(8, 0.0003),
    "noise": lambda: noise(8, 0.05),
    "deafening noise": lambda: np.clip(noise(8, 2.0), -1, 1),
    "clicks": lambda: (noise(8, 1.0) > 3.5).astype("f4"),
    "hum": lambda: (0.5 * np.sin(2 * np.pi * 50 * np.arange(RATE * 8) / RATE)).astype("f4"),
    "offset": lambda: np.full(RATE * 8, 0.7, "f4"),
    "square": lambda: np.sign(np.sin(2 * np.pi * 300 * np.arange(RATE * 8) / RATE)).astype("f4"),
    "music": music,
    "dial tones": dial_tones,
    "bursts": bursts,
    "alternating full scale": lambda: (-1.0) ** np.arange(RATE * 4, dtype="f4"),
    "one sample": lambda: np.ones(1, "f4"),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_sounds_that_are_no_speech(
    opened: tuple[Wired, Settings],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    name: str,
) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(encoded("WAV", "PCM_16", SOUNDS[name]()))
    call = check(opened, caplog, path)
    assert call.now < 300


def test_silence_ends_politely(
    opened: tuple[Wired, Settings], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    path = tmp_path / "silence.wav"
    path.write_bytes(encoded("WAV", "PCM_16", np.zeros(RATE * 20, "f4")))
    assert check(opened, caplog, path).ended is EndOfCall.NO_INPUT


@pytest.mark.full
def test_half_an_hour_is_read_without_being_held(
    opened: tuple[Wired, Settings], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    path = tmp_path / "long.flac"
    path.write_bytes(encoded("FLAC", "PCM_16", np.zeros(RATE * 1_800, "f4")))
    assert check(opened, caplog, path).now < 120


def test_hours_are_refused(opened: tuple[Wired, Settings], tmp_path: Path) -> None:
    path = tmp_path / "hours.flac"
    path.write_bytes(encoded("FLAC", "PCM_16", np.zeros(RATE * 3_700, "f4")))
    with pytest.raises(AudioError) as error:
        play(opened, str(path))
    assert error.value.code == "audio-too-long"


@pytest.mark.full
def test_keys_alone_never_skip_the_confirmation(opened: tuple[Wired, Settings]) -> None:
    """Keys at random: an account is asked only with a code that was read back and confirmed."""
    rng = np.random.default_rng(9)
    for _ in range(6):
        turns = [f"keys:{''.join(rng.choice(list('0123456789*#'), 12))}" for _ in range(8)]
        call, trap = play(opened, *turns)
        assert call.ended is not EndOfCall.FAILED
        confirmed = [t for t in call.turns if t.action == "VerifyAndReset"]
        assert trap.asked == len(confirmed)
        assert all(t.expect is not None and t.expect.value == "confirm" for t in confirmed)
