"""The same store on a PostgreSQL server of its own, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from assistant.accounts.engine import reading, writing
from assistant.accounts.local import PasswordState
from assistant.accounts.open import open_accounts, open_local
from assistant.dialogue.types import Failed, Refused, ResetDone
from assistant.errors import AccountError
from tests.accounts_tools import Store, die_at, fork, opened, settings, statements

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not BINARIES, reason="PostgreSQL server programs are not installed"),
]


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of a cluster in a folder of its own, on a Unix socket only."""
    pytest.importorskip("psycopg")
    folder, user = Path(tempfile.mkdtemp(prefix="pg-")), _server_user()
    if user is not None:
        shutil.chown(folder, user)
    programs, data = BINARIES[-1].parent, folder / "data"

    def run(program: str, *args: str) -> None:
        command = [str(programs / program), *args]
        subprocess.run(
            command, check=True, user=user, cwd=folder, env={}, stdout=subprocess.DEVNULL
        )

    run("initdb", "-D", str(data), "-U", "tester", "--auth=trust", "--no-sync", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://tester@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def store(server: str, tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path, url=server, key_file=tmp_path / "store.key") as store:
        yield store
        store.accounts.close()
        with writing(store.looking) as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))


def test_an_empty_server_asks_for_the_upgrade(server: str, tmp_path: Path) -> None:
    chosen = settings(tmp_path).model_copy(update={"database_url": server})
    with pytest.raises(AccountError) as caught:
        open_accounts(chosen)
    assert caught.value.code == "accounts-upgrade-needed"


def test_migrations_make_the_tables_of_the_models(store: Store) -> None:
    with reading(store.looking) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_resets_limits_and_history(store: Store) -> None:
    pair = store.pair(contact="lan@example.vn")
    done = store.accounts.verify_and_reset(pair.phone, pair.code, "1")
    assert isinstance(done, ResetDone)
    assert store.accounts.check_password(pair.code, done.password) is PasswordState.MUST_CHANGE
    assert store.accounts.show(phone=pair.phone)[0].resets == 1
    for number in range(5):
        outcome = store.accounts.verify_and_reset(pair.phone, store.other().code, f"x{number}")
        assert outcome == Refused()
    assert store.accounts.verify_and_reset(pair.phone, pair.code, "2") == Refused()
    store.clock.forward(hours=24, seconds=1)
    assert isinstance(store.accounts.verify_and_reset(pair.phone, pair.code, "3"), ResetDone)
    assert store.accounts.is_invented(pair.phone, pair.code)
    assert store.accounts.verify_audit().intact
    for change in ("UPDATE audit SET kind = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(DBAPIError, match="append-only"), writing(store.looking) as connection:
            connection.execute(text(change))


def test_refusals_run_the_same_statements(store: Store) -> None:
    pair = store.pair()
    seen = {
        tuple(
            statements(
                store.accounts, partial(store.accounts.verify_and_reset, phone, code, code + "c")
            )
        )
        for phone, code in (
            (store.other().phone, pair.code),
            (pair.phone, store.other().code),
            (None, store.other().code),
        )
    }
    assert len(seen) == 1
    assert any("FOR UPDATE" in statement for statement in next(iter(seen)))


def test_simultaneous_resets_and_failures_are_counted_exactly(store: Store) -> None:
    pair, other = store.pair(), store.pair()
    wrong = [store.other().code for _ in range(8)]
    outcomes: list[object] = []
    gate = threading.Barrier(16)

    def call(number: int) -> None:
        phone, code = (pair.phone, pair.code) if number % 2 else (other.phone, wrong[number // 2])
        gate.wait()
        outcomes.append(store.accounts.verify_and_reset(phone, code, f"call {number}"))

    threads = [threading.Thread(target=call, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(type(o) for o in outcomes) == {ResetDone: 3, Refused: 13}
    counted = store.rows("SELECT reason, count(*) FROM attempts GROUP BY reason ORDER BY 1")
    assert counted == [("done", 3), ("mismatch", 5), ("phone_locked", 3), ("reset_limit", 5)]
    assert store.accounts.verify_audit().intact


def test_killed_at_every_statement_nothing_changes(store: Store) -> None:
    pair = store.pair()
    before = store.counts()
    store.accounts.close()
    store.looking.dispose()

    for step in range(1, 100):
        child = fork(partial(die_at, store, step, pair.phone, pair.code))
        if os.waitpid(child, 0)[1] == 0:
            break
        assert store.counts() == before
        store.looking.dispose()
    assert step > 12
    assert [b - a for a, b in zip(before, store.counts(), strict=True)] == [1, 1, 1, 1]


def _cut_off(store: Store) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with writing(store.looking) as connection:
        connection.execute(text(others))


def test_a_server_that_is_away_is_trouble(server: str, store: Store) -> None:
    before = store.counts()
    assert store.accounts.trouble() is None
    assert store.counts() == before
    door = Path(server.partition("host=")[2]) / ".s.PGSQL.5432"
    _cut_off(store)
    door.rename(door.with_suffix(".aside"))
    assert store.accounts.trouble() == "OperationalError"
    door.with_suffix(".aside").rename(door)
    assert store.accounts.trouble() is None


def test_a_lost_connection_is_replaced(store: Store) -> None:
    pair = store.pair()
    _cut_off(store)
    assert isinstance(store.accounts.verify_and_reset(pair.phone, pair.code, "1"), ResetDone)


def test_a_writer_that_waits_too_long_fails(server: str, tmp_path: Path, store: Store) -> None:
    chosen = store.settings.model_copy(
        update={"security": store.settings.security.model_copy(update={"lock_wait": 0.2})}
    )
    pair = store.pair()
    impatient = open_local(chosen, store.clock)
    with writing(store.looking):
        assert impatient.verify_and_reset(pair.phone, pair.code, "1") == Failed()
        with pytest.raises(AccountError) as caught:
            open_local(chosen, store.clock)
    assert caught.value.code == "accounts-database-busy"
    assert isinstance(impatient.verify_and_reset(pair.phone, pair.code, "1"), ResetDone)
    impatient.close()
