"""``assistant train …`` called wrongly: told before any work, and nothing of the user's is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.asr.folder import inspect_folder
from assistant.settings import load_settings
from tests.cli_tools import run

for needed in ("torch", "kaldi_native_fbank", "espeakng_loader", "parselmouth"):
    pytest.importorskip(needed)

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]
MODEL = str(load_settings().model)


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever takes long fails the test."""

    def long(*_: object, **__: object) -> None:
        pytest.fail("the work began")

    for name in (
        "adapt._others",
        "recipe.speak_all",
        "narrow.lessons",
        "teach.lessons",
        "tones.examples",
    ):
        monkeypatch.setattr(f"assistant.training.{name}", long)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    rows = ["path,text,speaker"]
    for index in range(48):
        noise = np.random.default_rng(index).standard_normal(4_000) * 0.01
        soundfile.write(folder / f"{index}.wav", noise, 8_000)
        rows.append(f"{index}.wav,ba bốn,F{index % 6}")
    (folder / "labels.csv").write_text("\n".join(rows), "utf-8-sig")
    return folder


def error_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> dict[str, str]:
    capsys.readouterr()
    assert run(monkeypatch, "train", *arguments, "--json") > 0
    error: dict[str, str] = json.loads(capsys.readouterr().out)["error"]
    assert "Errno" not in error["message"]
    return error


def commands(tmp_path: Path, clips: Path) -> dict[str, list[str]]:
    return {
        "join": ["join", MODEL, MODEL],
        "narrow": ["narrow", MODEL, "--work", str(clips)],
        "teach": ["teach", MODEL, "--by", MODEL, "--work", str(clips)],
        "tones": ["tones", MODEL, "--human", str(clips)],
        "adapt": ["adapt", "--data", str(clips)],
        "train": ["--toy", "--work", str(tmp_path / "work")],
    }


@pytest.mark.parametrize("name", ["join", "narrow", "teach", "tones", "adapt", "train"])
def test_no_folder_but_a_model_is_replaced(
    name: str,
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for folder in ("precious", "precious.work", "precious.partial"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "diary.txt").write_text("diary", "utf-8")
    before = sorted(tmp_path.rglob("*"))
    command = commands(tmp_path, clips)[name]
    for out, code in (
        (tmp_path / "precious", "taken"),
        (clips / "0.wav", "taken"),
        (Path("."), "taken"),
        (Path("/proc/x/y"), "write"),
    ):
        error = error_of(monkeypatch, capsys, *command, "--out", str(out))
        assert error["code"] == f"train-out-{code}", out
    assert sorted(tmp_path.rglob("*")) == before


def test_a_model_without_a_card_is_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare, joined = tmp_path / "bare", tmp_path / "joined"
    shutil.copytree(MODEL, bare)
    (bare / "model.json").unlink()
    for _ in range(2):  # the second takes the first one's place
        assert run(monkeypatch, "train", "join", str(bare), MODEL, "--out", str(joined)) == 0
        assert inspect_folder(joined).name == "joined"
    assert {path.name for path in tmp_path.iterdir()} == {"bare", "joined"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["adapt", "--data", "{clips}", "--model", "/etc"], "model-incomplete"),
        (["tones", "/etc", "--human", "{clips}", "--out", "{new}"], "model-incomplete"),
        (["narrow", "/etc", "--work", "{clips}", "--out", "{new}"], "model-incomplete"),
        (["--toy", "--start", "/etc", "--work", "{new}", "--out", "{new}2"], "model-foreign"),
    ],
)
def test_what_is_no_model_is_not_learnt_from(
    arguments: list[str],
    code: str,
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"clips": clips, "new": tmp_path / "new"}
    filled = [argument.format(**places) for argument in arguments]
    assert error_of(monkeypatch, capsys, *filled)["code"] == code
    assert not places["new"].exists()


def test_a_work_folder_is_gone_on_with_by_the_same_options_only(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("assistant.training.recipe.speak_all", interrupted)
    places = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    people = ["--human", str(clips)]
    for _ in range(2):
        assert run(monkeypatch, "train", "--toy", *people, *places) == 130
    for changed, name in ((["--toy"], "--human"), (people, "--toy")):
        error = error_of(monkeypatch, capsys, *changed, *places)
        assert error["code"] == "train-work-differs"
        assert f"(khác {name})" in error["message"]
    with (clips / "labels.csv").open("a") as labels:
        labels.write("\n0.wav,ba bốn,F9\n")
    assert "--human" in error_of(monkeypatch, capsys, "--toy", *people, *places)["message"]


def test_people_that_are_none_are_told_at_once(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    (tmp_path / "nobody").mkdir()
    nobody = ["--human", str(tmp_path / "nobody")]
    assert error_of(monkeypatch, capsys, "--toy", *nobody, *places)["code"] == "speech-missing"
    (clips / "labels.csv").write_text("path,text\na.wav,ba\n", "utf-16")
    people = ["--human", str(clips)]
    assert error_of(monkeypatch, capsys, "--toy", *people, *places)["code"] == "speech-labels"
    places[1] = "/proc/x"
    assert error_of(monkeypatch, capsys, "--toy", *places)["code"] == "train-work-write"


def test_bad_labels_are_one_sentence(
    clips: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (clips / "7.wav").write_text("không phải âm thanh", "utf-8")
    error = error_of(monkeypatch, capsys, "adapt", "--data", str(clips))
    assert error["code"] == "speech-clip"


def test_a_model_without_errors_has_nothing_to_learn(
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from assistant.training.adapt import Errors

    monkeypatch.setattr("assistant.training.adapt.word_errors", lambda *_: Errors(0, 24))
    out = ["--out", str(tmp_path / "mine")]
    error = error_of(monkeypatch, capsys, "adapt", "--data", str(clips), *out)
    assert error["code"] == "adapt-no-errors"
    assert {path.name for path in tmp_path.iterdir()} == {"clips"}
