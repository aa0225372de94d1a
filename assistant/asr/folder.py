"""A model folder, looked at before its engine is: an engine's own complaint is a bare exception,
or the end of the process.

A Vosk folder is known by its files. One of sherpa-onnx says so in ``model.json``: ``engine``,
``kind``, ``sample_rate``, and under ``files`` the names of parts that are named otherwise.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from assistant.asr.confidence import (
    RAW,
    UNWEIGHED,
    Answers,
    Confidences,
    answers_from_card,
    from_card,
)
from assistant.errors import ModelError

CARD = "model.json"
VOSK, SHERPA = "vosk", "sherpa-onnx"
_FEATURES = ("conf/mfcc.conf", "conf/fbank.conf")
_GRAPHS = (("graph/HCLG.fst",), ("graph/HCLr.fst", "graph/Gr.fst", "graph/disambig_tid.int"))
# Parts of a streaming sherpa-onnx model by its kind; the file of a part has its name unless the
# card names another. ``bpe.vocab``, where it is, lets a transducer prefer what is expected.
_SHERPA_PARTS = {
    "transducer": ("tokens.txt", "encoder.onnx", "decoder.onnx", "joiner.onnx"),
    "zipformer2-ctc": ("tokens.txt", "model.onnx"),
    "nemo-ctc": ("tokens.txt", "model.onnx"),
    "wenet-ctc": ("tokens.txt", "model.onnx"),
}
_SIGNS = (CARD, "am/final.mdl", *_FEATURES, *(name for graph in _GRAPHS for name in graph))
BPE = "bpe.vocab"
_DEFAULT_BINS = 80  # mel bins of the published models
_MOST_BINS = 1024
_DEFAULT_RATE = 16_000  # Kaldi's, when the features' configuration says nothing
_RATE = re.compile(r"^\s*--sample-frequency=(\d+)", re.MULTILINE)
_BLOCK = 1 << 20
MEASURED = ("confidence", "answers")  # of a card: what another network makes untrue
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that has everything its engine needs. ``rate``: Hz that the acoustic model was
    trained on; ``narrows``: the vocabulary can be narrowed at run time; ``version`` None: no card.
    ``confidence``, ``answers``: what its confidences and the fits of lone answers are worth;
    ``likelier``: nepers by which its lexicon makes words likelier. Of sherpa-onnx only: ``kind``,
    ``parts`` (part → file name) and ``bins`` (mel bins)."""

    path: Path
    name: str
    version: str | None
    rate: int
    narrows: bool
    bytes: int
    sha256: dict[str, str]
    engine: str = VOSK
    kind: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    bins: int = _DEFAULT_BINS
    confidence: Confidences = RAW
    answers: Answers = UNWEIGHED
    likelier: dict[str, float] = field(default_factory=dict)


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
        card = read_card(path)
        look = {VOSK: _vosk, SHERPA: _sherpa}.get(str(card.get("engine", VOSK)))
        if look is None:
            raise _bad_card(path, f"Trong {CARD}, engine phải là {VOSK} hoặc {SHERPA}.")
        return look(path, card)
    except (OSError, ValueError):
        raise _unreadable(path) from None


def looks_like_model(path: Path) -> bool:
    """Whether a folder has anything of a model, be it a broken one."""
    try:
        return any((path / name).exists() for name in _SIGNS)
    except OSError:
        return True  # ``inspect_folder`` says why it cannot be read


def _vosk(path: Path, card: dict[str, object]) -> ModelFolder:
    graph = _graph(path)
    features = _first(path, _FEATURES)
    return ModelFolder(
        **_facts(path, card),
        rate=_declared_rate(card) or _configured_rate(features),
        narrows="graph/HCLr.fst" in graph,
    )


def _sherpa(path: Path, card: dict[str, object]) -> ModelFolder:
    kind = str(card.get("kind"))
    if kind not in _SHERPA_PARTS:
        raise _bad_card(path, f"Trong {CARD}, kind phải là một trong: {', '.join(_SHERPA_PARTS)}.")
    named = card.get("files")
    files = named if isinstance(named, dict) else {}
    parts = {part: str(files.get(part, part)) for part in (*_SHERPA_PARTS[kind], BPE)}
    if not _filled(path / parts[BPE]):
        del parts[BPE]
    for part, name in parts.items():
        if Path(name).name != name or not _filled(path / name):
            raise _incomplete(path, part)
    bins = card.get("feature_dim")
    return ModelFolder(
        **_facts(path, card),
        rate=_declared_rate(card) or _DEFAULT_RATE,
        narrows=False,  # hot words make the expected likelier, they forbid nothing
        engine=SHERPA,
        kind=kind,
        parts=parts,
        bins=bins if isinstance(bins, int) and 0 < bins <= _MOST_BINS else _DEFAULT_BINS,
    )


def _facts(path: Path, card: dict[str, object]) -> dict[str, Any]:
    """What every folder has."""
    return {
        "path": path,
        "name": str(card.get("name") or path.name),
        "version": str(card["version"]) if "version" in card else None,
        "bytes": sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        "sha256": _checksums(card),
        "confidence": _measured(path, card, "confidence", from_card),
        "answers": _measured(path, card, "answers", answers_from_card),
        "likelier": _likelier(path, card),
    }


def _likelier(path: Path, card: dict[str, object]) -> dict[str, float]:
    words = card.get("likelier_words", {})
    if not isinstance(words, dict) or not all(map(_is_finite, words.values())):
        raise _bad_card(
            path, "likelier_words phải là {từ: số}; xóa mục đó thì không từ nào dễ hơn."
        )
    return {str(word): float(nepers) for word, nepers in words.items()}


def _measured(path: Path, card: dict[str, object], name: str, read: Callable[[object], _T]) -> _T:
    try:
        return read(card.get(name))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _bad_card(
            path, f"Xóa mục {name} trong tệp đó rồi đo lại: assistant asr calibrate."
        ) from None


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


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


def is_vouched_for(folder: ModelFolder) -> bool:
    """Whether the card has a checksum of every file that the engine may read: of those in the
    folder's own folders. What lies beside the card is for people."""
    files = (file.relative_to(folder.path) for file in folder.path.rglob("*") if file.is_file())
    return all(name.as_posix() in folder.sha256 for name in files if len(name.parts) > 1)


def require_intact(folder: ModelFolder) -> None:
    """Raises ModelError ``model-checksum`` when a file is not what the card says."""
    if wrong := verify_folder(folder):
        raise ModelError(
            "model-checksum",
            f"Mô hình {folder.name} ở {folder.path} bị hỏng: tệp {wrong[0]} sai mã kiểm tra.",
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


def read_card(path: Path) -> dict[str, Any]:
    """What a model folder says of itself, nothing without a card. Raises ModelError
    ``model-card``."""
    file = path / CARD
    if not file.is_file():
        return {}
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        card = None
    if not isinstance(card, dict):
        raise _bad_card(
            path, "Cài lại chương trình hoặc tải lại mô hình: assistant models download."
        )
    return card


def write_card(path: Path, card: Mapping[str, object]) -> None:
    """The card of a model folder, written whole or not at all. Raises OSError."""
    file = path / CARD
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    partial.replace(file)


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


def _declared_rate(card: dict[str, object]) -> int | None:
    declared = card.get("sample_rate")
    return declared if isinstance(declared, int) and 4_000 <= declared <= 192_000 else None


def _configured_rate(features: Path) -> int:
    found = _RATE.search(features.read_text(encoding="utf-8"))
    return int(found[1]) if found else _DEFAULT_RATE


def _bad_card(path: Path, hint: str) -> ModelError:
    return ModelError("model-card", f"Tệp {CARD} của mô hình {path.name} không dùng được.", hint)


def _incomplete(path: Path, name: str) -> ModelError:
    return ModelError(
        "model-incomplete",
        f"Thư mục {path.name} thiếu tệp {name} nên không phải mô hình dùng được.",
        "Tải lại mô hình: assistant models download; hoặc đặt ASSISTANT_MODEL. Mô hình sherpa-onnx "
        "cần thêm model.json (models/README.md).",
    )


def _unreadable(path: Path) -> ModelError:
    return ModelError(
        "model-unreadable",
        f"Không đọc được thư mục mô hình {path.name}.",
        "Kiểm tra quyền đọc của thư mục và các tệp trong đó.",
    )
