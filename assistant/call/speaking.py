"""What the assistant is saying: it can be paused, go on, or be cut, and it knows its digits."""

from __future__ import annotations

from assistant.call.playback import Playback
from assistant.tts.renderer import Rendered

Span = tuple[float, float]


class Speaker:
    """The assistant's side of the line. ``now`` is always seconds of the call's audio."""

    def __init__(self, frame_bytes: int, back: float) -> None:
        self.digits: list[Span] = []  # s: where codes and secrets went out, or will
        self._frame_bytes = frame_bytes
        self._back = back  # s that a paused reply goes back when it goes on
        self._playback: Playback | None = None
        self._paused = False

    @property
    def speaking(self) -> bool:
        """Whether there is more to say, be it paused."""
        return self._playback is not None and not self._playback.done

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def secret_left(self) -> bool:
        """Whether a password is being spoken, or still to come."""
        playback = self._playback
        if playback is None or playback.done:
            return False
        return any(end > playback.played for _, end in playback.rendered.secret_spans)

    @property
    def digits_ahead(self) -> bool:
        """Whether digits are to come, and none of them was heard yet."""
        playback = self._playback
        if playback is None or not playback.rendered.digit_spans:
            return False
        return playback.played <= playback.rendered.digit_spans[0][0]

    def say(self, rendered: Rendered, now: float) -> None:
        self._paused = False
        self._playback = Playback(rendered, self._frame_bytes)
        self._mark(now)

    def next(self) -> bytes:
        """The next frame; silence while there is nothing to say."""
        if self._playback is None or self._paused:
            return bytes(self._frame_bytes)
        return self._playback.next()

    def pause(self, now: float) -> None:
        """Say nothing until it is known whether the caller means it."""
        self._paused = True
        self._cut(now)

    def go_on(self, now: float) -> None:
        """It was nothing: on from a little before the pause."""
        self._paused = False
        if self._playback:
            self._playback.rewind(self._back)
            self._mark(now)

    def stop(self, now: float) -> None:
        """Say no more of this."""
        self._paused = False
        if self._playback:
            self._playback.stop()
        self._cut(now)

    def hush(self) -> None:
        """Forget what was to be said."""
        self._paused, self._playback = False, None

    def _mark(self, now: float) -> None:
        """Where the digits still to come will be heard."""
        assert self._playback
        shift = now - self._playback.played
        spans = self._playback.rendered.digit_spans
        ahead = ((max(now, shift + start), shift + end) for start, end in spans)
        self.digits.extend((start, end) for start, end in ahead if end > now)

    def _cut(self, now: float) -> None:
        cut = ((start, min(end, now)) for start, end in self.digits)
        self.digits = [(start, end) for start, end in cut if start < end]
