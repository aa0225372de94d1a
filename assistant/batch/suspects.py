"""Jobs whose worker died or hung. Each is run again alone, so that only the culprit is blamed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from assistant.batch.work import Done, Job, died


class Suspects:
    """``deaths``: of a job's worker, the last of them alone; then the job is the culprit."""

    def __init__(self, deaths: int) -> None:
        self.waiting: deque[Job] = deque()
        self._most = deaths
        self._deaths: Counter[int] = Counter()

    def lost(self, jobs: Iterable[Job], alone: bool) -> list[Done]:
        """A worker is gone that had these in hand; the records of those that are given up."""
        given_up = []
        for job in jobs:
            self._deaths[job.ordinal] += 1
            if alone and self._deaths[job.ordinal] >= self._most:
                given_up.append(died(job))
            else:
                self.waiting.append(job)
        return given_up
