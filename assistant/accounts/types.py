"""The one thing the call asks of an account system."""

from __future__ import annotations

from typing import Protocol

from assistant.dialogue.types import Failed, Refused, ResetDone

Outcome = ResetDone | Refused | Failed


class AccountService(Protocol):
    """Plug in the real system by writing this one method."""

    def verify_and_reset(self, phone: str | None, code: str, call_id: str) -> Outcome:
        """Check that ``phone`` (caller id as the line gave it, None when withheld) is the one
        registered for ``code`` (10 or 12 digits) and, if so, set a new random password, in
        one transaction. ``call_id`` is the idempotency key of the call: the attempt limit per
        call counts on it. Never raises for a refusal or an outage: returns the outcome."""
