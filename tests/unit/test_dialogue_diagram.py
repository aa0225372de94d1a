"""The diagram is the table: every transition is drawn, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant.dialogue.diagram import BEGIN, END, main, mermaid, update_markdown
from assistant.dialogue.state import Phase
from assistant.dialogue.table import LISTENING, TABLE, anywhere_in
from assistant.errors import UsageError

EDGE = re.compile(r"^    (\w+) --> (\w+)(?:: (.+))?$")


def drawn() -> set[tuple[str, str]]:
    edges = [m.groups()[:2] for line in mermaid().splitlines() if (m := EDGE.match(line))]
    assert len(edges) == len(set(edges))
    return {(a, b) for a, b in edges if b != "[*]"}


def test_every_transition_is_drawn_and_no_other() -> None:
    wanted = {
        (phase.value, target.value)
        for phase, rows in TABLE.items()
        for row in rows.values()
        for target in row.leads_to - {phase}
    }
    boxed = {(p.value, Phase.ENDED.value) for p in LISTENING}
    assert drawn() - boxed - {("listening", "ended")} == wanted - boxed
    assert ("listening", "ended") in drawn()
    assert (drawn() & boxed) <= wanted


def test_every_phase_and_every_meaning_is_drawn() -> None:
    text = mermaid()
    assert all(re.search(rf"\b{phase}\b", text) for phase in Phase)
    leaving = {
        meaning
        for phase, rows in TABLE.items()
        for meaning, row in rows.items()
        if row.leads_to - {phase}
    }
    assert all(re.search(rf"\b{meaning}\b", text) for meaning in leaving)


def test_what_holds_everywhere_is_drawn_once() -> None:
    assert set(anywhere_in(Phase.MENU)) == set(anywhere_in(Phase.MORE))
    assert mermaid().count(" stop") == 1


def test_only_the_part_between_the_markers_changes() -> None:
    page = f"# Nhà\n{BEGIN}\nold\n{END}\nrest\n"
    new = update_markdown(page)
    assert new.startswith(f"# Nhà\n{BEGIN}\n```mermaid\nstateDiagram-v2\n")
    assert new.endswith(f"\n```\n{END}\nrest\n")
    assert "old" not in new
    assert update_markdown(new) == new


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END} {BEGIN}"])
def test_a_page_without_markers_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as error:
        update_markdown(text)
    assert error.value.code == "diagram-markers"


def test_files_are_rewritten(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n", "utf-8")
    main([str(page)])
    assert mermaid() in page.read_text("utf-8")
