"""Where a made model goes: only nothing or an older model gives way, and nothing is left behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assistant.asr.folder import inspect_folder
from assistant.errors import UsageError
from assistant.settings import load_settings
from assistant.training.place import placed, require_place


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with the names of a model's files, and something in each."""
    made = tmp_path / "model"
    for name in inspect_folder(load_settings().model).sha256:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text("old\n", "utf-8")
    return made


def code_of(out: Path) -> str:
    with pytest.raises(UsageError) as caught, placed(out):
        pytest.fail("asked too late")
    assert caught.value.hint
    return caught.value.code


def test_what_is_no_model_stays(tmp_path: Path, model: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "diary.txt").write_text("diary", "utf-8")
    (tmp_path / "file").write_text("file", "utf-8")
    (tmp_path / "nowhere").symlink_to(tmp_path / "none")
    (model / "diary.txt").write_text("diary", "utf-8")
    (tmp_path / "half" / "am").mkdir(parents=True)
    before = everything(tmp_path)
    for out in (precious, tmp_path / "file", tmp_path / "nowhere", model, tmp_path / "half"):
        assert code_of(out) == "train-out-taken", out
    assert everything(tmp_path) == before


def test_a_place_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for out in (".", "..", "/", "x/.."):
        assert code_of(Path(out)) == "train-out-taken"


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("file", "utf-8")
    for out in (Path("/proc/x/y"), tmp_path / "file" / "y", tmp_path / ("x" * 300) / "y"):
        assert code_of(out) == "train-out-write"
    assert everything(tmp_path) == ["file"]


def test_asking_leaves_nothing(tmp_path: Path) -> None:
    require_place(tmp_path / "a" / "b")
    assert not everything(tmp_path)


def test_a_model_gives_way_to_a_whole_one(tmp_path: Path, model: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out in (model, tmp_path / "empty", tmp_path / "a" / "b"):
        with placed(out) as made:
            made.mkdir()
            (made / "new").write_text("new", "utf-8")
        assert everything(out) == ["new"]
        shutil.rmtree(out)
    assert everything(tmp_path) == ["a"]


def test_the_old_one_stays_when_the_new_one_fails(tmp_path: Path, model: Path) -> None:
    before = everything(tmp_path)
    with pytest.raises(RuntimeError), placed(model):
        raise RuntimeError
    with pytest.raises(UsageError) as caught, placed(model):
        raise OSError(28, "No space left on device")
    assert caught.value.code == "train-out-write"
    assert "space" not in str(caught.value)
    assert everything(tmp_path) == before
