"""A whole call that may be kept, one that may not, and what ``assistant label`` makes of it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from assistant.batch.captures import Captured, Captures
from assistant.channels.wav import WavCaller, read_turns
from assistant.cli import label
from assistant.cli.wiring import new_call, open_parts
from assistant.nlu.types import Expect
from assistant.settings import Capture, Settings, load_settings

DEMO = Path(__file__).parents[2] / "examples" / "demo"
CODE = "7931025846"  # invented; the code that the demo's caller says


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings().model_copy(
        update={
            "database_url": f"sqlite:///{tmp_path}/a.sqlite3",
            "capture": Capture(enabled=True, folder=tmp_path / "captures"),
        }
    )


def call(settings: Settings, consent: str) -> list[Captured]:
    """The demo's caller answers the question of consent by key, then asks and gives the code."""
    wired = open_parts(settings)
    with closing(wired):
        live = new_call(wired, settings, "0501234567")
        names = [str(DEMO / "1-cap-lai-mat-khau.wav"), str(DEMO / "2-ma-so.wav"), "keys:1"]
        turns = read_turns(names, consent)
        WavCaller(live, turns, settings.audio, settings.turns, settings.vad).run()
        assert live.turns[0].expect is Expect.CONFIRM
        assert any("mật khẩu" in turn.said(reveal=True) for turn in live.turns)  # it was served
    return list(Captures(settings.capture))


def test_only_with_consent_and_only_what_holds_no_code(settings: Settings) -> None:
    assert call(settings, "2") == []
    kept = call(settings, "1")
    assert [one.expect for one in kept] == [Expect.MENU]  # the code's turn is not kept
    assert "mật khẩu" in kept[0].heard
    assert kept[0].seconds > 1.0


def test_label_stores_what_was_really_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    call(settings, "1")
    for name, value in {"ENABLED": "1", "FOLDER": str(settings.capture.folder)}.items():
        monkeypatch.setenv(f"ASSISTANT_CAPTURE__{name}", value)
    program = typer.Typer()
    label.register(program)
    told = CliRunner().invoke(
        program, ["label", "--silent", "--json"], input="tôi muốn xin mật khẩu\n"
    )
    assert told.exit_code == 0
    answer = told.stdout.splitlines()[-1]  # after what the runner echoes of its input
    assert json.loads(answer) == {"waiting": 1, "done": 1, "labelled": 1, "unreadable": []}
    assert [one.label for one in Captures(settings.capture)] == ["tôi muốn xin mật khẩu"]
    told = CliRunner().invoke(program, ["captures", "export", str(tmp_path / "set")])
    assert told.exit_code == 0
    assert "tôi muốn xin mật khẩu" in (tmp_path / "set" / "labels.csv").read_text("utf-8")
    told = CliRunner().invoke(program, ["captures", "export", str(tmp_path / "two"), "--json"])
    assert json.loads(told.output) == {
        "exported": 1, "folder": str(tmp_path / "two"), "unreadable": [],
    }  # fmt: skip
    told = CliRunner().invoke(program, ["captures", "purge", "--json"])
    assert json.loads(told.output) == {"removed": 0}
    told = CliRunner().invoke(program, ["captures", "purge", "--all"])
    assert "1" in told.output
    assert list(Captures(settings.capture)) == []
