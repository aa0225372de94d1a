"""Is memory flat in the number of entries? Peak resident memory of ``assistant batch run`` over
a thousand labelled recordings and over a hundred thousand: of the run and its workers, then of
everything that is made of its results (summary, JUnit, HTML report), then of a diff against an
equal run, which has to remember a verdict for every entry. Run by ``batch.py``.

Every size is a process of its own; the peak is the kernel's ``VmHWM`` (Linux). The entries are
read from one ``labels.csv`` and link to ten short clips; the recognizer hears nothing, so that
what is left is what the run itself costs. Four in five fail, which costs more than passing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from assistant.asr.types import EndReason, Transcript
from assistant.audio import write_wav
from assistant.batch.diff import compare
from assistant.batch.hearing import Stage
from assistant.batch.journal import RUN, Journal, read_records
from assistant.batch.junit import write_junit
from assistant.batch.pool import Pool
from assistant.batch.run import Plan, Stop, execute
from assistant.batch.suite_report import write_report
from assistant.batch.summary import summarise
from assistant.batch.work import Done
from assistant.cli.wiring import open_stage
from assistant.nlu.types import Prior
from assistant.settings import Settings, load_settings

RATE, CLIPS = 8_000, 10
SAID = "không một hai"  # fails, for nothing is heard; one in five means nothing, and passes


class Deaf:
    """Hears nothing at once."""

    def recognizer(self) -> Deaf:
        return self

    def begin(
        self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None
    ) -> None: ...

    def feed(self, pcm: bytes) -> Transcript:
        return Transcript()

    def end(self, reason: EndReason) -> Transcript:
        return Transcript((), reason)


def deaf_stage(settings: Settings) -> Stage:
    return replace(open_stage(settings), patient=Deaf())


def make_entries(folder: Path, count: int) -> None:
    folder.mkdir()
    noise = np.random.default_rng(1906)
    for number in range(CLIPS):
        pcm = noise.normal(0, 300, RATE // 5).astype("<i2").tobytes()
        write_wav(folder / f"clip-{number}.wav", pcm, RATE)
    for number in range(count):  # each an entry of its own, with a name of its own
        (folder / f"{number:07}.wav").symlink_to(f"clip-{number % CLIPS}.wav")
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        file.write("path,text\n")
        file.writelines(f"{n:07}.wav,{SAID if n % 5 else 'xyz'}\n" for n in range(count))


def measure(entries: int, workers: int) -> dict[str, float]:
    """Peaks in MB, in this process; each includes those before it."""
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "clips", Path(name) / "run"
        make_entries(folder, entries)
        plan, stop = Plan(str(folder)), Stop()
        facts = {
            "place": "synthetic", "model": "deaf", "started": "", "filter": "", "repeat": 1,
            "seed": 0, "total": plan.count(),
        }  # fmt: skip
        journal = Journal.open(out, facts, resume=False)
        pool = Pool(partial(deaf_stage, load_settings()), workers, "none", stop)
        working, done = 0.0, 0

        def seen(_: Done) -> None:
            nonlocal working, done
            done += 1
            if done % (entries // 10) == 0:
                working = max(working, sum(map(peak, children())))

        start = time.perf_counter()
        execute(plan, journal, pool, stop, seen)
        seconds = time.perf_counter() - start
        pool.close()
        journal.close()
        running = peak(os.getpid())
        summary = summarise(read_records(out))
        assert summary.total == entries
        write_junit(out / "junit.xml", summary, read_records(out))
        write_report(out / "report.html", out)
        reporting = peak(os.getpid())
        assert compare(read_records(out), read_records(out)).same == entries
        assert (out / RUN).exists()
    return {
        "entries": entries, "seconds": round(seconds, 1), "run": running, "workers": working,
        "results": reporting, "diff": peak(os.getpid()),
    }  # fmt: skip


def children() -> Iterator[int]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    yield from (int(pid) for pid in path.read_text("ascii").split())


def peak(pid: int) -> float:
    """Most resident memory so far, MB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    except OSError:
        return 0.0
    found = [line for line in lines if line.startswith("VmHWM")]
    return round(int(found[0].split()[1]) / 1000, 1) if found else 0.0


def in_process(entries: int, workers: int) -> dict[str, float]:
    """``measure`` in a process of its own."""
    command = [sys.executable, __file__, str(entries), str(workers)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))) + "\n")
