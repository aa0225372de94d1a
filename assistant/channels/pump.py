"""Between a live call and its line: one task reads the line, one writes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from assistant.channels.live import LiveCall, Out, Over
from assistant.errors import AssistantError

log = logging.getLogger(__name__)


class LineGoneError(Exception):
    """The other side has closed the line, or it broke."""


class LineError(AssistantError):
    """The other side sent what no line sends."""


async def pump(
    live: LiveCall,
    read: Callable[[], Awaitable[None]],
    send: Callable[[Out], Awaitable[None]],
) -> LineError | None:
    """Run a call to its end. ``read`` takes packets until the line is gone; ``send`` sends one
    thing. Both may raise LineGoneError, ``read`` LineError too; the call then ends, and so it does
    when the line does not read what is sent. The LineError is returned: whoever closes the line
    may say why."""
    reader = asyncio.ensure_future(_reading(live, read))
    try:
        while True:
            out = await live.outbox.get()
            async with asyncio.timeout(live.unread):
                await send(out)
            if isinstance(out, Over):
                break
    except LineGoneError:
        pass
    except TimeoutError:
        log.warning("line-unread %s", live.call.call_id)
    finally:
        live.hang_up()
        reader.cancel()
        (outcome,) = await asyncio.gather(reader, return_exceptions=True)
    return outcome if isinstance(outcome, LineError) else None


async def _reading(live: LiveCall, read: Callable[[], Awaitable[None]]) -> None:
    try:
        await read()
    except LineGoneError:
        pass
    except LineError as error:
        log.warning("line-error %s: %s", live.call.call_id, error.code)
        raise
    finally:
        live.hang_up()
