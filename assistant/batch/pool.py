"""The engine of one machine: worker processes, each with the model loaded once.

Only a few jobs are in flight, so a set of any size takes the same memory. A worker that dies or
hangs takes nobody along: what was in flight is run again, one at a time, and a job that loses
its worker twice is reported as such."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.process import BaseProcess

from assistant.batch.hearing import Stage
from assistant.batch.work import Done, Job, MakeStage, Status, do
from assistant.errors import AssistantError

_CLIPS_AT_ONCE = 16  # a clip takes milliseconds; a call takes a second
_AHEAD = 2  # chunks waiting for each worker
_START = 5  # times the patience for workers that still load their model
_DEATHS = 2  # of a job's worker, then the job is the culprit

Chunk = tuple[Job, ...]

_stage: Stage | None = None
_trouble: AssistantError | None = None  # a stage that cannot be set up is no worker's death


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
    ``patience``: seconds without any result after which a worker hangs."""

    def __init__(
        self,
        make_stage: MakeStage,
        workers: int,
        keep_audio: str = "failed",
        stopped: Callable[[], bool] = lambda: False,
        patience: float = 120.0,
    ) -> None:
        self._make_stage, self._workers = make_stage, workers
        self._keep_audio, self._stopped = keep_audio, stopped
        self._patience = patience
        self._pool: ProcessPoolExecutor | None = None
        self._fresh = True  # nothing has come back from this pool yet
        self._flying: dict[Future[list[Done]], Chunk] = {}
        self._suspects: deque[Job] = deque()
        self._deaths: dict[int, int] = {}

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
        if self._suspects:
            if not self._flying:
                self._fly(pool, (self._suspects.popleft(),))
            return
        while len(self._flying) < self._workers * _AHEAD and not self._stopped():
            chunk = next(waiting, None)
            if chunk is None:
                return
            self._fly(pool, chunk)

    def _fly(self, pool: ProcessPoolExecutor, chunk: Chunk) -> None:
        try:
            self._flying[pool.submit(_work, chunk, self._keep_audio)] = chunk
        except BrokenProcessPool as error:
            broken: Future[list[Done]] = Future()
            broken.set_exception(error)
            self._flying[broken] = chunk

    def _collect(self, pool: ProcessPoolExecutor) -> tuple[list[Done], bool]:
        patience = self._patience * (_START if self._fresh else 1)
        finished, _ = wait(self._flying, patience, return_when=FIRST_COMPLETED)
        self._fresh = False
        if not finished:
            for process in _processes(pool):
                process.kill()
            finished, _ = wait(self._flying)  # every future says that its pool is broken
        done: list[Done] = []
        lost: list[Chunk] = []
        for future in finished:
            chunk = self._flying.pop(future)
            try:
                done += future.result()
            except (BrokenProcessPool, CancelledError):
                lost.append(chunk)
        if not lost:
            return done, False
        lost += self._flying.values()  # the whole pool is gone
        self._flying.clear()
        return done + self._count_deaths(lost), True

    def _count_deaths(self, lost: list[Chunk]) -> list[Done]:
        jobs = [job for chunk in lost for job in chunk]
        given_up = []
        for job in jobs:
            self._deaths[job.ordinal] = self._deaths.get(job.ordinal, 0) + 1
            # Only one that died alone is surely the culprit.
            if len(jobs) == 1 and self._deaths[job.ordinal] >= _DEATHS:
                given_up.append(died(job))
            else:
                self._suspects.append(job)
        return given_up


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


def died(job: Job) -> Done:
    """The record of a job that kills its worker."""
    failure = {
        "what": "crash",
        "turn": None,
        "expected": "-",
        "got": "the worker process died or hung",
    }
    record = {
        "kind": "call", "invented": True, "crash": "worker-lost", "failures": [failure],
        "seconds": 0.0, "elapsed": 0.0, "ordinal": job.ordinal, "id": job.entry.id,
        "source": job.entry.source, "tags": list(job.entry.tags), "round": job.round,
        "status": Status.ERROR, "known_failure": None,
    }  # fmt: skip
    return Done(job.ordinal, record)
