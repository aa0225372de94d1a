"""What the tests of the measuring stick share: small sets on disk, outcomes by hand."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from assistant.batch.outcomes import Outcome, Word
from assistant.batch.runs import Run, Setup
from assistant.batch.speech_sets import DIGIT_WORDS, RATE
from tests.cli_tools import PROGRAM
from tests.serve_tools import ROOT
from tests.tts_tools import voiced

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
Row = Sequence[str]  # text, speaker, note

# Scenarios that end badly: as it is known, and with an account whose code nobody may read.
BAD = """\
  - name: đã biết
    known_failure: chưa làm
    turns: [{keys: "0"}]
    expect: {outcome: done}
  - name: dữ liệu thật
    accounts: [{invented: false}]
    turns:
      - {keys: "8"}
      - {keys: "{code}#"}
      - {keys: "1", expect: {reply: [goodbye_silence]}}
"""


def batch(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``assistant batch ARGUMENTS`` in ``folder``, in a process of its own."""
    return subprocess.run(
        [*PROGRAM, "batch", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment},
    )


def tone(seed: int, seconds: float = 0.2) -> npt.NDArray[np.float32]:
    return voiced(seconds, RATE, 100 + 7 * (seed % 20), seed)


def write_set(
    folder: Path, rows: Iterable[Row], sounds: Sequence[npt.NDArray[np.float32]] | None = None
) -> Path:
    """A set with one sound a row (tones unless given) and its labels.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "text", "speaker", "note", "seconds"])
        for i, (text, speaker, note) in enumerate(rows):
            name = f"{i:03d}.flac"
            soundfile.write(folder / name, tone(i) if sounds is None else sounds[i], RATE)
            writer.writerow([name, text, speaker, note, "1"])
    return folder


def digit_rows(speakers: Sequence[str] = ("F1", "M1")) -> list[Row]:
    return [(word, speaker, "digit") for speaker in speakers for word in DIGITS]


def made(
    set_: str = "s",
    measure: str = "digit",
    expected: str | Sequence[str] = "1",
    heard: str | Sequence[str] = "1",
    condition: str = "clean",
    clip: str = "0.wav",
    confidence: float | None = 0.9,
    **more: object,
) -> Outcome:
    """An outcome; its words are what was heard, right where it stands in what was expected."""
    words = tuple(
        Word(DIGITS[int(h)] if h in DIGIT_WORDS.values() else h, 0.1 * i, 0.1 * i + 0.1, confidence,
             h in expected)
        for i, h in enumerate(heard)
    )  # fmt: skip
    defaults: dict[str, object] = {
        "speaker": "M1", "groups": ("nam",), "synthetic": False, "disputed": False,
    }  # fmt: skip
    return Outcome(
        set=set_, measure=measure, condition=condition, clip=clip,
        expected=tuple(expected), heard=tuple(heard), words=words, **{**defaults, **more},
    )  # type: ignore[arg-type]  # fmt: skip


WOMAN: dict[str, Any] = {"speaker": "F1", "groups": ("nữ",)}
OUTCOMES = [
    *(made(expected="1", heard="1", clip=f"{i}") for i in range(8)),
    made(expected="2", heard="7", clip="8", confidence=0.99),
    made(expected="2", heard="", clip="9", **WOMAN),
    made(measure="words", expected=("ba", "mươi"), heard=("ba", "mươi"), clip="a"),
    made(measure="words", expected=("ba", "trăm", "mươi"), heard=("ba", "mươi"), clip="b",
         disputed=True),
    made(set_="o", measure="other", expected="", heard=("code: 3",), clip="c"),
    made(set_="o", measure="other", expected="", heard="", clip="d"),
    made(set_="t", measure="yes-no", expected=("đúng",), heard=("đúng",), clip="e"),
    made(set_="t", measure="yes-no", expected=("không",), heard="", clip="f"),
]  # fmt: skip


SETUP = Setup("m", "f", ("clean",), 5, None, "2026-01-01T00:00:00+07:00", "0", 1.0)
COST = {"rtf": 0.01, "load": 0.2, "memory": 90.0, "size": 6.3}
RUN = Run(SETUP, OUTCOMES, COST, {})


def run_of(outcomes: list[Outcome], labels: dict[str, Any] | None = None) -> dict[str, Any]:
    made_ = Run(SETUP, outcomes, COST, labels or {})
    return json.loads(json.dumps(made_.as_dict()))  # type: ignore[no-any-return]
