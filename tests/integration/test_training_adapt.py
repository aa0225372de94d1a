"""Adapting the embedded model to a line of one's own: better on people kept apart, or refused."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.asr.folder import inspect_folder, require_intact
from assistant.errors import AudioError
from assistant.settings import load_settings

for needed in ("torch", "kaldi_native_fbank", "espeakng_loader", "parselmouth"):
    pytest.importorskip(needed)

pytestmark = [pytest.mark.full, pytest.mark.timeout(1_200)]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Callers of a muffled line with a hum: nothing above 1.3 kHz comes through."""
    import random

    from assistant.training.synthesis import speak_all
    from assistant.training.texts import code_texts

    folder = tmp_path_factory.mktemp("line")
    texts = [t for t in code_texts(400, random.Random(5)) if len(t.split()) <= 10][:160]
    spoken = speak_all(texts, seed=99, progress=False, voices=12)
    rng = np.random.default_rng(1)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(("path", "text", "speaker", "note", "seconds"))
        for index, text in enumerate(spoken.texts):
            samples = spoken.utterance(index)
            spectrum = np.fft.rfft(samples)
            spectrum[np.fft.rfftfreq(len(samples), 1 / 8_000) > 1_300] = 0
            muffled = np.fft.irfft(spectrum, len(samples))
            hum = 0.02 * np.sin(2 * np.pi * 50 * np.arange(len(samples)) / 8_000)
            muffled = muffled + hum + rng.standard_normal(len(samples)) * 0.003
            name = f"{index:03}.flac"
            soundfile.write(folder / name, np.clip(muffled, -1, 1), 8_000)
            seconds = f"{len(samples) / 8_000:.2f}"
            rows.writerow((name, text, f"caller{index % 12}", "code", seconds))
    return folder


def test_a_muffled_line_is_learnt(line: Path, tmp_path: Path) -> None:
    from assistant.training.adapt import PLAN, adapt

    model = load_settings().model
    plan = replace(PLAN, epochs=3, epoch_hours=0.4)
    done = adapt(model, line, tmp_path / "mine", plan, progress=False)
    assert done.held_out >= 30
    assert done.better, done
    assert done.after.errors < done.before.errors  # 19 → 14 measured
    folder = inspect_folder(tmp_path / "mine")
    require_intact(folder)
    assert folder.version == f"{inspect_folder(model).version}+adapted"


def test_what_teaches_nothing_is_not_installed(line: Path, tmp_path: Path) -> None:
    """A rate of learning that destroys the network: the old model stays the only one."""
    from assistant.training.adapt import PLAN, adapt

    plan = replace(PLAN, epochs=1, epoch_hours=0.05, learning_rate=0.5, average=0.0)
    done = adapt(load_settings().model, line, tmp_path / "bad", plan, progress=False)
    assert not done.better
    assert not list(tmp_path.iterdir())


def test_a_handful_of_clips_is_refused(line: Path, tmp_path: Path) -> None:
    from assistant.training.adapt import adapt

    few = tmp_path / "few"
    few.mkdir()
    rows = (line / "labels.csv").read_text(encoding="utf-8").splitlines()[:10]
    (few / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    for row in rows[1:]:
        name = row.partition(",")[0]
        (few / name).write_bytes((line / name).read_bytes())
    with pytest.raises(AudioError) as error:
        adapt(load_settings().model, few, tmp_path / "out", progress=False)
    assert error.value.code == "adapt-few-clips"


def test_held_out_speakers_are_never_learnt(line: Path) -> None:
    from assistant.training.adapt import split
    from assistant.training.corpus import read_labelled

    clips = read_labelled(line)
    learnt, held = split(clips, 1)
    assert not {clips.speakers[i] for i in learnt} & {clips.speakers[i] for i in held}
    assert sorted(learnt + held) == list(range(len(clips)))
    assert json.dumps(held) == json.dumps(split(clips, 1)[1])
