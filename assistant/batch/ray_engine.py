"""The engine of many machines: a Ray cluster (extra ``ray``), one actor a core.

The model is loaded once an actor. When an actor or its machine dies, another takes its place
and what it had in hand is run again, one by one; a result is counted once, because only what
comes back is written, and the journal takes each ordinal once. A job that loses its actor three
times is reported."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from assistant.batch.pool import Chunk, chunks, died
from assistant.batch.work import Done, Job, MakeStage, do
from assistant.errors import AssistantError, DependencyError

_AHEAD = 2  # chunks waiting at each actor
_DEATHS = 3  # of the actor that has a job in hand, then the job is the culprit
_POLL = 1.0  # s between two looks at whether to stop


class _Worker:
    """Lives in an actor; the model is loaded with the first job."""

    def __init__(self, make_stage: MakeStage, keep_audio: str) -> None:
        self._make_stage, self._keep_audio = make_stage, keep_audio
        self._stage: Any = None

    def work(self, chunk: Chunk) -> list[Done] | AssistantError:
        try:
            self._stage = self._stage or self._make_stage()
        except AssistantError as error:
            return error  # a coded error crosses the wire as what it is
        return [do(self._stage, job, self._keep_audio) for job in chunk]

    def pid(self) -> int:
        import os

        return os.getpid()


class RayEngine:
    """Runs jobs on the cluster at ``address`` (None: a cluster of this machine, for this run)."""

    def __init__(
        self,
        make_stage: MakeStage,
        workers: int,
        address: str | None = None,
        keep_audio: str = "failed",
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ray = _ray()
        self._stopped = stopped
        self._own = not self._ray.is_initialized()
        if self._own:
            self._connect(address, workers)
        self._make = (make_stage, keep_audio)
        self._actor = self._ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Worker)
        self.actors = [self._actor.remote(*self._make) for _ in range(workers)]
        self._load: dict[int, int] = dict.fromkeys(range(workers), 0)
        self._flying: dict[Any, tuple[int, Any, Chunk]] = {}  # place, actor, what it works on
        self._again: deque[Chunk] = deque()
        self._deaths: dict[int, int] = {}

    def run(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Results in the order in which they come back."""
        waiting = chunks(jobs)
        while True:
            self._submit(waiting)
            if not self._flying:
                return
            ready, _ = self._ray.wait(list(self._flying), timeout=_POLL)
            for reference in ready:
                yield from self._result(reference)

    def close(self) -> None:
        for actor in self.actors:
            self._ray.kill(actor, no_restart=True)
        self.actors = []
        if self._own:
            self._ray.shutdown()

    def _connect(self, address: str | None, workers: int) -> None:
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
        if address is None:
            options |= {"num_cpus": workers, "include_dashboard": False}
        try:
            self._ray.init(address=address, **options)
        except (ConnectionError, ValueError) as error:
            raise DependencyError(
                "ray-address",
                f"Không nối được cụm Ray {address}: {type(error).__name__}.",
                "Kiểm tra --address, ví dụ ray://may-chu:10001, và phiên bản Ray hai bên.",
            ) from None

    def _submit(self, waiting: Iterator[Chunk]) -> None:
        """Keep every actor busy; what was lost goes first."""
        while True:
            number = min(self._load, key=lambda n: self._load[n])
            if self._load[number] >= _AHEAD:
                return
            chunk = self._again.popleft() if self._again else None
            if chunk is None and not self._stopped():
                chunk = next(waiting, None)
            if chunk is None:
                return
            actor = self.actors[number]
            self._flying[actor.work.remote(chunk)] = (number, actor, chunk)
            self._load[number] += 1

    def _result(self, reference: Any) -> list[Done]:
        number, actor, chunk = self._flying.pop(reference)
        self._load[number] -= 1
        try:
            done: list[Done] | AssistantError = self._ray.get(reference)
        except self._ray.exceptions.RayError:
            self._replace(number, actor)
            return self._lost(chunk)
        if isinstance(done, AssistantError):
            raise done
        return done

    def _replace(self, number: int, dead: Any) -> None:
        """Put a new actor in the place of a dead one; once, however much it had in hand."""
        if self.actors[number] is dead:
            self._ray.kill(dead, no_restart=True)
            self.actors[number] = self._actor.remote(*self._make)

    def _lost(self, chunk: Chunk) -> list[Done]:
        """Jobs whose actor died: again, one by one, unless they did it too often."""
        given_up = []
        for job in chunk:
            deaths = self._deaths[job.ordinal] = self._deaths.get(job.ordinal, 0) + 1
            if deaths >= _DEATHS:
                given_up.append(died(job))
            else:
                self._again.append((job,))
        return given_up


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise DependencyError(
            "ray-missing",
            "Chạy trên nhiều máy cần Ray.",
            "Cài: pip install 'vssid-voice-assistant[ray]'",
        ) from None
    return ray
