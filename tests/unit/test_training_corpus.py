"""Labelled recordings as a corpus: what ``asr eval`` reads is read, what it refuses is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.errors import AudioError
from assistant.training.corpus import read_labelled

RATE = 16_000
ROWS = "path,text,speaker\na.wav,Ba -N bốn,F1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "set"
    made.mkdir()
    tone = np.sin(np.arange(RATE) * 0.1) * 0.3
    for place in (made / "a.wav", tmp_path / "outside.wav"):
        soundfile.write(place, tone, RATE)
    (made / "text.wav").write_text("không phải âm thanh", "utf-8")
    return made


def test_labels_as_a_spreadsheet_saves_them(folder: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        (folder / "labels.csv").write_text(ROWS, encoding)
        corpus = read_labelled(folder)
        assert (corpus.texts, corpus.speakers) == (["ba bốn"], ["set:F1"])
        assert len(corpus.samples) == RATE // 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"file,words\na.wav,ba\n", "speech-labels"),
        (b"path,text\n", "speech-labels"),
        (b"path,text\na.wav\n", "speech-labels"),
        (ROWS.encode("utf-16"), "speech-labels"),
        (b"path,text\nnone.wav,ba\n", "speech-clip"),
        (b"path,text\ntext.wav,ba\n", "speech-clip"),
        (b"path,text\n../outside.wav,ba\n", "speech-clip"),
    ],
)
def test_bad_data_has_a_code(folder: Path, content: bytes, code: str) -> None:
    (folder / "labels.csv").write_bytes(content)
    with pytest.raises(AudioError) as caught:
        read_labelled(folder)
    assert caught.value.code == code
    assert caught.value.hint
