"""Voice activity on made signals: any level, any noise, any offset, at any rate."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.asr.vad import VoiceActivity, level
from assistant.settings import Vad

FRAME = 0.02
LEAD, TALK, TAIL = 2.0, 1.5, 2.0  # s of the test signal
FORMANTS = ((500, 1.0), (1500, 0.4), (2500, 0.2))  # Hz, amplitude
Signal = NDArray[np.float64]


def voice(rate: int, seconds: float) -> Signal:
    """Something with the rhythm and the spectrum of speech: a buzz of 120 Hz through three
    formants, five syllables a second."""
    t = np.arange(round(rate * seconds)) / rate
    buzz = np.zeros_like(t)
    for f in range(120, 3_400, 120):
        weight = sum(g * np.exp(-(((f - c) / 200) ** 2)) for c, g in FORMANTS) + 0.02
        buzz += weight * np.sin(2 * np.pi * f * t + f)
    return np.asarray(buzz * np.clip(np.sin(np.pi * 5 * t) ** 2, 0.02, 1))


def scene(rate: int, speech_db: float, noise_db: float | None, seed: int = 1) -> Signal:
    """Lead, talk, tail; levels in dBFS (rms). noise None: digital silence around the voice."""
    talk = voice(rate, TALK)
    talk *= 10 ** (speech_db / 20) / np.sqrt(np.mean(talk**2))
    sound = np.concatenate([np.zeros(round(rate * LEAD)), talk, np.zeros(round(rate * TAIL))])
    if noise_db is not None:
        noise = np.random.default_rng(seed).standard_normal(len(sound))
        sound = sound + noise * 10 ** (noise_db / 20)
    return sound


def activity(sound: Signal, rate: int, settings: Vad | None = None) -> list[bool]:
    pcm = np.clip(np.rint(sound * 32768), -32768, 32767).astype("<i2").tobytes()
    size = round(rate * FRAME) * 2
    vad = VoiceActivity(settings or Vad(), FRAME, rate)
    return [vad.accept(pcm[at : at + size]) for at in range(0, len(pcm) - size + 1, size)]


def check(flags: list[bool]) -> None:
    """Nothing before, about half of the talk (it has dips), its end found within 60 ms, nothing after."""  # noqa: E501
    begin, end = round(LEAD / FRAME), round((LEAD + TALK) / FRAME)
    assert not any(flags[:begin]), "speech before anybody spoke"
    assert sum(flags[begin:end]) > 0.45 * (end - begin), "too little of the talk"
    last = max(i for i, flag in enumerate(flags) if flag)
    assert end - 0.2 / FRAME < last <= end + 3, f"the end was found at frame {last}, not {end}"


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("gain", [-20, 0, 20])
def test_any_level(rate: int, gain: int) -> None:
    check(activity(scene(rate, -28 + gain, -68 + gain), rate))


@pytest.mark.parametrize("snr", [15, 20, 30, 50])
def test_steady_noise(snr: int) -> None:
    check(activity(scene(8_000, -26, -26 - snr), 8_000))


def test_digital_silence_around_the_voice() -> None:
    check(activity(scene(8_000, -26, None), 8_000))


@pytest.mark.parametrize("offset", [-0.4, 0.1, 0.5])
def test_offset(offset: float) -> None:
    check(activity(scene(8_000, -26, -60) + offset, 8_000))


def test_mains_hum() -> None:
    sound = scene(8_000, -26, -60)
    hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(len(sound)) / 8_000)
    check(activity(sound + hum, 8_000))


def test_clicks_are_not_speech() -> None:
    sound = scene(8_000, -26, -60)
    for second in (0.5, 1.0, 1.5, 4.5, 5.0):
        at = round(second * 8_000)
        sound[at : at + 40] = 0.9 * (-1.0) ** np.arange(40)  # 5 ms at full scale
    check(activity(sound, 8_000))


def test_loud_noise_is_learned_within_the_window() -> None:
    noise = np.random.default_rng(0).standard_normal(8_000 * 6) * 10 ** (-20 / 20)
    flags = activity(noise, 8_000)
    learned = round(1.25 * Vad().window / FRAME)  # the window, and the block before it
    assert any(flags[:learned]), "louder than any floor at the start: taken for speech at first"
    assert not any(flags[learned:])


def test_silence_and_whisper_of_the_converter() -> None:
    zeros = np.zeros(8_000 * 3)
    dither = np.random.default_rng(0).integers(-1, 2, 8_000 * 3) / 32768
    assert not any(activity(zeros, 8_000))
    assert not any(activity(dither, 8_000))


def test_zeros_do_not_become_the_floor() -> None:
    """A paused file says nothing of a line's noise: the noise after it is not speech."""
    noise = np.random.default_rng(0).standard_normal(8_000 * 3) * 10 ** (-50 / 20)
    assert not any(activity(np.concatenate([np.zeros(8_000 * 3), noise]), 8_000))


@pytest.mark.parametrize("frame", [b"", b"\1\0", b"\0\0" * 160])
def test_level_of_nothing(frame: bytes) -> None:
    assert level(frame, 8_000) == -100.0
