"""A setting that is misspelt is told, not passed over."""

from __future__ import annotations

import sys

import pytest

import assistant.cli.app as program
from assistant.cli.misspelt import misspelt
from tests.cli_tools import run


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ASSISTANT_TURNS__ENDSILENCE", "ASSISTANT_TURNS__END_SILENCE"),
        ("ASSISTANT_MODLE", "ASSISTANT_MODEL"),
        ("ASSISTANT_SECURITY_KEY_FILE", "ASSISTANT_SECURITY__KEY_FILE"),
        ("ASSISTANT_XYZ__QQ", None),
    ],
)
def test_what_is_no_setting_is_named(name: str, meant: str | None) -> None:
    (told,) = misspelt([name, "PATH", "_ASSISTANT_COMPLETE"])
    assert name in told
    assert ("có phải" in told) == bool(meant)
    assert meant is None or f"{meant}?" in told


@pytest.mark.parametrize(
    "name",
    [
        "ASSISTANT_MODEL",
        "assistant_model",
        "ASSISTANT_TURNS__END_SILENCE",
        "ASSISTANT_VAD",
        "ASSISTANT_PORT",
        "ASSISTANT_PORT_8008_TCP_ADDR",
        "ASSISTANT_SERVICE_HOST",
        "ASSISTANT_TOKEN",
    ],
)
def test_settings_are_settings(name: str) -> None:
    assert list(misspelt([name])) == []


def test_a_command_tells_it_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSISTANT_TURNS__ENDSILENCE", "1")
    monkeypatch.setattr(program, "register", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["assistant"])
    run(monkeypatch, "--version")
    told = capsys.readouterr()
    assert "ASSISTANT_TURNS__END_SILENCE?" in told.err
    assert "ASSISTANT" not in told.out
