"""Steady noise is turned down, speech is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistant.asr.denoise import Denoiser

Sound = NDArray[np.float64]

MOST = 14.0
SYLLABLE, PAUSE = 0.25, 0.2  # s


def steady(rate: int, seconds: float, rms: float = 100.0) -> Sound:
    return np.random.default_rng(1).normal(0, rms, round(rate * seconds))


def words(rate: int, seconds: float, lead: float = 0.4) -> tuple[Sound, NDArray[np.bool_]]:
    """Voiced syllables of 200 Hz and its harmonics, and where they are."""
    time = np.arange(round(rate * seconds)) / rate
    on = (time >= lead) & ((time - lead) % (SYLLABLE + PAUSE) < SYLLABLE)
    voice = sum(np.sin(2 * np.pi * 200 * k * time) / k for k in range(1, 8))
    return 3_000 * np.asarray(voice) * on, on


def denoised(sound: Sound, rate: int = 8_000, most: float = MOST) -> Sound:
    pcm = np.rint(sound).astype("<i2").tobytes()
    return np.frombuffer(Denoiser(most, rate).feed(pcm, last=True), "<i2").astype(float)


def inside(where: NDArray[np.bool_], rate: int) -> NDArray[np.bool_]:
    """Where it has been so, and will be, for a frame's length."""
    margin = round(rate * 0.04)
    return np.convolve(where, np.ones(2 * margin + 1), "same") > 2 * margin


def db(ratio: float) -> float:
    return 20 * np.log10(ratio)


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_noise_in_pauses_is_turned_down_and_speech_kept(rate: int) -> None:
    speech, on = words(rate, 3.0)
    heard = denoised(speech + steady(rate, 3.0), rate)
    pauses, voiced = inside(~on, rate), inside(on, rate)
    pauses[: round(rate * 0.4)] = False
    assert -MOST - 0.5 < db(heard[pauses].std() / 100) < -9
    assert abs(db(heard[voiced].std() / speech[voiced].std())) < 0.5


@pytest.mark.parametrize("most", [6.0, 20.0])
def test_never_more_than_asked_for(most: float) -> None:
    sound = steady(8_000, 2.0)
    sound[6_000:8_000] *= 30
    assert db(denoised(sound, most=most)[:5_000].std() / 100) > -most - 0.1


def test_a_good_line_stays_as_it_is() -> None:
    speech, on = words(8_000, 3.0)
    heard = denoised(speech + steady(8_000, 3.0, rms=1.0))
    assert abs(db(heard[on].std() / speech[on].std())) < 0.1
    assert np.corrcoef(heard, speech)[0, 1] > 0.999


def test_speech_from_the_first_sample_on_is_no_noise() -> None:
    speech, _on = words(8_000, 3.0, lead=0.0)
    heard = denoised(speech + steady(8_000, 3.0))
    first = slice(320, round(8_000 * SYLLABLE) - 320)
    assert abs(db(heard[first].std() / speech[first].std())) < 1.0


def test_a_noise_that_grows_is_known_within_two_seconds() -> None:
    speech, on = words(8_000, 8.0)
    noise = steady(8_000, 8.0)
    noise[32_000:] *= 3
    heard = denoised(speech + noise)
    pauses = inside(~on, 8_000)
    pauses[:50_000] = False
    assert db(heard[pauses].std() / 300) < -9


def test_digital_silence_says_nothing_of_the_line() -> None:
    speech, on = words(8_000, 4.0)
    noise = steady(8_000, 4.0)
    line = speech + noise
    line[:12_000] = 0
    line[20_000:24_000] = 0
    heard = denoised(line)
    assert not heard[20_500:23_500].any()
    pauses = inside(~on, 8_000)
    pauses[:24_500] = False
    assert db(heard[pauses].std() / 100) < -9


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129, 300, 3_199, 3_200, 3_201, 8_001])
def test_as_long_as_it_was(count: int) -> None:
    for sound in (np.zeros(count), steady(8_000, 2.0)[:count], np.full(count, 32_767.0)):
        heard = denoised(sound)
        assert len(heard) == count
        assert np.isfinite(heard).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5_000), max_size=20), st.integers(0, 12_000))
def test_the_same_however_it_is_cut_and_after_another(cuts: list[int], zeros: int) -> None:
    speech, _ = words(8_000, 3.0)
    sound = speech + steady(8_000, 3.0)
    sound[:zeros] = 0
    pcm = np.rint(sound).astype("<i2").tobytes()
    denoiser = Denoiser(MOST, 8_000)
    whole = denoiser.feed(pcm, last=True)
    denoiser.restart()
    parts, at = [], 0
    for cut in cuts:
        parts.append(denoiser.feed(pcm[at : at + 2 * cut], last=False))
        at += 2 * cut
    parts.append(denoiser.feed(pcm[at:], last=True))
    assert b"".join(parts) == whole
    assert whole == Denoiser(MOST, 8_000).feed(pcm, last=True)
