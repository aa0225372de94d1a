"""The command line: the only place where parts are wired together. One file per group of commands."""

from __future__ import annotations

from assistant.cli.app import main

__all__ = ["main"]
