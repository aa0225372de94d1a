"""Notifications for owners: written with the event itself, delivered later, at least once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, Engine, insert, literal, select, update

from assistant.accounts.engine import reading, writing
from assistant.accounts.keys import Keys
from assistant.accounts.tables import Account, Notification, UtcTime

OUTBOX = Notification.__table__  # type: ignore[attr-defined]
ACCOUNTS = Account.__table__  # type: ignore[attr-defined]

FIRST_WAIT = timedelta(minutes=1)  # after a failed delivery; doubles each time
LONGEST_WAIT = timedelta(hours=6)


class Kind(StrEnum):
    """What the owner is told."""

    PASSWORD_RESET = "password_reset"  # noqa: S105 - a name, not a password
    CODE_ALERT = "code_alert"
    PHONE_CHANGED = "phone_changed"
    CONTACT_CHANGED = "contact_changed"


TEXTS = {
    Kind.PASSWORD_RESET: "Mật khẩu VssID của bạn vừa được cấp lại qua điện thoại. Nếu không phải "
    "bạn yêu cầu, hãy gọi {hotline} ngay. BHXH không bao giờ hỏi mã OTP hay đòi đặt cọc.",
    Kind.CODE_ALERT: "Có người gọi từ số điện thoại khác và thử mã số BHXH của bạn nhiều lần. "
    "Tài khoản của bạn vẫn an toàn và vẫn dùng được. Cần hỗ trợ, hãy gọi {hotline}.",
    Kind.PHONE_CHANGED: "Số điện thoại đăng ký của tài khoản VssID của bạn vừa được thay đổi. Nếu "
    "không phải bạn yêu cầu, hãy gọi {hotline} ngay.",
    Kind.CONTACT_CHANGED: "Nơi nhận thông báo của tài khoản VssID của bạn vừa được thay đổi. Nếu "
    "không phải bạn yêu cầu, hãy gọi {hotline} ngay.",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One notification, ready to send. ``id`` lets a receiver drop the copy of a retry."""

    id: int
    kind: Kind
    at: datetime
    contact: str = field(repr=False)
    text: str


class Sender(Protocol):
    """Plug in SMS, e-mail or a queue."""

    def send(self, message: Message) -> bool:
        """True once the message is accepted; False to try again later. Raises nothing."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Counts of one round."""

    sent: int = 0
    failed: int = 0
    undeliverable: int = 0  # no contact, or one that cannot be read


def queue(connection: Connection, kind: Kind, account_id: int, at: datetime) -> None:
    """Write a notification in the caller's transaction, to the contact of this moment: call it
    before a change of the contact, so that the old one hears of it."""
    _queue(connection, kind, at, ACCOUNTS.c.id == account_id)


def queue_for_code(
    connection: Connection, kind: Kind, code_mac: bytes, at: datetime, *, wanted: bool
) -> None:
    """Like ``queue``, for the account of a code if ``wanted`` and if there is one: the same
    single statement in every case, so that its presence does not tell."""
    _queue(connection, kind, at, (ACCOUNTS.c.code_mac == code_mac) & literal(wanted))


def _queue(connection: Connection, kind: Kind, at: datetime, account: ColumnElement[bool]) -> None:
    when = literal(at, UtcTime)
    source = select(
        when, ACCOUNTS.c.id, literal(kind.value), ACCOUNTS.c.contact, literal(0), when
    ).where(account)
    columns = ["at", "account_id", "kind", "contact", "tries", "due_at"]
    connection.execute(insert(OUTBOX).from_select(columns, source, include_defaults=False))


@dataclass(frozen=True, slots=True)
class Pending:
    """A notification that is not delivered yet, as an operator may see it."""

    id: int
    kind: Kind
    at: datetime
    account_id: int
    tries: int
    due_at: datetime


def pending(engine: Engine, limit: int = 1_000) -> list[Pending]:
    """What is not delivered yet, oldest first."""
    unsent = select(OUTBOX).where(OUTBOX.c.sent_at.is_(None)).order_by(OUTBOX.c.id).limit(limit)
    with reading(engine) as connection:
        rows = connection.execute(unsent).all()
    return [Pending(r.id, Kind(r.kind), r.at, r.account_id, r.tries, r.due_at) for r in rows]


def deliver(
    engine: Engine, keys: Keys, sender: Sender, now: datetime, hotline: str, limit: int = 100
) -> Delivery:
    """Send what is due, oldest first, each outside of any transaction.

    A crash between sending and noting it sends again: at least once, never lost.
    """
    with reading(engine) as connection:
        due = connection.execute(
            select(OUTBOX, ACCOUNTS.c.code_mac)
            .join(ACCOUNTS, ACCOUNTS.c.id == OUTBOX.c.account_id)
            .where(OUTBOX.c.sent_at.is_(None), OUTBOX.c.due_at <= now)
            .order_by(OUTBOX.c.due_at, OUTBOX.c.id)
            .limit(limit)
        ).all()
    sent = failed = undeliverable = 0
    for row in due:
        contact = keys.unseal(row.contact, row.code_mac) if row.contact is not None else None
        if contact is None:
            undeliverable += 1
            _note(engine, row.id, row.tries, now, sent=False)
            continue
        kind = Kind(row.kind)
        text = TEXTS[kind].format(hotline=hotline)
        accepted = sender.send(Message(row.id, kind, row.at, contact, text))
        _note(engine, row.id, row.tries, now, sent=accepted)
        sent, failed = sent + accepted, failed + (not accepted)
    return Delivery(sent, failed, undeliverable)


def _note(engine: Engine, row_id: int, tries: int, now: datetime, *, sent: bool) -> None:
    wait = min(FIRST_WAIT * 2 ** min(tries, 16), LONGEST_WAIT)
    values = (
        {"tries": tries + 1, "sent_at": now} if sent else {"tries": tries + 1, "due_at": now + wait}
    )
    with writing(engine) as connection:
        unsent = update(OUTBOX).where(OUTBOX.c.id == row_id, OUTBOX.c.sent_at.is_(None))
        connection.execute(unsent.values(**values))
