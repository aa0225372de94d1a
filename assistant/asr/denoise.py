"""A line's steady noise turned down.

Where a vowel ends at once and noise goes on behind it, a recognizer hears lips that close: "ba"
becomes "tám". The noise that is always there can be told from speech, as it is what every
frequency falls back to between sounds, and turned down by a Wiener filter of that much.

Gain of a frequency: Y. Ephraim & D. Malah, "Speech enhancement using a minimum mean-square error
short-time spectral amplitude estimator", IEEE ASSP 32 (1984), the decision-directed estimate of
what is speech; noise: a low percentile of what was heard there lately, as V. Stahl, A. Fischer &
R. Bippus, "Quantile based noise estimation for spectral subtraction and Wiener filtering", ICASSP
2000.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_FRAME = 0.032  # s
_AVERAGED = 3  # frames, before a percentile is taken
_MEMORY = 2.0  # s in which the noise was heard
_FIRST = 0.4  # s that are heard before the noise is known
_RENEWED = 0.128  # s of one estimate of the noise
_PERCENTILE = 15
_NOISE = 2.0  # of that percentile
_BELOW = 12.0  # dB under the loudest frame: nothing louder than that is noise
_GONE = 1e-7  # of the loudest frame's power: digital silence says nothing of the line
_BEFORE = 0.6  # share of the frame before in what is taken for speech
_REMOVED = np.array(1.5, np.float32)  # times the noise, in the filter
_LEAST = 1e-20  # power
_ONE = np.array(1, np.float32)  # numpy is several times slower with Python's own

Samples = NDArray[np.float32]
Spectra = NDArray[np.complex64]  # (frames, bins)
Powers = NDArray[np.float32]  # (frames, bins)


class Denoiser:
    """Of one utterance after another; the same output however its PCM is cut into pieces.

    What comes out is as long as what went in, but 16 ms later, and the first 0.4 s together.
    """

    def __init__(self, most: float, rate: int) -> None:
        """``most``: dB that anything is turned down at most; ``rate``: Hz."""
        self._floor = np.array(10 ** (-most / 20), np.float32)
        self._size = 1 << round(math.log2(rate * _FRAME))
        self._hop = self._size // 2
        step = self._hop / rate
        self._first = round(_FIRST / step)
        self._memory = round(_MEMORY / step)
        self._renewed = max(1, round(_RENEWED / step))
        self._window = np.sqrt(np.hanning(self._size + 1)[:-1]).astype(np.float32)
        self.restart()

    def restart(self) -> None:
        """Begin another utterance, on a line that was not heard before."""
        bins = self._size // 2 + 1
        self._samples = np.zeros(self._hop, np.float32)  # that are no whole frame yet
        self._waiting = np.zeros((0, bins), np.complex64)  # frames, while the noise is not known
        self._powers = np.zeros((_AVERAGED - 1, bins), np.float32)  # of the frames before
        self._heard = np.zeros((bins, self._memory), np.float32)  # averaged; the noise is in them
        self._known = 0  # frames ever heard so; the last of them are kept, in no order
        self._loudest = 0.0
        self._noise = np.full(bins, _LEAST, np.float32)  # power of every bin
        self._carried: Samples | None = None  # of the frame before, into what is taken for speech
        self._tail = np.zeros(self._hop, np.float32)
        self._frames = 0  # that came out
        self._before = self._hop  # samples still to come out that never went in
        self._owed = 0  # samples that went in and did not come out

    def feed(self, pcm: bytes, last: bool) -> bytes:
        """16-bit PCM with less noise: what is certain by now, everything with the last."""
        samples = self.reduce(np.frombuffer(pcm, "<i2").astype(np.float32), last)
        return np.rint(samples).clip(-32768, 32767).astype("<i2").tobytes()

    def reduce(self, new: Samples, last: bool) -> Samples:
        """The same of samples at any scale."""
        self._owed += len(new)
        samples = np.concatenate([self._samples, new])
        if last:
            samples = np.concatenate([samples, np.zeros(2 * self._size, np.float32)])
        count = max(0, len(samples) // self._hop - 1)
        self._samples = samples[count * self._hop :]
        if count:
            halves = samples[: (count + 1) * self._hop].reshape(-1, self._hop)
            spectra = np.fft.rfft(np.hstack([halves[:-1], halves[1:]]) * self._window, axis=1)
            self._waiting = np.concatenate([self._waiting, spectra], dtype=np.complex64)
        waits = not self._frames and len(self._waiting) < self._first and not last
        if waits or not len(self._waiting):
            return new[:0]
        known, self._waiting = self._waiting, self._waiting[:0]
        return self._joined(known * self._gains(known))

    def _gains(self, spectra: Spectra) -> Powers:
        powers: Powers = spectra.real**2 + spectra.imag**2
        averaged, known = self._averaged(powers)
        total = averaged.sum(axis=1)
        loudest = np.maximum.accumulate(np.append(self._loudest, total))[1:]
        self._loudest = float(loudest[-1])
        known &= total > _GONE * loudest
        noise = np.empty_like(powers)
        noise[:] = self._noise
        noted = 0
        for at in self._renewals(len(powers)):
            until = at + 1 if self._frames + at else min(self._first, len(powers))
            self._hear(averaged[noted:until][known[noted:until]])
            noted = until
            self._noise = noise[at:] = self._estimated(loudest[until - 1])
        self._hear(averaged[noted:][known[noted:]])
        self._frames += len(powers)
        return self._filter(powers / noise)

    def _renewals(self, count: int) -> list[int]:
        """Which of the next frames have an estimate of the noise made for them."""
        return [
            at
            for at, here in enumerate(range(self._frames, self._frames + count))
            if here == 0 or (here >= self._first and here % self._renewed == 0)
        ]

    def _averaged(self, powers: Powers) -> tuple[Powers, NDArray[np.bool_]]:
        """Of every frame and those before it, and whether there were as many as it takes."""
        some = np.concatenate([self._powers, powers])
        self._powers = some[len(powers) :]
        mean = some[: len(powers)].copy()
        for later in range(1, _AVERAGED):
            mean += some[later:][: len(powers)]
        terms = np.minimum(self._frames + 1 + np.arange(len(powers)), _AVERAGED)
        mean /= terms[:, None].astype(np.float32)
        return mean, terms == _AVERAGED

    def _hear(self, averaged: Powers) -> None:
        """Keep these frames instead of the oldest."""
        places = (self._known + np.arange(len(averaged))) % self._memory
        self._heard[:, places] = averaged.T
        self._known += len(averaged)

    def _estimated(self, loudest: float) -> Samples:
        """The noise of every bin."""
        heard = self._heard[:, : min(self._known, self._memory)]
        if not heard.size:
            return np.full(len(heard), _LEAST, np.float32)
        rank = _PERCENTILE * (heard.shape[1] - 1) // 100
        noise: Samples = np.maximum(np.sort(heard, axis=1)[:, rank] * _NOISE, _LEAST)
        most = loudest * 10 ** (-_BELOW / 10)
        noise *= np.minimum(1, most / noise.sum())
        return noise

    def _filter(self, over: Powers) -> Powers:
        """Gains of frames, of their powers over the noise's: each hangs on the frame before."""
        gains = np.empty_like(over)
        instant = np.maximum(over - _ONE, 0)
        if self._carried is None:
            self._carried = _BEFORE * instant[0]
        terms = (1 - _BEFORE) * instant + _REMOVED
        over *= _BEFORE
        carried, total = self._carried, np.empty_like(self._carried)
        for term, power, gain in zip(terms, over, gains, strict=True):
            np.add(carried, term, out=total)
            np.divide(_REMOVED, total, out=gain)
            np.subtract(_ONE, gain, out=gain)
            np.maximum(gain, self._floor, out=gain)
            np.multiply(gain, gain, out=carried)
            np.multiply(carried, power, out=carried)
        return gains

    def _joined(self, spectra: Spectra) -> Samples:
        """Frames overlapped and added, without what was put before and behind the utterance."""
        frames = np.fft.irfft(spectra, self._size, axis=1) * self._window
        out = np.zeros((len(frames) + 1, self._hop), np.float32)
        out[0] = self._tail
        out[:-1] += frames[:, : self._hop]
        out[1:] += frames[:, self._hop :]
        self._tail = out[-1]
        samples = out[:-1].ravel()[self._before :][: self._owed]
        self._before = max(0, self._before - out[:-1].size)
        self._owed -= len(samples)
        return samples
