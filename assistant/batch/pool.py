"""The engine of one machine: worker processes, each with the model loaded once.

Only a few jobs are in flight, so a set of any size takes the same memory. A worker that dies or
hangs takes nobody along, and holds up the others for a bounded time: what was in flight is run
again, one at a time, and a job that loses its worker twice is reported as such."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing.process import BaseProcess

from assistant.batch.hearing import Stage
from assistant.batch.suspects import Suspects
from assistant.batch.work import Done, Job, MakeStage, do
from assistant.errors import AssistantError

_CLIPS_AT_ONCE = 16  # a clip takes milliseconds; a call takes a second
_AHEAD = 2  # chunks waiting for each worker
_START = 5  # times the patience for workers that still load their model
_LATE = 3  # times the patience for a chunk while others finish: two may stand before it
_POLL = 1.0  # s between two looks at the clock
_DEATHS = 2  # of a job's worker, then the job is the culprit

Chunk = tuple[Job, ...]

_stage: Stage | None = None
_trouble: AssistantError | None = None  # a stage that cannot be set up is no worker's death


@dataclass(frozen=True, slots=True)
class _Flight:
    chunk: Chunk
    since: float


def _prepare(make_stage: MakeStage) -> None:
    global _stage, _trouble
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    try:
        _stage = make_stage()
    except AssistantError as error:
        _trouble = error


def _work(chunk: Chunk, keep_audio: str) -> list[Done]:
    if _stage is None:
        raise _trouble or RuntimeError("the worker was not prepared")
    return [do(_stage, job, keep_audio) for job in chunk]


class Pool:
    """Runs jobs in ``workers`` processes. ``stopped``: asked before each submission;
    ``patience``: seconds of ``clock`` without any result after which a worker hangs."""

    def __init__(
        self,
        make_stage: MakeStage,
        workers: int,
        keep_audio: str = "failed",
        stopped: Callable[[], bool] = lambda: False,
        patience: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_stage, self._workers = make_stage, workers
        self._keep_audio, self._stopped = keep_audio, stopped
        self._patience, self._clock = patience, clock
        self._pool: ProcessPoolExecutor | None = None
        self._fresh = True  # nothing has come back from this pool yet
        self._flying: dict[Future[list[Done]], _Flight] = {}
        self._suspects = Suspects(_DEATHS)

    def run(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Results in the order in which they are finished."""
        waiting = chunks(jobs)
        while True:
            self._pool = self._pool or self._open()
            self._submit(self._pool, waiting)
            if not self._flying:
                return
            done, broken = self._collect(self._pool)
            if broken:
                self.close()
            yield from done

    def close(self) -> None:
        """End the workers; a later run starts new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            _kill(pool)

    def _open(self) -> ProcessPoolExecutor:
        self._fresh = True
        context = multiprocessing.get_context("spawn")  # Kaldi's threads do not survive a fork
        return ProcessPoolExecutor(
            self._workers, mp_context=context, initializer=_prepare, initargs=(self._make_stage,)
        )

    def _submit(self, pool: ProcessPoolExecutor, waiting: Iterator[Chunk]) -> None:
        """Fill up what is in flight; a suspect flies alone."""
        if self._suspects.waiting:
            if not self._flying:
                self._fly(pool, (self._suspects.waiting.popleft(),))
            return
        while len(self._flying) < self._workers * _AHEAD and not self._stopped():
            chunk = next(waiting, None)
            if chunk is None:
                return
            self._fly(pool, chunk)

    def _fly(self, pool: ProcessPoolExecutor, chunk: Chunk) -> None:
        flight = _Flight(chunk, self._clock())
        try:
            self._flying[pool.submit(_work, chunk, self._keep_audio)] = flight
        except BrokenProcessPool as error:
            broken: Future[list[Done]] = Future()
            broken.set_exception(error)
            self._flying[broken] = flight

    def _collect(self, pool: ProcessPoolExecutor) -> tuple[list[Done], bool]:
        done: list[Done] = []
        lost: list[Job] = []
        for future in self._finished(pool):
            flight = self._flying.pop(future)
            try:
                done += future.result()
            except (BrokenProcessPool, CancelledError):
                lost += flight.chunk
        if not lost:
            return done, False
        lost += (job for flight in self._flying.values() for job in flight.chunk)
        self._flying.clear()  # the whole pool is gone
        return done + self._suspects.lost(lost, alone=len(lost) == 1), True

    def _finished(self, pool: ProcessPoolExecutor) -> set[Future[list[Done]]]:
        """Wait for a result. When a worker hangs the pool is killed, and every future of it is
        finished."""
        patience = self._patience * (_START if self._fresh else 1)
        since, finished, hangs = self._clock(), set[Future[list[Done]]](), False
        while not finished and not hangs:
            finished, flying = wait(self._flying, _POLL, return_when=FIRST_COMPLETED)
            now = self._clock()
            late = any(now - self._flying[one].since > _LATE * patience for one in flying)
            hangs = late or (not finished and now - since > patience)
        self._fresh = False
        if hangs:
            for process in _processes(pool):
                process.kill()
            finished, _ = wait(self._flying)
        return finished


def _kill(pool: ProcessPoolExecutor) -> None:
    """End the pool without waiting: a decoder that hangs hears no request to stop."""
    processes = _processes(pool)
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    for process in processes:
        process.join()


def _processes(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    return list((pool._processes or {}).values())


def chunks(jobs: Iterable[Job]) -> Iterator[Chunk]:
    """Calls one by one, recordings several at once; lazily."""
    rest = iter(jobs)
    for first in rest:
        if first.entry.clip is None:
            yield (first,)
            continue
        yield (first, *islice(rest, _CLIPS_AT_ONCE - 1))
