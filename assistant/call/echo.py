"""Is this the caller, or our own voice coming back? Pure, from the last moments of both sides.

A line's hybrid, a loudspeaker or a network returns our prompt late, filtered and quieter. Where
in the past it lies shows as one sharp peak of the whitened cross-correlation (GCC-PHAT, Knapp &
Carter 1976); there a short filter is fitted by least squares, and what it cannot explain is the
caller. Two talkers at once need no special case: the caller's voice is what is left over.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

_SHARP = 6.0  # peak over the rms of the correlation; chance stays under 5
_TAPS = 0.012  # s of echo tail that the filter spans
_BEFORE = 0.002  # s of it before the peak
_FOUND = 0.25  # of the energy left over, -6 dB: then the echo is surely there
_TINY = 1e-3  # of the energy, added to the diagonal so that a pure tone has a solution


class EchoPath:
    """One line's echo. Where it lies is remembered: it does not move during a call, and a moment
    in which the correlation shows it badly must not be taken for a caller."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._delay: int | None = None  # samples

    def without(self, heard: bytes, said: bytes) -> bytes:
        """``heard`` (16-bit PCM) less the echo of ``said``, the longer stretch that went out up
        to the same moment; unchanged when there is none in it."""
        inbound = np.frombuffer(heard, "<i2").astype(np.float64)
        outbound = np.frombuffer(said, "<i2").astype(np.float64)
        if len(outbound) <= len(inbound) or not outbound.any():
            return heard
        rest, last = inbound, len(outbound) - len(inbound)
        found = _place(inbound, outbound)
        delays = {self._delay, None if found is None else last - found}
        for delay in delays:
            if delay is None or delay > last:
                continue
            left = inbound - _explained(inbound, outbound, last - delay, self._rate)
            if left @ left < rest @ rest:
                rest = left
                if left @ left < _FOUND * (inbound @ inbound):
                    self._delay = delay
        if rest is inbound:
            return heard
        return np.clip(np.rint(rest), -32768, 32767).astype("<i2").tobytes()


def _place(inbound: Samples, outbound: Samples) -> int | None:
    """Where in ``outbound`` the echo begins, as an index; None: nowhere."""
    size = 1 << (len(inbound) + len(outbound) - 1).bit_length()
    cross = np.fft.rfft(outbound, size) * np.conj(np.fft.rfft(inbound, size))
    strength = np.abs(cross)
    white = np.divide(cross, strength, out=np.zeros_like(cross), where=strength > 0)
    lags = np.abs(np.fft.irfft(white, size)[: len(outbound) - len(inbound) + 1])
    peak = int(lags.argmax())
    # By chance the values are normal around zero with this rms, whatever the signals are.
    return peak if lags[peak] * np.sqrt(size) > _SHARP else None


def _explained(inbound: Samples, outbound: Samples, place: int, rate: int) -> Samples:
    """The part of ``inbound`` that a short filter makes of ``outbound`` around ``place``."""
    taps, before = round(rate * _TAPS), round(rate * _BEFORE)
    first = place + before - taps + 1  # a later tap looks further back
    length = len(inbound)
    padded = np.concatenate([np.zeros(taps), outbound, np.zeros(taps)])
    source = padded[first + taps : first + 2 * taps + length - 1]  # what the taps look at
    spread = _covariance(source, taps, length)
    spread[np.diag_indices(taps)] += _TINY * np.trace(spread) / taps + 1.0
    filter_ = np.linalg.solve(spread, np.correlate(source, inbound, "valid"))
    explained: Samples = np.correlate(source, filter_, "valid")
    return explained


def _covariance(source: Samples, taps: int, length: int) -> Samples:
    """Products of ``source`` shifted by every pair of taps, summed over ``length`` samples. Each
    follows from the one before on its diagonal: no product of big matrices, and no threads."""
    spread = np.zeros((taps, taps))
    spread[0] = np.correlate(source, source[:length], "valid")
    for row in range(1, taps):
        enters = source[row + length - 1] * source[row + length - 1 : taps + length - 1]
        leaves = source[row - 1] * source[row - 1 : taps - 1]
        spread[row, row:] = spread[row - 1, row - 1 : -1] + enters - leaves
    return np.triu(spread) + np.triu(spread, 1).T
