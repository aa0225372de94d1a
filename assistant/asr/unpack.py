"""Unpacking a model somebody else zipped: nothing outside its folder, nothing without limit."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from assistant.asr.folder import ModelFolder, inspect_folder
from assistant.errors import ModelError

_MAX_BYTES = 8 << 30  # unpacked; the big Vosk models have 2-3 GB
_MAX_FILES = 2_000
_MAX_RATIO = 200  # unpacked to packed; model files reach about 5
_RATIO_FROM = 64 << 20  # bytes below which a ratio says nothing
_BLOCK = 1 << 20


def install_zip(
    archive: Path,
    target: Path,
    replace: bool = False,
    accept: Callable[[Path], None] = lambda _: None,
) -> ModelFolder:
    """Unpack a model's zip as the folder ``target``: whole and inspected, or not at all.

    ``accept`` may refuse the unpacked folder by raising, before anything is replaced.

    Raises ModelError ``unpack-broken``, ``unpack-unsafe``, ``unpack-size``, ``model-exists``,
    ``unpack-write`` or what ``inspect_folder`` raises.
    """
    if target.exists() and not replace:
        raise ModelError(
            "model-exists",
            f"Đã có mô hình {target.name}.",
            "Thêm --force để tải và thay thế.",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpack-") as work:
            inside = Path(work) / archive.stem  # the work folder itself is its owner's alone
            inside.mkdir()
            _extract(archive, inside)
            model = _top(inside)
            _require_model(model, archive)
            accept(model)
            swap(model, target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise ModelError(
            "unpack-broken", "Tệp tải về không phải tệp zip nguyên vẹn.", "Tải lại mô hình."
        ) from None
    except OSError as error:
        raise ModelError(
            "unpack-write",
            f"Không giải nén được mô hình: {error.strerror or type(error).__name__}.",
            "Kiểm tra dung lượng đĩa và quyền ghi.",
        ) from None
    return inspect_folder(target)


def _require_model(path: Path, archive: Path) -> None:
    """Raises what ``inspect_folder`` does, naming the zip."""
    try:
        inspect_folder(path)
    except ModelError as error:
        raise ModelError(error.code, f"Trong {archive.name}: {error.message}", error.hint) from None


def _extract(archive: Path, folder: Path) -> None:
    packed = archive.stat().st_size
    limit = min(_MAX_BYTES, max(_RATIO_FROM, packed * _MAX_RATIO))
    with zipfile.ZipFile(archive) as file:
        entries = file.infolist()
        if len(entries) > _MAX_FILES:
            raise _too_much()
        left = limit
        for entry in entries:
            place = folder / _safe_name(entry)
            if entry.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                left -= _copy(file, entry, place, left)


def _copy(file: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path, left: int) -> int:
    """Unpack one file, counting what comes out: the size in the head may lie."""
    place.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with file.open(entry) as packed, place.open("xb") as out:
        while block := packed.read(_BLOCK):
            written += len(block)
            if written > left:
                raise _too_much()
            out.write(block)
    return written


def _safe_name(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The entry's path, if it stays inside; raises ModelError ``unpack-unsafe``."""
    name = PurePosixPath(entry.filename)
    mode = entry.external_attr >> 16
    odd = stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR)  # a link, a device
    outside = name.is_absolute() or ".." in name.parts or not name.parts
    foreign = "\\" in entry.filename or ":" in name.parts[0] if name.parts else True
    if odd or outside or foreign:
        raise ModelError(
            "unpack-unsafe",
            "Tệp zip có đường dẫn trỏ ra ngoài thư mục mô hình nên bị từ chối.",
            "Chỉ dùng mô hình từ nguồn tin cậy.",
        )
    return name


def _top(work: Path) -> Path:
    """The model inside: the single folder of the archive, or the archive itself."""
    inside = list(work.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else work


def swap(new: Path, target: Path) -> None:
    """Put the folder in place by renaming; an old one is removed last."""
    if not target.exists():
        new.rename(target)
        return
    old = Path(tempfile.mkdtemp(dir=target.parent, prefix=".old-"))
    target.rename(old / target.name)
    new.rename(target)
    shutil.rmtree(old)


def _too_much() -> ModelError:
    return ModelError(
        "unpack-size",
        "Tệp zip bung ra quá lớn nên bị từ chối.",
        "Chỉ dùng mô hình từ nguồn tin cậy.",
    )
