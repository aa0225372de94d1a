"""The height of a voice, on voices made by formula: glides of known pitch, in noise and without."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistant.asr.pitch import FIRST_SECONDS, RATE, STEP_SECONDS, Pitch

Sound = NDArray[np.float64]


def glide(start: float, end: float, seconds: float = 0.4, lowest: float = 0.0) -> Sound:
    """A voice from one pitch (Hz) to the other, straight in semitones; harmonics under 3.4 kHz, of
    a line that lets nothing under ``lowest`` Hz through, and 0.2 s of silence around it."""
    time = np.arange(round(RATE * seconds)) / RATE
    hertz = start * (end / start) ** (time / seconds)
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    voice = np.zeros(len(time))
    for k in range(1, 40):
        heard = (k * hertz < 3_400) & (k * hertz > lowest)
        voice += heard * np.sin(k * phase) / k
    quiet = np.zeros(RATE // 5)
    return np.concatenate([quiet, 6_000 * voice * np.hanning(len(voice)) ** 0.2, quiet])


def pcm(sound: Sound, noise: float = 3.0) -> bytes:
    hiss = np.random.default_rng(5).normal(0, noise, len(sound))
    return np.rint(np.clip(sound + hiss, -32_768, 32_767)).astype("<i2").tobytes()


def wanted(start: float, end: float, pitch: Pitch, seconds: float = 0.4) -> Sound:
    """Semitones over 100 Hz at every frame of the glide, NaN elsewhere."""
    share = (np.arange(len(pitch.height)) * STEP_SECONDS + FIRST_SECONDS - 0.2) / seconds
    inside = (share > 0.1) & (share < 0.9)
    return np.where(inside, 12 * np.log2(start * (end / start) ** share / 100), np.nan)


@pytest.mark.parametrize(("start", "end"), [(90, 90), (120, 170), (240, 160), (200, 330), (75, 95)])
@pytest.mark.parametrize("lowest", [0.0, 300.0])  # a telephone passes no fundamental
@pytest.mark.parametrize("noise", [3.0, 300.0])
def test_a_glide_is_followed(start: float, end: float, lowest: float, noise: float) -> None:
    found = Pitch.of(pcm(glide(start, end, lowest=lowest), noise))
    truth = wanted(start, end, found)
    known = ~np.isnan(truth)
    off = np.abs(found.height[known] - truth[known])
    assert np.mean(off < 0.5) > 0.85  # NaN is not near, either


@pytest.mark.parametrize("noise", [3.0, 300.0])
def test_noise_has_no_pitch(noise: float) -> None:
    found = Pitch.of(pcm(np.zeros(RATE), noise))
    assert np.isnan(found.height).mean() > 0.9
    silence = Pitch.of(bytes(2 * RATE))
    assert np.isnan(silence.height).all()
    assert np.isfinite(silence.level).all()


def test_a_voice_half_as_loud_is_as_high() -> None:
    loud = Pitch.of(pcm(glide(110, 150), 0.0))
    soft = Pitch.of(pcm(glide(110, 150) / 2, 0.0))
    assert np.array_equal(np.isnan(loud.height), np.isnan(soft.height))
    assert loud.height == pytest.approx(soft.height, abs=0.05, nan_ok=True)
    both = ~np.isnan(loud.height)
    assert loud.level[both] - soft.level[both] == pytest.approx(6.02, abs=0.1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-32_768, 32_767), max_size=1_200))
def test_any_sound_has_frames_of_finite_level(samples: list[int]) -> None:
    found = Pitch.of(np.array(samples, "<i2").tobytes())
    assert len(found.height) == max(0, (len(samples) - 320) // 80 + 1)
    assert len(found.height) == len(found.strength) == len(found.level)
    assert np.isfinite(found.level).all()
    assert np.isfinite(found.strength).all()
    voiced = found.height[~np.isnan(found.height)]
    assert ((voiced > -10) & (voiced < 27)).all()
