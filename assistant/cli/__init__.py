"""The command line, one file per group of commands; only here are parts wired together."""

from __future__ import annotations

from assistant.cli.app import main

__all__ = ["main"]
