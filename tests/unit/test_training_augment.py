"""What a line does to speech in training, and the same speech on a good line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assistant.training.augment import DEFAULT, MILD, RATE, spoil, unspoiled


def bursts() -> np.ndarray:
    time = np.arange(RATE) / RATE
    sound = 0.3 * np.sin(2 * np.pi * 600 * time) * ((time * 7).astype(int) % 2 == 0)
    return np.asarray(sound, np.float32)


def envelope(sound: np.ndarray) -> np.ndarray:
    return np.sqrt(np.convolve(sound.astype(float) ** 2, np.ones(80) / 80, "same"))


@pytest.mark.parametrize("seed", range(12))
def test_the_good_line_has_the_speech_where_the_bad_one_has_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spoiled, moved = spoil(bursts(), rng, DEFAULT)
    clean = unspoiled(bursts(), moved, len(spoiled), rng)
    assert len(clean) == len(spoiled)
    bad, good = envelope(spoiled), envelope(clean)
    lags = range(-400, 401, 40)
    alike = {lag: np.corrcoef(np.roll(good, lag)[400:-400], bad[400:-400])[0, 1] for lag in lags}
    assert abs(max(lags, key=alike.__getitem__)) <= 120  # rooms smear to the right


def test_a_good_line_is_loud_enough_and_nearly_silent_between() -> None:
    rng = np.random.default_rng(3)
    spoiled, moved = spoil(bursts(), rng, DEFAULT)
    clean = unspoiled(bursts(), moved, len(spoiled), rng)
    assert 10 ** (-18.5 / 20) < np.abs(clean).max() < 10 ** (-5.5 / 20)
    assert np.sqrt(np.mean(clean[: moved.lead] ** 2)) < 10 ** (-58 / 20) if moved.lead else True


@pytest.mark.parametrize("seed", range(6))
def test_noise_is_turned_down_as_the_assistant_does_it(seed: int) -> None:
    steady = replace(MILD, noise=1.0, snr=(15.0, 15.0), reverb=0.0, mulaw=0.0, zeros=0.0)
    speech = np.tile(bursts(), 3)
    noisy, quieter = (
        spoil(speech, np.random.default_rng(seed), replace(steady, noisy=share))[0]
        for share in (1.0, 0.0)
    )
    assert len(quieter) == len(noisy)
    loud = envelope(noisy)
    speaking = loud > np.quantile(loud, 0.8)
    pauses = loud < np.quantile(loud, 0.2)
    kept = np.std(quieter[speaking]) / np.std(noisy[speaking])
    assert 0.8 < kept < 1.05
    assert np.std(quieter[pauses]) / np.std(noisy[pauses]) < 0.9 * kept
