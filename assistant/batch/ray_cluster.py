"""The way to a Ray cluster: a dead or foreign address and a missing token are told at once, in a
sentence of ours, not after minutes of Ray's own log."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from assistant.errors import AssistantError, DependencyError, UsageError

_PATIENCE = 3.0  # s for the address to take a connection
_FOUND_BY_RAY = ("auto", "local")
_CLIENT = "ray://"
_NO_TOKEN = ("InvalidAuthToken", "Unauthenticated", "authentication token")
# Ray tries twenty times, each up to 40 s; the address answers already, so once will do.
_TRIES = {"RAY_gcs_server_port_wait_time_s": "1"}


def check_address(engine: str, address: str | None) -> None:
    """Raises UsageError ``batch-option`` where an address is given that no one would look at."""
    if address is not None and engine != "ray":
        raise UsageError(
            "batch-option",
            f"--address {address} chỉ dùng được với --engine ray.",
            "Thêm --engine ray, hoặc bỏ --address.",
        )


def connect(ray: Any, address: str | None, workers: int) -> None:
    """Join the cluster at ``address``; None: one of this machine, for this run.

    Errors: ray-address, ray-token, ray-client."""
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is None:
        ray.init(address="local", num_cpus=workers, include_dashboard=False, **options)
        return
    _knock(address)
    known = (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError)
    try:
        with _overheard() as said, _environment(_TRIES):
            ray.init(address=address, **options)
    except known as error:
        raise _reason(address, error, said()) from None


def _knock(address: str) -> None:
    """Raises DependencyError ``ray-address`` unless something listens there."""
    place = address.removeprefix(_CLIENT)
    if address in _FOUND_BY_RAY or "://" in place:  # another scheme is a plugin's of Ray
        return
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal():
        raise _unreachable(address, "địa chỉ phải có dạng máy:cổng")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except (OSError, OverflowError, UnicodeError) as error:
        why = "hết giờ chờ" if isinstance(error, TimeoutError) else "không ai trả lời ở đó"
        raise _unreachable(address, why) from None


def _reason(address: str, error: Exception, log: str) -> AssistantError:
    said = f"{error}\n{log}"
    if any(mark in said for mark in _NO_TOKEN):
        return DependencyError(
            "ray-token",
            f"Cụm Ray {address} đòi mã xác thực (token), mã ở đây thiếu, tắt hoặc sai.",
            "Đặt RAY_AUTH_MODE=token và mã của cụm: RAY_AUTH_TOKEN, hoặc tệp RAY_AUTH_TOKEN_PATH "
            "(bỏ trống: ~/.ray/auth_token). In mã ra ở máy chủ của cụm: ray get-auth-token.",
        )
    if "ray[client]" in said:
        return DependencyError(
            "ray-client",
            f"Nối qua {_CLIENT} cần thêm Ray Client.",
            "Cài: pip install 'ray[client]'; hoặc nối thẳng, ví dụ --address may-chu:6379.",
        )
    return _unreachable(address, type(error).__name__)


def _unreachable(address: str, why: str) -> DependencyError:
    return DependencyError(
        "ray-address",
        f"Không nối được cụm Ray {address}: {why}.",
        "Kiểm tra --address (địa chỉ mà ray start --head in ra, ví dụ may-chu:6379), tường lửa, "
        "và phiên bản Ray, Python hai bên.",
    )


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables for the length of a block; what the user set stays."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


@contextmanager
def _overheard() -> Iterator[Callable[[], str]]:
    """What this process writes to its standard error, Ray's C++ part included, instead of the
    terminal. Gives a function that tells it, also afterwards."""
    with tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        kept, text = os.dup(2), ""

        def said() -> str:
            return text

        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            text = file.read().decode(errors="replace")
