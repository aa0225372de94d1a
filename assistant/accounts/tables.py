"""The tables. Phone, code and call id are keyed HMACs; the contact is sealed; times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    TypeDecorator,
)
from sqlmodel import Field, SQLModel


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, stored and returned in UTC. SQLite keeps no zone, so a naive value
    is refused on the way in and labelled UTC on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the account store")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _time(**options: Any) -> Any:
    return Field(sa_column=Column(UtcTime, **options))


def _bytes(**options: Any) -> Any:
    return Field(sa_column=Column(LargeBinary, **options))


class Account(SQLModel, table=True):
    """One registered pair of phone and code. A phone may have several (a family), a code one."""

    __tablename__ = "accounts"

    id: int | None = Field(default=None, primary_key=True)
    code_mac: bytes = _bytes(nullable=False, unique=True)
    phone_mac: bytes = _bytes(nullable=False, index=True)
    contact: bytes | None = _bytes(nullable=True)  # sealed; where notifications go
    invented: bool = Field(default=False)  # test data: recordings may keep secret turns
    password_hash: str | None = None  # argon2id, PHC string
    password_set_at: datetime | None = _time(nullable=True)
    password_expires_at: datetime | None = _time(nullable=True)  # to first use
    must_change: bool = Field(default=False)
    created_at: datetime = _time(nullable=False)
    updated_at: datetime = _time(nullable=False)


class Attempt(SQLModel, table=True):
    """One verification, however it ended."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index("ix_attempts_phone", "phone_mac", "at"),
        Index("ix_attempts_code", "code_mac", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = _time(nullable=False)
    call_mac: bytes = _bytes(nullable=False, index=True)
    phone_mac: bytes = _bytes(nullable=False)
    code_mac: bytes = _bytes(nullable=False)
    reason: str  # limits.Reason


class Reset(SQLModel, table=True):
    """One successful reset."""

    __tablename__ = "resets"
    __table_args__ = (Index("ix_resets_account", "account_id", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = _time(nullable=False)
    account_id: int = Field(sa_column=Column(ForeignKey("accounts.id"), nullable=False))


class AuditRow(SQLModel, table=True):
    """One event of the history; triggers refuse any change or removal."""

    __tablename__ = "audit"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = _time(nullable=False)
    kind: str  # audit.Kind
    account_id: int | None = None  # no foreign key: history outlives the account
    call_mac: bytes | None = _bytes(nullable=True)
    detail: str  # JSON, no personal data
    previous: bytes = _bytes(nullable=False)
    hash: bytes = _bytes(nullable=False)


class Notification(SQLModel, table=True):
    """The outbox: what the owner of an account must be told, written with the event itself."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "sent_at", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = _time(nullable=False)
    account_id: int = Field(sa_column=Column(ForeignKey("accounts.id"), nullable=False))
    kind: str  # outbox.Kind
    contact: bytes | None = _bytes(nullable=True)  # sealed; the one at the time of the event
    tries: int = Field(default=0)
    due_at: datetime = _time(nullable=False)  # not before
    sent_at: datetime | None = _time(nullable=True)


class StoreKey(SQLModel, table=True):
    """Which key file belongs to this database: a check value, not the key."""

    __tablename__ = "store_key"
    __table_args__ = (CheckConstraint("id = 1", name="ck_store_key_single"),)

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    check_value: str


STORE_KEY = StoreKey.__table__  # type: ignore[attr-defined]
