"""The state diagram of ARCHITECTURE.md, drawn from the transition table so that it cannot drift.

``python -m assistant.dialogue.diagram FILE…`` rewrites the part between the markers."""

from __future__ import annotations

import sys
from pathlib import Path

from assistant.dialogue.meaning import Meaning
from assistant.dialogue.state import Phase
from assistant.dialogue.table import LISTENING, TABLE, Row, anywhere_in
from assistant.errors import UsageError

BEGIN = "<!-- state-diagram:begin -->"
END = "<!-- state-diagram:end -->"


def mermaid() -> str:
    """A Mermaid ``stateDiagram-v2``. Turns that stay in a phase are not drawn; what holds in
    every listening phase is drawn once, from the box around them."""
    lines = ["stateDiagram-v2", "    [*] --> start", "    state listening {"]
    lines += [f"        {phase}" for phase in LISTENING]
    lines += ["    }", *_edges(), *_common_edges(), f"    {Phase.ENDED} --> [*]"]
    return "\n".join(lines)


def update_markdown(text: str) -> str:
    """``text`` with the diagram between its markers replaced; raises UsageError without them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UsageError(
            "diagram-markers",
            "Không thấy chỗ đặt sơ đồ trạng thái trong tệp.",
            f"Thêm hai dòng {BEGIN} và {END} vào tệp rồi chạy lại.",
        )
    return f"{before}{BEGIN}\n```mermaid\n{mermaid()}\n```\n{END}{after}"


def _edges() -> list[str]:
    return [
        f"    {phase} --> {target}: {' / '.join(meanings)}"
        for phase, rows in TABLE.items()
        for target, meanings in _by_target(phase, rows).items()
    ]


def _by_target(phase: Phase, rows: dict[Meaning, Row]) -> dict[Phase, list[str]]:
    """The meanings that lead from ``phase`` to each other phase, in the order of the table."""
    common = anywhere_in(phase) if phase in LISTENING else {}
    found: dict[Phase, list[str]] = {}
    for meaning, row in rows.items():
        if row != common.get(meaning):
            for target in sorted(row.leads_to - {phase}):
                found.setdefault(target, []).append(meaning)
    return found


def _common_edges() -> list[str]:
    ends = [m for m, row in anywhere_in(LISTENING[0]).items() if Phase.ENDED in row.leads_to]
    return [f"    listening --> {Phase.ENDED}: {' / '.join(ends)}"]


def main(paths: list[str]) -> None:
    """Rewrite the diagram in each file of ``paths``."""
    for path in map(Path, paths):
        path.write_text(update_markdown(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
