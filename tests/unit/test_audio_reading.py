"""Reading what strangers send: usable, usable with a warning, or refused with a code."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.audio import AudioWarning, open_audio, read_audio
from assistant.errors import AudioError
from assistant.settings import AudioLimits
from tests.audio_tools import PCM, REFUSED, USABLE, WARNED, encoded, signal, wav

LIMITS = AudioLimits()


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", USABLE)
def test_usable(tmp_path: Path, name: str) -> None:
    recording = read_audio(put(tmp_path, name, USABLE[name]()), LIMITS)
    assert recording.warnings == frozenset()
    assert recording.audio.seconds == pytest.approx(1.0, abs=0.11)  # codecs pad to their blocks


def test_sixteen_bits_come_through_unchanged(tmp_path: Path) -> None:
    samples = np.array([-32768, -32767, -1, 0, 1, 20001, 32766, 32767], "<i2").tobytes()
    assert read_audio(put(tmp_path, "a.wav", wav(samples)), LIMITS).audio.pcm == samples


def test_channels_are_averaged(tmp_path: Path) -> None:
    pair = np.stack([np.full(800, 0.5), np.full(800, -0.25)], axis=1).astype("f4")
    pcm = read_audio(put(tmp_path, "a.wav", encoded("WAV", "FLOAT", pair)), LIMITS).audio.pcm
    assert set(np.frombuffer(pcm, "<i2").tolist()) == {4096}


def heard(folder: Path, samples: np.ndarray) -> np.ndarray:
    pcm = read_audio(put(folder, "a.wav", encoded("WAV", "PCM_16", samples)), LIMITS).audio.pcm
    return np.frombuffer(pcm, "<i2") / 32768


@pytest.mark.parametrize("others", [[-1.0], [-0.9], [-1.0, 0.0, 0.0], [1.0, -1.0, -1.0]])
def test_channels_that_cancel_each_other_are_not_lost(tmp_path: Path, others: list[float]) -> None:
    first = signal(1.0)
    mono = heard(tmp_path, np.stack([first, *(first * gain for gain in others)], axis=1))
    assert np.abs(mono - first).max() < 1e-3
    shifted = np.stack([first / 2, -first / 2], axis=1) + np.float32(0.4)
    assert np.abs(heard(tmp_path, shifted) - first / 2 - 0.4).max() < 1e-3


@pytest.mark.parametrize("others", [[0.0], [0.0] * 31, [0.5], [-0.25]])
def test_channels_that_do_not_are_averaged(tmp_path: Path, others: list[float]) -> None:
    gains = np.array([1.0, *others])
    mono = heard(tmp_path, (signal(1.0)[:, None] * gains).astype("f4"))
    assert np.abs(mono - signal(1.0) * gains.mean()).max() < 1e-3


def test_two_callers_on_two_channels_are_both_heard(tmp_path: Path) -> None:
    """One speaks in the first half, one in the second; both at once in the middle."""
    left, right = signal(1.0).copy(), signal(1.0)[::-1].copy()
    left[5_000:], right[:3_000] = 0, 0
    mono = heard(tmp_path, np.stack([left, right], axis=1))
    assert np.abs(mono - (left + right) / 2).max() < 1e-3


@pytest.mark.parametrize(("gain", "quiet"), [(1.0, False), (0.02, False), (0.003, True)])
@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_sound_too_quiet_to_hear_is_told(
    tmp_path: Path, gain: float, quiet: bool, offset: float
) -> None:
    content = encoded("WAV", "PCM_16", signal(1.0) * np.float32(gain) + np.float32(offset))
    recording = read_audio(put(tmp_path, "a.wav", content), LIMITS)
    assert recording.warnings == ({AudioWarning.QUIET} if quiet else set())


@pytest.mark.parametrize(("name", "warning"), [(n, w) for n, (_, w) in WARNED.items()])
def test_usable_with_a_warning(tmp_path: Path, name: str, warning: str) -> None:
    recording = read_audio(put(tmp_path, name, WARNED[name][0]()), LIMITS)
    assert AudioWarning(warning) in recording.warnings
    assert recording.audio.seconds > 0.4


@pytest.mark.parametrize(("name", "code"), [(n, c) for n, (_, c) in REFUSED.items()])
def test_refused(tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(AudioError) as caught:
        read_audio(put(tmp_path, name, REFUSED[name][0]()), LIMITS)
    assert caught.value.code == code
    assert caught.value.hint


def no_file(folder: Path) -> Path:
    return folder / "none.wav"


def a_folder(folder: Path) -> Path:
    return folder


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.wav")
    return folder / "pipe.wav"


def a_long_name(folder: Path) -> Path:
    return folder / ("x" * 300)


def a_zero_in_the_name(folder: Path) -> Path:
    return folder / "a\0b.wav"


def a_loop(folder: Path) -> Path:
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    return folder / "loop.wav"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (no_file, "audio-missing"),
        (a_folder, "audio-directory"),
        (a_pipe, "audio-not-file"),
        (a_long_name, "audio-permission"),
        (a_zero_in_the_name, "audio-permission"),
        (a_loop, "audio-permission"),
    ],
)
def test_not_a_file(tmp_path: Path, make: Callable[[Path], Path], code: str) -> None:
    with pytest.raises(AudioError) as caught:
        read_audio(make(tmp_path), LIMITS)
    assert caught.value.code == code


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = put(tmp_path, "a.wav", wav(PCM))
    path.chmod(0)
    with pytest.raises(AudioError) as caught:
        read_audio(path, LIMITS)
    assert caught.value.code == "audio-permission"


def test_too_long_by_its_head(tmp_path: Path) -> None:
    path = put(tmp_path, "a.wav", wav(PCM))
    with pytest.raises(AudioError) as caught:
        open_audio(path, AudioLimits(max_seconds=0.5))
    assert caught.value.code == "audio-too-long"


def test_too_long_whatever_its_head_says(tmp_path: Path) -> None:
    path = put(tmp_path, "a.flac", encoded("FLAC", "PCM_16", signal(3)))
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # STREAMINFO: number of samples unknown
    content[22:26] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(AudioError) as caught:
        read_audio(path, AudioLimits(max_seconds=1.0))
    assert caught.value.code == "audio-too-long"


def test_too_big(tmp_path: Path) -> None:
    with pytest.raises(AudioError) as caught:
        open_audio(put(tmp_path, "a.wav", wav(PCM)), AudioLimits(max_bytes=100))
    assert caught.value.code == "audio-too-long"


def test_blocks_are_small_and_in_order(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-999, 999, 8_000 * 20).astype("<i2").tobytes()
    with open_audio(put(tmp_path, "a.wav", wav(samples)), LIMITS) as file:
        assert file.declared_seconds == 20
        chunks = list(file)
    assert max(chunk.seconds for chunk in chunks) <= 0.25
    assert b"".join(chunk.pcm for chunk in chunks) == samples
    assert [c.start for c in chunks] == pytest.approx([i * 0.25 for i in range(80)])


def test_no_file_stays_open_after_a_refusal(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    for name, (make, _) in REFUSED.items():
        with pytest.raises(AudioError):
            read_audio(put(tmp_path, name, make()), LIMITS)
    after = len(os.listdir("/proc/self/fd")) if before else 0
    assert after == before
