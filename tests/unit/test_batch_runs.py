"""Runs without a model: the journal, the pool with workers that die, verdicts, diffs, JUnit."""

from __future__ import annotations

import os
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.asr.types import EndReason, Transcript
from assistant.audio import write_wav
from assistant.batch.diff import compare
from assistant.batch.hearing import Stage
from assistant.batch.journal import Journal, read_records, read_run
from assistant.batch.junit import write_junit
from assistant.batch.pool import Pool
from assistant.batch.run import Plan, Stop, execute
from assistant.batch.scoring import Rate
from assistant.batch.summary import summarise
from assistant.batch.work import Done, Job, Status, do
from assistant.call.parts import no_prior
from assistant.errors import ModelError, UsageError
from assistant.nlu.types import Expect, Prior
from assistant.settings import Settings

FACTS = {"place": "p", "fingerprint": "f", "seed": 0, "repeat": 1, "filter": "", "model": "m",
         "started": "2026-01-02T03:04:05+07:00"}  # fmt: skip
DEADLY, HANGING = 12_345, 23_456  # samples of recordings that kill or hang their listener


class Fragile:
    """A recognizer that dies or hangs on certain recordings, and hears nothing else. ``notes``:
    where it tells that it is about to."""

    def __init__(self, notes: Path | None = None) -> None:
        self._notes = notes

    def recognizer(self) -> Fragile:
        return self

    def begin(
        self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None
    ) -> None: ...

    def feed(self, pcm: bytes) -> Transcript:
        samples = np.frombuffer(pcm, "<i2")
        if DEADLY in samples:
            self._note("dies")
            os._exit(9)
        if HANGING in samples:
            self._note("hangs")
            threading.Event().wait()
        return Transcript()

    def _note(self, what: str) -> None:
        if self._notes is not None:
            with self._notes.open("a") as file:
                file.write(f"{what}\n")

    def end(self, reason: EndReason) -> Transcript:
        return Transcript((), reason)


class Jumping:
    """A clock that stands still but for a day's jump whenever a worker has begun to hang. No
    test waits, and a slow machine makes nobody look as if it hung."""

    def __init__(self, notes: Path, begun: Callable[[], bool] = lambda: True) -> None:
        self._notes, self._begun = notes, begun

    def __call__(self) -> float:
        there = self._begun() and self._notes.exists()
        return 86_400.0 * self._notes.read_text().count("hangs\n") if there else 0.0


def fragile_stage(notes: Path | None = None) -> Stage:
    model: Any = Fragile(notes)
    voice: Any = None
    return Stage(Settings(), model, model, voice, _never, _phrases, no_prior, 8000)


def _never(*_: object) -> Any:
    raise AssertionError("nothing is understood here")


def _phrases(expect: Expect) -> tuple[str, ...] | None:
    return None


def no_stage() -> Stage:
    raise ModelError("model-missing", "Không có mô hình.", "Tải mô hình.")


def clips(folder: Path, values: Iterable[int], text: str = "xyz") -> Path:
    """Recordings of constant samples, labelled with words that mean nothing."""
    folder.mkdir()
    with (folder / "labels.csv").open("w", encoding="utf-8") as labels:
        labels.write("path,text\n")
        for number, value in enumerate(values):
            pcm = np.full(800, value, "<i2").tobytes()
            write_wav(folder / f"{number:03}.wav", pcm, 8000)
            labels.write(f"{number:03}.wav,{text}\n")
    return folder


def record(ordinal: int, status: str = Status.PASSED, **more: Any) -> dict[str, Any]:
    base = {
        "kind": "clip", "invented": True, "failures": [], "ordinal": ordinal, "id": f"e/{ordinal}",
        "source": "e", "tags": ["t"], "round": 0, "status": status, "known_failure": None,
        "seconds": 1.0, "elapsed": 0.1, "words": [], "digits": [],
    }  # fmt: skip
    return base | more


def failure(what: str = "digits") -> dict[str, Any]:
    return {"what": what, "turn": 1, "expected": "12", "got": "1\x002 <&"}


# --- the journal --------------------------------------------------------------------------


def test_a_run_goes_on_where_it_was_even_after_half_a_line(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, FACTS, resume=False)
    for ordinal in (0, 9, 3):
        assert journal.write(Done(ordinal, record(ordinal)))
    assert not journal.write(Done(9, record(9)))  # whoever finishes it how often
    journal.close()
    with (tmp_path / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"ordinal": 4, "id"')
    again = Journal.open(tmp_path, FACTS, resume=True)
    assert [again.has(n) for n in (0, 3, 4, 9, 10_000)] == [True, True, False, True, False]
    again.write(Done(4, record(4)))
    again.close()
    assert [one["ordinal"] for one in read_records(tmp_path)] == [0, 9, 3, 4]


def test_another_run_is_never_mixed_in(tmp_path: Path) -> None:
    Journal.open(tmp_path, FACTS, resume=False).close()
    with pytest.raises(UsageError, match="batch-run-exists"):
        Journal.open(tmp_path, FACTS, resume=False)
    with pytest.raises(UsageError, match="model"):
        Journal.open(tmp_path, FACTS | {"model": "other"}, resume=True)
    with pytest.raises(UsageError, match="batch-run-missing"):
        read_run(tmp_path / "nowhere")


def test_sound_is_private(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, FACTS, resume=False)
    journal.write(Done(1, record(1), {"caller": b"mp3"}))
    journal.close()
    (path,) = (tmp_path / "audio").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


# --- the pool -----------------------------------------------------------------------------


def run(folder: Path, out: Path, workers: int = 1, go: int = 0) -> list[dict[str, Any]]:
    """All records, in order. ``go``: results before a worker may be seen to hang."""
    seen: list[int] = []
    notes = out.with_suffix(".notes")
    stop, clock = Stop(), Jumping(notes, lambda: len(seen) >= go)
    pool = Pool(partial(fragile_stage, notes), workers, "none", stop, clock=clock)
    journal = Journal.open(out, FACTS, resume=False)
    execute(Plan(str(folder)), journal, pool, stop, lambda done: seen.append(done.ordinal))
    pool.close()
    journal.close()
    found = sorted(read_records(out), key=lambda one: int(one["ordinal"]))
    assert sorted(seen) == [one["ordinal"] for one in found]  # shown once, as they are written
    return found


def check_only(bad: dict[int, str], found: list[dict[str, Any]], total: int) -> None:
    """``bad`` are reported as what they are, all others passed, and none is there twice."""
    assert [one["ordinal"] for one in found] == list(range(total))
    assert {one["ordinal"]: one["crash"] for one in found if one["status"] == Status.ERROR} == bad
    assert {one["status"] for one in found if one["ordinal"] not in bad} == {Status.PASSED}
    assert {one["kind"] for one in found} == {"clip"}


@pytest.mark.timeout(300)  # a new worker is a new interpreter, three times
def test_a_worker_that_dies_costs_only_its_own_entry(tmp_path: Path) -> None:
    found = run(clips(tmp_path / "set", [1, 1, DEADLY, 1]), tmp_path / "run")
    check_only({2: "worker-lost"}, found, 4)


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_worker_that_hangs_costs_only_its_own_entry(tmp_path: Path) -> None:
    found = run(clips(tmp_path / "set", [1, HANGING, 1]), tmp_path / "run")
    check_only({1: "worker-lost"}, found, 3)
    assert (tmp_path / "run.notes").read_text() == "hangs\n" * 2  # it got a second chance
    write_junit(tmp_path / "junit.xml", summarise(found), found)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    (error,) = suite.findall("testcase/error")
    assert "worker-lost" in (error.get("message") or "")
    assert summarise(found).bad == 1  # so the program ends with exit code 1


@pytest.mark.full
@pytest.mark.timeout(600)
def test_one_that_hangs_does_not_keep_a_worker_for_ever_while_others_finish(tmp_path: Path) -> None:
    """Two workers; results keep coming from one of them while the other hangs from its first
    recording on. There is one that dies, too."""
    values = [HANGING, *[1] * 70, DEADLY, *[1] * 8]
    found = run(clips(tmp_path / "set", values), tmp_path / "run", workers=2, go=16)
    check_only({0: "worker-lost", 71: "worker-lost"}, found, len(values))
    assert "hangs" in (tmp_path / "run.notes").read_text()


def test_a_stage_that_cannot_be_set_up_is_told_as_what_it_is(tmp_path: Path) -> None:
    folder = clips(tmp_path / "set", [1])
    pool = Pool(no_stage, 1)
    jobs = (Job(n, entry, 0) for n, entry in enumerate(Plan(str(folder)).entries()))
    with pytest.raises(ModelError, match="model-missing") as caught:
        list(pool.run(jobs))
    assert caught.value.hint
    pool.close()


def test_fail_fast_stops_and_what_is_left_can_be_run_later(tmp_path: Path) -> None:
    folder = clips(tmp_path / "set", [1] * 200, text="một hai ba")  # heard as nothing: fails
    stop = Stop()
    pool = Pool(fragile_stage, 1, "none", stop)
    journal = Journal.open(tmp_path / "run", FACTS, resume=False)
    execute(Plan(str(folder), fail_fast=True), journal, pool, stop, lambda done: None)
    journal.close()
    done = sum(1 for _ in read_records(tmp_path / "run"))
    assert 0 < done < 200
    pool.close()
    again, pool = Journal.open(tmp_path / "run", FACTS, resume=True), Pool(fragile_stage, 1, "none")
    execute(Plan(str(folder)), again, pool, Stop(), lambda _: None)
    pool.close()
    again.close()
    ordinals = [one["ordinal"] for one in read_records(tmp_path / "run")]
    assert sorted(ordinals) == list(range(200))


def test_an_unreadable_recording_is_one_failure(tmp_path: Path) -> None:
    folder = clips(tmp_path / "set", [1, 1])
    (folder / "000.wav").write_bytes(b"nothing")
    entries = list(Plan(str(folder)).entries())
    found = [do(fragile_stage(), Job(n, one, 0)).record for n, one in enumerate(entries)]
    assert [one["status"] for one in found] == [Status.FAILED, Status.PASSED]
    assert found[0]["error"].startswith("audio-")


def test_a_strangers_code_is_hidden_and_an_invented_one_is_not(tmp_path: Path) -> None:
    folder = clips(tmp_path / "set", [1], text="một hai ba bốn năm sáu bảy tám chín không")
    for invented in ("", "1"):
        labels = (folder / "labels.csv").read_text("utf-8").splitlines()
        path, text = labels[1].split(",")[:2]
        (folder / "labels.csv").write_text(
            f"path,text,invented\n{path},{text},{invented}\n", "utf-8"
        )
        (entry,) = Plan(str(folder)).entries()
        found = do(fragile_stage(), Job(0, entry, 0)).record
        assert found["status"] == Status.FAILED
        assert ("1234567890" in str(found)) == bool(invented)
        assert ("một hai" in str(found)) == bool(invented)


# --- verdicts, diffs, reports ---------------------------------------------------------------


def test_a_summary_counts_what_passed_of_all_that_were_run() -> None:
    records = [record(0), record(1, Status.FAILED, failures=[failure()]), record(2, Status.KNOWN),
               record(3, Status.HEALED), record(4, Status.ERROR)]  # fmt: skip
    summary = summarise(records)
    assert (summary.rate.hits, summary.rate.total, summary.bad) == (2, 5, 2)
    assert summary.by_tag["t"][Status.PASSED] == 1


def test_digits_and_their_confidence_are_counted_where_they_align() -> None:
    words = [["một", 0.0, 0.2, 0.95], ["hai", 0.2, 0.4, 0.35]]
    summary = summarise([record(0, digits=[["13", "12"]], words=words)])
    assert summary.digits[("1", "1")] == 1
    assert summary.digits[("3", "2")] == 1
    kept = [(one["promised"], one["kept"]) for one in summary.bins()]
    assert kept == [(0.35, Rate(0, 1).as_dict()), (0.95, Rate(1, 1).as_dict())]


def test_what_came_out_differently_every_time_is_flaky() -> None:
    rounds = [record(0), record(1, Status.FAILED, id="e/0", round=1)]
    assert summarise(rounds, repeated=True).flaky == ["e/0"]


def test_a_diff_says_what_broke_and_what_healed() -> None:
    before = [record(0), record(1, Status.KNOWN), record(2, Status.FAILED, failures=[failure()]),
              record(3), record(9)]  # fmt: skip
    other = record(2, Status.FAILED, failures=[failure("reply")])
    after = [record(0, Status.FAILED, failures=[failure()]), record(1, Status.HEALED), other,
             record(3), record(8)]  # fmt: skip
    diff = compare(before, after)
    assert [one.id for one in diff.broke] == ["e/0"]
    assert "digits" in diff.broke[0].why
    assert [one.id for one in diff.healed] == ["e/1"]
    assert [one.id for one in diff.other] == ["e/2"]
    assert (diff.new, diff.gone, diff.same) == (1, 1, 1)


def test_junit_is_xml_whatever_was_heard(tmp_path: Path) -> None:
    records = [record(0), record(1, Status.FAILED, failures=[failure()]),
               record(2, Status.KNOWN, known_failure="\x01later"),
               record(3, Status.ERROR, failures=[failure("crash")])]  # fmt: skip
    write_junit(tmp_path / "j.xml", summarise(records), records)
    suite = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert suite.attrib["tests"] == "4"
    assert [child.tag for case in suite for child in case] == ["failure", "skipped", "error"]
