"""The history: append-only rows, each chained to the one before by a keyed hash.

Someone who can write the database but has no key can neither change, insert, remove nor
reorder rows unseen. Cutting off the newest rows leaves a valid shorter chain: compare with a
head noted elsewhere (``verify(known=…)``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from assistant.accounts.tables import AuditRow

GENESIS = bytes(32)
AUDIT = AuditRow.__table__  # type: ignore[attr-defined]


class Kind(StrEnum):
    """What happened."""

    STORE_CREATED = "store_created"
    ACCOUNT_ADDED = "account_added"
    PHONE_CHANGED = "phone_changed"
    CONTACT_CHANGED = "contact_changed"
    RESET = "reset"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. ``detail`` is published by ``audit`` commands: no personal data in it."""

    at: datetime
    kind: Kind
    account_id: int | None = None
    call_mac: bytes | None = None
    detail: Mapping[str, str | int | bool] | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row; note it elsewhere to notice a later cut."""

    seq: int
    hash: str  # hex

    @classmethod
    def parse(cls, text: str) -> Head | None:
        """The form ``12:9f86…`` that ``str`` writes."""
        seq, _, digest = text.partition(":")
        return cls(int(seq), digest.lower()) if seq.isascii() and seq.isdigit() else None

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Report:
    """Result of a verification. ``broken_at``: first row that does not fit, None when all do."""

    rows: int
    head: Head
    broken_at: int | None = None

    @property
    def intact(self) -> bool:
        return self.broken_at is None


def append(connection: Connection, key: bytes, *entries: Entry) -> None:
    """Add rows in the caller's write transaction (which holds the write lock)."""
    newest = select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)
    row = connection.execute(newest).first()
    seq, previous = (row.seq, row.hash) if row else (0, GENESIS)
    rows = []
    for entry in entries:
        seq += 1
        detail = json.dumps(entry.detail or {}, sort_keys=True)
        digest = _hash(
            key, previous, seq, entry.at, entry.kind, entry.account_id, entry.call_mac, detail
        )
        rows.append(
            {
                "seq": seq,
                "at": entry.at,
                "kind": entry.kind.value,
                "account_id": entry.account_id,
                "call_mac": entry.call_mac,
                "detail": detail,
                "previous": previous,
                "hash": digest,
            }
        )
        previous = digest
    connection.execute(insert(AUDIT), rows)


def verify(connection: Connection, key: bytes, known: Head | None = None) -> Report:
    """Walk the chain from its first row; ``known`` must be one of its rows."""
    seq, previous, seen = 0, GENESIS, known is None
    for row in connection.execute(select(AUDIT).order_by(AUDIT.c.seq)).yield_per(1_000):
        digest = _hash(
            key, previous, row.seq, row.at, row.kind, row.account_id, row.call_mac, row.detail
        )
        if row.seq != seq + 1 or row.previous != previous or row.hash != digest:
            return Report(seq, Head(seq, previous.hex()), broken_at=seq + 1)
        seq, previous = row.seq, digest
        if known is not None and known.seq == seq:
            seen = hmac.compare_digest(known.hash, digest.hex())
    head = Head(seq, previous.hex())
    return Report(seq, head) if seen else Report(seq, head, broken_at=known.seq if known else None)


def _hash(
    key: bytes,
    previous: bytes,
    seq: int,
    at: datetime,
    kind: str,
    account_id: int | None,
    call_mac: bytes | None,
    detail: str,
) -> bytes:
    when = at.astimezone(UTC).isoformat(timespec="microseconds")
    call = call_mac.hex() if call_mac is not None else None
    text = json.dumps([seq, when, kind, account_id, call, detail]).encode()
    return hmac.new(key, previous + text, hashlib.sha256).digest()
