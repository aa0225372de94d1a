"""What must hold before anything is sent over HTTP: the URL, the secret, the trusted CA.

``group`` names the settings ("remote", "notify"), for the error codes and the variables.
"""

from __future__ import annotations

import ipaddress
import ssl
import stat
from pathlib import Path

import httpx

from assistant.errors import AccountError

SHORTEST_SECRET = 32  # bytes, as strong as the hash


def check_url(text: str, group: str) -> None:
    """HTTPS, or HTTP to this very machine: codes and passwords travel in the body.

    Errors: <group>-url-invalid, <group>-url-insecure."""
    variable = f"ASSISTANT_{group.upper()}__URL"
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise AccountError(
            f"{group}-url-invalid",
            f"{variable} chưa đặt hoặc không phải là địa chỉ HTTPS dùng được.",
            "Ví dụ: https://may-chu.example.vn/v1/resets",
        )
    if url.scheme == "http" and not is_loopback(url.host):
        raise AccountError(
            f"{group}-url-insecure",
            f"{variable} dùng http tới một máy khác: dữ liệu cá nhân sẽ lộ trên mạng.",
            "Dùng địa chỉ https://…",
        )


def is_loopback(host: str) -> bool:
    """``localhost`` or an address of the loopback network."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def trust(ca_file: Path | None, group: str) -> ssl.SSLContext:
    """The certificates to trust: the system's, or those of ``ca_file``.

    Errors: <group>-ca-invalid."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError):
        raise AccountError(
            f"{group}-ca-invalid",
            f"Không đọc được chứng thư gốc {ca_file}.",
            f"ASSISTANT_{group.upper()}__CA_FILE phải chỉ tới một tệp PEM.",
        ) from None


def read_secret(path: Path | None, group: str) -> bytes:
    """The shared secret: the file's bytes without white space around them.

    Errors: <group>-secret-missing, <group>-secret-open, <group>-secret-short."""
    variable = f"ASSISTANT_{group.upper()}__SECRET_FILE"
    hint = "Tạo bằng: (umask 077; openssl rand -hex 32 > chung.secret), rồi đưa cho hệ thống kia."
    try:
        mode = path.stat().st_mode if path is not None else 0
        secret = path.read_bytes().strip() if path is not None else b""
    except OSError:
        path, mode, secret = None, 0, b""
    if path is None:
        raise AccountError(
            f"{group}-secret-missing", f"{variable} chưa đặt hoặc không đọc được.", hint
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise AccountError(
            f"{group}-secret-open",
            f"Người khác trên máy có quyền với tệp {path}.",
            f"Chạy: chmod 600 {path}",
        )
    if len(secret) < SHORTEST_SECRET:
        raise AccountError(
            f"{group}-secret-short", f"Khoá trong {path} ngắn hơn {SHORTEST_SECRET} byte.", hint
        )
    return secret
