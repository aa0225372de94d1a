"""Between a call that has ended and the disk: captured turns wait here for a thread of their own.

The thread that steps calls must never wait for a disk, so it only puts turns in. What is in is
written, however slow the disk is: ``close`` waits for it, and so does the interpreter's end. A
disk that stands still costs a bounded amount of memory; past it turns are lost, and the log says
so (``capture-full``), as it does of a turn that could not be written (``capture-lost``)."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Protocol

from assistant.call.capture import Utterance

log = logging.getLogger(__name__)


class Store(Protocol):
    """Where turns end up."""

    def add(self, utterance: Utterance, now: datetime) -> object: ...


class CaptureQueue:
    """Writes turns one after the other. ``most``: bytes of sound that may wait."""

    def __init__(self, store: Store, most: int) -> None:
        self._store, self._most = store, most
        self._waiting = 0  # bytes
        self._lock = threading.Lock()
        # An executor's thread is joined at the interpreter's end: nothing is lost without close.
        self._writer = ThreadPoolExecutor(1, "captures")

    def put(self, call_id: str, utterance: Utterance, now: datetime) -> None:
        """Have a turn of a call kept. Returns at once and never raises."""
        size = len(utterance.pcm)
        with self._lock:
            fits = self._waiting + size <= self._most
            self._waiting += size if fits else 0
        if not fits:
            log.error("capture-full %s: the disk is too slow, a turn was dropped", call_id)
            return
        try:
            written = self._writer.submit(self._store.add, utterance, now)
        except RuntimeError:  # closed
            log.error("capture-lost %s: the call ended after the shutdown", call_id)
            return
        written.add_done_callback(partial(self._written, call_id, size))

    def close(self) -> None:
        """Wait until everything is written."""
        self._writer.shutdown()

    def _written(self, call_id: str, size: int, written: Future[object]) -> None:
        with self._lock:
            self._waiting -= size
        error = written.exception()
        if error is not None:  # what kind, never the message: it names the file
            why = error.strerror if isinstance(error, OSError) else None
            log.error("capture-lost %s: %s", call_id, why or type(error).__name__)
