"""Files that a long command writes at its end: tried beforehand, and never the loss of a result."""

from __future__ import annotations

import os
from pathlib import Path

from assistant.errors import UsageError

_HINT = "Chọn một tệp khác, trong thư mục đã có và ghi được."


def require_writable(path: Path, code: str, make_folder: bool = False) -> None:
    """Told before an hour of work, not after it: the file is really opened. One that is there
    keeps its bytes, one that is not is removed again. Raises UsageError ``code``."""
    is_new = not os.path.lexists(path)
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
        if is_new:
            path.unlink()
    except (OSError, ValueError) as error:
        raise unwritable(path, error, code) from None


def write(path: Path, text: str, code: str) -> None:
    """Raises UsageError ``code``, a full disk for one."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error, code) from None


def unwritable(path: Path, error: Exception, code: str) -> UsageError:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return UsageError(code, f"Không ghi được vào {path}: {reason}.", _HINT)
