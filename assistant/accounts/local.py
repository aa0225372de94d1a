"""Our own account system: ``AccountService`` on SQLite or PostgreSQL."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from argon2.exceptions import HashingError
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from assistant.accounts import audit, outbox, registry, reset, views
from assistant.accounts.engine import file_id, reading, writing
from assistant.accounts.keys import Keys
from assistant.accounts.passwords import Hasher, draw
from assistant.accounts.phone import to_e164
from assistant.accounts.registry import Change, NewAccount
from assistant.accounts.tables import STORE_KEY
from assistant.accounts.types import Outcome
from assistant.accounts.views import AccountView
from assistant.dialogue.types import Failed, Refused, ResetDone
from assistant.errors import AccountError
from assistant.settings import Security

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


class PasswordState(StrEnum):
    """What a log-in would make of a password."""

    WRONG = "wrong"
    EXPIRED = "expired"
    MUST_CHANGE = "must_change"


class LocalAccounts:
    """Every method is safe to call from many threads at once.

    **A repeated call is a new reset.** The password exists only in the reply that is being
    spoken, so an earlier one cannot be given again: after a success, ``verify_and_reset`` with
    the same ``call_id`` draws another password, which replaces the first, and counts towards
    every limit. A caller whose line broke before the password was heard recovers the same way,
    in the same call or in the next.
    """

    def __init__(
        self,
        engine: Engine,
        keys: Keys,
        security: Security,
        clock: Callable[[], datetime] = utc_now,
        below: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._engine = engine
        self._file = file_id(engine)
        self._keys = keys
        self._security = security
        self._clock = clock
        self._below = below
        self._hasher = Hasher(security)
        self.refusals: Counter[str] = Counter()  # by reason, since the start; for operators

    def verify_and_reset(self, phone: str | None, code: str, call_id: str) -> Outcome:
        """See ``AccountService``. The hash is computed before the write lock is taken, and for
        a refusal too; ``Failed`` means that nothing changed, or that it cannot be known."""
        password = draw(self._security.password_digits, self._below)
        if self._file_moved():
            log.error("accounts-failed: the file is gone or replaced")
            return Failed()
        try:
            request = reset.Request(
                at=self._clock(),
                call_mac=self._keys.call_mac(call_id),
                phone_mac=self._keys.phone_mac(to_e164(phone)),
                code_mac=self._keys.code_mac(code),
                password_hash=self._hasher.hash(password),
            )
            with writing(self._engine) as connection:
                verdict = reset.verify_and_reset(connection, request, self._keys, self._security)
        except (SQLAlchemyError, HashingError, MemoryError) as error:
            # The type only: a driver's message may quote parameters.
            log.error("accounts-failed: %s", type(error).__name__)
            return Failed()
        if not verdict.granted:
            self.refusals[verdict.reason.value] += 1
        if verdict.alert:
            log.warning("accounts-code-alert: one code is being tried from other phones")
        return ResetDone(password) if verdict.granted else Refused()

    def trouble(self) -> str | None:
        """What keeps a reset from being written now, in words for a log; None: nothing does.

        Writes nothing; waits for the write lock as long as a reset would."""
        if self._file_moved():
            return "the file is gone or replaced"
        check = select(STORE_KEY.c.check_value).with_for_update()
        try:
            with writing(self._engine) as connection:
                stored = connection.execute(check).scalar_one_or_none()
        except SQLAlchemyError as error:
            return type(error).__name__
        return None if stored == self._keys.check else "the store has another key"

    def _file_moved(self) -> bool:
        return file_id(self._engine) != self._file

    def is_invented(self, phone: str | None, code: str) -> bool:
        """Is this pair registered as test data (recordings may keep its secret turns)?

        False when in doubt, so that recordings stay masked."""
        phone_mac, code_mac = self._keys.phone_mac(to_e164(phone)), self._keys.code_mac(code)
        try:
            with reading(self._engine) as connection:
                return views.is_invented(connection, phone_mac, code_mac)
        except SQLAlchemyError as error:
            log.error("accounts-failed: %s", type(error).__name__)
            return False

    def check_password(self, code: str, password: str) -> PasswordState:
        """What the app's log-in would answer. For tests and demos: it has no limits of its own."""
        wanted = reset.ACCOUNTS.c.code_mac == self._keys.code_mac(code)
        with reading(self._engine) as connection:
            row = connection.execute(select(reset.ACCOUNTS).where(wanted)).first()
        if row is None or row.password_hash is None:
            return PasswordState.WRONG
        if not self._hasher.verify(row.password_hash, password):
            return PasswordState.WRONG
        expired = self._clock() >= row.password_expires_at
        return PasswordState.EXPIRED if expired else PasswordState.MUST_CHANGE

    def add(
        self, phone: str, code: str, contact: str | None = None, *, invented: bool = False
    ) -> Change:
        """Register one account. Errors: accounts-phone-invalid, accounts-code-invalid."""
        e164 = to_e164(phone)
        if e164 is None:
            raise AccountError(
                "accounts-phone-invalid",
                "Số điện thoại không phải là số di động Việt Nam.",
                "Viết như 0912 345 678 hoặc +84 912 345 678.",
            )
        if not (code.isascii() and code.isdigit() and len(code) in (10, 12)):
            raise AccountError(
                "accounts-code-invalid",
                "Mã số phải có đúng 10 chữ số (mã số BHXH) hoặc 12 chữ số (số định danh).",
                "Kiểm tra xem có mất số 0 ở đầu không.",
            )
        return self.register([NewAccount(e164, code, contact, invented)])[0]

    def register(
        self, accounts: Sequence[NewAccount], *, replace: bool = False, dry_run: bool = False
    ) -> list[Change]:
        """Register all of ``accounts`` in one transaction; ``dry_run`` only says what would be.

        Errors: SQLAlchemyError when the database fails; then nothing was registered.
        """
        prepared = registry.prepare(self._keys, accounts)
        with writing(self._engine) as connection:
            changes = registry.register(
                connection, self._keys, prepared, self._clock(), replace=replace
            )
            if dry_run:
                connection.rollback()
        return changes

    def show(self, *, phone: str | None = None, code: str | None = None) -> list[AccountView]:
        """Accounts of a phone (any spelling), a code, or both; empty when there is none."""
        e164 = to_e164(phone)
        if (phone is not None and e164 is None) or (phone is None and code is None):
            return []
        with reading(self._engine) as connection:
            return views.views(
                connection, self._keys, self._clock(), self._security, phone=e164, code=code
            )

    def verify_audit(self, known: audit.Head | None = None) -> audit.Report:
        """Prove that the history is whole."""
        with reading(self._engine) as connection:
            return audit.verify(connection, self._keys.audit, known)

    def deliver(self, sender: outbox.Sender, hotline: str, limit: int = 100) -> outbox.Delivery:
        """Send the notifications that are due."""
        return outbox.deliver(self._engine, self._keys, sender, self._clock(), hotline, limit)

    def pending(self) -> list[outbox.Pending]:
        """Notifications that are not delivered yet."""
        return outbox.pending(self._engine)

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()
