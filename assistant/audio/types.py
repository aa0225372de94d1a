"""The unit of audio that travels between rooms."""

from __future__ import annotations

from dataclasses import dataclass, field

SAMPLE_BYTES = 2  # 16-bit little-endian, mono


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A stretch of mono audio.

    ``pcm``: 16-bit little-endian samples; ``rate``: samples per second (the true one: 8 kHz
    audio declared as 16 kHz gives empty transcripts); ``start``: seconds since the call began.
    """

    pcm: bytes = field(repr=False)
    rate: int
    start: float = 0.0

    @property
    def seconds(self) -> float:
        return len(self.pcm) / (SAMPLE_BYTES * self.rate)
