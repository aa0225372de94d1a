"""How often understanding is right, over a YAML file of utterances, with an interval.

A case is ``{text, expect, intent | yes_no | digits | correction | rejection}``; what a case
does not name is not judged, except that a case naming none of them must be rejected.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from assistant.nlu.types import Expect, Interpretation
from assistant.nlu.understanding import interpret_text

JUDGED = ("intent", "yes_no", "digits", "correction", "rejection")
_Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Case:
    """One utterance and what it must mean. ``wanted``: only the fields that are judged."""

    text: str
    expect: Expect
    wanted: Mapping[str, object]
    digits_so_far: int = 0
    card: bool | None = None


@dataclass(frozen=True, slots=True)
class Miss:
    case: Case
    got: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """``low`` and ``high``: the Wilson 95 % interval of the share of right answers."""

    right: int
    total: int
    misses: tuple[Miss, ...] = field(default=(), repr=False)

    @property
    def share(self) -> float:
        return self.right / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.right, self.total)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{self.right}/{self.total} = {self.share:.1%} (95 % interval {low:.1%} - {high:.1%})"
        )


def wilson(right: int, total: int) -> tuple[float, float]:
    """Wilson score interval at 95 % (Wilson 1927); (0, 1) when there is nothing to judge."""
    if total == 0:
        return 0.0, 1.0
    share, z2 = right / total, _Z95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    # the bounds hold the share itself, whatever rounding did to 0 and 1
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def read_cases(path: Path) -> list[Case]:
    """The cases of a YAML file: a list, or a mapping with the list under "cases"."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows = raw["cases"] if isinstance(raw, dict) else raw
    return [case_of(row) for row in rows]


def case_of(row: Mapping[str, Any]) -> Case:
    """One row of such a file. Raises KeyError or ValueError for a row that does not fit."""
    return Case(
        text=str(row["text"]),
        expect=Expect(row["expect"]),
        wanted={name: row[name] for name in JUDGED if name in row},
        digits_so_far=int(row.get("digits_so_far", 0)),
        card=row.get("card"),
    )


def halves(cases: Iterable[Case]) -> tuple[list[Case], list[Case]]:
    """(may be read while tables are improved, never read): a fixed split by the text, so that
    a figure stays that can be believed."""
    read: list[Case] = []
    unread: list[Case] = []
    for case in cases:
        (read if zlib.crc32(case.text.encode()) % 2 == 0 else unread).append(case)
    return read, unread


def evaluate(cases: Iterable[Case]) -> Accuracy:
    """Interpret every case and count; misses in order."""
    judged = list(cases)
    misses = [m for case in judged if (m := _miss(case)) is not None]
    return Accuracy(len(judged) - len(misses), len(judged), tuple(misses))


def by_field(cases: Sequence[Case]) -> dict[str, Accuracy]:
    """The accuracy of each kind of case: those that judge an intent, a yes/no, digits, …"""
    kinds = {name: [c for c in cases if name in c.wanted] for name in JUDGED}
    return {name: evaluate(group) for name, group in kinds.items() if group}


def _miss(case: Case) -> Miss | None:
    got = as_plain(interpret_text(case.text, case.expect, case.digits_so_far))
    if not case.wanted and case.card is None:
        return None if got["rejection"] else Miss(case, got)
    wrong = not all(_agrees(got[name], wanted) for name, wanted in case.wanted.items())
    wrong = wrong or (case.card is not None and got["card"] is not case.card)
    return Miss(case, got) if wrong else None


def _agrees(got: object, wanted: object) -> bool:
    """Equal; of a correction only the keys that the case names, of a rejection any reason."""
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        return all(got.get(key) == value for key, value in wanted.items())
    if wanted is True and isinstance(got, str):
        return True  # "rejection: true": rejected, for whatever reason
    return got == wanted


def as_plain(meaning: Interpretation) -> dict[str, object]:
    """An interpretation in plain values, as YAML and JSON write them."""
    fix = meaning.correction
    return {
        "intent": meaning.intent.value if meaning.intent else None,
        "yes_no": meaning.yes_no,
        "digits": meaning.digits.digits if meaning.digits else None,
        "card": meaning.digits.card if meaning.digits else None,
        "correction": {
            "position": fix.position,
            "count": fix.count,
            "digits": fix.digits,
            "restart": fix.restart,
            "wrong": fix.wrong,
        }
        if fix
        else None,
        "rejection": meaning.rejection.value if meaning.rejection else None,
        "score": meaning.score,
    }
