"""The decision: may this caller have a new password now? Pure; the facts are counted elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from assistant.settings import Security


class Reason(StrEnum):
    """Why an attempt ended as it did. For the attempts table and the audit, never the caller."""

    DONE = "done"
    MISMATCH = "mismatch"  # unknown code, unknown phone, no phone, or another's phone
    CALL_LIMIT = "call_limit"
    PHONE_LOCKED = "phone_locked"
    RESET_LIMIT = "reset_limit"


# Only these count against the phone. An attempt while locked is not judged at all, so it
# neither tells anything nor pushes the end of the lock further away.
FAILURES = (Reason.MISMATCH,)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database knows at the moment of the attempt."""

    matches: bool  # the code is registered, and for this very phone
    attempts_in_call: int
    failures_of_phone: int  # in the window
    resets_of_account: int  # in the window
    failures_on_code: int  # in the window, from any phone but the owner's
    alerted: bool  # the owner was already told within the window


@dataclass(frozen=True, slots=True)
class Verdict:
    reason: Reason
    alert: bool = False  # tell the owner that somebody tries this code

    @property
    def granted(self) -> bool:
        return self.reason is Reason.DONE


def decide(facts: Facts, limits: Security) -> Verdict:
    """Limits first, so that a locked phone learns nothing from a right code."""
    if facts.attempts_in_call >= limits.verifications_per_call:
        return Verdict(Reason.CALL_LIMIT)
    if facts.failures_of_phone >= limits.failures_per_phone:
        return Verdict(Reason.PHONE_LOCKED)
    if not facts.matches:
        failures = facts.failures_on_code + 1
        return Verdict(
            Reason.MISMATCH,
            alert=failures >= limits.failures_per_code_alert and not facts.alerted,
        )
    if facts.resets_of_account >= limits.resets_per_account:
        return Verdict(Reason.RESET_LIMIT)
    return Verdict(Reason.DONE)
