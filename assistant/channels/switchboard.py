"""Many calls in real time in one process: a few clock threads step all of them.

A thread for each call would wake fifty times a second each; here a clock wakes once every 20 ms
and steps every call that is its own. The decoder releases the interpreter's lock, so clocks run
beside each other and beside the event loop, which only moves packets.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from assistant.call import Call
from assistant.channels.live import Line, LiveCall, Out, Over
from assistant.dialogue.types import EndOfCall
from assistant.errors import AssistantError
from assistant.settings import Live

log = logging.getLogger(__name__)

_FALLEN_BEHIND = 1.0  # s; then the lost time is given up instead of being caught up
Batch = list[tuple[LiveCall, list[Out]]]


class LinesFullError(AssistantError):
    """Not even a "please call later" can be said."""


class Exchange(Protocol):
    """Makes calls; wiring knows how."""

    def new(self, phone: str | None, channel: str) -> Call:
        """A call from ``phone``, which the line vouches for; None when it is withheld."""

    def busy(self) -> Call:
        """A call that only says that all lines are busy."""


class Watcher(Protocol):
    """Somebody who counts. Called on the event loop."""

    def began(self, live: LiveCall) -> None: ...
    def ended(self, live: LiveCall) -> None: ...


class Clock:
    """One thread that steps its calls every ``frame`` seconds."""

    def __init__(self, frame: float, deliver: Callable[[Batch], None]) -> None:
        self._frame = frame
        self._deliver = deliver
        self._calls: list[LiveCall] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self.late = 0.0  # s: the worst lateness since it was last looked at
        self._thread = threading.Thread(target=self._run, name="call-clock", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, live: LiveCall) -> None:
        with self._lock:
            self._calls.append(live)
        self._wake.set()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopped:
            if not self._calls:
                self._wake.wait()
                self._wake.clear()
                due = time.monotonic()
                continue
            due += self._frame
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            else:
                self.late = max(self.late, -wait)
                if -wait > _FALLEN_BEHIND:
                    due = time.monotonic()
            self._step()

    def _step(self) -> None:
        with self._lock:
            calls = list(self._calls)
        batch = [(live, _tick(live)) for live in calls]
        over = {live for live, out in batch if out and isinstance(out[-1], Over)}
        if over:
            with self._lock:
                self._calls = [live for live in self._calls if live not in over]
        self._deliver(batch)


def _tick(live: LiveCall) -> list[Out]:
    """One call's trouble must not stop the clock of the others."""
    try:
        return live.tick()
    except Exception as error:  # the type only: a message may quote what the caller said
        log.error("line-failed %s: %s", live.call.call_id, type(error).__name__)
        live.call.hang_up()
        return [Over(EndOfCall.FAILED, False)]


class Switchboard:
    """Takes calls up to the limit; past it callers are told to call later. Use as an async
    context; leaving it ends what still runs."""

    def __init__(
        self, exchange: Exchange, live: Live, frame: float, watchers: Iterable[Watcher] = ()
    ) -> None:
        self._exchange = exchange
        self._live = live
        self._frame = frame
        self._watchers = tuple(watchers)
        self._clocks: list[Clock] = []
        self._running: set[LiveCall] = set()
        self._busy: set[LiveCall] = set()
        self._closing = False

    async def __aenter__(self) -> Switchboard:
        loop = asyncio.get_running_loop()

        def deliver(batch: Batch) -> None:
            try:
                loop.call_soon_threadsafe(self._delivered, batch)
            except RuntimeError:  # the loop is closed: nobody is there any more
                log.debug("a frame after the end of the loop")

        self._clocks = [Clock(self._frame, deliver) for _ in range(self._live.threads)]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.drain(0.0)
        for clock in self._clocks:
            await asyncio.to_thread(clock.stop)

    @property
    def running(self) -> int:
        """Calls that are being served."""
        return len(self._running)

    @property
    def full(self) -> bool:
        return self.running >= self._live.max_calls

    @property
    def closing(self) -> bool:
        return self._closing

    @property
    def late(self) -> float:
        """Seconds by which a clock was late at worst since the last look."""
        worst = max((clock.late for clock in self._clocks), default=0.0)
        for clock in self._clocks:
            clock.late = 0.0
        return worst

    def answer(self, phone: str | None, line: Line) -> LiveCall:
        """Take a call. Raises LinesFullError ``lines-full`` when too many are waiting already."""
        turned_away = self.full or self._closing
        if turned_away and len(self._busy) >= self._live.busy_calls:
            raise LinesFullError("lines-full", "Mọi đường dây đều bận.", "Xin gọi lại sau.")
        call = self._exchange.busy() if turned_away else self._exchange.new(phone, line.channel)
        live = LiveCall(call, line, self._live, self._frame)
        (self._busy if turned_away else self._running).add(live)
        for watcher in self._watchers:
            watcher.began(live)
        min(self._clocks, key=len).add(live)
        return live

    async def drain(self, limit: float) -> None:
        """Take no more calls; give those that run ``limit`` seconds, then hang up on them."""
        self._closing = True
        everyone = self._running | self._busy
        if everyone and limit:
            waiting = [asyncio.ensure_future(live.done.wait()) for live in everyone]
            _, late = await asyncio.wait(waiting, timeout=limit)
            for task in late:
                task.cancel()
        left = self._running | self._busy
        for live in left:
            live.hang_up()
        if left:
            ends = [asyncio.ensure_future(live.done.wait()) for live in left]
            await asyncio.wait(ends, timeout=_FALLEN_BEHIND + 1.0)

    def _delivered(self, batch: Batch) -> None:
        for live, out in batch:
            live.deliver(out)
            if live.done.is_set():
                self._forget(live)

    def _forget(self, live: LiveCall) -> None:
        known = live in self._running or live in self._busy
        self._running.discard(live)
        self._busy.discard(live)
        for watcher in self._watchers if known else ():
            watcher.ended(live)
