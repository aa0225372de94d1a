"""Where a made model goes: asked before the work, taken whole or not at all.

Nothing but an older model gives way, and that only once the new one is complete beside it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.asr.folder import CARD, inspect_folder
from assistant.asr.unpack import swap
from assistant.errors import ModelError, UsageError

_PREFIX = ".model-"  # hidden: no list of models shows a half-written one
_OF_A_MODEL = {"am", "conf", "graph", "ivector", CARD, "README.md"}


def require_place(out: Path) -> None:
    """Whether a model can be written as ``out``; nothing is left there. Raises UsageError
    ``train-out-taken``, ``train-out-write``."""
    if out.name in ("", ".."):
        raise _taken(out, "đó không phải tên của một thư mục mới")
    try:
        if os.path.lexists(out) and not _gives_way(out):
            raise _taken(out, "ở đó đã có thứ không phải mô hình")
        above = next(place for place in out.absolute().parents if os.path.lexists(place))
        with tempfile.TemporaryDirectory(dir=above, prefix=_PREFIX):
            pass
    except OSError:
        raise _unwritable(out) from None


@contextmanager
def placed(out: Path) -> Iterator[Path]:
    """A path beside ``out`` to write a model folder to, which then takes ``out``'s place. Raises
    UsageError as ``require_place``."""
    require_place(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=_PREFIX) as folder:
            made = Path(folder) / out.name
            yield made
            swap(made, out)
    except OSError:
        raise _unwritable(out) from None


def _gives_way(out: Path) -> bool:
    """Whether there is nothing in the folder, or nothing but a model."""
    if not out.is_dir() or out.is_mount():
        return False
    inside = {entry.name for entry in out.iterdir()}
    if not inside:
        return True
    try:
        inspect_folder(out)
    except ModelError:
        return False
    return inside <= _OF_A_MODEL


def _taken(out: Path, problem: str) -> UsageError:
    return UsageError(
        "train-out-taken",
        f"Không ghi mô hình vào {out}: {problem}.",
        "Đặt --out là một thư mục chưa có, hoặc một thư mục mô hình để thay nó.",
    )


def _unwritable(out: Path) -> UsageError:
    return UsageError(
        "train-out-write",
        f"Không ghi được mô hình vào {out}.",
        "Kiểm tra quyền ghi và dung lượng đĩa, hoặc chọn nơi khác với --out.",
    )
