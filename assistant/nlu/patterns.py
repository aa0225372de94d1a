"""Phrase patterns of the tables: parts with alternatives, separated by gaps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.nlu.normal import words_of

GAP = "…"
END = "$"
_CLASS = re.compile(r"<([\w-]+)>")

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Parts in spoken order; each part is a tuple of alternatives, each a tuple of words.
    ``at_end``: the last part must end the utterance, politeness aside."""

    parts: tuple[tuple[Words, ...], ...]
    at_end: bool = False

    def examples(self) -> list[Words]:
        """A few sentences in which every alternative of every part occurs at least once."""
        longest = max(len(p) for p in self.parts)
        return [
            tuple(w for part in self.parts for w in part[i % len(part)]) for i in range(longest)
        ]


def compile_pattern(text: str, classes: Mapping[str, Sequence[str]]) -> Pattern:
    """Read one table phrase: "…" separates parts, "|" alternatives, <name> is a class,
    a final "$" the end of the utterance.

    Raises KeyError for a class that the table does not define."""
    at_end, text = text.endswith(END), text.removesuffix(END)
    parts = tuple(_alternatives(part.replace(END, ""), classes) for part in text.split(GAP))
    return Pattern(parts, at_end)


def _alternatives(part: str, classes: Mapping[str, Sequence[str]]) -> tuple[Words, ...]:
    found: list[Words] = []
    for choice in part.split("|"):
        expanded = [choice]
        while match := _CLASS.search(expanded[0]):
            values = classes[match.group(1)]
            expanded = [_CLASS.sub(v, e, count=1) for e in expanded for v in values]
        found += [tuple(words_of(e)) for e in expanded]
    return tuple(dict.fromkeys(found))
