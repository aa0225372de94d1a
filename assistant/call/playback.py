"""A reply on its way out, frame by frame."""

from __future__ import annotations

from assistant.tts.renderer import Rendered


class Playback:
    """Cuts a rendered reply into frames of ``frame_bytes``; the last one is filled up."""

    def __init__(self, rendered: Rendered, frame_bytes: int) -> None:
        self.rendered = rendered
        self._frame_bytes = frame_bytes
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self.rendered.pcm)

    @property
    def played(self) -> float:
        """Seconds that have gone out."""
        sent = min(self._at, len(self.rendered.pcm))
        return sent / (2 * self.rendered.rate)

    def next(self) -> bytes:
        """The next frame; silence after the end."""
        frame = self.rendered.pcm[self._at : self._at + self._frame_bytes]
        self._at += self._frame_bytes
        return frame.ljust(self._frame_bytes, b"\0")

    def rewind(self, seconds: float) -> None:
        """Go back by about ``seconds``, to the beginning of a frame."""
        frames = round(2 * self.rendered.rate * seconds / self._frame_bytes)
        self._at = max(0, self._at - frames * self._frame_bytes)

    def stop(self) -> None:
        """Say no more."""
        self._at = max(self._at, len(self.rendered.pcm))
