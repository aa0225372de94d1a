"""A call on a line in real time: between the line's packets and ``Call.step``.

The transport (a WebSocket, a TCP stream, a sound card) puts sound and keys in and takes from
``outbox`` what to send; a clock of the switchboard steps the call. Neither ever waits for the
other, and whatever a line does costs a bounded amount of memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from assistant.audio.resampling import Resampler
from assistant.call import Call
from assistant.channels.jitter import JitterBuffer
from assistant.channels.view import CallView, News
from assistant.dialogue.types import EndOfCall
from assistant.settings import Live

Codec = Callable[[bytes], bytes]
_MOST_KEYS = 64  # between two frames
_STOPS = frozenset({"prompt_stopped", "prompt_paused"})


def plain(pcm: bytes) -> bytes:
    """A line that carries 16-bit PCM as it is."""
    return pcm


@dataclass(frozen=True, slots=True)
class Line:
    """What a line carries. ``rate``: Hz; ``captions``: somebody reads along on a screen;
    ``channel``: its name in logs and counts."""

    channel: str
    rate: int
    decode: Codec = plain
    encode: Codec = plain
    captions: bool = False


@dataclass(frozen=True, slots=True)
class Audio:
    """A frame of our voice, in the line's coding. ``idle``: nothing is being said, so that a
    line which plays what it gets, when it gets it, need not have it."""

    data: bytes = field(repr=False)
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Flush:
    """The prompt stopped: what the line still keeps of it is not to be played."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something for a screen."""

    news: News = field(repr=False)


@dataclass(frozen=True, slots=True)
class Over:
    """The call has ended, nothing follows. ``transfer``: hand the caller to an agent."""

    reason: EndOfCall
    transfer: bool


Out = Audio | Flush | Told | Over


class LiveCall:
    """One call on one line. ``hear``, ``press``, ``hang_up`` and ``outbox`` belong to the event
    loop, ``tick`` to the clock's thread."""

    def __init__(self, call: Call, line: Line, live: Live, frame: float) -> None:
        self.call = call
        self.line = line
        self.jitter = JitterBuffer(line.rate, call.rate, call.frame_bytes, live)
        most = round(live.most_unsent / frame)
        self.outbox: asyncio.Queue[Out] = asyncio.Queue(most)
        self.done = asyncio.Event()
        self.unread = live.unread
        self._resampler = Resampler(call.rate, line.rate)
        self._view = CallView(call) if line.captions else None
        self._silence = bytes(call.frame_bytes)
        self._keys: deque[str] = deque(maxlen=_MOST_KEYS)
        self._gone = False
        self._dead = round(live.line_dead / frame)  # frames
        self._quiet = 0  # frames since the line last sent anything
        self._notes = 0  # of the call, seen so far

    # --- the line's side --------------------------------------------------------------------

    def hear(self, data: bytes) -> None:
        """A packet of sound, of any size."""
        self._quiet = 0
        self.jitter.put(self.line.decode(data))

    def press(self, keys: str) -> None:
        """Keys as they are pressed."""
        self._quiet = 0
        self._keys.extend(keys[:_MOST_KEYS])

    def hang_up(self) -> None:
        """The line is gone; the clock ends the call at its next frame."""
        self._gone = True

    # --- the clock's side -------------------------------------------------------------------

    def tick(self) -> list[Out]:
        """One frame of the call; what is to be sent for it."""
        call = self.call
        self._quiet += 1
        if self._gone or self._quiet > self._dead:
            call.hang_up()
        keys = "".join(self._keys.popleft() for _ in range(len(self._keys)))
        frame = call.step(self.jitter.take(), keys)
        out: list[Out] = [Flush()] if self._stopped() else []
        if call.ended is None:
            idle = not call.speaking and frame == self._silence
            out.append(Audio(self.line.encode(self._resampler.feed(frame)), idle))
        if self._view is not None:
            frames = {"frames": self.jitter.consumed}  # of the line, when this happened
            out += (Told(news | frames) for news in self._view.news())
        if call.ended is not None:
            out.append(Over(call.ended, call.transfer))
        return out

    def _stopped(self) -> bool:
        new = self.call.notes[self._notes :]
        self._notes += len(new)
        return any(note.what in _STOPS for note in new)

    # --- between the two, on the event loop ---------------------------------------------------

    def deliver(self, out: list[Out]) -> None:
        """Into the outbox; a line that reads nothing any more is hung up on."""
        for one in out:
            if isinstance(one, Over):
                self.done.set()
                if self.outbox.full():  # nobody reads: the end is told all the same
                    self.outbox.get_nowait()
            if self.outbox.full():
                self.hang_up()
                return
            self.outbox.put_nowait(one)
