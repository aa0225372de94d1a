"""The code as a growing run of digits: is it whole, may it grow, how is it read out?

Ten digits (mã số BHXH), twelve (số định danh cá nhân) or a health card, whose last ten digits
are the code: its printed form has two letters, one digit, two digits and the ten; read or keyed
without the letters that is 13 digits, and 15 when the letters were heard as digits too.
A citizen id begins with a province code 001-096, so only ten digits that begin with one can
still be the start of twelve. No check digit exists; the first digits are not validated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Accepted = Literal["bhxh", "cccd", "both"]

CODE_DIGITS = 10
CITIZEN_DIGITS = 12
CARD_DIGITS = range(13, 16)
_LAST_PROVINCE = 96


class Progress(StrEnum):
    INCOMPLETE = "incomplete"  # more digits must come
    MAYBE_COMPLETE = "maybe_complete"  # ten digits that may be the start of more: wait, then ask
    COMPLETE = "complete"
    OVERFULL = "overfull"  # no accepted code is this long


def code_progress(digits: str, accepted: Accepted, card: bool = False) -> Progress:
    """How far ``digits`` (text of 0-9, any length) has come towards an accepted code.

    ``card``: the caller announced a health card, so three digits precede the code."""
    n = len(digits)
    if accepted == "cccd":
        return _citizen_progress(n)
    if n < CODE_DIGITS:
        return Progress.INCOMPLETE
    if n in CARD_DIGITS:
        return Progress.COMPLETE
    if n > CARD_DIGITS[-1]:
        return Progress.OVERFULL
    may_grow = card or (accepted == "both" and may_be_citizen_id(digits))
    if n == CODE_DIGITS:
        return Progress.MAYBE_COMPLETE if may_grow else Progress.COMPLETE
    if n == CITIZEN_DIGITS and accepted == "both" and not card:
        return Progress.COMPLETE
    return Progress.INCOMPLETE if may_grow else Progress.OVERFULL


def _citizen_progress(n: int) -> Progress:
    if n == CITIZEN_DIGITS:
        return Progress.COMPLETE
    return Progress.INCOMPLETE if n < CITIZEN_DIGITS else Progress.OVERFULL


def may_be_citizen_id(digits: str) -> bool:
    """Whether ``digits`` begins with a province code, 001-096."""
    return len(digits) >= 3 and 1 <= int(digits[:3]) <= _LAST_PROVINCE


def whole_code(digits: str) -> str:
    """The code inside a complete run: the last ten digits of a card, else the run itself."""
    return digits[-CODE_DIGITS:] if len(digits) in CARD_DIGITS else digits


def groups(n: int) -> tuple[int, ...]:
    """Group sizes for reading ``n`` digits aloud: threes, what is left over goes to the front
    (10 → 4-3-3, 12 → 3-3-3-3, 6 → 3-3, 8 → 4-4)."""
    if n <= 4:
        return (n,) if n else ()
    if n == 5:
        return (3, 2)
    fours = n % 3
    return (4,) * fours + (3,) * ((n - 4 * fours) // 3)


def groups_with(places: Iterable[int], n: int) -> list[tuple[int, int]]:
    """(start, size) of the groups of ``n`` digits that hold one of ``places``, in order."""
    wanted, start, found = frozenset(places), 0, []
    for size in groups(n):
        if wanted & set(range(start, start + size)):
            found.append((start, size))
        start += size
    return found


def likely_length(n: int, accepted: Accepted) -> int:
    """The digits that a code of which ``n`` are there will most likely have."""
    likely = [m for m in (CODE_DIGITS, CITIZEN_DIGITS) if n <= m]
    return likely[-1 if accepted == "cccd" else 0] if likely else n


@dataclass(frozen=True, slots=True)
class KeyEdit:
    """A buffer after keys were pressed on it. ``kept``: how many of its first digits no key
    touched."""

    digits: str = field(repr=False)
    kept: int = 0
    ended: bool = False  # "#": the caller says that is all; later keys are ignored
    deleted: bool = False  # "*" was among the keys


def edit_keys(digits: str, keys: str) -> KeyEdit:
    """Apply keys in order: 0-9 append, * deletes the last digit, # ends. Other characters do
    nothing."""
    deleted, kept = False, len(digits)
    for key in keys:
        if key == "#":
            return KeyEdit(digits, kept, ended=True, deleted=deleted)
        if key == "*":
            digits, deleted = digits[:-1], True
            kept = min(kept, len(digits))
        elif key in "0123456789":
            digits += key
    return KeyEdit(digits, kept, deleted=deleted)


def place(position: int, count: int, length: int) -> int | None:
    """The 0-based start of ``count`` digits at ``position`` (negative counts from the end) in a
    code of ``length`` digits; None when they do not lie inside it."""
    start = position if position >= 0 else length + position
    return start if count > 0 and start >= 0 and start + count <= length else None


def places_of(wanted: str, code: str) -> list[int]:
    """Every 0-based start of ``wanted`` in ``code``, overlaps included."""
    starts = range(len(code) - len(wanted) + 1) if wanted else ()
    return [start for start in starts if code.startswith(wanted, start)]


def replace_digits(code: str, start: int, digits: str) -> str:
    """``code`` with ``digits`` written over it from ``start``; the length stays."""
    return code[:start] + digits + code[start + len(digits) :]
