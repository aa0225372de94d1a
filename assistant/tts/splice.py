"""Splicing with pydub: clips and pauses on one track of 16-bit mono PCM."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

with warnings.catch_warnings():
    # pydub looks for ffmpeg when imported; splicing PCM never uses it.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

Piece = Any  # a pydub.AudioSegment; pydub is untyped


class Splicer:
    """A track under construction. ``stretch``: factor of every pause."""

    def __init__(self, rate: int, stretch: float = 1.0) -> None:
        self._rate = rate
        self._stretch = stretch
        self._track: Piece = AudioSegment.silent(0, frame_rate=rate)

    @property
    def seconds(self) -> float:
        return float(self._track.frame_count()) / self._rate

    @staticmethod
    def piece(samples: npt.NDArray[np.float32], rate: int) -> Piece:
        """Samples (-1..1) as a piece of a track."""
        pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2").tobytes()
        return AudioSegment(data=pcm, sample_width=2, frame_rate=rate, channels=1)

    def add(self, piece: Piece) -> None:
        self._track = self._track.append(piece, crossfade=0)

    def pause(self, seconds: float) -> None:
        milliseconds = round(seconds * self._stretch * 1000)
        self.add(AudioSegment.silent(milliseconds, frame_rate=self._rate))

    def pcm(self) -> bytes:
        """The whole track, 16-bit mono; empty without pieces."""
        return bytes(self._track.raw_data)
