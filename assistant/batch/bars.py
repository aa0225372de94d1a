"""The bars of ``bars.yaml`` held against a run: met, not met, or not measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from assistant.batch.calibration import Calibration
from assistant.batch.figures import FALSE_ACCEPTS, Score, is_hit
from assistant.batch.outcomes import Outcome
from assistant.batch.scoring import Rate, mcnemar

_TABLE = Path(__file__).with_name("bars.yaml")
_COMMONEST = 4  # confusions that are named
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar and what was measured. ``low``, ``high``: 95 %, None where there is no interval;
    ``met`` None: not measured; ``sure``: the whole interval lies on the side of ``met``;
    ``why``: what to look at next."""

    id: str
    title: str
    where: str
    at_least: float | None
    at_most: float | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""

    @property
    def met(self) -> bool | None:
        return None if self.value is None else self._holds(self.value)

    @property
    def sure(self) -> bool:
        ends = [end for end in (self.low, self.high) if end is not None]
        return bool(ends) and all(self._holds(end) == self.met for end in ends)

    def _holds(self, value: float) -> bool:
        """With a hair's breadth for figures that are differences of others."""
        if self.at_least is not None:
            return value >= self.at_least - _HAIR
        return self.at_most is None or value <= self.at_most + _HAIR

    def as_dict(self) -> dict[str, Any]:
        names = ("id", "title", "where", "at_least", "at_most", "value", "low", "high", "why")
        return {**{n: getattr(self, n) for n in names}, "met": self.met, "sure": self.sure}


@cache
def table() -> tuple[dict[str, Any], ...]:
    return tuple(yaml.safe_load(_TABLE.read_text(encoding="utf-8")))


def conditions() -> tuple[str, ...]:
    """The conditions that the bars need."""
    named = [row.get("condition") or row.get("steady") or "clean" for row in table()]
    return tuple(dict.fromkeys(named))


def held(
    lines: Sequence[Score],
    outcomes: Sequence[Outcome],
    calibrated: Mapping[str, Calibration],
    cost: Mapping[str, float],
) -> list[Bar]:
    """Every bar, measured as far as the run goes."""
    found = []
    for row in table():
        if "steady" in row:
            found.append(_steady(row, outcomes))
        elif "calibration" in row:
            found.append(_calibration(row, calibrated.get(row["calibration"])))
        elif "cost" in row:
            found.append(_bar(row, row["cost"], cost.get(row["cost"])))
        else:
            found.append(_figure(row, lines))
    return found


def _bar(
    row: Mapping[str, Any],
    where: str,
    value: float | None = None,
    interval: tuple[float, float] | tuple[None, None] = (None, None),
    why: str = "",
) -> Bar:
    low, high = interval
    bounds = row.get("at_least"), row.get("at_most")
    return Bar(row["id"], row["title"], where, *bounds, value, low, high, why)


def _figure(row: Mapping[str, Any], lines: Iterable[Score]) -> Bar:
    key = (row["set"], row["measure"], row.get("condition", "clean"))
    where = f"{row['set']}, {row['measure']}, {key[2]}"
    line = next((line for line in lines if line.key == key), None)
    if line is None:
        return _bar(row, where)
    kind, _, names = row["figure"].partition(":")
    why = _commonest(line)
    if kind == "error" and line.alignment is not None:
        return _bar(row, where, line.alignment.error_rate, line.alignment.interval, why)
    if kind == "gap":
        better, worse = (line.groups.get(name) for name in names.split("-"))
        return _gap(row, f"{where}, {names}", better, worse, why)
    rate = {"refused": line.refused, "hits": line.rate}.get(kind) or line.groups.get(names)
    if rate is None or rate.value is None:
        return _bar(row, where)
    return _bar(row, f"{where}, {names}" if names else where, rate.value, rate.interval, why)


def _gap(
    row: Mapping[str, Any], where: str, better: Rate | None, worse: Rate | None, why: str
) -> Bar:
    """Difference of two rates; the interval is Newcombe's, from those of both."""
    if better is None or worse is None or better.value is None or worse.value is None:
        return _bar(row, where)
    value = better.value - worse.value
    (low_a, high_a), (low_b, high_b) = better.interval, worse.interval
    down = ((better.value - low_a) ** 2 + (high_b - worse.value) ** 2) ** 0.5
    up = ((high_a - better.value) ** 2 + (worse.value - low_b) ** 2) ** 0.5
    return _bar(row, where, value, (value - down, value + up), why)


def _calibration(row: Mapping[str, Any], found: Calibration | None) -> Bar:
    where = f"ECE, {row['calibration']}"
    if found is None or found.error is None:
        return _bar(row, where)
    fitted = found.fitted_error
    why = "" if fitted is None else f"sau khi khớp lại độ tin cậy: {fitted:.3f}"
    return _bar(row, where, found.error, found.interval, why)


def _steady(row: Mapping[str, Any], outcomes: Iterable[Outcome]) -> Bar:
    """The largest change of any figure between a condition and the same clips when clean."""
    both: dict[tuple[str, str, str], dict[str, bool]] = {}
    for one in outcomes:
        if one.condition in ("clean", row["steady"]):
            well = is_hit(one) != (one.measure in FALSE_ACCEPTS)  # as the line counts it
            both.setdefault((one.set, one.measure, one.clip), {})[one.condition] = well
    lines: dict[tuple[str, str], list[dict[str, bool]]] = {}
    for (name, measure, _), found in both.items():
        if len(found) == 2:
            lines.setdefault((name, measure), []).append(found)
    changes = []
    for (name, measure), clips in lines.items():
        lost = sum(c["clean"] and not c[row["steady"]] for c in clips)
        won = sum(c[row["steady"]] and not c["clean"] for c in clips)
        changes.append((abs(lost - won) / len(clips), name, measure, won - lost, lost + won))
    if not changes:
        return _bar(row, f"{row['steady']}: mọi số đo")
    value, name, measure, change, moved = max(changes)
    chance = mcnemar((moved + change) // 2, (moved - change) // 2)
    why = f"đổi nhiều nhất: {name}, {measure}: {change:+d} clip, p = {chance:.2f}" if value else ""
    return _bar(row, f"{row['steady']}: mọi số đo", value, why=why)


def _commonest(line: Score) -> str:
    """The commonest confusions of a line, as "3→7 ×12"; ∅: nothing."""
    if line.alignment is None:
        return ""
    wrong = [(n, a, b) for (a, b), n in line.alignment.pairs.items() if a != b]
    named = sorted(wrong, key=lambda w: (-w[0], str(w[1:])))[:_COMMONEST]
    return ", ".join(f"{a or '∅'}→{b or '∅'} ×{n}" for n, a, b in named)
