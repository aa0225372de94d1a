"""A model folder, looked at before Vosk is: Vosk's own complaint is a bare exception, or worse."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ModelError

CARD = "model.json"
_FEATURES = ("conf/mfcc.conf", "conf/fbank.conf")
_GRAPHS = (("graph/HCLG.fst",), ("graph/HCLr.fst", "graph/Gr.fst", "graph/disambig_tid.int"))
_DEFAULT_RATE = 16_000  # Kaldi's, when the features' configuration says nothing
_RATE = re.compile(r"^\s*--sample-frequency=(\d+)", re.MULTILINE)
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that has everything Vosk needs. ``rate``: Hz that the acoustic model was trained
    on; ``narrows``: the vocabulary can be narrowed at run time; ``version`` None: no card."""

    path: Path
    name: str
    version: str | None
    rate: int
    narrows: bool
    bytes: int
    sha256: dict[str, str]


def inspect_folder(path: Path) -> ModelFolder:
    """What is in a model folder.

    Raises ModelError ``model-missing``, ``model-incomplete``, ``model-unreadable`` or
    ``model-card``.
    """
    try:
        if not path.is_dir():
            raise ModelError(
                "model-missing",
                f"Không có thư mục mô hình nhận dạng {path}.",
                "Xem: assistant models list; hoặc đặt ASSISTANT_MODEL tới thư mục đúng.",
            )
        graph = _graph(path)
        features = _first(path, _FEATURES)
        card = _card(path)
        return ModelFolder(
            path=path,
            name=str(card.get("name") or path.name),
            version=str(card["version"]) if "version" in card else None,
            rate=_rate(card, features),
            narrows="graph/HCLr.fst" in graph,
            bytes=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
            sha256=_checksums(card),
        )
    except (OSError, ValueError):
        raise _unreadable(path) from None


def verify_folder(
    folder: ModelFolder, progress: Callable[[int], None] = lambda _: None
) -> tuple[str, ...]:
    """Files whose content is not the one that the card lists, in order of name.

    ``progress`` is told how many bytes were read since the last time. Raises ModelError
    ``model-unreadable``.
    """
    wrong = []
    for name, expected in sorted(folder.sha256.items()):
        file = folder.path / name
        try:
            if not file.is_file() or file_sha256(file, progress) != expected:
                wrong.append(name)
        except OSError:
            raise _unreadable(folder.path) from None
    return tuple(wrong)


def file_sha256(file: Path, progress: Callable[[int], None] = lambda _: None) -> str:
    """The SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            progress(len(block))
    return digest.hexdigest()


def require_intact(folder: ModelFolder) -> None:
    """Raises ModelError ``model-checksum`` when a file is not what the card says."""
    if wrong := verify_folder(folder):
        raise ModelError(
            "model-checksum",
            f"Mô hình {folder.name} bị hỏng: tệp {wrong[0]} sai mã kiểm tra.",
            "Cài lại chương trình hoặc tải lại mô hình: assistant models download.",
        )


def _graph(path: Path) -> tuple[str, ...]:
    if not _filled(path / "am/final.mdl"):
        raise _incomplete(path, "am/final.mdl")
    for names in _GRAPHS:
        if all(_filled(path / name) for name in names):
            return names
    missing = next(name for name in _GRAPHS[1] if not _filled(path / name))
    raise _incomplete(path, missing)


def _filled(file: Path) -> bool:
    """Whether the file is there with something in it. A graph without disambiguation symbols
    has an empty list of them."""
    return file.is_file() and (file.stat().st_size > 0 or file.name == "disambig_tid.int")


def _first(path: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if _filled(path / name):
            return path / name
    raise _incomplete(path, " hoặc ".join(names))


def _card(path: Path) -> dict[str, object]:
    file = path / CARD
    if not file.is_file():
        return {}
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        card = None
    if not isinstance(card, dict):
        raise ModelError(
            "model-card",
            f"Tệp {CARD} của mô hình {path.name} không đọc được.",
            "Cài lại chương trình hoặc tải lại mô hình: assistant models download.",
        )
    return card


def _checksums(card: dict[str, object]) -> dict[str, str]:
    """Names and digests of the card; names that lead out of the folder are not looked at."""
    listed = card.get("sha256")
    if not isinstance(listed, dict):
        return {}
    return {
        str(name): str(digest)
        for name, digest in listed.items()
        if not Path(str(name)).is_absolute() and ".." not in Path(str(name)).parts
    }


def _rate(card: dict[str, object], features: Path) -> int:
    declared = card.get("sample_rate")
    if isinstance(declared, int) and 4_000 <= declared <= 192_000:
        return declared
    found = _RATE.search(features.read_text(encoding="utf-8"))
    return int(found[1]) if found else _DEFAULT_RATE


def _incomplete(path: Path, name: str) -> ModelError:
    return ModelError(
        "model-incomplete",
        f"Thư mục {path.name} thiếu tệp {name} nên không phải mô hình Vosk dùng được.",
        "Tải lại mô hình: assistant models download; hoặc đặt ASSISTANT_MODEL.",
    )


def _unreadable(path: Path) -> ModelError:
    return ModelError(
        "model-unreadable",
        f"Không đọc được thư mục mô hình {path.name}.",
        "Kiểm tra quyền đọc của thư mục và các tệp trong đó.",
    )
