"""Two runs compared: what broke, what healed, what is new. Pure but for the records handed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from assistant.batch.checking import sentence
from assistant.batch.play import Record
from assistant.batch.work import Status

Verdict = tuple[str, frozenset[tuple[str, int | None]]]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry whose verdict is another than before, or whose reasons are."""

    id: str
    round: int
    before: str | None
    after: str | None
    why: str = field(default="", repr=False)  # of a failure: what was expected, and what came

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "round": self.round, "before": self.before, "after": self.after,
                "why": self.why}  # fmt: skip


@dataclass(slots=True)
class Diff:
    """``broke`` and ``healed`` changed sides; ``other``: still bad, for other reasons."""

    broke: list[Change] = field(default_factory=list)
    healed: list[Change] = field(default_factory=list)
    other: list[Change] = field(default_factory=list)
    new: int = 0
    gone: int = 0
    same: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "broke": [change.as_dict() for change in self.broke],
            "healed": [change.as_dict() for change in self.healed],
            "other": [change.as_dict() for change in self.other],
            "new": self.new,
            "gone": self.gone,
            "same": self.same,
        }


def compare(before: Iterable[Record], after: Iterable[Record]) -> Diff:
    """Entries are matched by id and round; only verdicts and reasons of ``before`` are kept, and
    of equal ones only one."""
    alike: dict[Verdict, Verdict] = {}
    old: dict[tuple[str, int], Verdict] = {}
    for record in before:
        verdict = record["status"], reasons(record)
        old[key_of(record)] = alike.setdefault(verdict, verdict)
    diff = Diff()
    for record in after:
        found = old.pop(key_of(record), None)
        if found is None:
            diff.new += 1
            continue
        status, why = found
        change = Change(record["id"], record["round"], status, record["status"], why_of(record))
        was, now = status in Status.GOOD, record["status"] in Status.GOOD
        if was and not now:
            diff.broke.append(change)
        elif now and not was:
            diff.healed.append(change)
        elif not now and why != reasons(record):
            diff.other.append(change)
        else:
            diff.same += 1
    diff.gone = len(old)
    return diff


def key_of(record: Record) -> tuple[str, int]:
    return record["id"], record["round"]


def reasons(record: Record) -> frozenset[tuple[str, int | None]]:
    """What failed and where; not the values, which random codes change."""
    return frozenset((one["what"], one["turn"]) for one in record["failures"])


def why_of(record: Record) -> str:
    """The first failure as a sentence."""
    return sentence(record["failures"][0]) if record["failures"] else ""
