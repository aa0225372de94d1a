"""What a run is told as: the same true count on the terminal, in JSON, HTML and JUnit."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from rich.console import Console

from assistant.batch.journal import Journal, read_records
from assistant.batch.junit import write_junit
from assistant.batch.run import Plan
from assistant.batch.suite_report import MOST_AUDIO, write_report
from assistant.batch.summary import Summary, summarise
from assistant.batch.turns import TurnRecord
from assistant.batch.work import Done, Status
from assistant.call import Turn
from assistant.cli.batch_show import show_summary
from assistant.dialogue.types import Reply, Say, SayDigits
from assistant.nlu.types import Expect
from tests.unit.test_batch_runs import FACTS, clips, failure, record

SIDES = {"assistant": b"mp3", "caller": b"mp3"}


def run_of(folder: Path, done: list[Done], total: int | None = None) -> Path:
    """The folder of a run with these results, out of ``total``."""
    facts = FACTS | {"started": "2026-03-01T11:18:05+00:00", "total": total or len(done)}
    journal = Journal.open(folder, facts, resume=False)
    for one in done:
        journal.write(one)
    journal.close()
    return folder


def page_of(folder: Path) -> str:
    write_report(folder / "report.html", folder)
    return (folder / "report.html").read_text("utf-8")


def terminal_of(summary: Summary) -> str:
    file = io.StringIO()
    show_summary(Console(file=file, width=200), summary)
    return file.getvalue()


def call(ordinal: int, status: str, **more: Any) -> dict[str, Any]:
    bad = [failure()] if status in (*Status.BAD, Status.KNOWN) else []
    known = "vì thế" if status in (Status.KNOWN, Status.HEALED) else None
    base = {"kind": "call", "turns": [], "failures": bad, "known_failure": known}
    return record(ordinal, status, **(base | more))


def spoken(waited: float | None, end_reason: str | None, by_keys: bool = False) -> dict[str, Any]:
    return {"timings": {"waited": waited}, "end_reason": end_reason, "by_keys": by_keys,
            "words": []}  # fmt: skip


# --- the headline -------------------------------------------------------------------------


def test_known_failures_count_in_the_headline_everywhere(tmp_path: Path) -> None:
    statuses = [Status.PASSED] * 143 + [Status.KNOWN] * 15 + [Status.HEALED] * 9
    done = [Done(n, call(n, status)) for n, status in enumerate(statuses)]
    summary = summarise(read_records(run_of(tmp_path, done)))
    success = summary.as_dict()["success"]
    assert (success["hits"], success["total"], round(success["value"], 3)) == (152, 167, 0.91)
    for told in (terminal_of(summary), page_of(tmp_path)):
        assert "152/167 đạt (9 đã lành); 15 chưa đạt, đã biết" in told
        assert "91.0 %" in told
        assert "100.0 %" not in told
    assert summary.bad == 0  # so the exit code is as before: only what nobody knew of breaks


# --- runs that were stopped -----------------------------------------------------------------


def test_a_stopped_run_never_looks_whole(tmp_path: Path) -> None:
    done = [Done(n, call(n, Status.PASSED)) for n in range(14)]
    summary = summarise(read_records(run_of(tmp_path, done, total=25)), planned=25)
    page = page_of(tmp_path)
    assert "Mới chạy 14/25" in terminal_of(summary)
    assert "Mới chạy 14/25" in page
    assert "Không có lỗi nào trong 14 kịch bản đã chạy" in page
    told = summary.as_dict()
    assert (told["planned"], told["total"], told["not_run"]) == (25, 14, 11)


def test_a_whole_run_says_nothing_of_a_part(tmp_path: Path) -> None:
    summary = summarise(
        read_records(run_of(tmp_path, [Done(0, call(0, Status.PASSED))])), planned=1
    )
    assert "Mới chạy" not in terminal_of(summary) + page_of(tmp_path)
    assert summary.as_dict()["not_run"] == 0
    assert summarise([]).as_dict()["planned"] == 0


def test_junit_names_what_was_not_run(tmp_path: Path) -> None:
    plan = Plan(str(clips(tmp_path / "set", [1, 1, 1])), repeat=2)
    first = next(iter(plan.entries()))
    found = [record(0, id=first.id), record(1, Status.KNOWN, known_failure="x")]
    left = plan.jobs(lambda ordinal: ordinal < 2)
    write_junit(tmp_path / "j.xml", summarise(found, planned=plan.count()), found, left)
    suite = ElementTree.parse(tmp_path / "j.xml").getroot()
    cases = suite.findall("testcase")
    assert suite.attrib["tests"] == str(len(cases)) == "6"
    skipped = suite.findall("testcase/skipped")
    assert suite.attrib["skipped"] == str(len(skipped)) == "5"
    assert "not run" in (skipped[-1].get("message") or "")
    assert len({case.attrib["name"] for case in cases[2:]}) == 4  # rounds told apart


# --- calls in the report --------------------------------------------------------------------


def sections(page: str) -> dict[str, str]:
    parts = re.split(r"<section[^>]*><h2>", page)[1:]
    return {part.partition(" <small>")[0]: part for part in parts}


def test_known_failures_and_healed_ones_are_shown_as_failures_are(tmp_path: Path) -> None:
    statuses = (Status.PASSED, Status.HEALED, Status.KNOWN, Status.FAILED)
    done = [Done(n, call(n, status), dict(SIDES)) for n, status in enumerate(statuses)]
    page = page_of(run_of(tmp_path, done))
    found = sections(page)
    assert [name for name in found if "đạt" in name.lower() or "lành" in name] == [
        "Không đạt", "Chưa đạt, đã biết", "Đã lành", "Đạt",
    ]  # fmt: skip
    for name in ("Không đạt", "Chưa đạt, đã biết", "Đã lành", "Đạt"):
        assert found[name].count("<audio") == 2, name
        assert 'class="wave"' in found[name]
    assert " open>" in found["Không đạt"]
    assert " open>" not in found["Chưa đạt, đã biết"]


def test_sound_that_is_too_much_for_the_page_is_named_instead(tmp_path: Path) -> None:
    statuses = [Status.PASSED] * MOST_AUDIO + [Status.KNOWN]
    done = [Done(n, call(n, status), dict(SIDES)) for n, status in enumerate(statuses)]
    page = page_of(run_of(tmp_path, done))
    assert page.count("<audio") == 2 * MOST_AUDIO
    assert "<audio" in sections(page)["Chưa đạt, đã biết"]  # what failed has its sound first
    assert f"audio/{MOST_AUDIO - 1}-caller.mp3" in sections(page)["Đạt"]


def test_the_wait_is_of_speech_alone(tmp_path: Path) -> None:
    turns = [spoken(0.62, "silence"), spoken(0.41, "complete"), spoken(0.0, "interrupted", True),
             spoken(5.0, "no_input"), spoken(None, None)]  # fmt: skip
    summary = summarise([call(0, Status.PASSED, turns=turns)])
    assert summary.waits == {6: 1, 4: 1}
    assert summary.unspoken == {"keys": 1, "silence": 1}


# --- what is somebody's -----------------------------------------------------------------------


def test_files_of_a_run_on_real_data_are_their_owner_s_alone(tmp_path: Path) -> None:
    done = [Done(0, call(0, Status.PASSED)), Done(1, call(1, Status.PASSED, invented=False))]
    folder = run_of(tmp_path / "run", done)
    found = list(read_records(folder))
    page_of(folder)
    write_junit(folder / "j.xml", summarise(found), found)
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == dict.fromkeys(("run.json", "results.jsonl", "report.html", "j.xml"), 0o600)


def test_a_read_back_is_shown_of_invented_accounts_alone() -> None:
    """A call masks it, for it does not know yet whose code it is; a run knows from the start."""
    reply = Reply((Say("readback"), SayDigits("0123456789", (4, 3, 3))))
    turn = Turn(expect=Expect.CONFIRM, prompt="Em đọc lại. •••• ••• ••• Đúng không ạ?", asked=0.0)
    one = TurnRecord(turn, None, reply, ())
    assert one.as_dict(reveal=True)["prompt"] == "Em đọc lại. 0123 456 789 Đúng không ạ?"
    hidden = one.as_dict(reveal=False)
    assert hidden["prompt"] == turn.prompt
    assert hidden["prompts"] == ["readback"]
    assert "0123" not in str(hidden) + repr(one)
