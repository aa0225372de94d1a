"""A very quiet, always equal noise under the caller's audio.

Exact zeros have no logarithm: filterbank features of digital silence sit at a floor that no
recording ever showed the model. Triangular noise (the sum of two uniform ones) is what a
recorder's dither would have left there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SEED = 8079
_HEADROOM = 256  # far above any noise that is mixed in, so that the sum stays in 16 bits


class NoiseFloor:
    """Mixes one second of noise, over and over, starting anew with every utterance."""

    def __init__(self, dbfs: float, rate: int) -> None:
        half = 32768 * 10 ** (dbfs / 20) * np.sqrt(1.5)  # two uniforms of ±half: rms as asked
        uniform = np.random.default_rng(_SEED).uniform(-half, half, (2, rate))
        self._noise: NDArray[np.int16] = np.clip(
            np.rint(uniform.sum(axis=0)), 1 - _HEADROOM, _HEADROOM - 1
        ).astype(np.int16)
        self._at = 0

    def restart(self) -> None:
        self._at = 0

    def mix(self, pcm: bytes) -> bytes:
        """16-bit PCM with the noise added."""
        samples = np.frombuffer(pcm, "<i2")
        places = np.arange(self._at, self._at + len(samples)) % len(self._noise)
        self._at = (self._at + len(samples)) % len(self._noise)
        limited = np.clip(samples, _HEADROOM - 32768, 32767 - _HEADROOM)
        mixed: NDArray[np.int16] = (limited + self._noise[places]).astype("<i2")
        return mixed.tobytes()
