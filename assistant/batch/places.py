"""Files by path or by fsspec URL (``s3://…``, ``memory://…``); URLs need the extra ``ray``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from assistant.errors import AudioError, DependencyError, UsageError


def is_url(place: str) -> bool:
    return "://" in place


def join(folder: str, name: str) -> str:
    """``name`` as it stands in ``folder``; an absolute name or a URL is itself."""
    if is_url(name) or Path(name).is_absolute():
        return name
    return f"{folder.rstrip('/')}/{name}" if is_url(folder) else str(Path(folder) / name)


def below(found: str, place: str) -> str:
    """``found`` as seen from the folder ``place``, with slashes; the name of ``place`` itself."""
    tail = found.removeprefix(place.rstrip("/") + "/") if is_url(place) else ""
    if not is_url(place) and found != place:
        tail = Path(found).relative_to(place).as_posix()
    return tail if tail not in ("", found) else found.replace("\\", "/").rpartition("/")[2]


def walk(place: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    """Every file below ``place`` whose name is wanted, sorted. The others are not kept: beside a
    ``labels.csv`` lie as many recordings as it has lines."""
    if is_url(place):
        files, path = _filesystem(place)
        scheme = place.partition("://")[0]
        names = sorted(name for name in files.find(path) if wanted(name.rpartition("/")[2]))
        yield from (f"{scheme}://{name.lstrip('/')}" for name in names)
        return
    folder = Path(place)
    if not folder.exists():
        raise UsageError(
            "batch-missing", f"Không có {place}.", "Truyền tệp kịch bản, thư mục, hoặc địa chỉ."
        )
    yield from map(str, sorted(_below(folder, wanted)))


def _below(folder: str | Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    with suppress(PermissionError, NotADirectoryError), os.scandir(folder) as found:
        for one in found:
            if one.is_dir(follow_symlinks=False):
                yield from _below(one.path, wanted)
            elif wanted(one.name) and one.is_file():
                yield Path(one.path)


@contextmanager
def open_text(place: str) -> Iterator[IO[str]]:
    """A text file for reading, UTF-8."""
    try:
        if is_url(place):
            files, path = _filesystem(place)
            with files.open(path, "r", encoding="utf-8", newline="") as file:
                yield file
        else:
            with Path(place).open(encoding="utf-8-sig", newline="") as plain:
                yield plain
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise UsageError(
            "batch-missing", f"Không đọc được {place}.", "Kiểm tra đường dẫn và quyền đọc."
        ) from None


@contextmanager
def local_file(place: str) -> Iterator[Path]:
    """The file on this machine: itself, or a copy that lives as long as the block."""
    if not is_url(place):
        yield Path(place)
        return
    files, path = _filesystem(place)
    with tempfile.NamedTemporaryFile(suffix=Path(path).suffix) as copy:
        try:
            files.get_file(path, copy.name)
        except FileNotFoundError:
            raise AudioError(
                "audio-missing", f"Không có tệp {place}.", "Kiểm tra địa chỉ trong labels.csv."
            ) from None
        yield Path(copy.name)


def _filesystem(place: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise DependencyError(
            "fsspec-missing",
            "Đọc tệp ở xa cần fsspec.",
            "Cài: pip install 'vssid-voice-assistant[ray]'",
        ) from None
    try:
        files, path = fsspec.core.url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise DependencyError(
            "fsspec-scheme",
            f"Không có trình đọc cho {place.partition('://')[0]}://: {error}.",
            "Ví dụ với S3: pip install s3fs",
        ) from None
    return files, str(path)


@contextmanager
def open_binary(url: str) -> Iterator[IO[bytes]]:
    """A file at an fsspec URL, for writing; its folders are made."""
    files, path = _filesystem(url)
    files.makedirs(path.rpartition("/")[0], exist_ok=True)
    with files.open(path, "wb") as file:
        yield file
