"""Twilio: the signed webhook that announces a call, and the Media Stream that carries it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from assistant.audio.mulaw import mulaw_decode, mulaw_encode
from assistant.channels import twilio
from assistant.channels.live import Audio, Flush, Line, LiveCall, Out, Over
from assistant.channels.pump import LineError, LineGoneError, pump
from assistant.channels.switchboard import LinesFullError, Switchboard
from assistant.server.sockets import DONE, POLICY, close
from assistant.settings import Telephone

CHANNEL = "twilio"
_MOST_BODY = 32 * 1024
_PLAYED_WITHIN = 2.0  # s that the line gets to play what it still has
_END = "end"


class Desk:
    """What a stream needs to know of the webhook before it, and the webhook after it."""

    def __init__(self, telephone: Telephone, token: str, clock: Callable[[], float]) -> None:
        self._telephone, self._token, self._clock = telephone, token, clock
        self._used: dict[str, float] = {}  # calls that had their stream, and until when
        self._transfer: dict[str, float] = {}

    def ticket(self, call: str, caller: str | None) -> str:
        until = int(self._clock() + self._telephone.announced)
        return twilio.Ticket(call, caller, until).sealed(self._token)

    def admit(self, sealed: str, call: str) -> twilio.Ticket | None:
        """The ticket of a stream, once."""
        now = self._clock()
        ticket = twilio.open_ticket(sealed, self._token, call, now)
        self._used = {known: until for known, until in self._used.items() if until >= now}
        if ticket is None or call in self._used:
            return None
        self._used[call] = float(ticket.until)
        return ticket

    def to_agent(self, call: str) -> None:
        self._transfer[call] = self._clock() + self._telephone.announced

    def agent_for(self, call: str) -> str | None:
        now = self._clock()
        self._transfer = {known: t for known, t in self._transfer.items() if t >= now}
        return self._telephone.agent if self._transfer.pop(call, None) is not None else None


def router(telephone: Telephone, token: str, board: Switchboard, ring: float) -> APIRouter:
    """The three addresses under /twilio."""
    desk = Desk(telephone, token, time.time)
    routes = APIRouter(prefix="/twilio")
    public = (telephone.public_url or "").rstrip("/")

    async def form_of(request: Request) -> dict[str, str] | None:
        """The parameters, if Twilio signed them."""
        body = b""
        async for part in request.stream():  # anybody may send this: never more than is looked at
            body += part
            if len(body) > _MOST_BODY:
                return None
        form = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
        query = f"?{request.url.query}" if request.url.query else ""
        given = request.headers.get("x-twilio-signature", "")
        signed = twilio.is_signed(token, public + request.url.path + query, form, given)
        return dict(form) if signed else None

    @routes.post("/voice")
    async def voice(request: Request) -> Response:
        form = await form_of(request)
        if form is None:
            return Response(status_code=403)
        stream = public.replace("http", "ws", 1) + "/twilio/media"
        ticket = desk.ticket(form.get("CallSid", ""), twilio.caller_of(form))
        return _xml(twilio.connect_xml(stream, public + "/twilio/after", ticket))

    @routes.post("/after")
    async def after(request: Request) -> Response:
        form = await form_of(request)
        if form is None:
            return Response(status_code=403)
        return _xml(twilio.after_xml(desk.agent_for(form.get("CallSid", ""))))

    @routes.websocket("/media")
    async def media(socket: WebSocket) -> None:
        await socket.accept()
        await serve_stream(socket, board, desk, ring)

    return routes


async def serve_stream(socket: WebSocket, board: Switchboard, desk: Desk, ring: float) -> None:
    """One stream. Without the webhook's ticket there is no call."""
    try:
        start = await asyncio.wait_for(_start(socket), ring)
        ticket = desk.admit(start.parameters.get(twilio.TICKET, ""), start.call_sid)
        if ticket is None:
            raise LineError("line-ticket", "Luồng tiếng không có vé của webhook.")
        line = Line(CHANNEL, twilio.RATE, mulaw_decode, mulaw_encode)
        live = board.answer(ticket.caller, line)
    except (TimeoutError, LineGoneError, LineError, LinesFullError):
        await close(socket, POLICY)
        return
    stream = _Stream(socket, live, start.stream_sid)
    error = await pump(live, stream.read, stream.send)
    if live.call.transfer:
        desk.to_agent(start.call_sid)
    await close(socket, POLICY if error else DONE)


async def _start(socket: WebSocket) -> twilio._Begun:
    while True:
        message = await _message(socket)
        if isinstance(message, twilio.Start):
            return message.start
        if not isinstance(message, twilio.Connected):
            raise LineError("line-order", "Luồng tiếng không bắt đầu bằng start.")


async def _message(socket: WebSocket) -> twilio.Message:
    try:
        return twilio.read(await socket.receive_text())
    except (WebSocketDisconnect, RuntimeError):
        raise LineGoneError from None
    except KeyError:  # a binary message
        raise LineError("line-message", "Luồng tiếng gửi thông điệp nhị phân.") from None


class _Stream:
    """Both directions of one stream."""

    def __init__(self, socket: WebSocket, live: LiveCall, sid: str) -> None:
        self._socket, self._live, self._sid = socket, live, sid
        self._played = asyncio.Event()  # all that we sent

    async def read(self) -> None:
        while True:
            message = await _message(self._socket)
            if isinstance(message, twilio.Media) and message.media.track == "inbound":
                self._live.hear(message.mulaw())
            elif isinstance(message, twilio.Dtmf):
                self._live.press(message.dtmf.digit)
            elif isinstance(message, twilio.Mark) and message.mark.name == _END:
                self._played.set()
            elif isinstance(message, twilio.Stop):
                return

    async def send(self, out: Out) -> None:
        if isinstance(out, Audio):
            if out.idle:
                return
            await self._text(twilio.media(self._sid, out.data))
        elif isinstance(out, Flush):
            await self._text(twilio.clear(self._sid))
        elif isinstance(out, Over):
            await self._text(twilio.mark(self._sid, _END))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._played.wait(), _PLAYED_WITHIN)

    async def _text(self, text: str) -> None:
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            raise LineGoneError from None


def _xml(text: str) -> Response:
    return Response(text, media_type="text/xml")
