"""Who may come in: loopback by default, a token beyond it, and no page of somebody else's.

A page on the web may ask a browser for http://127.0.0.1:8008 under a name of its own (DNS
rebinding) or open a WebSocket to it (no same-origin rule there): the names are checked.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from assistant.errors import SettingsError
from assistant.settings import Serve, Telephone

COOKIE = "assistant-door"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Door:
    """``open_to_all``: whoever reaches the address may phone (loopback only)."""

    token: str = field(repr=False)
    names: frozenset[str]
    open_to_all: bool

    def known_host(self, headers: Mapping[str, str]) -> bool:
        """Whether the request was meant for this server, by one of its names."""
        return _name(headers.get("host", "")) in self.names

    def own_page(self, headers: Mapping[str, str]) -> bool:
        """Whether a browser's request comes from a page of ours; programs send no Origin."""
        origin = headers.get("origin")
        return origin is None or urlsplit(origin).netloc == headers.get("host")

    def cookie(self) -> str:
        """What a browser keeps in place of the token."""
        return hashlib.sha256(b"cookie:" + self.token.encode()).hexdigest()

    def has_token(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        return self.is_token(bearer) or _same(cookies.get(COOKIE, ""), self.cookie())

    def is_token(self, given: str) -> bool:
        return _same(given, self.token)

    def may_phone(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        return self.open_to_all or self.has_token(headers, cookies)


def open_door(serve: Serve, telephone: Telephone | None = None) -> Door:
    """Raises SettingsError ``serve-token-missing`` beyond loopback, ``serve-token-bad``,
    ``serve-public-url``."""
    lines = telephone or Telephone()
    outside = [h for h in (serve.host, lines.audiosocket_host) if not is_loopback(h)]
    if serve.token_file is None and outside:
        raise SettingsError(
            "serve-token-missing",
            f"Mở cửa ra ngoài máy này ({outside[0]}) thì phải có mã truy cập.",
            "Ghi một chuỗi ngẫu nhiên vào tệp quyền 0600 rồi đặt ASSISTANT_SERVE__TOKEN_FILE; "
            "hoặc nghe ở 127.0.0.1.",
        )
    if lines.twilio_token_file is not None and lines.public_url is None:
        raise SettingsError(
            "serve-public-url",
            "Nhận cuộc gọi từ Twilio thì phải biết địa chỉ công khai của máy chủ này.",
            "Đặt ASSISTANT_TELEPHONE__PUBLIC_URL, ví dụ https://phone.example.",
        )
    token = secrets.token_urlsafe(24) if serve.token_file is None else read_secret(serve.token_file)
    public = urlsplit(lines.public_url or "").netloc
    names = {_name(name) for name in (*serve.hosts, serve.host, public) if name}
    return Door(token, frozenset(names | _LOOPBACK_NAMES), is_loopback(serve.host))


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_secret(path: Path, shortest: int = _SHORTEST_TOKEN) -> str:
    """A secret in a file of its own. Raises SettingsError ``serve-token-bad``."""
    try:
        private = path.stat().st_mode & 0o077 == 0
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        private, token = False, ""
    if not private or len(token) < shortest:
        raise SettingsError(
            "serve-token-bad",
            f"Tệp {path.name} không đọc được, quyền rộng hơn 0600, hoặc ngắn hơn {shortest} ký tự.",
            "Tạo lại: (umask 077; openssl rand -hex 24 > TỆP), hoặc chmod 600 TỆP.",
        )
    return token


def _name(host: str) -> str:
    """A Host header or an address without its port, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    if host.count(":") > 1:  # a bare IPv6 address
        return f"[{host}]"
    return host.partition(":")[0]


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())
