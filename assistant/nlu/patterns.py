"""Phrase patterns of the tables: parts with alternatives, separated by gaps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.nlu.normal import words_of

GAP = "…"
_CLASS = re.compile(r"<([\w-]+)>")

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Parts in spoken order; each part is a tuple of alternatives, each a tuple of words."""

    parts: tuple[tuple[Words, ...], ...]

    def examples(self) -> list[Words]:
        """A few sentences in which every alternative of every part occurs at least once."""
        longest = max(len(p) for p in self.parts)
        return [
            tuple(w for part in self.parts for w in part[i % len(part)]) for i in range(longest)
        ]


def compile_pattern(text: str, classes: Mapping[str, Sequence[str]]) -> Pattern:
    """Read one table phrase: "…" separates parts, "|" alternatives, <name> is a class.

    Raises KeyError for a class that the table does not define."""
    return Pattern(tuple(_alternatives(part, classes) for part in text.split(GAP)))


def _alternatives(part: str, classes: Mapping[str, Sequence[str]]) -> tuple[Words, ...]:
    found: list[Words] = []
    for choice in part.split("|"):
        expanded = [choice]
        while match := _CLASS.search(expanded[0]):
            values = classes[match.group(1)]
            expanded = [_CLASS.sub(v, e, count=1) for e in expanded for v in values]
        found += [tuple(words_of(e)) for e in expanded]
    return tuple(dict.fromkeys(found))
