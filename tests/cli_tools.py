"""The program as a command line: inside the test's own process, or as one of its own."""

from __future__ import annotations

import sys

import pytest

import assistant.cli.app as program

SCRIPT = "from assistant.cli import main; main()"
PROGRAM = [sys.executable, "-c", SCRIPT]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of ``assistant ARGUMENTS``."""
    monkeypatch.setattr(sys, "argv", ["assistant", *arguments])
    fresh = program.typer.Typer(
        cls=program.Root, no_args_is_help=True, pretty_exceptions_enable=False
    )
    fresh.callback()(program._root)
    monkeypatch.setattr(program, "app", fresh)
    with pytest.raises(SystemExit) as caught:
        program.main()
    return int(caught.value.code or 0)
