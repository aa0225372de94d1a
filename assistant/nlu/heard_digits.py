"""Digits as they were heard: text, and for each the confidence of the words that said it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HeardDigits:
    """``confidences``: one for each digit, 0..1, None where the recognizer gave none."""

    text: str = field(default="", repr=False)
    confidences: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        if len(self.confidences) != len(self.text):
            raise ValueError("one confidence for each digit")

    def __len__(self) -> int:
        return len(self.text)

    def __add__(self, other: HeardDigits) -> HeardDigits:
        return HeardDigits(self.text + other.text, self.confidences + other.confidences)

    def part(self, start: int | None, end: int | None = None) -> HeardDigits:
        """The digits of a slice."""
        return HeardDigits(self.text[start:end], self.confidences[start:end])


NO_DIGITS = HeardDigits()


def lowest(confidences: Iterable[float | None]) -> float | None:
    """The lowest known confidence; None when none is known."""
    return min((c for c in confidences if c is not None), default=None)
