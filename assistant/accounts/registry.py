"""Accounts come in: one by one or many at once; and what may be shown of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, update

from assistant.accounts import audit, outbox
from assistant.accounts.keys import Keys
from assistant.accounts.limits import FAILURES
from assistant.accounts.reset import ACCOUNTS, ATTEMPTS, RESETS
from assistant.settings import Security


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A pair to register. ``phone`` is E.164, ``code`` 10 or 12 digits."""

    phone: str = field(repr=False)
    code: str = field(repr=False)
    contact: str | None = field(default=None, repr=False)  # None: an SMS to the phone itself
    invented: bool = False


class Change(StrEnum):
    """What registering did."""

    ADDED = "added"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    CONFLICT = "conflict"  # the code has another phone, and replacing was not asked for


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


def register(
    connection: Connection,
    keys: Keys,
    accounts: Sequence[NewAccount],
    at: datetime,
    *,
    replace: bool,
) -> list[Change]:
    """Register every account in the caller's write transaction; one ``Change`` for each."""
    entries: list[audit.Entry] = []
    changes = [_register(connection, keys, new, at, replace, entries) for new in accounts]
    if entries:
        audit.append(connection, keys.audit, *entries)
    return changes


def _register(
    connection: Connection,
    keys: Keys,
    new: NewAccount,
    at: datetime,
    replace: bool,
    entries: list[audit.Entry],
) -> Change:
    code_mac, phone_mac = keys.code_mac(new.code), keys.phone_mac(new.phone)
    contact = new.contact or new.phone
    old = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.code_mac == code_mac)).first()
    if old is None:
        row = {
            "code_mac": code_mac,
            "phone_mac": phone_mac,
            "contact": keys.seal(contact, code_mac),
            "invented": new.invented,
            "must_change": False,
            "created_at": at,
            "updated_at": at,
        }
        added = connection.execute(insert(ACCOUNTS).values(row).returning(ACCOUNTS.c.id))
        detail = {"invented": new.invented}
        entries.append(audit.Entry(at, audit.Kind.ACCOUNT_ADDED, added.scalar_one(), detail=detail))
        return Change.ADDED
    same_phone = old.phone_mac == phone_mac
    if not same_phone and not replace:
        return Change.CONFLICT
    had = keys.unseal(old.contact, code_mac) if old.contact is not None else None
    # Leaving the contact out keeps the one there is, unless that was the old phone itself.
    keep = new.contact is None and had is not None and (same_phone or "@" in had)
    if same_phone and (keep or had == contact):
        return Change.UNCHANGED
    values = {"phone_mac": phone_mac, "updated_at": at}
    if not keep:
        values["contact"] = keys.seal(contact, code_mac)
    connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == old.id).values(**values))
    kind = audit.Kind.CONTACT_CHANGED if same_phone else audit.Kind.PHONE_CHANGED
    entries.append(audit.Entry(at, kind, old.id))
    if not same_phone:
        outbox.queue(connection, outbox.Kind.PHONE_CHANGED, old.id, at)
    return Change.UPDATED


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
    found = []
    for row in connection.execute(wanted).all():
        contact = keys.unseal(row.contact, row.code_mac) if row.contact is not None else None
        resets = connection.execute(
            select(func.count()).where(RESETS.c.account_id == row.id, RESETS.c.at > since)
        ).scalar_one()
        failures = connection.execute(
            select(func.count()).where(
                ATTEMPTS.c.phone_mac == row.phone_mac,
                ATTEMPTS.c.reason.in_(FAILURES),
                ATTEMPTS.c.at > since,
            )
        ).scalar_one()
        found.append(
            AccountView(
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
        )
    return found


def mask(value: str) -> str:
    """``•••••••••78`` or ``l•••@host``: enough to recognise one's own, not to learn another's."""
    name, at, host = value.partition("@")
    if at:
        return f"{name[:1]}•••@{host}"
    shown = 2 if len(value) >= 6 else 0
    hidden = len(value) - shown
    return "".join("•" if c.isalnum() else c for c in value[:hidden]) + value[hidden:]
