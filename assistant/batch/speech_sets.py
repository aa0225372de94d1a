"""Recordings to measure on: a folder of sets, each with a ``labels.csv``, or one such set.

``labels.csv``: path, text, and if known speaker, note, seconds, sex, region; ``words.csv`` beside
it (path, start, end, word) times every word. Strings are spliced from single digits of one
speaker with a fixed seed.
"""

from __future__ import annotations

import csv
import math
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from assistant.audio import AudioWarning, read_audio
from assistant.errors import AudioError
from assistant.settings import AudioLimits, load_settings

Samples = npt.NDArray[np.float32]
RATE = 16_000  # Hz of everything measured; narrow-band conditions go through 8 kHz
MARGIN = 0.03  # s kept around a word that is cut out of running speech
DIGIT_WORDS = {
    "không": "0", "một": "1", "mốt": "1", "hai": "2", "ba": "3", "bốn": "4", "tư": "4",
    "năm": "5", "lăm": "5", "nhăm": "5", "sáu": "6", "bảy": "7", "bẩy": "7", "tám": "8",
    "chín": "9",
}  # fmt: skip
WORDS = "words.csv"
_LEAST_DIGITS = 8  # different ones that a speaker must have said for strings to be spliced
_NOBODY = "?"  # the speaker of a clip of which nobody says who spoke
_FRAME = 0.02  # s over which a clip's loudness is told
_QUIET = 0.1  # of its loudest frame: less is the line before and after a word
_ONSET = 0.15  # s kept before that: the "kh" of "không" is weak
_BETWEEN = (0.0, 0.15)  # s more between "không" and "đúng", each with its edges
_SPOILED = {  # what a call makes the best of, and no figure may rest on
    AudioWarning.NON_FINITE: "có mẫu không phải là số (NaN, vô hạn).",
    AudioWarning.TRUNCATED: "tệp bị cụt.",
}
_NAMED = 5  # of many unusable clips so many are named
_SEX_OF_NAME = re.compile(r"([FM])\d+$")  # speakers F1, M2
_SEXES = {"f": "nữ", "female": "nữ", "nữ": "nữ", "m": "nam", "male": "nam", "nam": "nam"}


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled recording at ``RATE``. ``groups``: what is known of its speaker."""

    samples: Samples = field(repr=False)
    text: str
    speaker: str
    note: str
    path: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """One row of ``labels.csv``, text lower-case NFC."""

    path: str
    text: str
    speaker: str
    note: str
    groups: tuple[str, ...]


def find_sets(folder: Path) -> list[Path]:
    """The sets of a folder in order of name; raises AudioError ``speech-missing``."""
    inside = sorted(file.parent for file in folder.glob("*/labels.csv"))
    found = [folder] if (folder / "labels.csv").is_file() else inside
    if not found:
        there = folder.is_dir()
        raise AudioError(
            "speech-missing",
            f"Không có bộ ghi âm nào trong {folder}." if there else f"Không có thư mục {folder}.",
            "Truyền thư mục có labels.csv, hoặc thư mục chứa các bộ như vậy.",
        )
    return found


def label_rows(folder: Path) -> list[dict[str, str]]:
    """Every row of a set's labels as it is written; raises AudioError ``speech-labels``."""
    file = folder / "labels.csv"
    rows = _rows(file, ("path", "text"))
    if not rows:
        raise _unusable(file, "không có dòng nào")
    return rows


def read_labels(folder: Path) -> list[Label]:
    """What a set's labels say; raises AudioError ``speech-labels``."""
    return [
        Label(
            path=row["path"],
            text=_clean(row["text"]),
            speaker=(row.get("speaker") or "").strip() or _NOBODY,
            note=(row.get("note") or "").strip(),
            groups=_groups(row),
        )
        for row in label_rows(folder)
    ]


def read_set(folder: Path) -> Iterator[Clip]:
    """The clips of one set, in the order of its labels. Raises AudioError."""
    limits = load_settings().audio
    for label in read_labels(folder):
        yield Clip(
            read_samples(folder, label.path, limits),
            label.text, label.speaker, label.note, label.path, label.groups,
        )  # fmt: skip


def check_sets(folder: Path) -> None:
    """Read every label and clip of a folder's sets, so that long work fails at once or not at all.
    Raises AudioError: ``speech-clip`` names clips that cannot be used, the first few of many."""
    limits = load_settings().audio
    wrong: list[AudioError] = []
    for path in find_sets(folder):
        labels = read_labels(path)
        if (path / WORDS).is_file():
            _spans(path)
        for label in labels:
            try:
                read_mono(path, label.path, limits)
            except AudioError as error:
                wrong.append(error)
    if len(wrong) > 1:
        named = " ".join(error.message for error in wrong[:_NAMED])
        more = f" Và {len(wrong) - _NAMED} clip nữa." if len(wrong) > _NAMED else ""
        message = f"{len(wrong)} clip không dùng được. {named}{more}"
        raise AudioError("speech-clip", message, "Sửa hoặc bỏ các dòng đó trong labels.csv.")
    if wrong:
        raise wrong[0]


def read_samples(folder: Path, name: str, limits: AudioLimits) -> Samples:
    """A clip as mono at ``RATE``; raises AudioError ``speech-clip``."""
    mono, rate = read_mono(folder, name, limits)
    return np.asarray(soxr.resample(mono, rate, RATE), np.float32)


def read_mono(folder: Path, name: str, limits: AudioLimits) -> tuple[Samples, int]:
    """A clip as mono at its own rate, and that rate, read as a call reads audio; raises AudioError
    ``speech-clip``."""
    file = folder / name
    problem = "không có tệp này."
    if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
        try:
            read = read_audio(file, limits)
        except AudioError as error:
            problem = error.message
        else:
            if not (spoiled := _SPOILED.keys() & read.warnings):
                mono = np.frombuffer(read.audio.pcm, "<i2").astype(np.float32) / np.float32(32768)
                return mono, read.audio.rate
            problem = _SPOILED[min(spoiled)]
    raise AudioError(
        "speech-clip",
        f"Bộ {folder.name}: {name}: {problem}",
        "Sửa hoặc bỏ dòng đó trong labels.csv.",
    )


def cut_digits(folder: Path, clips: Sequence[Clip]) -> list[Clip]:
    """Single digits cut out of connected speech by ``words.csv``. Raises AudioError."""
    spans = _spans(folder)
    found = []
    for clip in clips:
        for start, end, word in spans[clip.path]:
            low, high = max(int((start - MARGIN) * RATE), 0), int((end + MARGIN) * RATE)
            part = clip.samples[low:high]
            if word in DIGIT_WORDS and len(part):
                place = f"{clip.path}@{start:.2f}"
                found.append(Clip(part, word, clip.speaker, "digit", place, clip.groups))
    return found


def splice(
    clips: Sequence[Clip], length: int, count: int, seed: int, pause: tuple[float, float]
) -> list[Clip]:
    """``count`` strings of ``length`` digits, each of one speaker, equal shares of speakers.
    ``pause``: s between two digits, at least and at most."""
    rng = random.Random(seed)  # noqa: S311
    by_speaker: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
    for clip in clips:
        if clip.text in DIGIT_WORDS:
            by_speaker[clip.speaker][DIGIT_WORDS[clip.text]].append(clip)
    speakers = sorted(s for s, d in by_speaker.items() if len(d) >= _LEAST_DIGITS)
    strings = []
    for index in range(count if speakers else 0):
        speaker = speakers[index % len(speakers)]
        digits = [rng.choice(sorted(by_speaker[speaker])) for _ in range(length)]
        chosen = [rng.choice(by_speaker[speaker][digit]) for digit in digits]
        parts: list[Samples] = []
        for clip in chosen:
            parts.append(clip.samples)
            parts.append(np.zeros(int(RATE * rng.uniform(*pause)), np.float32))
        samples = np.concatenate(parts[:-1])
        name = f"{speaker}-{index:03d}"
        strings.append(Clip(samples, " ".join(digits), speaker, "string", name, chosen[0].groups))
    return strings


def denials(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """ "Không đúng" of every named speaker who said both words, one after the other."""
    rng = random.Random(seed)  # noqa: S311
    by_speaker: dict[str, dict[str, Clip]] = defaultdict(dict)
    for clip in clips:
        by_speaker[clip.speaker].setdefault(clip.text, clip)
    found = []
    for speaker, said in sorted(by_speaker.items()):
        if speaker != _NOBODY and {"không", "đúng"} <= said.keys():
            first, last = said["không"], said["đúng"]
            gap = np.zeros(int(RATE * rng.uniform(*_BETWEEN)), np.float32)
            samples = np.concatenate([_word_of(first.samples), gap, _word_of(last.samples)])
            found.append(Clip(samples, "không đúng", speaker, "denial", speaker, first.groups))
    return found


def _word_of(samples: Samples) -> Samples:
    """Without the line before and after what was said, but for ``_ONSET`` and ``MARGIN``."""
    if not len(samples):
        return samples
    frame, onset, margin = int(_FRAME * RATE), int(_ONSET * RATE), int(MARGIN * RATE)
    loud = np.convolve(np.abs(samples), np.ones(frame) / frame, "same")
    said = np.flatnonzero(loud > _QUIET * loud.max(initial=0.0))
    return samples[max(0, said[0] - onset) : said[-1] + margin] if len(said) else samples


def _spans(folder: Path) -> dict[str, list[tuple[float, float, str]]]:
    """Of every clip of ``words.csv`` its words: s where each starts and ends, and the word."""
    file = folder / WORDS
    spans: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    try:
        for row in _rows(file, ("path", "start", "end", "word")):
            start, end = float(row["start"]), float(row["end"])
            if not 0 <= start <= end < math.inf:
                raise ValueError
            spans[row["path"]].append((start, end, _clean(row["word"])))
    except ValueError:
        raise _unusable(file, "start và end phải là số giây, start trước end") from None
    return spans


def _groups(row: dict[str, str]) -> tuple[str, ...]:
    """Sex from its column or from a speaker named F1 or M2; region from its column."""
    named = _SEX_OF_NAME.match((row.get("speaker") or "").strip())
    said = row.get("sex") or row.get("gender") or (named[1] if named else "")
    sex = _SEXES.get(said.strip().lower())
    region = (row.get("region") or row.get("accent") or "").strip()
    return tuple(group for group in (sex, region) if group)


def _rows(file: Path, needed: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                only = (reader.fieldnames or [""])[0]
                cut = " (các cột phải cách nhau bằng dấu phẩy)" if {";", "\t"} & set(only) else ""
                raise _unusable(file, f"thiếu cột {missing[0]}{cut}")
            rows = []
            for row in reader:
                if any(row[name] is None for name in needed):
                    raise _unusable(file, f"dòng {reader.line_num} thiếu ô")
                rows.append(row)
    except OSError:
        raise _unusable(file, "không mở được") from None
    except (UnicodeDecodeError, csv.Error):
        why = "không phải CSV mã UTF-8 (Excel: lưu kiểu “CSV UTF-8”)"
        raise _unusable(file, why) from None
    return rows


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.lower().split()))


def _unusable(file: Path, problem: str) -> AudioError:
    return AudioError(
        "speech-labels",
        f"{file}: {problem}.",
        "Cần các cột path, text (và nếu có speaker, note); words.csv: path, start, end, word.",
    )
