"""Words made longer: as long as people say them alone, at the same pitch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

for needed in ("parselmouth", "soxr"):
    pytest.importorskip(needed)

pytestmark = pytest.mark.full
RATE, PITCH = 8_000, 120.0


def voiced(seconds: float) -> npt.NDArray[np.float32]:
    t = np.arange(int(seconds * RATE)) / RATE
    return np.sum([np.sin(2 * np.pi * PITCH * k * t) / k for k in range(1, 20)], axis=0).astype(
        np.float32
    ) * np.float32(0.1)


def pitch(samples: npt.NDArray[np.float32]) -> float:
    middle = samples[len(samples) // 4 : -len(samples) // 4].astype(np.float64)
    lags = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    low, high = RATE // 300, RATE // 70
    return RATE / float(low + np.argmax(lags[low:high]))


@pytest.mark.parametrize("seconds", [0.12, 0.2, 0.3, 0.5])
def test_a_word_gets_as_long_as_one_said_alone(seconds: float) -> None:
    from assistant.training.voices import at_leisure

    for seed in range(8):
        made = at_leisure(voiced(seconds), RATE, np.random.default_rng(seed))
        low = min(0.3, 2.6 * seconds)
        assert 0.9 * low <= len(made) / RATE <= 1.1 * 0.65
        assert pitch(made) == pytest.approx(PITCH, rel=0.05)
        assert np.abs(made).max() > 0.05


def test_what_has_no_voice_comes_back_without_complaint() -> None:
    from assistant.training.voices import another_voice, at_leisure

    hiss = np.random.default_rng(1).normal(0, 0.01, 2_000).astype(np.float32)
    assert len(at_leisure(hiss, RATE, np.random.default_rng(2))) > 0
    # A pitch is found in its first 25 ms, but Praat finds no voiced stretch to change.
    blip = np.random.default_rng(1).normal(0, 0.03, 2_400)
    blip[:200] += 0.1 * np.sin(2 * np.pi * 350 * np.arange(200) / RATE)
    made = another_voice(blip.astype(np.float32), RATE, np.random.default_rng(3))
    assert 0.7 * len(blip) < len(made) < 1.3 * len(blip)


def test_what_praat_refuses_keeps_its_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    import parselmouth

    from assistant.training import voices

    def refuse(*_: object) -> None:
        raise parselmouth.PraatError("the result cannot be represented in an integer")

    monkeypatch.setattr(voices, "call", refuse)
    hum = voiced(0.3)
    made = voices.at_leisure(hum, RATE, np.random.default_rng(1))
    assert len(made) == pytest.approx(len(hum), abs=8)
