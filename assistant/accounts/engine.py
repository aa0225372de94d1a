"""Connections: SQLite in WAL with safe pragmas, or PostgreSQL; one writer at a time."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from assistant.errors import AccountError, DependencyError

WRITES = "assistant_writes"  # execution option of a transaction that will write
WAL_PAUSE = 0.01  # seconds between two attempts at turning WAL on
WRITE_LOCK = 0x5653_7349_44  # PostgreSQL advisory lock: "VssID"

# synchronous=FULL: in WAL mode anything less may lose a commit with the power, and a password is
# spoken right after its commit. SQLite checks no foreign keys unless it is told to.
PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA temp_store = MEMORY",
)


def open_engine(url: str, lock_wait: float = 5.0) -> Engine:
    """An engine for ``url``; waits up to ``lock_wait`` seconds for another writer.

    Nothing is connected yet. Errors: accounts-url-invalid, DependencyError for a driver.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _bad_url() from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        return _sqlite(parsed, lock_wait)
    if parsed.get_backend_name() == "postgresql":
        return _postgres(parsed, lock_wait)
    raise _bad_url()


def sqlite_path(engine: Engine) -> Path | None:
    """The file of an SQLite database, None for one in memory or on a server."""
    name = engine.url.database
    if engine.url.get_backend_name() != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name.removeprefix("file:"))


def file_id(engine: Engine) -> tuple[int, int] | None:
    """Which file an SQLite database's path names now (device, inode); None: no file at all.

    A file that is deleted or replaced stays open in our connections: what is written there is
    lost, without an error."""
    path = sqlite_path(engine)
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found is not None else None


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that holds the write lock from its beginning; commits at the end.

    The audit chain has one head, so writers are serial anyway: SQLite's BEGIN IMMEDIATE and a
    PostgreSQL advisory lock make that wait explicit, and counting limits exact.
    """
    with engine.connect() as plain:
        connection = plain.execution_options(**{WRITES: True})
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": WRITE_LOCK})
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads: a consistent view, no lock that a writer waits for."""
    with engine.connect() as connection, connection.begin():
        yield connection


def _bad_url() -> AccountError:
    return AccountError(
        "accounts-url-invalid",
        "ASSISTANT_DATABASE_URL không phải là địa chỉ cơ sở dữ liệu dùng được.",
        "Ví dụ: sqlite:///var/assistant.sqlite3 hoặc postgresql://nguoi-dung@may-chu/ten",
    )


def _sqlite(url: URL, lock_wait: float) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": lock_wait, "check_same_thread": False},
        **({"poolclass": StaticPool} if url.database in (None, "", ":memory:") else {}),
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        # The driver would open transactions by itself, and too late; BEGIN is ours, below.
        connection.isolation_level = None
        _write_ahead(connection, lock_wait)
        for pragma in PRAGMAS:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: sqlite3.Connection, lock_wait: float) -> None:
    """Turn WAL on. While another connection does the same to a new file, SQLite answers "locked"
    at once, whatever the timeout (two locks in the wrong order would never end): ask again.
    """
    until = time.monotonic() + lock_wait
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(WAL_PAUSE)


def _postgres(url: URL, lock_wait: float) -> Engine:
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": max(1, round(lock_wait)),
                "options": f"-c lock_timeout={round(lock_wait * 1000)} -c timezone=UTC",
            },
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise DependencyError(
            "accounts-postgres-driver",
            "Chưa cài trình điều khiển PostgreSQL.",
            "Chạy: pip install 'vssid-voice-assistant[postgres]'",
        ) from None
    return engine


def private_file(path: Path) -> None:
    """Create ``path`` (mode 0600, SQLite gives its WAL the same) and its folder when missing.

    Errors: accounts-not-writable.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError:
        raise AccountError(
            "accounts-not-writable",
            f"Không ghi được cơ sở dữ liệu {path}.",
            "Kiểm tra quyền ghi của tệp và thư mục, hoặc đặt ASSISTANT_DATABASE_URL.",
        ) from None
