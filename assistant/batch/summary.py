"""What a run amounts to, gathered one record at a time in constant memory. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from assistant.asr.types import EndReason
from assistant.batch.calibration import BINS, Bin
from assistant.batch.play import Record
from assistant.batch.scoring import Rate, align
from assistant.batch.work import Status
from assistant.dialogue.state import Phase

SHOWN = 200  # records of each kind that a report can show in full
WAIT_BIN, COMPUTE_BIN = 0.1, 10.0  # s, ms
FUNNEL = (Phase.MENU, Phase.CODE, Phase.CONFIRM, Phase.VERIFYING, Phase.SECRET)


@dataclass(slots=True)
class Summary:
    """Counts, distributions, and the first failures in full."""

    statuses: Counter[str] = field(default_factory=Counter)
    by_tag: dict[str, Counter[str]] = field(default_factory=dict)
    funnel: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    digits: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    confidence: dict[int, list[float]] = field(default_factory=dict)  # bin → right, of, promised
    waits: Counter[int] = field(default_factory=Counter)  # of spoken turns
    unspoken: Counter[str] = field(default_factory=Counter)  # turns that no wait is counted of
    computing: Counter[int] = field(default_factory=Counter)
    kept: dict[str, list[Record]] = field(default_factory=dict)
    calls: int = 0
    seconds: float = 0.0
    elapsed: float = 0.0
    invented: bool = True
    planned: int | None = None  # None: as many as were run
    rounds: dict[str, set[str]] | None = field(default=None, repr=False)  # of repeated runs

    def add(self, record: Record) -> None:
        status = record["status"]
        self.statuses[status] += 1
        for tag in record["tags"]:
            self.by_tag.setdefault(tag, Counter())[status] += 1
        self.seconds += record["seconds"]
        self.elapsed += record.get("elapsed", 0.0)
        self.invented &= record["invented"]
        for expected, heard in record.get("digits", ()):
            self.digits.update(align(expected, heard))
        self._add_confidence(record)
        if record["kind"] == "call":
            self._add_call(record)
        kept = self.kept.setdefault(status, [])
        if len(kept) < SHOWN:
            kept.append(record)
        if self.rounds is not None:
            self.rounds.setdefault(record["id"], set()).add(status)

    def _add_call(self, record: Record) -> None:
        self.calls += 1
        self.funnel.update(set(record.get("path", ())))
        if record.get("resets"):
            self.outcomes["password"] += 1
        elif record.get("outcome"):
            self.outcomes[record["outcome"]] += 1
        for turn in record.get("turns", ()):
            self._add_wait(turn)
        self.computing.update(int(ms / COMPUTE_BIN) for ms in record.get("compute_ms", ()))

    def _add_wait(self, turn: Record) -> None:
        """How long a caller who spoke waited. After a key nobody waits, and silence is all wait."""
        waited = turn["timings"]["waited"]
        if waited is None:
            return
        if turn["by_keys"] or turn["end_reason"] == EndReason.INTERRUPTED:
            self.unspoken["keys"] += 1
        elif turn["end_reason"] == EndReason.NO_INPUT:
            self.unspoken["silence"] += 1
        else:
            self.waits[int(waited / WAIT_BIN)] += 1

    def _add_confidence(self, record: Record) -> None:
        """Words of digit turns whose alignment is plain: as many words as digits."""
        for words, expected, heard in _digit_turns(record):
            confidences = [word[3] for word in words if word[0] != "[unk]"]
            if len(confidences) != len(heard) or None in confidences:
                continue
            at = 0
            for wanted, got in align(expected, heard):
                if got is None:
                    continue
                place = min(BINS - 1, int(confidences[at] * BINS))
                sums = self.confidence.setdefault(place, [0, 0, 0.0])
                for i, more in enumerate((wanted == got, 1, confidences[at])):
                    sums[i] += more
                at += 1

    def bins(self) -> list[dict[str, object]]:
        """What confidences promised and kept, as ``calibration`` counts them."""
        return [
            Bin(n / BINS, (n + 1) / BINS, promised / of, Rate(int(right), int(of))).as_dict()
            for n, (right, of, promised) in sorted(self.confidence.items())
        ]

    @property
    def total(self) -> int:
        return self.statuses.total()

    @property
    def not_run(self) -> int:
        return max(0, (self.planned or 0) - self.total)

    @property
    def rate(self) -> Rate:
        """What passed, healed ones included, of all that were run: a known failure is one."""
        return Rate(sum(self.statuses[status] for status in Status.GOOD), self.total)

    @property
    def headline(self) -> str:
        """The count for people, the same wherever it is shown."""
        healed, known = self.statuses[Status.HEALED], self.statuses[Status.KNOWN]
        parts = [
            f"{self.rate.hits}/{self.total} đạt" + (f" ({healed} đã lành)" if healed else ""),
            f"{known} chưa đạt, đã biết" if known else "",
            f"{self.bad} không đạt" if self.bad else "",
        ]
        return "; ".join(part for part in parts if part)

    @property
    def bad(self) -> int:
        return sum(self.statuses[status] for status in Status.BAD)

    @property
    def flaky(self) -> list[str]:
        """Repeated entries that did not end alike every time."""
        return sorted(name for name, found in (self.rounds or {}).items() if len(found) > 1)

    def as_dict(self) -> dict[str, Any]:
        return {
            "planned": self.total + self.not_run,
            "total": self.total,
            "not_run": self.not_run,
            "statuses": dict(self.statuses),
            "success": self.rate.as_dict(),
            "calls": self.calls,
            "funnel": {phase.value: self.funnel[phase.value] for phase in FUNNEL},
            "outcomes": dict(self.outcomes),
            "digit_errors": sum(n for (a, b), n in self.digits.items() if a != b),
            "digits": sum(n for (a, _), n in self.digits.items() if a is not None),
            "audio_seconds": round(self.seconds, 1),
            "worker_seconds": round(self.elapsed, 2),
            "flaky": self.flaky,
        }


def summarise(
    records: Iterable[Record], repeated: bool = False, planned: int | None = None
) -> Summary:
    """``repeated``: entries were run more than once, so look for those that changed;
    ``planned``: how many results a finished run has."""
    summary = Summary(rounds={} if repeated else None, planned=planned)
    for record in records:
        summary.add(record)
    return summary


def _digit_turns(record: Record) -> Iterable[tuple[list[Any], str, str]]:
    """(words, expected digits, heard digits) of turns with one of each."""
    pairs = record.get("digits", ())
    if record["kind"] == "clip":
        if pairs:
            yield record["words"], pairs[0][0], pairs[0][1]
        return
    by_heard = {heard: expected for expected, heard in pairs}
    for turn in record.get("turns", ()):
        heard = turn.get("heard_digits")
        if turn["words"] and heard in by_heard:
            yield turn["words"], by_heard[heard], heard
