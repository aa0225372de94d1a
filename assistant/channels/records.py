"""What is kept of a live call for operators: redacted, one line of JSON a call, a file a day."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from assistant.call import Call
from assistant.call.redaction import MASK
from assistant.dialogue.types import EndOfCall
from assistant.nlu.types import CONFIRMING, Expect

Record = dict[str, Any]
_DIGIT = re.compile(r"\d")
_LAST = timedelta(days=1) - timedelta.resolution  # of a day, from its start
_DAY_FILE = re.compile(r"\d{4}-\d{2}-\d{2}\.jsonl")

# How far a caller came, in order; a call counts in every step it reached.
STEPS = ("answered", "wanted_reset", "gave_code", "confirmed", "got_password", "wrote_it_down")


def record_of(call: Call, channel: str, began: datetime) -> Record:
    """Masked whatever the account is: this is kept, and read by others."""
    turns = [turn.as_dict(False) for turn in call.turns]
    for turn in turns:
        turn["prompt"] = _DIGIT.sub(MASK, turn["prompt"])
        took = turn["timings"].items()
        turn["timings"] = {name: value and round(value, 2) for name, value in took}
    return {
        "call": call.call_id,
        "channel": channel,
        "began": began.isoformat(timespec="seconds"),
        "seconds": round(call.now, 2),
        "ended": call.ended.value if call.ended else None,
        "resets": call.resets,
        "barged_in": sum(note.what == "prompt_stopped" for note in call.notes),
        "steps": list(_steps(call)),
        "turns": turns,
    }


def _steps(call: Call) -> Iterator[str]:
    asked = {turn.expect for turn in call.turns}
    actions = {turn.action for turn in call.turns}
    reached = (
        call.ended is not EndOfCall.BUSY,
        bool(asked & {Expect.CODE, *CONFIRMING}) or "VerifyAndReset" in actions,
        bool(asked & CONFIRMING) or "VerifyAndReset" in actions,
        "VerifyAndReset" in actions,
        call.resets > 0,
        call.resets > 0 and Expect.MORE in asked,
    )
    return (step for step, there in zip(STEPS, reached, strict=True) if there)


def _began(record: Record) -> datetime:
    return datetime.fromisoformat(record["began"])


class Records:
    """Files in one folder, readable by this user alone; old days are removed."""

    def __init__(self, folder: Path, days: int) -> None:
        self._folder, self._days = folder, days

    def keep(self, record: Record) -> None:
        """Add one call. Raises OSError."""
        day = _began(record).date()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{day}.jsonl"
        if not path.exists():
            path.touch(mode=0o600)
            self._forget(day - timedelta(days=self._days))
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def of(self, day: date, east: timedelta = timedelta()) -> list[Record]:
        """The calls that began on a day, where clocks are ``east`` ahead of UTC, in the order in
        which they began."""
        start = datetime.combine(day, time.min, UTC) - east
        files = {start.date(), (start + _LAST).date()}
        found = (record for one in sorted(files) for record in self._read(one))
        of_day = (r for r in found if start <= _began(r) <= start + _LAST)
        return sorted(of_day, key=_began)

    def _read(self, day: date) -> list[Record]:
        """A file; a line cut off by a crash is passed over."""
        try:
            lines = (self._folder / f"{day}.jsonl").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        records = []
        for line in lines:
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
        return records

    def _forget(self, before: date) -> None:
        for path in self._folder.iterdir():
            if _DAY_FILE.fullmatch(path.name) and path.stem < str(before):
                path.unlink(missing_ok=True)
