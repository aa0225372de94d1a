"""Opening a store: new, foreign, broken, read-only, with the wrong key, and the schema."""

from __future__ import annotations

import logging
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

from assistant.accounts import schema
from assistant.accounts.engine import open_engine, reading, writing
from assistant.accounts.keys import create_keys
from assistant.accounts.local import LocalAccounts
from assistant.accounts.open import open_accounts, open_local
from assistant.accounts.remote import RemoteAccounts
from assistant.errors import AccountError, AssistantError
from assistant.settings import Remote, Settings
from tests.accounts_tools import opened, security


def _settings(url: str, **limits: object) -> Settings:
    return Settings(database_url=url, security=security(lock_wait=0.1, **limits))


def _code(settings: Settings) -> str:
    with pytest.raises(AssistantError) as caught:
        open_accounts(settings).close()
    assert caught.value.hint
    return caught.value.code


def test_a_new_file_gets_tables_key_and_private_modes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = _settings(f"sqlite:///{tmp_path}/var/new.sqlite3")
    store = open_accounts(settings)
    assert isinstance(store, LocalAccounts)
    folder = tmp_path / "var"
    assert (folder / "new.key").exists()
    assert all(stat.S_IMODE(p.stat().st_mode) == 0o600 for p in folder.iterdir())
    assert "new.key" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING
    store.close()
    caplog.clear()
    open_accounts(settings).close()
    assert caplog.text == ""


def test_a_memory_store_works(tmp_path: Path) -> None:
    store = open_accounts(_settings("sqlite://", key_file=tmp_path / "some.key"))
    assert isinstance(store, LocalAccounts)
    assert store.verify_audit().rows == 1
    store.close()


def test_wal_and_pragmas(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert store.rows(f"PRAGMA {pragma}") == [(value,)]


def test_migrations_make_the_tables_of_the_models(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/a.sqlite3")
    with writing(engine) as connection:
        assert schema.state(connection) is schema.Schema.EMPTY
        schema.upgrade(connection)
        schema.upgrade(connection)
    with reading(engine) as connection:
        assert schema.state(connection) is schema.Schema.CURRENT
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_a_failed_migration_leaves_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/a.sqlite3")
    with suppress(ZeroDivisionError), writing(engine) as connection:
        schema.upgrade(connection)
        assert schema.state(connection) is schema.Schema.CURRENT
        raise ZeroDivisionError
    with reading(engine) as connection:
        assert schema.state(connection) is schema.Schema.EMPTY
    engine.dispose()


@pytest.mark.parametrize(
    ("version", "code"),
    [("0000", "accounts-database-newer"), ("9999", "accounts-database-newer")],
)
def test_a_version_that_is_not_ours(tmp_path: Path, version: str, code: str) -> None:
    with opened(tmp_path) as store, writing(store.looking) as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")
    assert _code(_settings(f"sqlite:///{tmp_path}/store.sqlite3")) == code


def test_an_old_version_asks_for_the_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path):
        monkeypatch.setattr(schema, "state", lambda connection: schema.Schema.BEHIND)
    settings = _settings(f"sqlite:///{tmp_path}/store.sqlite3")
    assert _code(settings) == "accounts-upgrade-needed"
    open_local(settings, upgrade=True).close()


def test_somebody_elses_tables_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    settings = _settings(f"sqlite:///{path}")
    assert _code(settings) == "accounts-database-foreign"
    with pytest.raises(AccountError):
        open_local(settings, upgrade=True)
    assert not (tmp_path / "other.key").exists()


def test_files_that_are_no_database(tmp_path: Path) -> None:
    path = tmp_path / "text.sqlite3"
    path.write_text("Đây không phải là cơ sở dữ liệu.\n" * 200, encoding="utf-8")
    assert _code(_settings(f"sqlite:///{path}")) == "accounts-not-a-database"
    assert path.read_text(encoding="utf-8").startswith("Đây không")


def test_a_damaged_database(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.pair()
    path = tmp_path / "store.sqlite3"
    data = bytearray(path.read_bytes())
    data[100:4096] = bytes(range(256)) * 16
    path.write_bytes(data[: 100 + 3996])
    assert _code(_settings(f"sqlite:///{path}")) in (
        "accounts-database-damaged",
        "accounts-not-a-database",
    )


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert _code(_settings(f"sqlite:///{tmp_path}/file/a.sqlite3")) == "accounts-not-writable"
    assert _code(_settings(f"sqlite:///{tmp_path}")) == "accounts-not-writable"
    with opened(tmp_path):
        pass
    read_only = _settings(
        f"sqlite:///file:{tmp_path}/store.sqlite3?mode=ro&uri=true",
        key_file=tmp_path / "store.key",
    )
    assert _code(read_only) == "accounts-not-writable"


def test_a_database_that_another_program_holds(tmp_path: Path) -> None:
    with opened(tmp_path) as store, writing(store.looking):
        code = _code(_settings(f"sqlite:///{tmp_path}/store.sqlite3"))
    assert code == "accounts-database-busy"


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u@h/d", "sqlite+nothing:///x"])
def test_urls_that_name_no_store(url: str) -> None:
    assert _code(_settings(url)) == "accounts-url-invalid"


def test_a_server_that_is_away() -> None:
    # Port 1 of this machine: nobody listens there.
    settings = _settings("postgresql://nobody@127.0.0.1:1/none")
    assert _code(settings) == "accounts-database-away"


def test_a_lost_key_is_never_replaced(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        pair = store.pair()
    settings = _settings(f"sqlite:///{tmp_path}/store.sqlite3")
    key = tmp_path / "store.key"
    kept = key.rename(tmp_path / "elsewhere.key")
    assert _code(settings) == "accounts-key-missing"
    assert not key.exists()
    create_keys(key)
    assert _code(settings) == "accounts-key-mismatch"
    elsewhere = _settings(settings.database_url, key_file=kept)
    store_again = open_local(elsewhere)
    assert store_again.show(phone=pair.phone)
    store_again.close()


def test_the_settings_choose_the_system(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("ab" * 32, encoding="ascii")
    secret.chmod(0o600)

    def chosen(**remote: object) -> Settings:
        return Settings(database_url="sqlite://", remote=Remote(**remote))

    store = open_accounts(chosen(url="https://accounts.example.vn/r", secret_file=secret))
    assert isinstance(store, RemoteAccounts)
    assert not store.is_invented("0912345678", "0123456789")
    store.close()
    url = "https://accounts.example.vn/r"
    assert _code(chosen(url="accounts.example.vn", secret_file=secret)) == "remote-url-invalid"
    assert _code(chosen(url="ftp://a.example.vn", secret_file=secret)) == "remote-url-invalid"
    assert _code(chosen(url="https://u:p@a.vn/", secret_file=secret)) == "remote-url-invalid"
    assert _code(chosen(url="http://a.example.vn", secret_file=secret)) == "remote-url-insecure"
    assert _code(chosen(url=url)) == "remote-secret-missing"
    assert _code(chosen(url=url, secret_file=tmp_path / "no")) == "remote-secret-missing"
    assert _code(chosen(url=url, secret_file=secret, ca_file=secret)) == "remote-ca-invalid"
    secret.chmod(0o640)
    assert _code(chosen(url=url, secret_file=secret)) == "remote-secret-open"
    short = tmp_path / "short"
    short.write_text("too short", encoding="ascii")
    short.chmod(0o600)
    assert _code(chosen(url=url, secret_file=short)) == "remote-secret-short"
