"""From settings to a ready account system, or a coded error that says what to do."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from assistant.accounts import audit, schema
from assistant.accounts.engine import open_engine, private_file, sqlite_path, writing
from assistant.accounts.keys import Keys, create_keys, read_keys
from assistant.accounts.local import LocalAccounts, utc_now
from assistant.accounts.remote import RemoteAccounts
from assistant.accounts.schema import Schema
from assistant.accounts.tables import STORE_KEY
from assistant.errors import AccountError
from assistant.settings import Settings

log = logging.getLogger(__name__)
Notice = Callable[[str], None]


def open_accounts(
    settings: Settings, clock: Callable[[], datetime] = utc_now, notice: Notice = log.warning
) -> LocalAccounts | RemoteAccounts:
    """The account system the settings name: the integrator's if there is a URL, else our own."""
    if settings.remote.url is not None:
        return RemoteAccounts.open(settings.remote, settings.security, clock)
    return open_local(settings, clock, notice=notice)


def open_local(
    settings: Settings,
    clock: Callable[[], datetime] = utc_now,
    *,
    upgrade: bool = False,
    notice: Notice = log.warning,
    below: Callable[[int], int] = secrets.randbelow,
) -> LocalAccounts:
    """Our own store. A new SQLite file gets its tables and its key; any other database that
    is not at this program's version is left alone unless ``upgrade``. ``below(n)`` draws the
    digits of passwords from 0..n-1; only a throw-away store may have another than the default.

    Errors: AccountError (accounts-*), DependencyError for a missing driver.
    """
    engine = open_engine(settings.database_url, settings.security.lock_wait)
    try:
        keys = _prepare(engine, settings, clock(), upgrade, notice)
    except SQLAlchemyError as error:
        engine.dispose()
        raise _explain(error, engine) from None
    except AccountError:
        engine.dispose()
        raise
    return LocalAccounts(engine, keys, settings.security, clock, below)


def _prepare(
    engine: Engine, settings: Settings, now: datetime, upgrade: bool, notice: Notice
) -> Keys:
    path = sqlite_path(engine)
    if path is not None and not str(engine.url.database).startswith("file:"):
        private_file(path)
    with writing(engine) as connection:
        state = schema.state(connection)
        _refuse_schema(state, upgrade or (state is Schema.EMPTY and _is_sqlite(engine)))
        if state is not Schema.CURRENT:
            schema.upgrade(connection)
        return _keys(connection, key_path(settings, engine), now, notice)


def key_path(settings: Settings, engine: Engine) -> Path:
    """Where the key lies: as set, or beside the database file."""
    if settings.security.key_file is not None:
        return settings.security.key_file
    database = sqlite_path(engine)
    return database.with_suffix(".key") if database is not None else Path("var/assistant.key")


def _keys(connection: Connection, path: Path, now: datetime, notice: Notice) -> Keys:
    stored = connection.execute(select(STORE_KEY.c.check_value)).scalar_one_or_none()
    if stored is None and create_keys(path):
        notice(
            f"Đã tạo tệp khoá {path}. Hãy sao lưu tệp này ở nơi khác với cơ sở dữ liệu: "
            "mất khoá là mất mọi tài khoản, lộ cả hai là lộ dữ liệu."
        )
    keys = read_keys(path)
    if stored is None:
        connection.execute(insert(STORE_KEY), [{"id": 1, "check_value": keys.check}])
        audit.append(connection, keys.audit, audit.Entry(now, audit.Kind.STORE_CREATED))
    elif stored != keys.check:
        raise AccountError(
            "accounts-key-mismatch",
            f"Tệp khoá {path} không phải là khoá của cơ sở dữ liệu này.",
            "Chép lại đúng tệp khoá, hoặc đặt ASSISTANT_SECURITY__KEY_FILE.",
        )
    else:
        # A write that changes nothing: a store that cannot be written is found now, not in a call.
        connection.execute(update(STORE_KEY).values(check_value=keys.check))
    return keys


def _is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def _refuse_schema(state: Schema, may_upgrade: bool) -> None:
    if state is Schema.FOREIGN:
        raise AccountError(
            "accounts-database-foreign",
            "Cơ sở dữ liệu này thuộc về chương trình khác.",
            "Đặt ASSISTANT_DATABASE_URL tới một cơ sở dữ liệu riêng.",
        )
    if state is Schema.AHEAD:
        raise AccountError(
            "accounts-database-newer",
            "Cơ sở dữ liệu đã được một phiên bản mới hơn của chương trình nâng cấp.",
            "Cài phiên bản mới nhất rồi chạy lại.",
        )
    if state is not Schema.CURRENT and not may_upgrade:
        raise AccountError(
            "accounts-upgrade-needed",
            "Cơ sở dữ liệu chưa ở phiên bản mà chương trình này cần.",
            "Sao lưu rồi chạy: assistant db upgrade",
        )


def _explain(error: SQLAlchemyError, engine: Engine) -> AccountError:
    """A coded error for the first trouble with a database; the driver's text is not shown."""
    text = str(error.orig).lower() if isinstance(error, DatabaseError) else ""
    if "not a database" in text:
        return AccountError(
            "accounts-not-a-database",
            "Tệp mà ASSISTANT_DATABASE_URL chỉ tới không phải là cơ sở dữ liệu SQLite.",
            "Kiểm tra đường dẫn; nếu tệp hỏng, chép lại bản sao lưu.",
        )
    if "malformed" in text:
        return AccountError(
            "accounts-database-damaged",
            "Cơ sở dữ liệu bị hỏng.",
            "Chép lại bản sao lưu cùng với tệp khoá của nó.",
        )
    if "readonly" in text or "read-only" in text:
        return AccountError(
            "accounts-not-writable",
            "Cơ sở dữ liệu chỉ đọc được, không ghi được.",
            "Kiểm tra quyền ghi của tệp và thư mục, hoặc đặt ASSISTANT_DATABASE_URL.",
        )
    if "locked" in text or "lock timeout" in text:
        return AccountError(
            "accounts-database-busy",
            "Cơ sở dữ liệu đang bận vì một chương trình khác giữ khoá ghi quá lâu.",
            "Thử lại sau, hoặc đóng chương trình kia.",
        )
    return AccountError(
        "accounts-database-away",
        "Không dùng được cơ sở dữ liệu.",
        "Kiểm tra ASSISTANT_DATABASE_URL, quyền của tệp và máy chủ có đang chạy không.",
    )
