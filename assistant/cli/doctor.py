"""``assistant doctor``: what works on this machine, and the install line for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from assistant.cli.checks import Finding, run_checks
from assistant.cli.show import print_json
from assistant.settings import load_settings

# By works and required: what calls cannot do without is marked differently from extras.
_MARKS = {
    (True, True): ("✓", "green"),
    (True, False): ("✓", "green"),
    (False, True): ("✗", "red"),
    (False, False): ("–", "yellow"),
}


def register(app: typer.Typer) -> None:
    """Hang this command on the program."""
    app.command("doctor")(doctor_command)


def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Máy này chạy được gì, và cần cài gì thêm; mã thoát 1 nếu chưa gọi được (what works)."""
    findings = run_checks(load_settings())
    ok = all(finding.works for finding in findings if finding.required)
    if as_json:
        print_json({"ok": ok, "checks": [asdict(finding) for finding in findings]})
    else:
        console = Console(highlight=False)
        for line in _lines(findings):
            console.print(line)
        typer.echo("Gọi được." if ok else "Chưa gọi được: làm theo dòng thụt vào dưới mỗi dấu ✗.")
    if not ok:
        raise typer.Exit(1)


def _lines(findings: list[Finding]) -> Iterator[Text]:
    """One line a part, and below it what to type: to be copied, so never cut by a table."""
    for finding in findings:
        mark, style = _MARKS[finding.works, finding.required]
        yield Text.assemble((mark, style), f" {finding.name}: {finding.detail}")
        if not finding.works:
            yield Text(f"    {finding.hint}", style="bold")
