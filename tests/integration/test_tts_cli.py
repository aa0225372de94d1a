"""`assistant prompts …` as people and programs call it."""

import json
import sys
from pathlib import Path

import pytest
import soundfile
import typer

from assistant.cli import app as program
from assistant.cli import prompts
from tests.tts_tools import SENTENCES, write_prompts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_prompts(tmp_path)
    app = typer.Typer(pretty_exceptions_enable=False)
    prompts.register(app)
    monkeypatch.setattr(program, "app", app)
    monkeypatch.setenv("ASSISTANT_PROMPTS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of ``assistant prompts ARGUMENTS``."""
    monkeypatch.setattr(sys, "argv", ["assistant", "prompts", *arguments])
    with pytest.raises(SystemExit) as caught:
        program.main()
    return int(caught.value.code or 0)


def test_build_check_list_render(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(code: int, *arguments: str) -> dict:
        assert run(monkeypatch, *arguments, "--json") == code
        return json.loads(capsys.readouterr().out)

    missing = answer(1, "check")
    assert (missing["ok"], len(missing["problems"])) == (False, 12)
    assert len(answer(0, "build", "--engine", "espeak")["rendered"]) == 12
    assert answer(0, "check") == {"ok": True, "problems": []}
    assert answer(0, "build")["rendered"] == []
    write_prompts(folder, SENTENCES | {"greeting": "Xin chào quý khách."})
    assert [p["kind"] for p in answer(1, "check")["problems"]] == ["stale"]
    assert answer(0, "build")["rendered"] == ["greeting"]
    rows = {row["key"]: row for row in answer(0, "list")["prompts"]}
    assert rows["greeting"]["engine"] == "espeak"
    assert 0.5 < rows["greeting"]["seconds"] < 4
    out = folder / "heard.wav"
    said = answer(0, "render", "greeting", "0123-456-789", "-o", str(out), "--rate", "8000")
    assert said["text"] == "Xin chào quý khách. •••• ••• •••"
    assert soundfile.info(out).samplerate == 8_000
    assert soundfile.info(out).duration == pytest.approx(said["seconds"])


def test_people_get_sentences_and_exit_codes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "check") == 1
    assert "assistant prompts build" in capsys.readouterr().out
    assert run(monkeypatch, "build") == 0
    shown = capsys.readouterr()
    assert "12 câu" in shown.out
    assert "12/12" in shown.err  # the progress bar keeps out of the output
    assert run(monkeypatch, "check") == 0
    assert "12 câu" in capsys.readouterr().out
    assert run(monkeypatch, "list") == 0
    assert "Cảm ơn, xin chào." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("build", "--engine", "parrot"), 2, "engine-unknown"),
        (("build", "--engine", "piper"), 1, "piper-voice"),
        (("check", "--dir", "/nowhere"), 1, "prompts-missing"),
        (("render", "greeting", "-o", "x.wav"), 1, "clips-missing"),
        (("render", "greeting", "-o", "x.wav", "--rate", "100"), 2, "rate-range"),
    ],
)
def test_mistakes_become_one_coded_sentence(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    status: int,
    code: str,
) -> None:
    assert run(monkeypatch, *arguments, "--json") == status
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == code
    assert error["hint"]
    assert run(monkeypatch, *arguments) == status
    assert f"[{code}]" in capsys.readouterr().err
