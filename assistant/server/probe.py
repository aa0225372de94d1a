"""Is what a call needs still there? Asked in a thread, seldom, and never for long."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from assistant.settings import Serve

log = logging.getLogger(__name__)

Trouble = Callable[[], str | None]  # in words for the log; None: all is well
_SLOW = "no answer in time"


class Probe:
    """Remembers each answer for a while. One question at a time: one that hangs keeps one thread
    busy, however often we are asked meanwhile. Belongs to one event loop, which never waits."""

    def __init__(
        self, trouble: Trouble, serve: Serve, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._trouble = trouble
        self._wait, self._kept = serve.ready_wait, serve.ready_kept
        self._clock = clock
        self._asking: asyncio.Task[str | None] | None = None
        self._until = float("-inf")  # the answer holds
        self._known: str | None = None

    async def fine(self) -> bool:
        """Whether there was no trouble, at most ``ready_kept`` seconds ago."""
        if self._clock() >= self._until:
            found = await self._ask()
            if found != self._known:  # what changes, not every answer
                log.warning("accounts-trouble: %s", found or "over")
            self._known, self._until = found, self._clock() + self._kept
        return self._known is None

    async def _ask(self) -> str | None:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(asyncio.to_thread(self._trouble))
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), self._wait)
        except TimeoutError:
            return _SLOW
