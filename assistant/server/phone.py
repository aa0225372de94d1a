"""The browser phone's WebSocket: PCM both ways as binary messages, everything else as JSON.

From the browser: ``start`` (once, first), ``key``, ``hangup``; from us: ``answered``, ``flush``,
what ``channels.view`` tells, ``ended``. The caller id is the browser's claim, so only invented
accounts can be reset (``cli.wiring.LiveExchange``).
"""

from __future__ import annotations

import asyncio
from typing import Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from assistant.channels.live import Audio, Flush, Line, LiveCall, Out, Over, Told
from assistant.channels.pump import LineError, LineGoneError, pump
from assistant.channels.switchboard import LinesFullError, Switchboard
from assistant.server.sockets import DONE, POLICY, TRY_LATER, close

CHANNEL = "browser"


class Start(BaseModel):
    """``caller``: as the person typed it; ``rate``: Hz of both directions."""

    type: Literal["start"]
    caller: str = Field("", max_length=32, repr=False)
    rate: int = Field(ge=8_000, le=96_000)


class Key(BaseModel):
    type: Literal["key"]
    key: str = Field(pattern="^[0-9*#]{1,32}$", repr=False)


class HangUp(BaseModel):
    type: Literal["hangup"]


_MESSAGES: TypeAdapter[Key | HangUp] = TypeAdapter(Key | HangUp)


async def serve_phone(socket: WebSocket, board: Switchboard, ring: float) -> None:
    """One call; ``socket`` is accepted already. ``ring``: seconds to say who calls."""
    try:
        start = Start.model_validate_json(await asyncio.wait_for(socket.receive_text(), ring))
        live = board.answer(start.caller.strip() or None, Line(CHANNEL, start.rate, captions=True))
    except (TimeoutError, WebSocketDisconnect, ValidationError, KeyError):
        await close(socket, POLICY)
        return
    except LinesFullError:
        await close(socket, TRY_LATER)
        return
    error = await pump(live, lambda: _read(socket, live), lambda out: _send(socket, live, out))
    await close(socket, POLICY if error else DONE)


async def _read(socket: WebSocket, live: LiveCall) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise LineGoneError
        if message.get("bytes") is not None:
            live.hear(message["bytes"])
            continue
        try:
            said = _MESSAGES.validate_json(message.get("text") or "")
        except ValidationError:
            raise LineError("line-message", "Thông điệp của điện thoại web không hợp lệ.") from None
        if isinstance(said, HangUp):
            return
        live.press(said.key)


async def _send(socket: WebSocket, live: LiveCall, out: Out) -> None:
    try:
        if isinstance(out, Audio):
            if not out.idle:
                await socket.send_bytes(out.data)
        elif isinstance(out, Told):
            await socket.send_json(out.news)
        elif isinstance(out, Flush):
            await socket.send_json({"type": "flush"})
        elif isinstance(out, Over):
            ended = {"type": "ended", "reason": out.reason.value, "resets": live.call.resets}
            await socket.send_json(ended)
    except (WebSocketDisconnect, RuntimeError):  # starlette raises either once it is closed
        raise LineGoneError from None
