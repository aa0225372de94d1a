"""Tones of voices made by formula, read by the embedded model's own table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assistant.asr.tones import CLASSES, FILE, NOTHING, Melody, Span, Tones, tone_class
from assistant.errors import ModelError
from assistant.settings import load_settings
from tests.unit.test_asr_pitch import glide, pcm

MODEL = load_settings().model
LEVEL, RISING = tone_class("ba"), tone_class("tám")
WHOLE = Span(8, 18, 6, 20)  # of a glide that begins after 0.2 s and lasts 0.4 s


@pytest.fixture(scope="module")
def tones() -> Tones:
    found = Tones.read(MODEL)
    assert found is not None
    return found


def test_classes_follow_the_spelling_and_the_stop_at_its_end() -> None:
    words = {
        "ba": 0, "không": 0, "hai": 0, "tư": 0, "mười": 1, "bảy": 2, "ngã": 2, "bốn": 3,
        "đúng": 3, "dạ": 4, "mốt": 5, "một": 6,
    }  # fmt: skip
    assert {word: tone_class(word) for word in words} == words
    assert tone_class("[unk]") is None
    assert tone_class("tổng_đài") is None


@pytest.mark.parametrize("height", [100.0, 140.0, 210.0])
@pytest.mark.parametrize("noise", [3.0, 200.0])
def test_what_rises_is_no_level_tone(tones: Tones, height: float, noise: float) -> None:
    """A man's voice and a woman's: six semitones up, or half a semitone down."""
    rising = tones.along(Melody.of(pcm(glide(height, height * 2**0.5), noise)), WHOLE)
    level = tones.along(Melody.of(pcm(glide(height, height * 0.97), noise)), WHOLE)
    assert rising[RISING] > rising[LEVEL] + 1
    assert level[LEVEL] > level[RISING] + 1


def test_where_nobody_speaks_nothing_is_known(tones: Tones) -> None:
    melody = Melody.of(pcm(glide(120, 150)))
    for span in (Span(0, 2, 0, 3), Span(500, 510, 498, 512), Span(23, 25, 22, 26)):
        assert tones.along(melody, span) == NOTHING
    assert tones.along(Melody.of(b""), WHOLE) == NOTHING
    assert tones.along(Melody.of(bytes(16_000)), WHOLE) == NOTHING


def test_a_table_is_read_as_it_was_written(tones: Tones, tmp_path: Path) -> None:
    (tmp_path / "am").mkdir()
    (tmp_path / FILE).write_text(tones.text(), encoding="utf-8")
    again = Tones.read(tmp_path)
    assert again is not None
    assert again.text() == tones.text()
    melody = Melody.of(pcm(glide(200, 150)))
    assert again.along(melody, WHOLE) == pytest.approx(tones.along(melody, WHOLE))
    assert len(tones.along(melody, WHOLE)) == CLASSES


def test_a_folder_without_a_table_has_no_tones(tmp_path: Path) -> None:
    assert Tones.read(tmp_path) is None


@pytest.mark.parametrize("wrong", ["", "[]", "{}", '{"mean": 1}', "[" * 9_999])
def test_a_table_that_is_none_says_what_to_do(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "am").mkdir()
    (tmp_path / FILE).write_text(wrong, encoding="utf-8")
    with pytest.raises(ModelError, match="assistant train tones") as caught:
        Tones.read(tmp_path)
    assert caught.value.code == "model-tones"


@pytest.mark.parametrize("name", ["mean", "scale", "inside", "outside_bias", "usual"])
@pytest.mark.parametrize("spoil", [lambda x: x[1:], lambda x: (np.array(x) * np.nan).tolist()])
def test_tables_of_another_size_are_refused(
    tones: Tones, tmp_path: Path, name: str, spoil: object
) -> None:
    assert callable(spoil)
    content = json.loads(tones.text())
    content[name] = spoil(content[name])
    (tmp_path / "am").mkdir()
    (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ModelError):
        Tones.read(tmp_path)
