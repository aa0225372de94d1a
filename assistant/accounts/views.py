"""What may be shown of an account: no phone, no code, no contact in full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from assistant.accounts.keys import Keys
from assistant.accounts.limits import FAILURES
from assistant.accounts.reset import ACCOUNTS, ATTEMPTS, RESETS, count
from assistant.settings import Security


@dataclass(frozen=True, slots=True)
class AccountView:
    """What an operator may see: no phone, no code, no contact in full."""

    id: int
    invented: bool
    contact: str | None  # masked
    has_password: bool
    must_change: bool
    password_set_at: datetime | None
    password_expires_at: datetime | None
    resets: int  # in the window
    resets_left: int
    phone_failures: int  # in the window
    phone_locked: bool
    created_at: datetime


def is_invented(connection: Connection, phone_mac: bytes, code_mac: bytes) -> bool:
    """Is this very pair registered and marked as test data?"""
    same = (ACCOUNTS.c.code_mac == code_mac) & (ACCOUNTS.c.phone_mac == phone_mac)
    found = connection.execute(select(ACCOUNTS.c.invented).where(same)).first()
    return found is not None and bool(found.invented)


def views(
    connection: Connection,
    keys: Keys,
    now: datetime,
    limits: Security,
    *,
    phone: str | None = None,
    code: str | None = None,
) -> list[AccountView]:
    """The accounts of a phone (E.164), of a code, or of both together."""
    wanted = select(ACCOUNTS).order_by(ACCOUNTS.c.id)
    if phone is not None:
        wanted = wanted.where(ACCOUNTS.c.phone_mac == keys.phone_mac(phone))
    if code is not None:
        wanted = wanted.where(ACCOUNTS.c.code_mac == keys.code_mac(code))
    since = now - timedelta(hours=limits.window_hours)
    rows = connection.execute(wanted).all()
    return [_view(connection, keys, row, since, limits) for row in rows]


def _view(
    connection: Connection, keys: Keys, row: Row[Any], since: datetime, limits: Security
) -> AccountView:
    resets = count(connection, RESETS.c.account_id == row.id, RESETS.c.at > since)
    failures = count(
        connection,
        ATTEMPTS.c.phone_mac == row.phone_mac,
        ATTEMPTS.c.reason.in_(FAILURES),
        ATTEMPTS.c.at > since,
    )
    contact = keys.unseal(row.contact, row.code_mac) if row.contact is not None else None
    return AccountView(
        id=row.id,
        invented=row.invented,
        contact=mask(contact) if contact else None,
        has_password=row.password_hash is not None,
        must_change=row.must_change,
        password_set_at=row.password_set_at,
        password_expires_at=row.password_expires_at,
        resets=resets,
        resets_left=max(0, limits.resets_per_account - resets),
        phone_failures=failures,
        phone_locked=failures >= limits.failures_per_phone,
        created_at=row.created_at,
    )


def mask(value: str) -> str:
    """``•••••••••78`` or ``l•••@host``: enough to recognise one's own, not to learn another's."""
    name, at, host = value.partition("@")
    if at:
        return f"{name[:1]}•••@{host}"
    shown = 2 if len(value) >= 6 else 0
    hidden = len(value) - shown
    return "".join("•" if c.isalnum() else c for c in value[:hidden]) + value[hidden:]
