"""Start the server, and end it so that running calls end well."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from types import FrameType

import uvicorn

from assistant.errors import SettingsError
from assistant.server.app import House, create_app
from assistant.server.sip_addresses import check as check_sip
from assistant.settings import Serve

_CURE = "Chọn cổng khác bằng --port, hoặc 0 để lấy một cổng còn trống."
_CURE_AUDIOSOCKET = (
    "Sửa ASSISTANT_TELEPHONE__AUDIOSOCKET_HOST hoặc ASSISTANT_TELEPHONE__AUDIOSOCKET_PORT."
)
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


def bind(host: str, port: int, cure: str = _CURE) -> socket.socket:
    """A listening socket. Raises SettingsError ``serve-address``."""
    try:
        if not 0 <= port < 2**16:
            raise ValueError("cổng là một số từ 0 đến 65535")
        host.encode("idna")  # what the socket would do, but that leaves it open when it fails
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host.strip("[]"), port), family=family, backlog=256)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        message = f"Không nghe được ở {host}, cổng {port}: {why}."
        raise SettingsError("serve-address", message, cure) from None


def certified(serve: Serve) -> bool:
    """Whether the pages have a certificate, and one that can be used. Raises SettingsError
    ``serve-certificate``."""
    certificate, key = serve.certificate, serve.certificate_key
    if certificate is None and key is None:
        return False
    try:
        if certificate is None:
            raise FileNotFoundError
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key, password=lambda: "")  # nobody is asked for one
    except (OSError, ValueError):
        raise SettingsError(
            "serve-certificate",
            "Không dùng được chứng chỉ TLS: thiếu tệp, không phải PEM, khóa có mật khẩu hoặc "
            "không phải của chứng chỉ đó.",
            "Sửa ASSISTANT_SERVE__CERTIFICATE (tệp PEM của chứng chỉ) và "
            "ASSISTANT_SERVE__CERTIFICATE_KEY (tệp PEM của khóa), hoặc bỏ cả hai để chạy http.",
        ) from None
    return True


def address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def run(house: House, ready: Callable[[str, str | None], None]) -> None:
    """Serve until a signal. ``ready`` gets the address of the pages and that of AudioSocket once
    both listen; what would keep any line from its address is told before."""
    settings = house.settings
    serve, telephone, live = settings.serve, settings.telephone, settings.live
    tls = certified(serve)
    if telephone.sip_port is not None:
        check_sip(telephone)
    with ExitStack() as open_sockets:
        listening, audiosocket = open_sockets.enter_context(bind(serve.host, serve.port)), None
        if telephone.audiosocket_port is not None:
            host, port = telephone.audiosocket_host, telephone.audiosocket_port
            audiosocket = open_sockets.enter_context(bind(host, port, _CURE_AUDIOSOCKET))
        house = replace(house, audiosocket=audiosocket)
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
        url = f"http{'s' * tls}://{address(listening)}/"
        ready(url, address(audiosocket) if audiosocket else None)
        asyncio.run(DrainingServer(config, house).serve([listening]))
