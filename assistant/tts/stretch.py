"""Slower speech at the same pitch: WSOLA (Verhelst and Roelands, ICASSP 1993), pure.

Windows of the input are laid down further apart than they were taken; each is shifted by up to
10 ms to where it best continues the wave already laid down, so voiced periods stay whole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

_WINDOW = 0.030  # s; at least two periods of a voice of 67 Hz
_SEARCH = 0.010  # s each side; one period of a voice of 100 Hz


def stretch(samples: Samples, rate: int, speed: float) -> Samples:
    """``samples`` (mono, -1..1) at ``speed`` (0.4-1 slower, to 2 faster): about
    ``len(samples) / speed`` samples of the same pitch."""
    if speed == 1.0 or not len(samples):
        return samples
    hop = int(_WINDOW * rate / 2)
    search = int(_SEARCH * rate)
    window = np.hanning(2 * hop + 1)[:-1].astype(np.float32)
    count = int(np.ceil(len(samples) / speed / hop)) + 1
    padded = np.pad(samples, (hop + search, 4 * hop + 2 * search))
    output = np.zeros((count + 1) * hop, np.float32)
    previous = search  # where the last window was taken; its start is one hop before the clip
    for index in range(count):
        ideal = search + round(index * hop * speed)
        ideal = min(ideal, len(padded) - 2 * hop - search)
        taken = ideal if index == 0 else _best(padded, previous + hop, ideal, hop, search)
        output[index * hop : (index + 2) * hop] += padded[taken : taken + 2 * hop] * window
        previous = taken
    return output[hop : hop + round(len(samples) / speed)]


def _best(samples: Samples, natural: int, ideal: int, hop: int, search: int) -> int:
    """The start within ``search`` of ``ideal`` whose window looks most like the one at
    ``natural``, the true continuation of what was laid down last."""
    size = 2 * hop
    target = samples[natural : natural + size]
    low = ideal - search
    region = samples[low : ideal + search + size]
    match = np.correlate(region, target, mode="valid")
    energy = np.convolve(region * region, np.ones(size, np.float32), mode="valid")
    score = match / np.sqrt(np.maximum(energy, 1e-9))
    return low + int(np.argmax(score))
