"""Accounts come in, one or a hundred thousand: look-up values first, then one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from assistant.accounts import audit, outbox
from assistant.accounts.keys import Keys
from assistant.accounts.reset import ACCOUNTS

CHUNK = 500  # look-up values in one SELECT; SQLite before 3.32 allowed 999 parameters


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
class Prepared:
    """A ``NewAccount`` as the database will see it."""

    new: NewAccount = field(repr=False)
    code_mac: bytes = field(repr=False)
    phone_mac: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


def prepare(keys: Keys, accounts: Sequence[NewAccount]) -> list[Prepared]:
    """Do the cryptography before the write lock is taken: calls go on meanwhile."""
    prepared = []
    for new in accounts:
        code_mac = keys.code_mac(new.code)
        sealed = keys.seal(new.contact or new.phone, code_mac)
        prepared.append(Prepared(new, code_mac, keys.phone_mac(new.phone), sealed))
    return prepared


def register(
    connection: Connection,
    keys: Keys,
    accounts: Sequence[Prepared],
    at: datetime,
    *,
    replace: bool,
) -> list[Change]:
    """Register accounts (of different codes) in the caller's write transaction, each with its
    audit row; one ``Change`` for each."""
    known = _known(connection, [account.code_mac for account in accounts])
    changes, fresh = [], []
    entries: list[audit.Entry] = []
    for account in accounts:
        old = known.get(account.code_mac)
        if old is None:
            fresh.append(account)
            changes.append(Change.ADDED)
        else:
            changes.append(_change(connection, keys, old, account, at, replace, entries))
    entries.extend(_insert(connection, fresh, at))
    if entries:
        audit.append(connection, keys.audit, *entries)
    return changes


def _known(connection: Connection, code_macs: Sequence[bytes]) -> dict[bytes, Row[Any]]:
    known = {}
    for start in range(0, len(code_macs), CHUNK):
        some = code_macs[start : start + CHUNK]
        for row in connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.code_mac.in_(some))):
            known[row.code_mac] = row
    return known


def _insert(
    connection: Connection, accounts: Sequence[Prepared], at: datetime
) -> Iterator[audit.Entry]:
    if not accounts:
        return
    rows = [
        {
            "code_mac": account.code_mac,
            "phone_mac": account.phone_mac,
            "contact": account.sealed,
            "invented": account.new.invented,
            "must_change": False,
            "created_at": at,
            "updated_at": at,
        }
        for account in accounts
    ]
    returning = insert(ACCOUNTS).returning(ACCOUNTS.c.id, sort_by_parameter_order=True)
    ids = connection.execute(returning, rows).scalars().all()
    for account, account_id in zip(accounts, ids, strict=True):
        detail = {"invented": account.new.invented}
        yield audit.Entry(at, audit.Kind.ACCOUNT_ADDED, account_id, detail=detail)


def _change(
    connection: Connection,
    keys: Keys,
    old: Row[Any],
    account: Prepared,
    at: datetime,
    replace: bool,
    entries: list[audit.Entry],
) -> Change:
    same_phone = old.phone_mac == account.phone_mac
    if not same_phone and not replace:
        return Change.CONFLICT
    had = keys.unseal(old.contact, account.code_mac) if old.contact is not None else None
    wanted = account.new.contact
    # Leaving the contact out keeps an e-mail, and keeps the phone itself while it is the same.
    keep = had is not None and ("@" in had or same_phone if wanted is None else had == wanted)
    if same_phone and keep:
        return Change.UNCHANGED
    values = {"phone_mac": account.phone_mac, "updated_at": at}
    if not keep:
        values["contact"] = account.sealed
    notice = outbox.Kind.CONTACT_CHANGED if same_phone else outbox.Kind.PHONE_CHANGED
    outbox.queue(connection, notice, old.id, at)
    connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == old.id).values(**values))
    kind = audit.Kind.CONTACT_CHANGED if same_phone else audit.Kind.PHONE_CHANGED
    entries.append(audit.Entry(at, kind, old.id))
    return Change.UPDATED
