"""Files of the prompts folder: clips, studio recordings and the manifest. All I/O is here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from assistant.audio import replace_file
from assistant.errors import PromptError

Samples = npt.NDArray[np.float32]

CLIPS, STUDIO, MANIFEST = "clips", "studio", "manifest.json"
STUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")
STUDIO_ENGINE = "studio"
MAX_STUDIO_SECONDS = 120.0
_STUDIO_ONLY = ("recording", "text")  # of an entry


@dataclass(frozen=True, slots=True)
class Entry:
    """How a clip came about. ``input``: digest of everything that shaped it; ``audio``: digest
    of the file it became. Of a studio clip also digests of the ``recording`` and of the ``text``
    that it was last accepted for: nothing else tells that a person says what is written."""

    engine: str
    settings: str
    input: str
    audio: str
    recording: str = ""
    text: str = ""


Manifest = Mapping[str, Entry]


def clip_path(folder: Path, key: str) -> Path:
    return folder / CLIPS / f"{key}.flac"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def text_digest(text: str) -> str:
    return digest(text.encode())


def file_digest(path: Path) -> str:
    return digest(path.read_bytes())


def read_manifest(folder: Path) -> Manifest:
    """The manifest, empty where there is none; raises PromptError (``manifest-broken``)."""
    try:
        data = json.loads((folder / CLIPS / MANIFEST).read_text(encoding="utf-8"))
        return {str(key): Entry(**entry) for key, entry in data.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError):
        raise PromptError(
            "manifest-broken",
            f"Tệp {CLIPS}/{MANIFEST} bị hỏng.",
            "Xóa tệp đó rồi chạy: assistant prompts build.",
        ) from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    data = {
        key: {k: v for k, v in asdict(entry).items() if v or k not in _STUDIO_ONLY}
        for key, entry in sorted(manifest.items())
    }
    text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    replace_file(folder / CLIPS / MANIFEST, lambda path: path.write_text(text, encoding="utf-8"))


def write_clip(path: Path, samples: Samples, rate: int) -> None:
    """A 16-bit mono FLAC, complete or not at all."""
    replace_file(
        path,
        lambda part: soundfile.write(part, samples, rate, format="FLAC", subtype="PCM_16"),
    )


def read_clip(path: Path) -> tuple[Samples, int, int]:
    """Samples (frames × channels), rate in Hz and channels; raises PromptError
    (``clip-broken``)."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, RuntimeError):
        raise _broken(path) from None
    return samples, int(rate), int(samples.shape[1])


def clip_seconds(path: Path) -> float:
    """Length from the header; raises PromptError (``clip-broken``)."""
    try:
        return float(soundfile.info(path).duration)
    except (soundfile.LibsndfileError, OSError, RuntimeError):
        raise _broken(path) from None


def write_wav(path: Path, pcm: bytes, rate: int) -> None:
    """16-bit mono PCM as a WAV file; raises PromptError (``wav-unwritable``)."""
    try:
        soundfile.write(path, np.frombuffer(pcm, "<i2"), rate, format="WAV", subtype="PCM_16")
    except (soundfile.LibsndfileError, OSError, RuntimeError):
        raise PromptError(
            "wav-unwritable", f"Không ghi được tệp {path}.", "Chọn tệp khác với --out."
        ) from None


def _broken(path: Path) -> PromptError:
    return PromptError(
        "clip-broken",
        f"Không đọc được tệp âm thanh {path.name}.",
        "Thay tệp đó, hoặc xóa rồi chạy: assistant prompts build.",
    )


def read_studio(path: Path) -> tuple[Samples, int]:
    """A recording as mono samples; raises PromptError (``clip-broken``, ``studio-long``)."""
    if clip_seconds(path) > MAX_STUDIO_SECONDS:
        raise PromptError(
            "studio-long",
            f"Bản thu {path.name} dài quá {MAX_STUDIO_SECONDS:.0f} giây.",
            "Cắt ngắn bản thu.",
        )
    samples, rate, _ = read_clip(path)
    return samples.mean(axis=1, dtype=np.float32), rate


def studio_files(folder: Path) -> dict[str, Path]:
    """Studio recordings by prompt key; raises PromptError (``studio-twice``)."""
    found: dict[str, Path] = {}
    studio = folder / STUDIO
    for path in sorted(studio.iterdir()) if studio.is_dir() else ():
        if path.suffix.lower() not in STUDIO_SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise PromptError(
                "studio-twice",
                f"Câu {path.stem!r} có hai bản thu: {found[path.stem].name}, {path.name}.",
                "Giữ lại một bản trong thư mục studio.",
            )
        found[path.stem] = path
    return found


def clip_files(folder: Path) -> dict[str, Path]:
    """Clips by prompt key, whether or not the catalogue knows them."""
    clips = folder / CLIPS
    return {
        path.stem: path for path in sorted(clips.glob("*.flac")) if not path.name.startswith(".")
    }
