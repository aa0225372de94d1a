"""Which models there are: the embedded one, downloaded ones, and public ones by name."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from assistant.asr.download import Source
from assistant.asr.folder import SHERPA, ModelFolder, inspect_folder, looks_like_model
from assistant.asr.sherpa_adapter import require_sherpa
from assistant.errors import ModelError
from assistant.settings import Settings

_PUBLIC = "https://alphacephei.com/vosk/models"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PROBE_SECONDS = 120.0

# Their publisher names no checksum: what is known is that they load (see ``probe``).
KNOWN = {
    name: Source(f"{_PUBLIC}/{name}.zip")
    for name in ("vosk-model-small-vn-0.4", "vosk-model-vn-0.4")
}


@dataclass(frozen=True, slots=True)
class Installed:
    """A folder among the models. Exactly one of ``folder`` and ``error`` is set."""

    path: Path
    used: bool
    folder: ModelFolder | None = None
    error: ModelError | None = None


def installed(settings: Settings) -> Iterator[Installed]:
    """The model in use first, then the others beside it and in the downloads."""
    seen = {settings.model.resolve()}
    yield _look(settings.model, used=True)
    for place in (settings.model.parent, settings.asr.models):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            hidden = path.name.startswith(".") or not path.is_dir()
            if not hidden and path.resolve() not in seen and looks_like_model(path):
                seen.add(path.resolve())
                yield _look(path, used=False)


def _look(path: Path, used: bool) -> Installed:
    try:
        return Installed(path, used, folder=inspect_folder(path))
    except ModelError as error:
        return Installed(path, used, error=error)


def find(name: str | None, settings: Settings) -> Path:
    """The folder of a model by name or path; None: the one in use."""
    if name is None:
        return settings.model
    for model in installed(settings):
        if model.path.name == name:
            return model.path
    return Path(name)


def source_of(name: str, sha256: str | None) -> tuple[str, Source]:
    """The folder name and the source of a known name or a URL of a zip.

    Raises ModelError ``model-unknown``.
    """
    if name in KNOWN:
        return name, Source(KNOWN[name].url, sha256 or KNOWN[name].sha256)
    url = urlsplit(name)
    last = url.path.rpartition("/")[2].removesuffix(".zip")
    if url.netloc and _NAME.fullmatch(last):
        return last, Source(name, sha256)
    raise ModelError(
        "model-unknown",
        "Không biết mô hình này.",
        f"Dùng một trong: {', '.join(KNOWN)}; hoặc địa chỉ https của tệp zip.",
    )


_tried: set[tuple[tuple[str, int, int], ...]] = set()  # folders that passed in this process


def probe_once(path: Path) -> None:
    """``probe``, unless this process has tried the same files before."""
    files = _stamp(path)
    if files not in _tried:
        probe(path)
        _tried.add(files)


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Every file of a folder by its path, time and size."""
    found = []
    for file in sorted(path.resolve().rglob("*")):
        with suppress(OSError):  # gone meanwhile
            facts = file.stat()
            found.append((str(file), facts.st_mtime_ns, facts.st_size))
    return tuple(found)


def probe(path: Path) -> None:
    """Load a model and let it hear something in a process of its own.

    A folder with the right names and the wrong contents can take its engine's whole process down;
    this way it takes only the probe. Raises ModelError ``model-broken``, DependencyError.
    """
    if inspect_folder(path).engine == SHERPA:
        require_sherpa()
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "assistant.asr.probe", str(path)],
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
        broken = done.returncode != 0
    except subprocess.TimeoutExpired:
        broken = True
    if broken:
        raise ModelError(
            "model-broken",
            f"Không chạy được mô hình {path.name}.",
            "Tải lại mô hình: assistant models download; hoặc chọn mô hình khác.",
        )
