"""A run: entries in, results into the journal, counted as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from assistant.batch.journal import Journal
from assistant.batch.scenario_files import Entry, read_entries
from assistant.batch.work import Done, Job, Status
from assistant.errors import DependencyError
from assistant.tts import espeak


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. ``repeat``: rounds, each with other random codes, noises and phones."""

    place: str
    text_filter: str = ""
    repeat: int = 1
    seed: int = 0
    fail_fast: bool = False

    def entries(self) -> Iterator[Entry]:
        return read_entries(self.place, self.text_filter)

    def jobs(self, skip: Callable[[int], bool]) -> Iterator[Job]:
        """Every job that has no result yet. Ordinals depend on the place and the filter alone."""
        ordinal = 0
        for turn in range(self.repeat):
            for entry in self.entries():
                if not skip(ordinal):
                    yield Job(ordinal, entry, self.seed, turn)
                ordinal += 1

    def count(self) -> int:
        return self.repeat * sum(1 for _ in self.entries())


class Engine(Protocol):
    """Where jobs are run: processes of this machine, or a cluster."""

    def run(self, jobs: Iterable[Job]) -> Iterator[Done]: ...

    def close(self) -> None: ...


class Stop:
    """Asked to stop: nothing new is begun, what is running is finished."""

    def __init__(self) -> None:
        self.asked = False
        self.interrupted = False  # by a person, who may want to go on later

    def __call__(self) -> bool:
        return self.asked

    def ask(self) -> None:
        self.asked = True

    def interrupt(self) -> None:
        self.asked = self.interrupted = True


Seen = Callable[[Done], None]


def execute(plan: Plan, journal: Journal, engine: Engine, stop: Stop, seen: Seen) -> None:
    """Run everything that has no result; ``seen`` gets each new one. Stops when asked, and at
    the first failure with ``fail_fast``. Raises DependencyError before the first, where one is to
    be spoken and nothing here can."""
    check_voice(plan.jobs(journal.has))
    for done in engine.run(_until(plan.jobs(journal.has), stop)):
        if journal.write(done):
            seen(done)
        if plan.fail_fast and done.record["status"] in Status.BAD:
            stop.ask()


def check_voice(jobs: Iterable[Job]) -> None:
    """Raises DependencyError, where one of the jobs is to be spoken and nothing here can."""
    try:
        espeak.require()
    except DependencyError:
        if any(job.entry.scenario and job.entry.scenario.synthesized for job in jobs):
            raise


def _until(jobs: Iterable[Job], stop: Stop) -> Iterator[Job]:
    for job in jobs:
        if stop.asked:
            return
        yield job
