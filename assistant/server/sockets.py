"""The end of a WebSocket, whatever state it is in."""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

DONE, POLICY, TRY_LATER = 1000, 1008, 1013  # close codes, RFC 6455 and its registry
_READ_WITHIN = 2.0  # s for the other side to take what is still on its way


async def close(socket: WebSocket, code: int = DONE) -> None:
    """Close it, if it is still open; a peer that reads nothing is not waited for."""
    try:
        async with asyncio.timeout(_READ_WITHIN):
            await socket.close(code)
    except (WebSocketDisconnect, RuntimeError, TimeoutError):
        return
