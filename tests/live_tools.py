"""A switchboard of scripted calls, and the wait for what they send."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

from assistant.call import Call
from assistant.channels.live import Audio, Line, LiveCall, Out, Over
from assistant.dialogue.types import Action, EndOfCall, Finish, Reply, Say
from assistant.settings import Live
from tests.call_tools import FRAME, RATE, ScriptedTalk, make_parts

FRAME_S = 0.02
PLAIN = Line("test", RATE)
BYE = Finish(Reply((Say("goodbye"),)), EndOfCall.DONE)
BUSY = Finish(Reply((Say("busy"),)), EndOfCall.BUSY)


class ScriptedExchange:
    """Every call follows the same script."""

    def __init__(self, *actions: Action) -> None:
        self.actions = actions
        self.phones: list[tuple[str | None, str]] = []
        self._ids = itertools.count(1)

    def new(self, phone: str | None, channel: str) -> Call:
        self.phones.append((phone, channel))
        return self._call(self.actions)

    def busy(self) -> Call:
        return self._call([BUSY])

    def _call(self, actions: Sequence[Action]) -> Call:
        parts = make_parts()
        return Call(parts, ScriptedTalk(actions), None, f"call-{next(self._ids)}", RATE)


def live_call(*actions: Action, line: Line = PLAIN, live: Live | None = None) -> LiveCall:
    call = ScriptedExchange(*actions).new(None, line.channel)
    assert call.frame_bytes == FRAME
    return LiveCall(call, line, live or Live(), FRAME_S)


def ticks(live: LiveCall, count: int) -> list[Out]:
    return [one for _ in range(count) for one in live.tick()]


def sound(out: Sequence[Out]) -> list[bytes]:
    return [one.data for one in out if isinstance(one, Audio)]


async def until_over(live: LiveCall) -> tuple[list[Out], Over]:
    """Everything a call sends, up to its end."""
    out: list[Out] = []
    while True:
        one = await asyncio.wait_for(live.outbox.get(), 20)
        if isinstance(one, Over):
            return out, one
        out.append(one)
