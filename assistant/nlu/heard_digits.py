"""Digits as they were heard: text, and for each the confidence of the words that said it, and
which other digit they may have been."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from assistant.nlu.types import Shares


@dataclass(frozen=True, slots=True)
class HeardDigits:
    """``confidences``: one for each digit, 0..1, None where the recognizer gave none; ``rivals``:
    one for each digit, or none at all."""

    text: str = field(default="", repr=False)
    confidences: tuple[float | None, ...] = ()
    rivals: tuple[Shares, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if len(self.confidences) != len(self.text):
            raise ValueError("one confidence for each digit")
        if not self.rivals:
            object.__setattr__(self, "rivals", ((),) * len(self.text))

    def __len__(self) -> int:
        return len(self.text)

    def __add__(self, other: HeardDigits) -> HeardDigits:
        return HeardDigits(
            self.text + other.text,
            self.confidences + other.confidences,
            self.rivals + other.rivals,
        )

    def part(self, start: int | None, end: int | None = None) -> HeardDigits:
        """The digits of a slice."""
        where = slice(start, end)
        return HeardDigits(self.text[where], self.confidences[where], self.rivals[where])


NO_DIGITS = HeardDigits()


def lowest(confidences: Iterable[float | None]) -> float | None:
    """The lowest known confidence; None when none is known."""
    return min((c for c in confidences if c is not None), default=None)
