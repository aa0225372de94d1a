"""Is somebody speaking? Energy above a tracked noise floor, frame by frame.

Pure and clockless. The level is that of the samples less their moving average over 2.5 ms: a
high-pass of linear phase, -3 dB at 300 Hz and -32 dB at 50 Hz, so that neither DC nor mains hum
counts, at any sampling rate and for a handful of array operations a frame.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from assistant.settings import Vad

_FULL_SCALE_DB = 20 * math.log10(32768)
_SILENT = -100.0  # dBFS: what an all-zero frame is taken for
_NOTHING = 1e-9  # power that is but rounding: a constant
_AVERAGE = 0.0025  # s


def level(frame: bytes, rate: int) -> float:
    """The level of a frame of 16-bit PCM in dBFS, without DC and hum; -100 for silence."""
    return levels(frame, rate, max(1, len(frame) // 2))[0] if len(frame) > 1 else _SILENT


def levels(pcm: bytes, rate: int, samples: int) -> list[float]:
    """``level`` of every whole frame of ``samples`` samples, in one go."""
    count = len(pcm) // 2 // samples
    frames = np.frombuffer(pcm, "<i2", count * samples).reshape(count, samples)
    width = round(rate * _AVERAGE) | 1  # odd, so that the average has a middle
    if samples <= width:
        return [_SILENT] * count
    sums = frames.cumsum(axis=1, dtype=np.int64)
    averages = (sums[:, width:] - sums[:, :-width]) / width
    middle = (width + 1) // 2
    rest = frames[:, middle : middle + samples - width] - averages
    powers = np.einsum("ij,ij->i", rest, rest) / (samples - width)
    return [_decibel(power) for power in powers.tolist()]


def _decibel(power: float) -> float:
    return 10 * math.log10(power) - _FULL_SCALE_DB if power > _NOTHING else _SILENT


class VoiceActivity:
    """Voice activity of one stream; runs through the whole call, so that the floor is known.

    The floor is the lowest level of the last ``window`` seconds (minimum statistics, Martin
    2001, in blocks): steady noise of any level becomes floor, and words have gaps enough not to.
    """

    def __init__(self, settings: Vad, frame: float, rate: int) -> None:
        self._settings = settings
        self._rate = rate
        self._zeros = bytes(2 * round(rate * frame))
        self._block = max(1, round(settings.window / settings.blocks / frame))
        self._onset = max(1, round(settings.onset / frame))
        self._minima: deque[float] = deque(maxlen=settings.blocks)
        self._lowest = settings.first_floor
        self._seen = self._run = 0
        self._speaking = False

    @property
    def floor(self) -> float:
        """The noise floor in dBFS."""
        return min(min(self._minima, default=0.0), self._lowest)

    def accept(self, frame: bytes) -> bool:
        """Whether speech is going on at the end of this frame."""
        if frame == self._zeros:  # a paused file, a muted line: most frames of a file's call
            self._run, self._speaking = 0, False
            return False
        return self.accept_level(level(frame, self._rate))

    def accept_level(self, now: float) -> bool:
        """As ``accept``, from a level in dBFS."""
        if now <= self._settings.digital_silence:
            # Zeros come from a paused file or a muted line and say nothing of the line's noise.
            self._run, self._speaking = 0, False
            return False
        self._track(now)
        margin = self._settings.stay_margin if self._speaking else self._settings.start_margin
        loud = now > max(self.floor + margin, self._settings.quietest)
        self._run = self._run + 1 if loud else 0
        self._speaking = loud and (self._speaking or self._run >= self._onset)
        return self._speaking

    def _track(self, now: float) -> None:
        self._lowest = min(self._lowest, now)
        self._seen += 1
        if self._seen == self._block:
            self._minima.append(self._lowest)
            self._seen, self._lowest = 0, 0.0
