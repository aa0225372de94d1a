"""Slowed speech is longer, of the same pitch and of the same level."""

import numpy as np
import pytest

from assistant.tts.stretch import stretch
from tests.tts_tools import voiced


def pitch_of(samples: np.ndarray, rate: int) -> float:
    """Hz, by the autocorrelation of the middle of a sound: its first peak near the highest (a
    later one would be a subharmonic), refined by a parabola."""
    middle = samples[len(samples) // 4 : -len(samples) // 4].astype(float)
    full = np.fft.irfft(np.abs(np.fft.rfft(middle, 2 * len(middle))) ** 2)
    low, high = rate // 320, rate // 65
    near = np.flatnonzero(full[low:high] > 0.85 * full[low:high].max())
    first = near[: np.flatnonzero(np.diff(near, append=high * 2) > 1)[0] + 1]
    lag = low + int(first[np.argmax(full[low + first])])
    left, peak, right = full[lag - 1 : lag + 2]
    return rate / (lag + (left - right) / (2 * (left - 2 * peak + right)))


@pytest.mark.parametrize("rate", [8_000, 16_000])
@pytest.mark.parametrize("speed", [0.5, 0.8, 0.9, 1.3])
@pytest.mark.parametrize("pitch", [85.0, 130.0, 240.0])
def test_length_changes_and_pitch_stays(rate: int, speed: float, pitch: float) -> None:
    sound = voiced(1.0, rate, pitch)[rate // 10 : -rate // 10]
    result = stretch(sound, rate, speed)
    assert len(result) == round(len(sound) / speed)
    assert pitch_of(sound, rate) == pytest.approx(pitch, rel=0.01)
    assert pitch_of(result, rate) == pytest.approx(pitch, rel=0.02)


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_level_neither_dips_nor_beats(rate: int) -> None:
    sound = voiced(1.0, rate, 120)[rate // 5 : -rate // 5]
    result = stretch(sound, rate, 0.8)
    frame = rate // 50
    frames = result[2 * frame : (len(result) // frame - 2) * frame].reshape(-1, frame)
    levels = np.sqrt(np.square(frames).mean(axis=1))
    assert levels.min() > 0.7 * levels.max()
    assert np.abs(result).max() <= 1.05 * np.abs(sound).max()


def test_silence_and_speed_one_pass_through() -> None:
    sound = voiced(0.3, 8_000, 100)
    assert stretch(sound, 8_000, 1.0) is sound
    assert len(stretch(np.zeros(0, np.float32), 8_000, 0.8)) == 0
    assert not stretch(np.zeros(800, np.float32), 8_000, 0.8).any()


def test_a_sound_shorter_than_a_window_survives() -> None:
    result = stretch(voiced(0.3, 8_000, 100)[1_000:1_040], 8_000, 0.8)
    assert len(result) == 50
    assert result.any()
