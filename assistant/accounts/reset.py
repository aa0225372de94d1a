"""Verify and reset: one transaction, the same work and the same statements for every refusal."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from assistant.accounts import audit, outbox
from assistant.accounts.keys import Keys
from assistant.accounts.limits import FAILURES, Facts, Verdict, decide
from assistant.accounts.tables import Account, Attempt, Reset
from assistant.settings import Security

ACCOUNTS = Account.__table__  # type: ignore[attr-defined]
ATTEMPTS = Attempt.__table__  # type: ignore[attr-defined]
RESETS = Reset.__table__  # type: ignore[attr-defined]
NOBODY = 0  # an account id that no row has: the statement stays the same without an account


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt, as look-up values only, with the hash of the password it would set."""

    at: datetime
    call_mac: bytes = field(repr=False)
    phone_mac: bytes = field(repr=False)
    code_mac: bytes = field(repr=False)
    password_hash: str = field(repr=False)


def verify_and_reset(
    connection: Connection, request: Request, keys: Keys, limits: Security
) -> Verdict:
    """Count, decide and write, in the caller's write transaction."""
    account = connection.execute(
        select(ACCOUNTS.c.id, ACCOUNTS.c.phone_mac)
        .where(ACCOUNTS.c.code_mac == request.code_mac)
        .with_for_update()
    ).first()
    verdict = decide(_facts(connection, request, account, limits), limits)
    attempt = {
        "at": request.at,
        "call_mac": request.call_mac,
        "phone_mac": request.phone_mac,
        "code_mac": request.code_mac,
        "reason": verdict.reason.value,
    }
    connection.execute(insert(ATTEMPTS), [attempt])
    if verdict.granted and account is not None:
        _grant(connection, request, keys, account.id, limits)
    else:
        _refuse(connection, request, keys, account.id if account else None, verdict)
    return verdict


def _facts(
    connection: Connection,
    request: Request,
    account: Row[tuple[int, bytes]] | None,
    limits: Security,
) -> Facts:
    owner = account.phone_mac if account else bytes(len(request.phone_mac))
    account_id = account.id if account else NOBODY
    since = request.at - timedelta(hours=limits.window_hours)
    failed = ATTEMPTS.c.reason.in_(FAILURES) & (ATTEMPTS.c.at > since)
    return Facts(
        matches=hmac.compare_digest(owner, request.phone_mac),
        attempts_in_call=count(connection, ATTEMPTS.c.call_mac == request.call_mac),
        failures_of_phone=count(connection, ATTEMPTS.c.phone_mac == request.phone_mac, failed),
        failures_on_code=count(connection, ATTEMPTS.c.code_mac == request.code_mac, failed),
        resets_of_account=count(connection, RESETS.c.account_id == account_id, RESETS.c.at > since),
        alerted=count(
            connection,
            outbox.OUTBOX.c.account_id == account_id,
            outbox.OUTBOX.c.kind == outbox.Kind.CODE_ALERT.value,
            outbox.OUTBOX.c.at > since,
        )
        > 0,
    )


def count(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    """How many rows fulfil all of the conditions (on one table)."""
    found = select(func.count()).where(*conditions)
    return connection.execute(found).scalar_one()


def _grant(
    connection: Connection, request: Request, keys: Keys, account_id: int, limits: Security
) -> None:
    connection.execute(
        update(ACCOUNTS)
        .where(ACCOUNTS.c.id == account_id)
        .values(
            password_hash=request.password_hash,
            password_set_at=request.at,
            password_expires_at=request.at + timedelta(minutes=limits.password_minutes),
            must_change=True,
            updated_at=request.at,
        )
    )
    connection.execute(insert(RESETS), [{"at": request.at, "account_id": account_id}])
    outbox.queue(connection, outbox.Kind.PASSWORD_RESET, account_id, request.at)
    entry = audit.Entry(request.at, audit.Kind.RESET, account_id, request.call_mac)
    audit.append(connection, keys.audit, entry)


def _refuse(
    connection: Connection, request: Request, keys: Keys, account_id: int | None, verdict: Verdict
) -> None:
    outbox.queue_for_code(
        connection, outbox.Kind.CODE_ALERT, request.code_mac, request.at, wanted=verdict.alert
    )
    entry = audit.Entry(
        request.at,
        audit.Kind.REFUSED,
        account_id,
        request.call_mac,
        {"reason": verdict.reason.value, "alert": verdict.alert},
    )
    audit.append(connection, keys.audit, entry)
