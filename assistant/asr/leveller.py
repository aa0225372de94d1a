"""Speech brought to one level, without its direct current.

How loud a caller is and whether the line has an offset says nothing about what is said, and the
model does not hear every level equally well. What comes before the first word waits for it, so
that all of the utterance has one level: a model that looks ahead starts no later for it.
"""

from __future__ import annotations

import math

import numpy as np

from assistant.asr.vad import levels
from assistant.audio.types import SAMPLE_BYTES

_UNIT = 0.1  # s with one gain
_FRAME = 0.02  # s
_LOUDEST = 10  # frames whose mean power is the level of speech
_CONTRAST = 18.0  # dB of speech over the quietest tenth of what was heard
_NOTHING = -95.0  # dBFS (as ``Vad.digital_silence``): a line's own noise after it is no speech
_AFTER = 5  # units of speech that are heard before its level is known
_LONGEST = 30  # units that wait for speech
_MOST = 100.0  # times louder, at most
_LIMIT = 32767.0


class Leveller:
    """Of one utterance; the same output however its PCM is cut into pieces."""

    def __init__(self, dbfs: float, rate: int) -> None:
        self._wanted = 10 ** (dbfs / 10)
        self._rate = rate
        self._unit = round(rate * _UNIT) * SAMPLE_BYTES
        self._pending = b""  # less than a unit
        self._held: list[bytes] = []  # units before and at the first word
        self._heard: list[float] = []  # dBFS of every frame that is held
        self._loudest: list[float] = []  # powers, as of full scale
        self._spoken = 0  # units since speech began
        self._offset: float | None = None  # of the line; None: still holding

    def feed(self, pcm: bytes, last: bool) -> bytes:
        """16-bit PCM at one level: whole units of what came so far, everything with the last."""
        self._pending += pcm
        size = len(self._pending) if last else len(self._pending) // self._unit * self._unit
        new, self._pending = self._pending[:size], self._pending[size:]
        units = [new[at : at + self._unit] for at in range(0, size, self._unit)]
        out = [part for unit in units for part in self._next(unit)]
        if last and self._held:
            out += self._release()
        return b"".join(out)

    def _next(self, unit: bytes) -> list[bytes]:
        self._look(unit)
        if self._offset is not None:
            return [self._levelled(unit, self._offset)]
        self._held.append(unit)
        if self._spoken <= _AFTER and len(self._held) < _LONGEST:
            return []
        return self._release()

    def _look(self, unit: bytes) -> None:
        """How loud it is, and whether that is speech."""
        frames = levels(unit, self._rate, round(self._rate * _FRAME))
        powers = [10 ** (frame / 10) for frame in frames]
        self._loudest = sorted([*self._loudest, *powers])[-_LOUDEST:]
        if self._offset is None:
            self._heard += [frame for frame in frames if frame > _NOTHING]
            self._spoken += self._spoken > 0 or self._contrast() >= _CONTRAST

    def _contrast(self) -> float:
        """dB of the loudest frames over the quietest."""
        if not self._heard:
            return 0.0
        some = self._loudest[-_LOUDEST // 2 :]
        quiet = sorted(self._heard)[len(self._heard) // 10]
        return 10 * math.log10(sum(some) / len(some)) - quiet

    def _release(self) -> list[bytes]:
        """What was held, all at the level that is known by now."""
        samples = np.frombuffer(b"".join(self._held), "<i2")
        self._offset = float(samples.mean()) if len(samples) else 0.0
        held, self._held = self._held, []
        return [self._levelled(unit, self._offset) for unit in held]

    def _levelled(self, unit: bytes, offset: float) -> bytes:
        gain = 1.0
        if self._spoken:
            power = sum(self._loudest) / len(self._loudest)
            gain = min(_MOST, math.sqrt(self._wanted / power))
        samples = (np.frombuffer(unit, "<i2") - offset) * gain
        return bytes(np.rint(samples).clip(-_LIMIT, _LIMIT).astype("<i2").tobytes())
