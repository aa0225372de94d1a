"""Whether a recording can be trained on: loud enough, not clipped, not noisy, not cut off,
not more than the line. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from assistant.audio import AudioChunk
from assistant.settings import Collect

_FRAME = 0.02  # s
_QUIETEST = -90.0  # dBFS; below it a line carries nothing
_LOUDEST = 10  # frames, a short syllable; their median is speech, and no click of a key
_FLOOR = 10  # percentile of the frames: what is between words
_BELOW_SPEECH, _ABOVE_FLOOR = 30.0, 6.0  # dB; a frame between is speech
_FULL = 32_700  # of 32768: limiters stop just short of the top
_RUN = 3  # samples in a row at the top; fewer are a peak


class Flaw(StrEnum):
    """Why a recording is asked for again."""

    QUIET = "too-quiet"
    CLIPPED = "clipped"
    NOISY = "too-noisy"
    SHORT = "too-short"
    LONG = "too-long"


@dataclass(frozen=True, slots=True)
class Measured:
    """``level``, ``floor``: dBFS of speech and of what is between; ``clipped``: share of samples
    in runs at full scale; ``speech``: seconds of it."""

    level: float
    floor: float
    clipped: float
    speech: float

    @property
    def snr(self) -> float:
        return self.level - self.floor


def measure(audio: AudioChunk) -> Measured:
    samples = np.frombuffer(audio.pcm, "<i2").astype(np.float64)
    frame = max(1, round(audio.rate * _FRAME))
    whole = samples[: len(samples) - len(samples) % frame].reshape(-1, frame)
    if not len(whole):
        return Measured(_QUIETEST, _QUIETEST, 0.0, 0.0)
    power = np.mean((whole - samples.mean()) ** 2, axis=1)
    levels = np.maximum(10 * np.log10(power / 32768**2 + 1e-12), _QUIETEST)
    level = float(np.median(np.sort(levels)[-_LOUDEST:]))
    floor = float(np.percentile(levels, _FLOOR))
    speech = levels > max(level - _BELOW_SPEECH, floor + _ABOVE_FLOOR)
    top = np.abs(samples) >= _FULL
    runs = np.convolve(top, np.ones(_RUN), "valid") >= _RUN
    clipped = float(runs.sum()) / max(1, len(samples))
    return Measured(level, floor, clipped, float(speech.sum()) * _FRAME)


def flaw(found: Measured, syllables: int, limits: Collect) -> Flaw | None:
    """The first reason against a recording of so many syllables; None: it can be kept."""
    checks = {
        Flaw.QUIET: found.level < limits.quietest,
        Flaw.CLIPPED: found.clipped > limits.clipped,
        Flaw.NOISY: found.snr < limits.least_snr,
        Flaw.SHORT: found.speech < limits.syllable * syllables,
        Flaw.LONG: found.speech > limits.slowest * syllables,
    }
    return next((name for name, wrong in checks.items() if wrong), None)
