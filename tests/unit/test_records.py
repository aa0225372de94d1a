"""What is kept of a call: redacted, one file a day, old days removed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from assistant.call import Call, TableConversation
from assistant.channels.records import STEPS, Records, record_of
from assistant.dialogue.types import ResetDone
from assistant.settings import DialogueLimits
from tests.call_tools import RATE, FakeAccounts, make_parts, play, silence, until_listening
from tests.live_tools import ScriptedExchange

BEGAN = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
CODE, PASSWORD = "9123456780", "482915"


def a_call(*keys: str, invented: bool = True) -> Call:
    parts = make_parts(accounts=FakeAccounts(ResetDone(PASSWORD)), invented=lambda *_: invented)
    call = Call(parts, TableConversation(DialogueLimits(), 3), "0500000001", "call-1", RATE)
    for pressed in keys:
        until_listening(call)
        play(call, silence(0.1), keys={0: pressed})
    play(call, silence(8))
    call.hang_up()
    return call


def test_a_record_holds_no_digit_of_code_or_password() -> None:
    record = record_of(a_call("8", CODE + "#", "1"), "test", BEGAN)
    kept = str({**record, "began": "", "seconds": 0, "turns": [_words(t) for t in record["turns"]]})
    assert CODE not in kept
    assert PASSWORD not in kept
    assert record["resets"] == 1
    assert "0500000001" not in kept


def _words(turn: dict[str, object]) -> dict[str, object]:
    return {name: turn[name] for name in ("prompt", "said", "expect", "intent", "event")}


@pytest.mark.parametrize(
    ("keys", "steps"),
    [
        ((), 1),
        (("8",), 2),
        (("8", CODE + "#"), 3),
        (("8", CODE + "#", "1"), 5),
        (("8", CODE + "#", "1", "#"), 6),
    ],
)
def test_how_far_a_caller_came(keys: tuple[str, ...], steps: int) -> None:
    assert record_of(a_call(*keys), "test", BEGAN)["steps"] == list(STEPS[:steps])


def test_who_found_all_lines_busy_is_not_among_those_who_dropped_out() -> None:
    call = ScriptedExchange().busy()
    play(call, silence(8))
    record = record_of(call, "test", BEGAN)
    assert (record["ended"], record["steps"]) == ("busy", [])


def test_a_file_a_day_for_this_user_alone(tmp_path: Path) -> None:
    records = Records(tmp_path / "calls", days=30)
    record = record_of(a_call("8"), "test", BEGAN)
    for _ in range(2):
        records.keep(record)
    path = tmp_path / "calls" / "2026-11-25.jsonl"
    assert path.stat().st_mode & 0o077 == 0
    assert records.of(date(2026, 11, 25)) == [record, record]
    assert records.of(date(2026, 11, 24)) == []


def test_old_days_and_nothing_else_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    folder.mkdir()
    for name in ("2026-10-25.jsonl", "2026-10-26.jsonl", "notes.txt"):
        (folder / name).write_text("{}\n")
    Records(folder, days=30).keep(record_of(a_call(), "test", BEGAN))
    left = {path.name for path in folder.iterdir()}
    assert left == {"2026-10-26.jsonl", "notes.txt", "2026-11-25.jsonl"}


def test_a_line_cut_off_is_passed_over(tmp_path: Path) -> None:
    records = Records(tmp_path, days=30)
    records.keep(record_of(a_call(), "test", BEGAN))
    with (tmp_path / "2026-11-25.jsonl").open("a") as file:
        file.write('{"call": "cut')
    assert len(records.of(date(2026, 11, 25))) == 1


def test_calls_are_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    """They are kept as they end: the long one last."""
    records = Records(tmp_path, days=30)
    for name, minute in (("second", 31), ("third", 32), ("first", 30)):
        records.keep({"call": name, "began": BEGAN.replace(minute=minute).isoformat()})
    assert [one["call"] for one in records.of(BEGAN.date())] == ["first", "second", "third"]


def test_a_day_is_that_of_the_clocks_on_the_wall(tmp_path: Path) -> None:
    """In Vietnam it is seven hours later: a call at 17:30 UTC is one of the next day."""
    records, hanoi = Records(tmp_path, days=30), timedelta(hours=7)
    times = {"late": (24, 17, 30), "day": (25, 9, 30), "last": (25, 16, 59), "next": (25, 17, 0)}
    for name, (day, hour, minute) in times.items():
        began = datetime(2026, 11, day, hour, minute, tzinfo=UTC)
        records.keep({"call": name, "began": began.isoformat()})
    here = date(2026, 11, 25)
    assert [one["call"] for one in records.of(here, hanoi)] == ["late", "day", "last"]
    assert [one["call"] for one in records.of(here)] == ["day", "last", "next"]
    assert [one["call"] for one in records.of(here, -hanoi)] == ["day", "last", "next"]
