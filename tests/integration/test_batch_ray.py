"""The same run on a Ray cluster of this machine, while a worker is killed."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from assistant.batch.journal import Journal, read_records
from assistant.batch.parquet import ParquetSink
from assistant.batch.run import Plan, Stop, execute
from assistant.batch.work import Done, Status
from tests.batch_tools import batch
from tests.unit.test_batch_runs import (
    DEADLY,
    FACTS,
    HANGING,
    Jumping,
    check_only,
    clips,
    fragile_stage,
)

pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(600),
    # Ray leaves its log files to the collector, and warns of its own future defaults.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_a_killed_worker_loses_nothing_and_nothing_counts_twice(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    pyarrow = pytest.importorskip("pyarrow.parquet")
    from assistant.batch.ray_engine import RayEngine

    folder = clips(tmp_path / "set", [1] * 400)
    stop, killed = Stop(), 0
    engine = RayEngine(fragile_stage, 3, None, "none", stop)
    pids = ray.get([actor.pid.remote() for actor in engine.actors])
    journal = Journal.open(tmp_path / "run", FACTS, resume=False)
    with closing(ParquetSink(str(tmp_path / "table"))) as table:

        def seen(done: Done) -> None:
            nonlocal killed
            table.add(done.record)
            if killed < 2:
                os.kill(pids[killed], signal.SIGKILL)
                killed += 1

        execute(Plan(str(folder)), journal, engine, stop, seen)
    alive = ray.get([actor.pid.remote() for actor in engine.actors])
    engine.close()
    journal.close()
    records = list(read_records(tmp_path / "run"))
    assert sorted(one["ordinal"] for one in records) == list(range(400))
    assert {one["status"] for one in records} == {Status.PASSED}
    assert killed == 2
    assert len({*alive} & {*pids}) == 1  # the dead ones came back as others
    rows = pyarrow.read_table(tmp_path / "table").to_pylist()
    assert sorted(row["ordinal"] for row in rows) == list(range(400))


def test_an_actor_that_hangs_or_dies_costs_only_its_own_entry(tmp_path: Path) -> None:
    """What stood behind the culprit in the same actor's hands is not taken for one."""
    pytest.importorskip("ray")
    from assistant.batch.ray_engine import RayEngine

    folder = clips(tmp_path / "set", [1, HANGING, *[1] * 46, DEADLY, *[1] * 15])
    notes, seen = tmp_path / "notes", list[int]()
    stage = partial(fragile_stage, notes)
    stop, clock = Stop(), Jumping(notes)
    engine = RayEngine(stage, 2, None, "none", stop, clock=clock)
    journal = Journal.open(tmp_path / "run", FACTS, resume=False)
    execute(Plan(str(folder)), journal, engine, stop, lambda done: seen.append(done.ordinal))
    engine.close()
    journal.close()
    found = sorted(read_records(tmp_path / "run"), key=lambda one: int(one["ordinal"]))
    assert sorted(seen) == list(range(64))
    check_only({1: "worker-lost", 48: "worker-lost"}, found, 64)
    assert notes.read_text().count("hangs") == 3


def test_entries_come_from_a_url_as_well(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    from assistant.batch.scenario_files import read_entries
    from assistant.batch.work import Job, do

    folder = clips(tmp_path / "set", [1, 1])
    files = fsspec.filesystem("memory")
    for path in folder.iterdir():
        with files.open(f"/calls/{path.name}", "wb") as file:
            file.write(path.read_bytes())
    entries = list(read_entries("memory://calls"))
    assert [entry.clip.path for entry in entries if entry.clip] == [
        "memory://calls/000.wav",
        "memory://calls/001.wav",
    ]
    found = [do(fragile_stage(), Job(n, one, 0)).record for n, one in enumerate(entries)]
    assert [one["status"] for one in found] == [Status.PASSED] * 2


def test_a_table_at_an_address(tmp_path: Path) -> None:
    """From the command line, where ``scheme://`` must survive as it is."""
    pytest.importorskip("fsspec")
    pyarrow = pytest.importorskip("pyarrow.parquet")
    clips(tmp_path / "set", [1, 1], text="xyz")
    done = batch(tmp_path, "run", "set", "--out", "run", "--workers", "1", "--json",
                 "--parquet", f"file://{tmp_path}/table")  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    rows = pyarrow.read_table(tmp_path / "table").to_pylist()
    assert sorted(row["ordinal"] for row in rows) == [0, 1]
