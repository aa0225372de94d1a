"""Calls that were announced over an authenticated request, and have not come yet."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID


class Announced:
    """Caller ids by the id of their call, each good for one call and a short time."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float]) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._waiting: dict[UUID, tuple[str | None, float]] = {}

    def announce(self, call: UUID, caller: str | None) -> bool:
        """False when too many wait, or this one is waiting already."""
        now = self._clock()
        self._waiting = {k: v for k, v in self._waiting.items() if v[1] >= now}
        if call in self._waiting or len(self._waiting) >= self._most:
            return False
        self._waiting[call] = (caller, now + self._seconds)
        return True

    def come(self, call: UUID) -> tuple[bool, str | None]:
        """Whether the call was announced, and its caller id (None: withheld)."""
        caller, until = self._waiting.pop(call, (None, 0.0))
        return (True, caller) if until >= self._clock() else (False, None)
