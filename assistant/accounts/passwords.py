"""New passwords and their hashes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from assistant.settings import Security


def draw(digits: int, below: Callable[[int], int]) -> str:
    """A random password of decimal digits; ``below(n)`` draws from 0..n-1 (secrets.randbelow)."""
    return "".join(str(below(10)) for _ in range(digits))


class Hasher:
    """argon2id with at most ``argon2_concurrency`` hashes at once, so memory is bounded."""

    def __init__(self, settings: Security) -> None:
        self._slots = threading.BoundedSemaphore(settings.argon2_concurrency)
        self._argon2 = PasswordHasher(
            time_cost=settings.argon2_time,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
            type=Type.ID,
        )

    def hash(self, password: str) -> str:
        """PHC string with a random salt. Errors: argon2.exceptions.HashingError (no memory)."""
        with self._slots:
            return self._argon2.hash(password)

    def verify(self, stored: str, password: str) -> bool:
        """Does ``password`` belong to the stored PHC string?"""
        with self._slots:
            try:
                return self._argon2.verify(stored, password)
            except (VerificationError, InvalidHashError):
                return False
