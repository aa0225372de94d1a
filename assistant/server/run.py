"""Start the server, and end it so that running calls end well."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

import uvicorn

from assistant.errors import SettingsError
from assistant.server.app import House, create_app

_SPARE = 100  # connections beside those of calls: pages, figures, lines not yet answered


class DrainingServer(uvicorn.Server):
    """The first signal lets running calls end, within the limit; the second ends them."""

    def __init__(self, config: uvicorn.Config, house: House) -> None:
        super().__init__(config)
        self._house = house
        self._draining: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._draining is not None or self._loop is None:
            super().handle_exit(sig, frame)
            return
        self._draining = asyncio.ensure_future(self._drain(), loop=self._loop)

    async def _drain(self) -> None:
        await self._house.board.drain(self._house.settings.live.drain)
        await asyncio.sleep(0.2)  # the last messages of the last call
        self.should_exit = True


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises SettingsError ``serve-address``."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host.strip("[]"), port), family=family, backlog=256)
    except OSError as error:
        raise SettingsError(
            "serve-address",
            f"Không nghe được ở {host}, cổng {port}: {error.strerror}.",
            "Chọn cổng khác bằng --port, hoặc 0 để lấy một cổng còn trống.",
        ) from None


def address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def run(house: House, ready: Callable[[str, str | None], None]) -> None:
    """Serve until a signal. ``ready`` gets the address of the pages and that of AudioSocket once
    both listen."""
    settings = house.settings
    serve, telephone, live = settings.serve, settings.telephone, settings.live
    listening, audiosocket = bind(serve.host, serve.port), None
    if telephone.audiosocket_port is not None:
        audiosocket = bind(telephone.audiosocket_host, telephone.audiosocket_port)
    house = replace(house, audiosocket=audiosocket)
    tls = serve.certificate is not None
    config = uvicorn.Config(
        create_app(house),
        log_config=None,
        access_log=False,
        ws="websockets-sansio",
        ws_max_size=serve.most_message,
        ws_per_message_deflate=False,
        ssl_certfile=serve.certificate,
        ssl_keyfile=serve.certificate_key,
        timeout_graceful_shutdown=5,
        limit_concurrency=_SPARE + 2 * (live.max_calls + live.busy_calls),
        server_header=False,
    )
    ready(f"http{'s' * tls}://{address(listening)}/", address(audiosocket) if audiosocket else None)
    with listening:
        asyncio.run(DrainingServer(config, house).serve([listening]))
