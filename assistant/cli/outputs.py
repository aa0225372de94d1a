"""Files that a long command writes at its end: tried beforehand, and never the loss of a result."""

from __future__ import annotations

import os
from pathlib import Path

from assistant.errors import UsageError

_HINT = "Chọn một tệp khác, trong thư mục đã có và ghi được."
_OURS = (b"{", b"<")  # results and reports begin so: JSON, HTML, XML
_SOURCES = (".scenario.yaml", ".scenario.yml", "model.json", "run.json", "results.jsonl")


def require_writable(path: Path, code: str, make_folder: bool = False) -> None:
    """Told before an hour of work, not after it: the file is really opened. One that is there
    keeps its bytes, one that is not is removed again. Raises UsageError ``code``, for a file too
    that no command wrote: nobody means to lose labels or scenarios."""
    is_new = not os.path.lexists(path)
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
        if is_new:
            path.unlink()
        elif _is_somebodys(path):
            raise UsageError(code, f"{path} đã có và không phải là kết quả hay báo cáo.", _HINT)
    except (OSError, ValueError) as error:
        raise unwritable(path, error, code) from None


def require_apart(code: str, *paths: Path | None) -> None:
    """Two outputs are two files. Raises UsageError ``code``."""
    given = [path.resolve() for path in paths if path and (path.is_file() or not path.exists())]
    if len(set(given)) < len(given):
        raise UsageError(code, f"Hai kết quả cùng ghi vào {given[0].name}.", _HINT)


def _is_somebodys(path: Path) -> bool:
    if not path.is_file():  # /dev/null, a pipe
        return False
    if path.name.endswith(_SOURCES):
        return True
    with path.open("rb") as file:
        start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    return bool(start) and not start.startswith(_OURS)


def write(path: Path, text: str, code: str) -> None:
    """Raises UsageError ``code``, a full disk for one."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error, code) from None


def unwritable(path: Path, error: Exception, code: str) -> UsageError:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return UsageError(code, f"Không ghi được vào {path}: {reason}.", _HINT)
