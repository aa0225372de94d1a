"""Sound of a line in, whatever its packets are like; one frame every 20 ms out.

A line is late, bursts, sends odd sizes, and its clock is not ours. Whoever takes frames never
waits: what has not come is silence, and what has piled up is caught up by leaving out a frame.
"""

from __future__ import annotations

from collections import deque

from assistant.audio.resampling import Resampler
from assistant.audio.types import SAMPLE_BYTES
from assistant.settings import Live

_SPARE = 2  # frames that may always be waiting: packets and our clock are out of step


class JitterBuffer:
    """From 16-bit PCM at ``line_rate`` to frames of ``frame_bytes`` at ``call_rate``.

    ``put`` and ``take`` may be called from two threads, one each."""

    def __init__(self, line_rate: int, call_rate: int, frame_bytes: int, live: Live) -> None:
        frame = frame_bytes / (SAMPLE_BYTES * call_rate)  # s
        self._waiting: deque[bytes] = deque(maxlen=_most_packets(live))
        self._resampler = Resampler(line_rate, call_rate)
        self._pending = bytearray()
        self._odd = b""  # half a sample, until its other half comes
        self._frame_bytes = frame_bytes
        self._prefill = round(live.prefill / frame)
        self._most = max(1, round(live.most_buffered / frame))
        self._window = max(1, round(live.drift_window / frame))
        self._silence = bytes(frame_bytes)
        self._begun = False
        self._taken = 0  # in this window
        self._lowest = self._most
        self.missed = 0  # frames that had not come
        self.dropped = 0  # frames that had piled up
        self.consumed = 0  # frames of the line that are used up, the dropped ones too

    def put(self, pcm: bytes) -> None:
        """Sound as it comes; any length, half samples too."""
        if pcm:
            self._waiting.append(pcm)

    def take(self) -> bytes:
        """The next frame; silence when it has not come."""
        self._fill()
        if not self._begun and self._frames <= self._prefill:
            return self._silence
        self._begun = True
        self._catch_up()
        if self._frames < 1:
            self.missed += 1
            return self._silence
        return self._cut()

    @property
    def _frames(self) -> int:
        return len(self._pending) // self._frame_bytes

    def _fill(self) -> None:
        while self._waiting:
            pcm = self._odd + self._waiting.popleft()
            whole = len(pcm) & ~1
            self._odd = pcm[whole:]
            self._pending += self._resampler.feed(pcm[:whole])
        if self._frames > self._most:
            surplus = self._frames - self._most
            self.dropped += surplus
            self.consumed += surplus
            del self._pending[: surplus * self._frame_bytes]

    def _catch_up(self) -> None:
        """Whenever more than jitter needs was waiting all through a window, leave one out."""
        self._lowest = min(self._lowest, self._frames)
        self._taken += 1
        if self._taken < self._window:
            return
        if self._lowest > self._prefill + _SPARE:
            self._cut()
            self.dropped += 1
        self._taken, self._lowest = 0, self._most

    def _cut(self) -> bytes:
        self.consumed += 1
        frame = bytes(self._pending[: self._frame_bytes])
        del self._pending[: self._frame_bytes]
        return frame


def _most_packets(live: Live) -> int:
    """Packets that may wait between two frames: a line that sends bytes one by one is no line."""
    return max(100, round(live.most_buffered * 1_000))
