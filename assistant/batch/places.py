"""Files by path or by fsspec URL (``s3://…``, ``file://…``); URLs need the extra ``ray``.

In a chain of file systems (``zip://::s3://b/set.zip``) the path comes first, where no folder and
no ending can be read off it. What is found in one is written ``CHAIN!/PATH``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from assistant.errors import AssistantError, AudioError, DependencyError, UsageError

_INSIDE = "!/"  # of a chain


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
    if "::" in place:
        tail = found.removeprefix(place + _INSIDE)
    if not is_url(place) and found != place:
        tail = Path(found).relative_to(place).as_posix()
    return tail if tail not in ("", found) else found.replace("\\", "/").rpartition("/")[2]


def walk(place: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    """Every file below ``place`` whose name is wanted, sorted. The others are not kept: beside a
    ``labels.csv`` lie as many recordings as it has lines."""
    if is_url(place):
        files, path = _filesystem(place)
        with _coded(place):
            names = sorted(name for name in files.find(path) if wanted(name.rpartition("/")[2]))
            if not names:  # finding hides that the place is not there, or its server is down
                files.ls(path)
        yield from (_found(place, files, path, name) for name in names)
        return
    folder = Path(place)
    if not folder.exists():
        raise UsageError(
            "batch-missing", f"Không có {place}.", "Truyền tệp kịch bản, thư mục, hoặc địa chỉ."
        )
    yield from map(str, sorted(_below(folder, wanted)))


def _found(place: str, files: Any, path: str, name: str) -> str:
    """The address of a file that was found below ``path``: what ``place`` says of hosts and
    users is not in ``name``, and must not get lost."""
    if "::" in place:
        return f"{place.partition(_INSIDE)[0]}{_INSIDE}{name}"
    inside = name.removeprefix(path.rstrip("/") + "/")
    if inside == name:  # ``path`` itself, or a server that lists what lies elsewhere
        return place if name == path else str(files.unstrip_protocol(name))
    return f"{place}{inside}" if place.endswith("/") else f"{place}/{inside}"


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
            with _coded(place):
                opened = files.open(path, "r", encoding="utf-8-sig", newline="")
            with opened as file:
                yield file
        else:
            with Path(place).open(encoding="utf-8-sig", newline="") as plain:
                yield plain
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise _unreadable(place) from None


@contextmanager
def local_file(place: str) -> Iterator[Path]:
    """The file on this machine: itself, or a copy that lives as long as the block."""
    if not is_url(place):
        yield Path(place)
        return
    files, path = _filesystem(place)
    with tempfile.NamedTemporaryFile(suffix=Path(path).suffix) as copy:
        with _coded(place):
            try:
                files.get_file(path, copy.name)
            except FileNotFoundError:
                raise _no_recording(place) from None
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
    chain, inside, name = place.partition(_INSIDE) if "::" in place else (place, "", "")
    with _coded(place):  # a chain opens its archive here
        try:
            files, path = fsspec.core.url_to_fs(chain)
        except (ImportError, ValueError) as error:
            raise DependencyError(
                "fsspec-scheme",
                f"Không có trình đọc cho {place.partition('://')[0]}://: {error}.",
                "Ví dụ với S3: pip install s3fs",
            ) from None
    return files, name if inside else str(path)


@contextmanager
def _coded(place: str) -> Iterator[None]:
    """Every file system has errors of its own: whatever they are, the place cannot be read."""
    try:
        yield
    except AssistantError:
        raise
    except (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError):
        raise _unreadable(place) from None
    except Exception as error:
        raise UsageError(
            "place-unreadable",
            f"Không đọc được {place}: {type(error).__name__}.",
            "Kiểm tra địa chỉ, mạng, và quyền vào nơi ấy (tên, khóa, mật khẩu).",
        ) from None


def _unreadable(place: str) -> UsageError:
    if "memory://" in place:
        return UsageError(
            "place-in-memory",
            f"Không có {place} ở tiến trình này: memory:// chỉ ở trong bộ nhớ của tiến trình đã "
            "ghi nó, lệnh khác và các tiến trình chạy kịch bản không thấy.",
            "Chép bộ ấy ra thư mục, hoặc kho chung (s3://…).",
        )
    return UsageError(
        "batch-missing", f"Không đọc được {place}.", "Kiểm tra đường dẫn và quyền đọc."
    )


def _no_recording(place: str) -> AssistantError:
    if "memory://" in place:
        return _unreadable(place)
    return AudioError(
        "audio-missing", f"Không có tệp {place}.", "Kiểm tra địa chỉ trong labels.csv."
    )


@contextmanager
def open_binary(url: str) -> Iterator[IO[bytes]]:
    """A file at an fsspec URL, for writing; its folders are made."""
    files, path = _filesystem(url)
    files.makedirs(path.rpartition("/")[0], exist_ok=True)
    with files.open(path, "wb") as file:
        yield file
