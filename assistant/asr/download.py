"""Fetching a big file over a bad line: resumes, checks, and never leaves half a file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import httpx

from assistant.asr.folder import file_sha256
from assistant.errors import Interrupted, ModelError

_TRIES = 5  # cut connections in a row without a byte gained
_PAUSE = 0.5  # s before the first new try; doubles
_MAX_BYTES = 4 << 30
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_PARTIAL, _WHOLE, _PAST_END = 206, 200, 416
_GO_ON = "Chạy lại lệnh này: phần đã tải được giữ lại và tải tiếp."

Progress = Callable[[int, int | None], None]
"""Told how many bytes are there, and how many there will be."""


@dataclass(frozen=True, slots=True)
class Source:
    """``sha256``: hexadecimal, None when its publisher names none."""

    url: str
    sha256: str | None = None


class _Cut(Exception):
    """The connection ended early."""


def fetch(source: Source, file: Path, progress: Progress = lambda _n, _all: None) -> None:
    """Download to ``file``, going on from ``file.part`` if an earlier try left one.

    Raises ModelError ``download-url``, ``download-refused``, ``download-unreachable``,
    ``download-cut``, ``download-size``, ``download-checksum`` or ``download-write``; Interrupted.
    """
    check_url(source.url)
    part = file.with_name(file.name + ".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
            _fetch_all(client, source.url, part, progress)
        if source.sha256 is not None and file_sha256(part) != source.sha256.lower():
            _forget(part)
            raise ModelError(
                "download-checksum",
                "Tệp tải về không đúng mã kiểm tra nên đã bị xoá.",
                "Tải lại; nếu vẫn sai, kiểm tra lại địa chỉ và mã SHA-256.",
            )
        part.replace(file)
        _tag_file(part).unlink(missing_ok=True)
    except KeyboardInterrupt:
        kept = _size(part) and _read_tag(part)
        raise Interrupted(hint=_GO_ON if kept else "") from None
    except OSError as error:
        raise ModelError(
            "download-write",
            f"Không ghi được tệp tải về: {error.strerror or type(error).__name__}.",
            "Kiểm tra dung lượng đĩa và quyền ghi, hoặc chọn thư mục khác với --dir.",
        ) from None


def check_url(url: str) -> None:
    """HTTPS, or HTTP to this machine. Raises ModelError ``download-url``."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.host and (
        parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(parsed.host))
    ):
        return
    raise ModelError(
        "download-url",
        "Chỉ tải mô hình qua địa chỉ https.",
        "Xem các tên có sẵn: assistant models list",
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _fetch_all(client: httpx.Client, url: str, part: Path, progress: Progress) -> None:
    """Try again from where the line broke, as long as each try brings something."""
    fruitless = 0
    while True:
        before = _size(part)
        try:
            _fetch_once(client, url, part, progress)
            return
        except (_Cut, httpx.TransportError):
            fruitless = 0 if _size(part) > before else fruitless + 1
            if fruitless >= _TRIES:
                raise _gave_up(url, _size(part)) from None
            time.sleep(_PAUSE * 2**fruitless)


def _fetch_once(client: httpx.Client, url: str, part: Path, progress: Progress) -> None:
    have, tag = _size(part), _read_tag(part)
    # Without a validator nobody can tell whether the rest belongs to the same file.
    headers = {"Range": f"bytes={have}-", "If-Range": tag} if have and tag else {}
    with client.stream("GET", url, headers=headers) as response:
        check_url(str(response.url))  # a redirect must not lead to plain HTTP
        if response.status_code == _PAST_END:
            _forget(part)
            raise _Cut
        if response.status_code not in (_WHOLE, _PARTIAL):
            raise _refused(response.status_code)
        resumes = response.status_code == _PARTIAL and _starts_at(response, have)
        if response.status_code == _PARTIAL and not resumes:
            _forget(part)
            raise _Cut
        _save(response, part, have if resumes else 0, progress)


def _save(response: httpx.Response, part: Path, have: int, progress: Progress) -> None:
    length = response.headers.get("Content-Length", "")
    total = have + int(length) if length.isdigit() else None
    if (total or 0) > _MAX_BYTES:
        raise _too_big()
    _write_tag(part, response.headers.get("ETag") or response.headers.get("Last-Modified"))
    done = have
    with part.open("ab" if have else "wb") as file:
        try:
            # Blocks as they come: gathered into bigger ones, a cut line would lose the last.
            for block in response.iter_raw():
                done += len(block)
                if done > _MAX_BYTES:
                    raise _too_big()
                file.write(block)
                progress(done, total)
        except httpx.TransportError:
            raise _Cut from None
    if total is not None and done < total:
        raise _Cut


def _starts_at(response: httpx.Response, have: int) -> bool:
    return bool(response.headers.get("Content-Range", "").startswith(f"bytes {have}-"))


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _tag_file(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_tag(part: Path) -> str | None:
    """The validator of what was downloaded so far; weak ones cannot vouch for bytes."""
    try:
        tag = json.loads(_tag_file(part).read_text(encoding="utf-8"))["tag"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return tag if isinstance(tag, str) and not tag.startswith("W/") else None


def _write_tag(part: Path, tag: str | None) -> None:
    _tag_file(part).write_text(json.dumps({"tag": tag}), encoding="utf-8")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)


def _gave_up(url: str, have: int) -> ModelError:
    if have:
        return ModelError("download-cut", "Đường truyền đứt nhiều lần nên chưa tải xong.", _GO_ON)
    return ModelError(
        "download-unreachable",
        f"Không nhận được gì từ máy chủ {httpx.URL(url).host}.",
        "Kiểm tra đường mạng, tường lửa và địa chỉ rồi chạy lại lệnh này.",
    )


def _refused(status: int) -> ModelError:
    return ModelError(
        "download-refused",
        f"Máy chủ trả lời {status}, không cho tải.",
        "Kiểm tra tên hoặc địa chỉ mô hình: assistant models list",
    )


def _too_big() -> ModelError:
    return ModelError(
        "download-size",
        f"Tệp lớn hơn {_MAX_BYTES >> 30} GB nên không phải một mô hình dùng được.",
        "Kiểm tra lại địa chỉ.",
    )
