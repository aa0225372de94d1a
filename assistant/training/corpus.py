"""Speech to train on, kept as one flat array: synthetic utterances and recordings of people.

A ``Corpus`` holds 8 kHz 16-bit mono samples end to end with the offsets, the text and the
speaker of each utterance, so that a worker process can map it without copying.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from assistant.errors import AudioError
from assistant.training.augment import RATE
from assistant.training.lexicon import text_phones


@dataclass(slots=True)
class Corpus:
    """``samples``: int16, all utterances end to end; ``ends``: one past each utterance."""

    samples: npt.NDArray[np.int16]
    ends: npt.NDArray[np.int64]
    texts: list[str]
    speakers: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def hours(self) -> float:
        return len(self.samples) / RATE / 3600

    def bounds(self, index: int) -> tuple[int, int]:
        return (int(self.ends[index - 1]) if index else 0), int(self.ends[index])

    def utterance(self, index: int) -> npt.NDArray[np.float32]:
        """Samples of one utterance as floats in -1..1."""
        start, end = self.bounds(index)
        return self.samples[start:end].astype(np.float32) / np.float32(32768)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "samples.npy", self.samples)
        np.save(folder / "ends.npy", self.ends)
        meta = {"texts": self.texts, "speakers": self.speakers}
        (folder / "meta.json").write_text(json.dumps(meta, ensure_ascii=False))

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        meta = json.loads((folder / "meta.json").read_text())
        samples = np.load(folder / "samples.npy", mmap_mode="r")
        return cls(samples, np.load(folder / "ends.npy"), meta["texts"], meta["speakers"])


def pack(items: list[tuple[npt.NDArray[np.int16], str, str]]) -> Corpus:
    """Utterances as (samples at 8 kHz, text, speaker) → a corpus in the same order."""
    ends = np.cumsum([len(samples) for samples, _, _ in items]).astype(np.int64)
    samples = np.concatenate([i[0] for i in items]) if items else np.zeros(0, np.int16)
    return Corpus(samples, ends, [i[1] for i in items], [i[2] for i in items])


def clean_text(text: str) -> str:
    """Lower-case NFC words without punctuation (and without FOSD's "-N" noise marks)."""
    text = unicodedata.normalize("NFC", text.replace("-N", " ")).lower()
    return " ".join(re.findall(r"[^\W\d_]+", text))


def to_model_rate(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.int16]:
    """Mono float samples at any rate → 16-bit at the model's rate."""
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE)
    return np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)


def load_clip(path: Path) -> npt.NDArray[np.int16]:
    """One clip of any format soundfile reads → mono 16-bit at the model's rate."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return to_model_rate(samples.mean(axis=1), rate)


def read_labelled(folder: Path, limit: int | None = None) -> Corpus:
    """A folder with ``labels.csv`` (path, text, speaker, …) → its corpus.

    Clips whose text is not spelled in Vietnamese (names, foreign words) are left out. Raises
    AudioError ``speech-missing`` when the folder is not there.
    """
    labels = folder / "labels.csv"
    if not labels.is_file():
        raise AudioError(
            "speech-missing",
            f"Không có bản ghi âm ở {folder} (thiếu labels.csv).",
            "Truyền thư mục có labels.csv và các clip, ví dụ --human ../shared/speech/train.",
        )
    items: list[tuple[npt.NDArray[np.int16], str, str]] = []
    with labels.open(newline="", encoding="utf-8") as rows:
        for number, row in enumerate(csv.DictReader(rows)):
            if limit is not None and len(items) >= limit:
                break
            text = clean_text(row["text"])
            if text_phones(text) is None:
                continue
            speaker = row.get("speaker") or f"{folder.name}-{number // 40}"
            items.append((load_clip(folder / row["path"]), text, f"{folder.name}:{speaker}"))
    return pack(items)
