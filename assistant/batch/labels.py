"""Do the words of a label say the number that its note names? Pure.

A label whose words and number disagree is never hidden: it is listed, and every figure that it
touches can be seen with it and without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.batch.speech_sets import Label
from assistant.nlu import numbers

_NUMBER = re.compile(r"number=(\w*)")
_SPELLED = ("trăm", "mươi")  # where only "mười" can be meant
_MEANT = ("trăm", "mười")


class Dispute(StrEnum):
    """Why a label and its note disagree."""

    NUMBER = "number"  # the words are another number
    NOT_A_NUMBER = "not-a-number"  # the words are no number at all
    NO_NUMBER = "no-number"  # the note names none
    SPELLING = "spelling"  # "trăm mươi hai" for "trăm mười hai": the number fits


@dataclass(frozen=True, slots=True)
class Disputed:
    """A label that disagrees with its note. ``said``: the number of the words, if any."""

    path: str
    text: str
    noted: str
    said: str
    why: Dispute

    def as_dict(self) -> dict[str, str]:
        return {
            "path": self.path,
            "text": self.text,
            "noted": self.noted,
            "said": self.said,
            "why": self.why.value,
        }


def disputed(labels: Iterable[Label]) -> list[Disputed]:
    """Labels with ``number=…`` in their note whose words do not say that number."""
    found = []
    for label in labels:
        noted = _NUMBER.search(label.note)
        if noted and (why := _dispute(label.text.split(), noted[1])):
            said = _number(_respelled(label.text.split())) or ""
            found.append(Disputed(label.path, label.text, noted[1], said, why))
    return found


def noted(labels: Iterable[Label]) -> int:
    """How many labels name a number in their note."""
    return sum(_NUMBER.search(label.note) is not None for label in labels)


def _dispute(words: Sequence[str], noted: str) -> Dispute | None:
    if not noted.isdigit():
        return Dispute.NO_NUMBER
    if _number(words) == noted:
        return None
    respelled = _number(_respelled(words))
    if respelled is None:
        return Dispute.NOT_A_NUMBER
    return Dispute.SPELLING if respelled == noted else Dispute.NUMBER


def _number(words: Sequence[str]) -> str | None:
    """The one number that the words say in full, without leading zeros."""
    found = numbers.readings(words)
    return found[0].digits.lstrip("0") or "0" if found else None


def _respelled(words: Sequence[str]) -> list[str]:
    out = list(words)
    for i in range(len(out) - 1):
        if tuple(out[i : i + 2]) == _SPELLED:
            out[i : i + 2] = _MEANT
    return out
