"""Stores for tests: a clock that can be turned, cheap hashes, invented pairs."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, event, text

from assistant.accounts.demo import DemoAccount, draw
from assistant.accounts.engine import open_engine, reading
from assistant.accounts.local import LocalAccounts
from assistant.accounts.open import open_local
from assistant.settings import Security, Settings

START = datetime(2026, 1, 31, 17, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands still until it is told to move."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **step: float) -> None:
        self.now += timedelta(**step)


def security(**changes: object) -> Security:
    """The real limits with a hash that takes no time."""
    return Security(**{"argon2_memory_kib": 64, "argon2_time": 1, **changes})


def settings(folder: Path, **limits: object) -> Settings:
    return Settings(
        database_url=f"sqlite:///{folder / 'store.sqlite3'}", security=security(**limits)
    )


@dataclass
class Store:
    """An open store, and a second connection that looks at its tables."""

    accounts: LocalAccounts
    clock: Clock
    settings: Settings
    rng: random.Random
    looking: Engine = field(repr=False)

    def pair(self, *, contact: str | None = None, invented: bool = True) -> DemoAccount:
        """Register a new invented pair."""
        pair = draw(self.rng)
        self.accounts.add(pair.phone, pair.code, contact, invented=invented)
        return pair

    def other(self) -> DemoAccount:
        """A pair that is not registered."""
        return draw(self.rng)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with reading(self.looking) as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def count(self, table: str) -> int:
        return int(str(self.rows(f"SELECT count(*) FROM {table}")[0][0]))

    def counts(self) -> tuple[int, ...]:
        return tuple(self.count(t) for t in ("attempts", "resets", "audit", "outbox"))


@contextmanager
def opened(
    folder: Path, seed: int = 1, url: str | None = None, **limits: object
) -> Iterator[Store]:
    """A fresh store in ``folder`` (or at ``url``)."""
    clock, chosen = Clock(), settings(folder, **limits)
    if url is not None:
        chosen = chosen.model_copy(update={"database_url": url})
    accounts = open_local(chosen, clock, upgrade=True, notice=lambda text: None)
    looking = open_engine(chosen.database_url)
    try:
        yield Store(accounts, clock, chosen, random.Random(seed), looking)
    finally:
        accounts.close()
        looking.dispose()


def statements(accounts: LocalAccounts, action: Callable[[], object]) -> list[str]:
    """The SQL that ``action`` runs on the store, in order, without parameters."""
    seen: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    engine = accounts._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        action()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return seen


def fork(work: Callable[[], object]) -> int:
    """Run ``work`` in a child process that never returns into the test."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(99)
    return child


def die_at(store: Store, step: int, phone: str, code: str) -> None:
    """Reset, and be killed right after the statement number ``step`` of the transaction."""
    accounts = open_local(store.settings, store.clock)
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(accounts._engine, "after_cursor_execute", count)
    event.listen(accounts._engine, "commit", count)
    accounts.verify_and_reset(phone, code, f"call {step}")
