"""``assistant train tones``: from recordings to a model folder whose tones are read (synthetic)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.asr.beside import Beside
from assistant.asr.evidence import spans
from assistant.asr.folder import inspect_folder, verify_folder
from assistant.asr.intake import Intake
from assistant.asr.network import RATE
from assistant.asr.tones import FILE, tone_class
from assistant.batch.conditions import CONDITIONS
from assistant.batch.speech_sets import read_set
from assistant.settings import Asr, load_settings
from tests.cli_tools import run

for needed in ("torch", "kaldi_native_fbank", "espeakng_loader", "parselmouth"):
    pytest.importorskip(needed)

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]
MODEL = load_settings().model
LINES = (
    "bốn ba hai tám năm không", "chín sáu ba tư năm tám", "tôi muốn cấp lại mật khẩu",
    "mã số của tôi là ba tám", "không phải số đó", "sáu bốn hai ba không tám",
    "xin chào anh chị", "tôi không nhớ mã số", "ba ba tám tám năm bốn", "đúng rồi cảm ơn",
)  # fmt: skip


def recorded(folder: Path, repeat: int, seed: int) -> Path:
    """A set of synthetic callers as ``../shared/speech`` has people."""
    from assistant.training.synthesis import speak_all

    folder.mkdir(parents=True)
    corpus = speak_all([line for line in LINES for _ in range(repeat)], seed, 2, False)
    rows = ["path,text,speaker,note"]
    for index, text in enumerate(corpus.texts):
        soundfile.write(folder / f"{index}.wav", corpus.utterance(index), 8_000)
        rows.append(f"{index}.wav,{text},s{index % 5},")
    (folder / "labels.csv").write_text("\n".join(rows), "utf-8")
    return folder


def test_tones_are_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people, out = recorded(tmp_path / "people" / "set", 10, seed=3), tmp_path / "model"
    assert run(monkeypatch, "train", "tones", f"{MODEL}", "--human", f"{people.parent}",
               "--out", f"{out}", "--json") == 0  # fmt: skip
    folder = inspect_folder(out)
    assert FILE in folder.sha256
    assert verify_folder(folder) == ()
    beside = Beside.read(folder)
    assert beside is not None
    assert beside.tones is not None
    right = total = 0
    intake = Intake(RATE, Asr())
    for clip in read_set(people):  # with so few voices it knows no others
        line = CONDITIONS["clean"].apply(clip.samples, clip.path)
        intake.begin(line.rate)
        intake.add(line.pcm)
        sound, words = beside.sound(intake.take(last=True)), clip.text.split()
        for word, span in zip(words, spans(words, sound.outputs), strict=True):
            if (tone := tone_class(word)) in (0, 3):  # level and rising
                ratios = sound.ratios(span)
                right += ratios[tone] > ratios[3 - tone]
                total += 1
    assert total > 300
    assert right / total > 0.75


def test_few_recordings_teach_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    people = tmp_path / "people"
    people.mkdir()
    soundfile.write(people / "0.wav", np.zeros(8_000), 8_000)
    (people / "labels.csv").write_text("path,text,speaker,note\n0.wav,ba bốn,s,\n", "utf-8")
    assert run(monkeypatch, "train", "tones", f"{MODEL}", "--human", f"{people}",
               "--out", f"{tmp_path / 'new'}", "--json") > 0  # fmt: skip
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "tones-few"
    assert not (tmp_path / "new").exists()
