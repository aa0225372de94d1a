"""``assistant label`` and ``assistant captures``: nothing becomes a label that nobody heard, and a
file that cannot be read stops nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from assistant.batch.captures import Captures
from assistant.call.capture import Utterance
from assistant.cli import label
from assistant.nlu.types import Expect
from assistant.settings import Capture

SECONDS = 0.5


@pytest.fixture
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Captures:
    """Three turns of a call; no player can be found."""
    monkeypatch.setenv("ASSISTANT_CAPTURE__FOLDER", str(tmp_path / "captures"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    kept = Captures(Capture(folder=tmp_path / "captures"))
    for text in ("một", "hai", "ba"):
        pcm = bytes(2 * round(SECONDS * 8000))
        kept.add(Utterance(pcm, 8000, Expect.MENU, text), datetime.now(UTC))
    return kept


def player(folder: Path, does: str, name: str = "aplay") -> None:
    """A program that is found as a player."""
    (folder / "bin").mkdir(exist_ok=True)
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{does}\n", "ascii")
    path.chmod(0o755)


def run(*arguments: str, answers: str = "") -> Result:
    program = typer.Typer()
    label.register(program)
    return CliRunner().invoke(program, arguments, input=answers)


def labels(captures: Captures) -> list[str | None]:
    return [one.label for one in captures]


WORKS = f"/bin/sleep {SECONDS}"


@pytest.mark.parametrize(
    ("does", "arguments", "told"),
    [
        (None, ["label"], "alsa-utils"),
        ("exit 1", ["label"], "(aplay)"),
        ("exit 0", ["label"], "(aplay)"),  # over at once: as ffplay without a sound device
        (WORKS, ["label", "--silent"], "chưa phát"),
    ],
)
def test_what_nobody_heard_is_no_label(
    captures: Captures, tmp_path: Path, does: str | None, arguments: list[str], told: str
) -> None:
    if does:
        player(tmp_path, does)
    result = run(*arguments, answers="\n\n=\n!\n\nlời khác\n")
    assert result.exit_code == 0
    assert told in result.output.replace("\n", " ")
    assert labels(captures) == ["một", "", "lời khác"]
    assert "Xong 3/3 lượt, ghi 3 nhãn" in result.output


def test_a_sound_that_was_played_is_confirmed_by_enter(captures: Captures, tmp_path: Path) -> None:
    player(tmp_path, "exit 1", "paplay")
    player(tmp_path, WORKS)  # the next one works
    result = run("label", answers="\n-\n\n")
    assert labels(captures) == ["một", None, "ba"]
    assert "Không phát được" not in result.output


@pytest.mark.parametrize("answers", ["=\n", "=\nq\n"])
def test_the_end_of_the_input_is_a_stop_with_a_summary(captures: Captures, answers: str) -> None:
    result = run("label", "--silent", answers=answers)
    assert result.exit_code == 0
    assert "Xong 1/3 lượt, ghi 1 nhãn" in result.output
    assert "Aborted" not in result.output
    assert labels(captures) == ["một", None, None]


def test_a_file_that_cannot_be_read_is_named_and_passed_over(
    captures: Captures, tmp_path: Path
) -> None:
    bad = sorted((tmp_path / "captures").glob("*.capture"))[1]
    bad.write_bytes(b"x")
    for arguments in (["captures", "list"], ["label", "--silent"], ["captures", "export", "set"]):
        arguments = [str(tmp_path / one) if one == "set" else one for one in arguments]
        result = run(*arguments, answers="=\n=\n")
        assert result.exit_code == 0, result.output
        assert f"Bỏ qua 1 tệp không giải mã được: {bad.name}" in result.stderr
        answer = run(*arguments, "--json", answers="")
        assert json.loads(answer.stdout.splitlines()[-1])["unreadable"] == [bad.name]
    assert len(list((tmp_path / "set").glob("*.wav"))) == 2
