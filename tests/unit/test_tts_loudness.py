"""Loudness against the reference signals of the standards."""

import numpy as np
import pytest

from assistant.tts.loudness import (
    CLIP_RATE,
    PHONE_RATE,
    loudness,
    normalise,
    to_rate,
    trim,
    true_peak,
)
from tests.tts_tools import voiced


def sine(hertz: float, seconds: float, rate: int, phase: float = 0.0) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    return np.sin(2 * np.pi * hertz * time + phase).astype(np.float32)


def test_reference_tone_has_the_loudness_of_the_standard() -> None:
    # BS.1770: a full-scale sine of 997 Hz in one channel is -3.01 LKFS.
    assert loudness(sine(997, 5, 48_000), 48_000) == pytest.approx(-3.01, abs=0.1)
    assert loudness(0.1 * sine(997, 5, 16_000), 16_000) == pytest.approx(-23.01, abs=0.2)


def test_a_short_sound_is_as_loud_as_a_long_one() -> None:
    short, long = sine(500, 0.2, 16_000), sine(500, 6, 16_000)
    assert loudness(short, 16_000) == pytest.approx(loudness(long, 16_000), abs=0.1)


def test_silence_has_no_loudness_and_no_peak() -> None:
    for nothing in (np.zeros(0, np.float32), np.zeros(16_000, np.float32)):
        assert loudness(nothing, 16_000) is None
        assert true_peak(nothing, 16_000) is None
        assert len(trim(nothing, 16_000)) == 0


def test_true_peak_sees_between_the_samples() -> None:
    # A quarter of the rate at 45 degrees: every sample at -3.01 dB, the wave itself at 0 dB.
    wave = sine(4_000, 1, 16_000, np.pi / 4) * np.hanning(16_000).astype(np.float32)
    assert 20 * np.log10(np.abs(wave).max()) == pytest.approx(-3.01, abs=0.05)
    assert true_peak(wave, 16_000) == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("level", [0.02, 0.2, 1.0])
@pytest.mark.parametrize("seconds", [0.25, 1.0, 4.0])
def test_normalised_speech_meets_target_and_ceiling_at_both_rates(
    level: float, seconds: float
) -> None:
    rng = np.random.default_rng(int(seconds * 100))
    sound = voiced(seconds, CLIP_RATE, 120)
    sound[rng.integers(0, len(sound), 12)] *= 6  # clicks stand far above the rest
    result = normalise(trim(level * sound, CLIP_RATE), -19.0, -1.5)
    phone = to_rate(result, CLIP_RATE, PHONE_RATE)
    assert loudness(result, CLIP_RATE) == pytest.approx(-19, abs=0.6)
    assert loudness(phone, PHONE_RATE) == pytest.approx(-19, abs=1.0)
    assert true_peak(result, CLIP_RATE) <= -1.5
    assert true_peak(phone, PHONE_RATE) <= -1.5


def test_speech_below_the_ceiling_is_only_scaled() -> None:
    sound = trim(voiced(1.0, CLIP_RATE, 120), CLIP_RATE)
    result = normalise(sound, -26.0, -1.5)
    assert np.corrcoef(sound, result)[0, 1] > 0.999999


def test_trim_keeps_the_speech_and_fades_its_edges() -> None:
    sound = np.pad(voiced(0.5, 16_000, 120), 8_000)  # 0.6 s of silence on both sides
    result = trim(sound, 16_000)
    assert 0.5 <= len(result) / 16_000 <= 0.6
    kept = np.square(result).sum() / np.square(sound).sum()
    assert kept > 0.999
    assert result[0] == result[-1] == 0
