"""Recordings to measure on: a folder of sets, each with a ``labels.csv``.

``labels.csv``: path, text, speaker, note, seconds; ``words.csv`` beside it (path, start, end,
word) times every word. Strings are spliced from single digits of one speaker with a fixed seed.
"""

from __future__ import annotations

import csv
import random
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from assistant.audio import mulaw_decode, mulaw_encode
from assistant.errors import AudioError

Samples = npt.NDArray[np.float32]
RATE = 16_000  # of everything measured; the telephone condition goes through 8 kHz
DIGIT_WORDS = {
    "không": "0", "một": "1", "mốt": "1", "hai": "2", "ba": "3", "bốn": "4", "tư": "4",
    "năm": "5", "lăm": "5", "nhăm": "5", "sáu": "6", "bảy": "7", "bẩy": "7", "tám": "8",
    "chín": "9",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled recording at ``RATE``."""

    samples: Samples = field(repr=False)
    text: str
    speaker: str
    note: str
    path: str = ""


def require_folder(folder: Path) -> Path:
    """The folder itself; raises AudioError ``speech-missing`` when it holds no sets."""
    if not any(folder.glob("*/labels.csv")) and not (folder / "labels.csv").is_file():
        raise AudioError(
            "speech-missing",
            f"Không có bộ ghi âm nào trong {folder}.",
            "Truyền thư mục có labels.csv, hoặc thư mục chứa các bộ như vậy.",
        )
    return folder


def read_set(folder: Path) -> Iterator[Clip]:
    """The clips of one set, in the order of its labels."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            samples, rate = soundfile.read(folder / row["path"], dtype="float32", always_2d=True)
            mono = soxr.resample(samples.mean(axis=1), rate, RATE)
            text = unicodedata.normalize("NFC", row["text"].lower().strip())
            yield Clip(np.asarray(mono, np.float32), text, row["speaker"], row["note"], row["path"])


def cut_digits(folder: Path) -> list[Clip]:
    """Single digits cut out of connected speech by ``words.csv`` (30 ms of margin)."""
    spans: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    with (folder / "words.csv").open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            spans[row["path"]].append((float(row["start"]), float(row["end"]), row["word"]))
    found = []
    for clip in read_set(folder):
        for start, end, word in spans[clip.path]:
            word = unicodedata.normalize("NFC", word)
            if word in DIGIT_WORDS:
                low, high = int((start - 0.03) * RATE), int((end + 0.03) * RATE)
                found.append(
                    Clip(clip.samples[max(low, 0) : high], word, clip.speaker, "digit", clip.path)
                )
    return found


def splice(
    clips: Sequence[Clip], length: int, count: int, seed: int, pause: tuple[float, float]
) -> list[Clip]:
    """``count`` strings of ``length`` digits, each of one speaker, equal shares of speakers."""
    rng = random.Random(seed)  # noqa: S311
    by_speaker: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
    for clip in clips:
        if clip.text in DIGIT_WORDS:
            by_speaker[clip.speaker][DIGIT_WORDS[clip.text]].append(clip)
    speakers = sorted(s for s, d in by_speaker.items() if len(d) >= 8)
    strings = []
    for index in range(count if speakers else 0):
        speaker = speakers[index % len(speakers)]
        digits = [rng.choice(sorted(by_speaker[speaker])) for _ in range(length)]
        parts: list[Samples] = []
        for digit in digits:
            parts.append(rng.choice(by_speaker[speaker][digit]).samples)
            parts.append(np.zeros(int(RATE * rng.uniform(*pause)), np.float32))
        strings.append(Clip(np.concatenate(parts[:-1]), " ".join(digits), speaker, "string"))
    return strings


def clean(samples: Samples, rng: np.random.Generator) -> Samples:
    """The recording as it is."""
    return samples


def telephone(samples: Samples, rng: np.random.Generator, snr: float = 15.0) -> Samples:
    """8 kHz µ-law with pink-ish noise at ``snr`` dB over the speech."""
    narrow = np.asarray(soxr.resample(samples, RATE, 8_000), np.float32)
    noise = rng.standard_normal(len(narrow)).astype(np.float32)
    noise[1:] += 0.9 * noise[:-1]
    loud = np.sqrt(np.mean(narrow**2)) + 1e-9
    narrow = narrow + noise * (loud * 10 ** (-snr / 20) / (np.std(noise) + 1e-9))
    narrow *= min(1.0, 0.95 / (np.max(np.abs(narrow)) + 1e-9))
    pcm = np.round(narrow * 32767).astype("<i2").tobytes()
    heard = np.frombuffer(mulaw_decode(mulaw_encode(pcm)), "<i2").astype(np.float32) / 32768
    return np.asarray(soxr.resample(heard, 8_000, RATE), np.float32)


CONDITIONS = {"clean": clean, "telephone": telephone}
