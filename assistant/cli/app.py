"""The ``assistant`` program: its groups of commands, and how errors are shown."""

from __future__ import annotations

import json
import sys

import typer

from assistant.errors import AssistantError

app = typer.Typer(
    name="assistant",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Trợ lý thoại cấp lại mật khẩu VssID (Vietnamese telephone voice assistant).",
)


def main() -> None:
    """Run the program; a known error becomes one sentence and its exit code."""
    try:
        app()
    except AssistantError as error:
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"error": error.as_dict()}, ensure_ascii=False) + "\n")
        else:
            sys.stderr.write(f"Lỗi {error}\n")
        raise SystemExit(error.exit_code) from None
