"""How high a voice is, every 10 ms: what carries the tones of Vietnamese.

The autocorrelation of each window over that of the window itself, and the cheapest path through
its peaks (P. Boersma, "Accurate short-term analysis of the fundamental frequency", IFA Proceedings
17, 1993), of the band in which a telephone passes a voice and hardly any of a street.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Narrow = npt.NDArray[np.float32]

RATE = 8_000  # Hz
STEP = 80  # samples between two frames
WINDOW = 320  # samples of a frame: more than two periods of the lowest voice
STEP_SECONDS = STEP / RATE
FIRST_SECONDS = WINDOW / 2 / RATE  # middle of the first frame

_LOWEST, _HIGHEST = 65.0, 450.0  # Hz
_BAND = (150.0, 1_500.0)  # Hz, where it falls off
_POINTS = 512
_PEAKS = 4  # of the autocorrelation of a frame, that may be the voice
_LEAST = 0.2  # height of a peak
# Costs, as heights of a peak
_UNVOICED = 0.45  # what a voice has to be better than
_OCTAVE = 0.01  # of an octave lower
_JUMP = 0.7  # of an octave from one frame to the next
_CHANGE = 0.3  # of a voice that begins or ends
_QUIET = 0.02  # of the loudest frame: nothing under half of this is a voice
_REFERENCE = 100.0  # Hz


@dataclass(frozen=True, slots=True)
class Pitch:
    """Of every frame. ``height``: semitones over 100 Hz, NaN where there is no voice; ``strength``:
    how periodic it is, 0..1; ``level``: dB over full scale."""

    height: Array = field(repr=False)
    strength: Array = field(repr=False)
    level: Array = field(repr=False)

    @classmethod
    def of(cls, pcm: bytes) -> Pitch:
        """Of 16-bit PCM at 8 kHz."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768)
        if len(samples) < WINDOW:
            return cls(np.zeros(0), np.zeros(0), np.zeros(0))
        window, band, own = _tables()
        frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STEP] * window
        spectrum = np.fft.rfft(frames, _POINTS, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2) * band
        energy = power.sum(axis=1)
        alike = np.fft.irfft(power, axis=1)[:, : len(own)]
        alike /= np.maximum(alike[:, :1], np.float32(1e-12))
        alike /= own
        hertz, strength = _path(*_peaks(alike), np.sqrt(energy / max(energy.max(), 1e-12)))
        with np.errstate(divide="ignore"):
            height = np.where(hertz > 0, 12 * np.log2(hertz / _REFERENCE), np.nan)
        return cls(height, strength, 10 * np.log10(energy + 1e-9))


def _peaks(alike: Array | Narrow) -> tuple[Array, Array]:
    """Frequency (frames, peaks) and height of the highest peaks; heights under 0 are none."""
    low, high = int(RATE / _HIGHEST), int(RATE / _LOWEST) + 1
    before, at, after = alike[:, low - 1 : high], alike[:, low : high + 1], alike[:, low + 1 :]
    peak = (at > before) & (at >= after) & (at > _LEAST)
    bend = np.where(peak, before - 2 * at + after, -1.0)
    shift = np.where(peak, 0.5 * (before - after) / bend, 0.0)  # the parabola's top
    hertz = RATE / (np.arange(low, high + 1) + shift)
    height = at - 0.25 * (before - after) * shift + _OCTAVE * np.log2(hertz / _LOWEST)
    height = np.where(peak, height, -1.0)
    best = np.argpartition(-height, _PEAKS, axis=1)[:, :_PEAKS]
    return np.take_along_axis(hertz, best, axis=1), np.take_along_axis(height, best, axis=1)


def _path(hertz: Array, height: Array, loud: Array) -> tuple[Array, Array]:
    """The cheapest way through the frames: of each its frequency, 0 of none, and how high its
    peak is."""
    unvoiced = _UNVOICED + np.maximum(0.0, 2.0 - loud / _QUIET)
    score = np.concatenate([unvoiced[:, None], height], axis=1)  # (frames, 1 + peaks)
    octaves = np.concatenate([np.zeros((len(score), 1)), np.log2(hertz / _REFERENCE)], axis=1)
    voiced = np.arange(score.shape[1]) > 0
    jump = _JUMP * np.abs(octaves[:-1, :, None] - octaves[1:, None, :])
    cost = np.where(voiced[:, None] & voiced, jump, _CHANGE * (voiced[:, None] != voiced))
    back = np.zeros(score.shape, np.int64)
    total = score[0]
    for frame in range(1, len(score)):
        ways = total[:, None] - cost[frame - 1]
        back[frame] = ways.argmax(axis=0)
        total = ways.max(axis=0) + score[frame]
    places = np.zeros(len(score), np.int64)
    places[-1] = total.argmax()
    for frame in range(len(score) - 1, 0, -1):
        places[frame - 1] = back[frame, places[frame]]
    rows, voice = np.arange(len(score)), places > 0
    found = _REFERENCE * 2 ** octaves[rows, places]
    return np.where(voice, found, 0.0), np.where(voice, score[rows, places], 0.0)


@cache
def _tables() -> tuple[Narrow, Narrow, Narrow]:
    """The window; what is let through of each frequency's power; the window's autocorrelation at
    every lag that is looked at and one more."""
    window = np.hanning(WINDOW + 2)[1:-1]
    hertz = np.fft.rfftfreq(_POINTS, 1 / RATE)[1:]
    band = 1 / (1 + (_BAND[0] / hertz) ** 4) / (1 + (hertz / _BAND[1]) ** 4)
    alike = np.fft.irfft(np.abs(np.fft.rfft(window, _POINTS)) ** 2)
    own = (alike / alike[0])[: int(RATE / _LOWEST) + 3]
    passed = np.concatenate([[0.0], band])
    return window.astype(np.float32), passed.astype(np.float32), own.astype(np.float32)
