"""The engine of many machines: a Ray cluster (extra ``ray``), one actor a core.

The model is loaded once an actor. When an actor or its machine dies, or hangs, another takes its
place and what it had in hand is run again, each job alone; a result is counted once, because
only what comes back is written, and the journal takes each ordinal once. A job that loses its
actor three times is reported."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from assistant.batch.pool import Chunk, chunks
from assistant.batch.ray_cluster import connect
from assistant.batch.suspects import Suspects
from assistant.batch.work import Done, Job, MakeStage, do
from assistant.errors import AssistantError, DependencyError

_AHEAD = 2  # chunks waiting at each actor
_DEATHS = 3  # of the actor that has a job in hand, then the job is the culprit
_START = 5  # times the patience for an actor that still loads its model
_POLL = 1.0  # s between two looks at the clock, and at whether to stop


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


@dataclass(slots=True, eq=False)
class _Seat:
    """An actor and what it has in hand. ``heard``: when it last gave a result, or got work with
    none in hand; ``started``: answers once its process runs, which a busy cluster may delay."""

    actor: Any
    started: Any
    running: bool = False
    fresh: bool = True  # it has given no result yet
    heard: float = 0.0
    hands: list[Chunk] = field(default_factory=list)
    alone: bool = False  # what it has in hand is a suspect: nothing is added


class RayEngine:
    """Runs jobs on the cluster at ``address`` (None: a cluster of this machine, for this run).
    ``patience``: seconds of ``clock`` without a result after which an actor with work hangs."""

    def __init__(
        self,
        make_stage: MakeStage,
        workers: int,
        address: str | None = None,
        keep_audio: str = "failed",
        stopped: Callable[[], bool] = lambda: False,
        patience: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ray = _ray()
        self._stopped = stopped
        self._patience, self._clock = patience, clock
        self._own = not self._ray.is_initialized()
        if self._own:
            connect(self._ray, address, workers)
        self._make = (make_stage, keep_audio)
        self._actor = self._ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Worker)
        self._seats = [self._seat() for _ in range(workers)]
        self._flying: dict[Any, tuple[_Seat, Chunk]] = {}
        self._suspects = Suspects(_DEATHS)
        self._not_started = 0  # actors in a row

    @property
    def actors(self) -> list[Any]:
        return [seat.actor for seat in self._seats]

    def run(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Results in the order in which they come back."""
        waiting = chunks(jobs)
        while True:
            self._submit(waiting)
            starting = {seat.started: seat for seat in self._seats if not seat.running}
            if not self._flying and (len(starting) < len(self._seats) or self._stopped()):
                return
            ready, _ = self._ray.wait([*self._flying, *starting], timeout=_POLL)
            for reference in ready:
                if reference in starting:
                    self._begun(starting[reference])
                else:
                    yield from self._result(reference)
            self._end_those_that_hang()

    def close(self) -> None:
        for actor in self.actors:
            self._ray.kill(actor, no_restart=True)
        self._seats = []
        if self._own:
            self._ray.shutdown()

    def _seat(self) -> _Seat:
        actor = self._actor.remote(*self._make)
        return _Seat(actor, actor.pid.remote())

    def _begun(self, seat: _Seat) -> None:
        try:
            self._ray.get(seat.started)
        except self._ray.exceptions.RayError as error:
            self._not_started += 1
            if self._not_started > _DEATHS * len(self._seats):
                raise DependencyError(
                    "ray-worker",
                    f"Không khởi động được tiến trình nào trên cụm Ray: {type(error).__name__}.",
                    "Cài gói này, cùng phiên bản, trên mọi máy của cụm; xem nhật ký của Ray.",
                ) from None
            self._replace(seat)
        else:
            seat.running, self._not_started = True, 0

    def _submit(self, waiting: Iterator[Chunk]) -> None:
        """Keep every actor busy; a suspect has one to itself, and goes first."""
        running = [seat for seat in self._seats if seat.running]
        while self._suspects.waiting:
            idle = next((seat for seat in running if not seat.hands), None)
            if idle is None:
                return
            self._give(idle, (self._suspects.waiting.popleft(),), alone=True)
        while running and not self._stopped():
            free = [seat for seat in running if not seat.alone and len(seat.hands) < _AHEAD]
            chunk = next(waiting, None) if free else None
            if chunk is None:
                return
            self._give(min(free, key=lambda seat: len(seat.hands)), chunk)

    def _give(self, seat: _Seat, chunk: Chunk, alone: bool = False) -> None:
        if not seat.hands:
            seat.heard = self._clock()
        seat.hands.append(chunk)
        seat.alone = alone
        self._flying[seat.actor.work.remote(chunk)] = (seat, chunk)

    def _result(self, reference: Any) -> list[Done]:
        seat, chunk = self._flying.pop(reference)
        alone = seat.alone
        seat.hands.remove(chunk)
        seat.alone = False
        try:
            done: list[Done] | AssistantError = self._ray.get(reference)
        except self._ray.exceptions.RayError:
            self._replace(seat)
            return self._suspects.lost(chunk, alone)
        if isinstance(done, AssistantError):
            raise done
        seat.fresh, seat.heard = False, self._clock()
        return done

    def _replace(self, seat: _Seat) -> None:
        """Put a new actor in the place of a dead one; once, however much it had in hand."""
        if seat in self._seats:
            self._ray.kill(seat.actor, no_restart=True)
            self._seats[self._seats.index(seat)] = self._seat()

    def _end_those_that_hang(self) -> None:
        """What a killed actor had in hand comes back as lost, like that of one that died."""
        now = self._clock()
        for seat in self._seats:
            patience = self._patience * (_START if seat.fresh else 1)
            if seat.hands and now - seat.heard > patience:
                self._ray.kill(seat.actor, no_restart=True)
                seat.heard = now


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
