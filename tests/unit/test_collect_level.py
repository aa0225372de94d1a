"""Which recordings are asked for again, and with which figure."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.audio import AudioChunk
from assistant.collect.level import Flaw, flaw, measure
from assistant.settings import Collect
from tests.collect_tools import RATE, spoken

LIMITS = Collect()


@pytest.mark.parametrize(
    ("audio", "syllables", "expected"),
    [
        (spoken(10), 10, None),
        (spoken(1), 1, None),
        (spoken(10, level=-40), 10, None),
        (spoken(10, rate=8_000), 10, None),
        (spoken(10, level=-50), 10, Flaw.QUIET),
        (spoken(10, level=-10, gain=8), 10, Flaw.CLIPPED),
        (spoken(10, level=-20, noise=-30), 10, Flaw.NOISY),
        (spoken(3), 10, Flaw.SHORT),
        (spoken(40), 2, Flaw.LONG),
        (AudioChunk(b"", RATE), 1, Flaw.QUIET),
        (AudioChunk(bytes(RATE), RATE), 1, Flaw.QUIET),
        (AudioChunk(np.full(RATE, 9_000, "<i2").tobytes(), RATE), 1, Flaw.QUIET),
    ],
    ids="good one soft telephone quiet clipped noisy cut-off other empty zeros constant".split(),
)
def test_a_flaw_is_found(audio: AudioChunk, syllables: int, expected: Flaw | None) -> None:
    assert flaw(measure(audio), syllables, LIMITS) == expected


def test_the_figures_are_those_of_the_sound() -> None:
    found = measure(spoken(10, level=-20, noise=-60))
    assert found.level == pytest.approx(-20, abs=1)
    assert found.floor == pytest.approx(-60, abs=1)
    assert found.snr == pytest.approx(40, abs=2)
    assert found.speech == pytest.approx(2.0, abs=0.25)
    assert found.clipped == 0


def test_a_lone_peak_is_no_clipping_and_dc_is_no_speech() -> None:
    samples = np.frombuffer(spoken(5).pcm, "<i2").copy()
    samples[[1_000, 2_000, 3_000]] = 32_767
    assert measure(AudioChunk(samples.tobytes(), RATE)).clipped == 0
    shifted = (np.frombuffer(spoken(5).pcm, "<i2") + 3_000).astype("<i2").tobytes()
    assert measure(AudioChunk(shifted, RATE)).level == pytest.approx(-20, abs=1)
