"""Speech to train on, kept as one flat array: synthetic utterances and recordings of people.

A ``Corpus`` holds 8 kHz 16-bit mono samples end to end with the offsets, the text and the
speaker of each utterance, so that a worker process can map it without copying.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from assistant.asr.lexicon import text_phones
from assistant.batch.speech_sets import label_rows, read_mono
from assistant.errors import AudioError
from assistant.settings import load_settings
from assistant.training.augment import RATE

Spans = npt.NDArray[np.int32]
"""(phones, 2): first sample of each phone of an utterance and one past its last."""


@dataclass(slots=True)
class Corpus:
    """``samples``: int16, all utterances end to end; ``ends``: one past each utterance.

    ``spans``: those of all phones end to end, once the corpus is aligned; ``span_ends``: one past
    each utterance's.
    """

    samples: npt.NDArray[np.int16]
    ends: npt.NDArray[np.int64]
    texts: list[str]
    speakers: list[str]
    spans: Spans | None = None
    span_ends: npt.NDArray[np.int64] | None = None

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

    def spans_of(self, index: int) -> Spans | None:
        """Where the phones of one utterance are, if that is known."""
        if self.spans is None or self.span_ends is None:
            return None
        start = int(self.span_ends[index - 1]) if index else 0
        return self.spans[start : int(self.span_ends[index])]

    def chosen(self, indices: Sequence[int], spans: Sequence[Spans] | None = None) -> Corpus:
        """Some of the utterances, with the spans of their phones where they are given."""
        pieces = [self.samples[slice(*self.bounds(i))] for i in indices]
        return pack(
            [(p, self.texts[i], self.speakers[i]) for p, i in zip(pieces, indices, strict=True)],
            spans,
        )

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "samples.npy", self.samples)
        np.save(folder / "ends.npy", self.ends)
        if self.spans is not None and self.span_ends is not None:
            np.save(folder / "spans.npy", self.spans)
            np.save(folder / "span_ends.npy", self.span_ends)
        meta = {"texts": self.texts, "speakers": self.speakers}
        (folder / "meta.json").write_text(json.dumps(meta, ensure_ascii=False))

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        meta = json.loads((folder / "meta.json").read_text())
        samples = np.load(folder / "samples.npy", mmap_mode="r")
        made = cls(samples, np.load(folder / "ends.npy"), meta["texts"], meta["speakers"])
        if (folder / "spans.npy").is_file():
            made.spans = np.load(folder / "spans.npy")
            made.span_ends = np.load(folder / "span_ends.npy")
        return made


def pack(
    items: list[tuple[npt.NDArray[np.int16], str, str]], spans: Sequence[Spans] | None = None
) -> Corpus:
    """Utterances as (samples at 8 kHz, text, speaker) → a corpus in the same order."""
    ends = np.cumsum([len(samples) for samples, _, _ in items]).astype(np.int64)
    samples = np.concatenate([i[0] for i in items]) if items else np.zeros(0, np.int16)
    made = Corpus(samples, ends, [i[1] for i in items], [i[2] for i in items])
    if spans is not None:
        made.spans = np.concatenate(spans) if spans else np.zeros((0, 2), np.int32)
        made.span_ends = np.cumsum([len(s) for s in spans]).astype(np.int64)
    return made


def clean_text(text: str) -> str:
    """Lower-case NFC words without punctuation (and without FOSD's "-N" noise marks)."""
    text = unicodedata.normalize("NFC", text.replace("-N", " ")).lower()
    return " ".join(re.findall(r"[^\W\d_]+", text))


Change = Callable[[npt.NDArray[np.float32], int, np.random.Generator], npt.NDArray[np.float32]]
"""(mono samples, rate, chance) → samples at the same rate."""


def to_model_rate(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.int16]:
    """Mono float samples at any rate → 16-bit at the model's rate."""
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE)
    return np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)


def read_labelled(
    folder: Path, limit: int | None = None, change: Change | None = None, seed: int = 0
) -> Corpus:
    """A folder with ``labels.csv`` (path, text, speaker, …) → its corpus.

    Clips whose text is not spelled in Vietnamese (names, foreign words) are left out.
    ``change`` is done to every clip with chance drawn from (seed, row). Raises AudioError
    ``speech-missing`` when the folder is not there, ``speech-labels``, ``speech-clip``.
    """
    if not (folder / "labels.csv").is_file():
        raise AudioError(
            "speech-missing",
            f"Không có bản ghi âm ở {folder} (thiếu labels.csv).",
            "Truyền thư mục có labels.csv và các clip.",
        )
    items: list[tuple[npt.NDArray[np.int16], str, str]] = []
    limits = load_settings().audio
    for number, row in enumerate(label_rows(folder)):
        if limit is not None and len(items) >= limit:
            break
        text = clean_text(row["text"])
        if text_phones(text) is None:
            continue
        speaker = row.get("speaker") or f"{folder.name}-{number // 40}"
        mono, rate = read_mono(folder, row["path"], limits)
        if change is not None:
            mono = change(mono, rate, np.random.default_rng((seed, number)))
        items.append((to_model_rate(mono, rate), text, f"{folder.name}:{speaker}"))
    return pack(items)
