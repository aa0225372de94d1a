"""The web application: pages, sockets, and what guards them."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from assistant import __version__
from assistant.channels.records import Records
from assistant.channels.switchboard import Switchboard
from assistant.server.asterisk import Asterisk
from assistant.server.asterisk import router as asterisk_router
from assistant.server.door import COOKIE, Door
from assistant.server.health import router as health_router
from assistant.server.metrics import Metrics
from assistant.server.operator import router as operator_router
from assistant.server.phone import serve_phone
from assistant.server.probe import Probe
from assistant.server.twilio import router as twilio_router
from assistant.settings import Settings

STATIC = Path(str(files("assistant.server") / "static"))
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cache-Control": "no-store",
}
_FORBIDDEN = "Cần mã truy cập: mở địa chỉ in ra lúc khởi động (a token is needed).\n"
_WRONG_HOST = "Máy chủ này không có tên đó: ASSISTANT_SERVE__HOSTS (unknown host name).\n"
Next = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class House:
    """What the pages stand on."""

    settings: Settings
    board: Switchboard
    door: Door
    twilio_token: str | None = field(default=None, repr=False)
    audiosocket: socket.socket | None = None  # listening
    accounts: Probe = field(kw_only=True)
    metrics: Metrics = field(kw_only=True)
    records: Records = field(kw_only=True)


def create_app(house: House) -> FastAPI:
    """The application; its life is that of the switchboard."""

    telephone = house.settings.telephone
    asterisk = Asterisk(telephone, house.board, house.settings.live.ring)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        async with _audiosocket(house, asterisk), house.board, _sip(house):
            yield

    app = FastAPI(
        title="Trợ lý thoại VssID",
        version=__version__,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    _guard(app, house.door)
    _phone(app, house)
    app.include_router(health_router(house.board, house.metrics, house.door, house.accounts))
    app.include_router(operator_router(house.records, house.door, STATIC / "operator.html"))
    if house.audiosocket is not None:
        app.include_router(asterisk_router(asterisk, house.door))
    if house.twilio_token is not None:
        app.include_router(
            twilio_router(telephone, house.twilio_token, house.board, house.settings.live.ring)
        )
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


@asynccontextmanager
async def _audiosocket(house: House, asterisk: Asterisk) -> AsyncIterator[None]:
    if house.audiosocket is None:
        yield
        return
    async with await asterisk.server.start(house.audiosocket):
        yield


@asynccontextmanager
async def _sip(house: House) -> AsyncIterator[None]:
    if house.settings.telephone.sip_port is None:
        yield
        return
    from assistant.server.sip import SipLine

    async with SipLine(house.settings.telephone, house.board):
        yield


def _guard(app: FastAPI, door: Door) -> None:
    @app.middleware("http")
    async def guard(request: Request, call_next: Next) -> Response:
        if not door.known_host(request.headers):
            return PlainTextResponse(_WRONG_HOST, 421)
        given = request.query_params.get("token")
        if given is not None and request.method == "GET":  # into a cookie, out of the address
            response: Response = RedirectResponse(request.url.path, 303)
            if door.is_token(given):
                secure = request.url.scheme == "https"
                value = door.cookie()
                response.set_cookie(COOKIE, value, httponly=True, samesite="strict", secure=secure)
        else:
            response = await call_next(request)
        response.headers.update(_HEADERS)
        return response


def _phone(app: FastAPI, house: House) -> None:
    door, live = house.door, house.settings.live

    @app.get("/")
    async def page(request: Request) -> Response:
        if not door.may_phone(request.headers, request.cookies):
            return PlainTextResponse(_FORBIDDEN, 401)
        return FileResponse(STATIC / "phone.html")

    @app.websocket("/phone")
    async def phone(socket: WebSocket) -> None:
        headers = socket.headers
        ours = door.known_host(headers) and door.own_page(headers)
        if not (ours and door.may_phone(headers, socket.cookies)):
            await socket.close(1008)
            return
        await socket.accept()
        await serve_phone(socket, house.board, live.ring)
