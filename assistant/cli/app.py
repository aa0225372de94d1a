"""The ``assistant`` program: its groups of commands, and how errors are shown."""

from __future__ import annotations

import codecs
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from assistant import __version__
from assistant.cli.misspelt import misspelt
from assistant.cli.wrong_usage import as_usage_error
from assistant.errors import AssistantError, Interrupted

# Modules of this package, in the order of the help, and the commands each of them brings. Only
# the one that is asked for is imported: the account store alone takes longer than a short call.
GROUPS: dict[str, tuple[str, ...]] = {
    "call": ("call",),
    "talk": ("talk",),
    "serve": ("serve",),
    "transcribe": ("transcribe",),
    "understand": ("understand",),
    "accounts": ("accounts", "db", "audit", "outbox"),
    "prompts": ("prompts",),
    "models": ("models",),
    "asr": ("asr",),
    "batch": ("batch",),
    "label": ("label", "captures"),
    "bench": ("bench",),
    "train": ("train",),
    "doctor": ("doctor",),
}

# What every wrong command line is; newer versions of typer bring a click of their own.
_CallError: type[Exception] = typer.BadParameter.__mro__[2]
_COMPLETING = "_ASSISTANT_COMPLETE"  # set by the shell's completion script


class Root(TyperGroup):
    """Typer ends without a word what Ctrl-C stops; here it is told."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's own click
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None


app = typer.Typer(
    name="assistant",
    cls=Root,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Trợ lý thoại cấp lại mật khẩu VssID (Vietnamese telephone voice assistant).",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"assistant {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="In phiên bản (version)."
        ),
    ] = False,
) -> None:
    """Trợ lý thoại cấp lại mật khẩu VssID (Vietnamese telephone voice assistant)."""


def needed(arguments: Sequence[str], completing: bool = False) -> tuple[str, ...]:
    """The modules whose commands a command line may need: one, none for ``--version``, or all."""
    if completing:
        return tuple(GROUPS)
    first = arguments[0] if arguments else ""
    if first == "--version":
        return ()
    named = tuple(module for module, commands in GROUPS.items() if first in commands)
    return named or tuple(GROUPS)


def register(program: typer.Typer, modules: Sequence[str]) -> typer.Typer:
    """Hang the commands of these modules on the program."""
    for module in modules:
        import_module(f"assistant.cli.{module}").register(program)
    return program


def main() -> None:
    """Run the program; a known error becomes one sentence, or JSON, and its exit code."""
    arguments = sys.argv[1:]
    as_json = "--json" in arguments
    _write_any_letter()
    if _COMPLETING not in os.environ:
        for sentence in misspelt(os.environ):
            sys.stderr.write(f"{sentence}\n")
    try:
        if not (app.registered_commands or app.registered_groups):
            register(app, needed(arguments, _COMPLETING in os.environ))
        # A wrong command line is an error like any other, not a drawn box in English.
        code = app(standalone_mode=False)
        raise SystemExit(code if isinstance(code, int) else 0)
    except AssistantError as error:
        if as_json:
            _print_error(error.as_dict())
        else:
            sys.stderr.write(f"{_said(error)}\n")
        raise SystemExit(error.exit_code) from None
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write(f"{_said(Interrupted())}\n")
        raise SystemExit(Interrupted.exit_code) from None
    except _CallError as error:
        _show_wrong_call(error, as_json)
        raise SystemExit(2) from None


def _write_any_letter() -> None:
    """Vietnamese on a stream that has no letters for it (a file on Windows) ends no command."""
    for stream in (sys.stdout, sys.stderr):
        encoding = getattr(stream, "encoding", None) or "utf-8"
        if isinstance(stream, TextIOWrapper) and codecs.lookup(encoding).name != "utf-8":
            stream.reconfigure(encoding="utf-8", errors=stream.errors)


def _show_wrong_call(error: Exception, as_json: bool) -> None:
    if type(error).__name__ == "NoArgsIsHelpError":  # "assistant asr" alone
        error.show()  # type: ignore[attr-defined]
        return
    wrong = as_usage_error(error)
    if as_json:
        _print_error(wrong.as_dict())
    else:
        sys.stderr.write(f"{_said(wrong)}\n")


def _said(error: AssistantError) -> str:
    if isinstance(error, Interrupted):  # below the ^C that the terminal shows
        return f"\n{error.message} {error.hint}".rstrip(" ")
    return f"Lỗi {error}"


def _print_error(content: dict[str, str]) -> None:
    sys.stdout.write(json.dumps({"error": content}, ensure_ascii=False) + "\n")
