"""What one speaker reads: codes, single digits, answers, requests and speech to be refused.

The codes are built so that every digit, every pair of neighbours and every form of a digit comes
about equally often; each round holds the same mixture, so whoever stops early has read a
balanced text too. The same seed gives the same text. Pure.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import pairwise

import yaml

FORMS: dict[str, tuple[str, ...]] = {
    "0": ("không",), "1": ("một",), "2": ("hai",), "3": ("ba",), "4": ("bốn", "tư"),
    "5": ("năm",), "6": ("sáu",), "7": ("bảy", "bẩy"), "8": ("tám",), "9": ("chín",),
}  # fmt: skip
# The second of a pair said as a short number: "hai lăm" is 25, "bốn mốt" 41.
_SECOND = {"1": ("mốt",), "4": ("tư",), "5": ("lăm", "nhăm")}
_BEFORE_SECOND = "23456789"
_REPEATED = "ba số"  # "ba số không" is 000

# Groups of a code as people read them; "pairs" uses the forms of short numbers.
_GROUPS: dict[str, tuple[int, ...]] = {
    "code-433": (4, 3, 3),
    "code-pairs": (2, 2, 2, 2, 2),
    "code-12": (3, 3, 3, 3),
    "code-run": (10,),
}
# One round: how many lines of each note.
ROUND = {
    "code-433": 1, "code-pairs": 1, "code-12": 1, "code-run": 1, "code-triple": 1, "digit": 3,
    "yes-no": 2, "request": 2, "correction": 1, "other": 2,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """``text``: the label; ``shown``: the same with the pauses of a reader; ``digits``: of a code
    or a single digit, in figures."""

    text: str
    shown: str
    note: str
    digits: str = field(default="", repr=False)


def script(count: int, seed: str) -> tuple[Line, ...]:
    """The first ``count`` lines for a seed; a longer text begins with the shorter one."""
    rng = random.Random(seed)  # noqa: S311 - a text to read, no secret
    balance = Balance(rng)
    decks = {note: _deck(sentences, rng) for note, sentences in sentences_by_note().items()}
    lines: list[Line] = []
    while len(lines) < count:
        notes = [note for note, number in ROUND.items() for _ in range(number)]
        rng.shuffle(notes)
        lines += [_line(note, balance, decks) for note in notes]
    return tuple(lines[:count])


@cache
def sentences_by_note() -> dict[str, tuple[str, ...]]:
    """The sentences of lines.yaml."""
    text = (files("assistant.collect") / "data" / "lines.yaml").read_text("utf-8")
    return {note: tuple(sentences) for note, sentences in yaml.safe_load(text).items()}


class Balance:
    """Chooses what was chosen least so far; chance decides between equals."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._digits: Counter[str] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._forms: Counter[str] = Counter()
        self._singles: Counter[str] = Counter()

    def digit(self) -> str:
        return self._count(self._least(list(FORMS), lambda digit: (self._digits[digit],)))

    def code(self, length: int, short: bool = False) -> str:
        """A code; ``short``: read in pairs, so rather with digits that have a form for that."""
        code = self.digit()
        while len(code) < length:
            wanted = _SECOND if short and len(code) % 2 else ()
            digit = self._count(self._least(list(FORMS), self._after(code[-1], wanted)))
            self._pairs[code[-1], digit] += 1
            code += digit
        return code

    def form(self, forms: Sequence[str]) -> str:
        """One of the forms of a digit."""
        chosen = self._least(forms, lambda form: (self._forms[form],))
        self._forms[chosen] += 1
        return chosen

    def single(self) -> tuple[str, str]:
        """A form by itself, and its digit: each form as often as every other."""
        digit_of = {form: digit for digit, forms in FORMS.items() for form in forms}
        form = self._least(list(digit_of), lambda form: (self._singles[form],))
        self._singles[form] += 1
        return form, digit_of[form]

    def _after(self, last: str, wanted: Collection[str]) -> Callable[[str], tuple[int, ...]]:
        """Digits whose pair with ``last`` is rare; of those the ``wanted``, then the rare."""
        return lambda d: (self._pairs[last, d], d not in wanted, self._digits[d])

    def _count(self, digit: str) -> str:
        self._digits[digit] += 1
        return digit

    def _least(self, choices: Sequence[str], key: Callable[[str], tuple[int, ...]]) -> str:
        least = min(key(choice) for choice in choices)
        return self._rng.choice([choice for choice in choices if key(choice) == least])


def _line(note: str, balance: Balance, decks: dict[str, Iterator[str]]) -> Line:
    if note in decks:
        text = next(decks[note])
        return Line(text, text, note)
    if note == "digit":
        form, digit = balance.single()
        return Line(form, form, note, digit)
    if note == "code-triple":
        return _triple(balance)
    code = balance.code(sum(_GROUPS[note]), short=note == "code-pairs")
    groups, at = [], 0
    for size in _GROUPS[note]:
        say = _pair if note == "code-pairs" else _plain
        groups.append(say(code[at : at + size], balance))
        at += size
    return Line(" ".join(groups), ", ".join(groups), note, code)


def _plain(digits: str, balance: Balance) -> str:
    return " ".join(balance.form(FORMS[digit]) for digit in digits)


def _pair(digits: str, balance: Balance) -> str:
    """Two digits, as a short number where the second has a form for that."""
    first, second = digits[0], digits[1]
    short = _SECOND.get(second) if first in _BEFORE_SECOND else None
    said = balance.form(short) if short else _plain(second, balance)
    return f"{_plain(first, balance)} {said}"


def _triple(balance: Balance) -> Line:
    """Ten digits, three of them alike and said as such: "ba số không". The neighbours of its words
    are not those of its digits, so they do not count."""
    code = "".join(balance.digit() for _ in range(8))
    at = 2 + int(code[0]) % 4
    parts = (_plain(code[:at], balance), f"{_REPEATED} {FORMS[code[at]][0]}",
             _plain(code[at + 1 :], balance))  # fmt: skip
    return Line(" ".join(parts), ", ".join(parts), "code-triple",
                code[:at] + code[at] * 3 + code[at + 1 :])  # fmt: skip


def _deck(sentences: Sequence[str], rng: random.Random) -> Iterator[str]:
    """All sentences in an order of chance, then all of them in another."""
    while True:
        yield from rng.sample(sentences, len(sentences))


def neighbours(lines: Sequence[Line]) -> Counter[tuple[str, str]]:
    """How often each digit follows each other one in the codes said digit by digit."""
    codes = (line.digits for line in lines if line.note in _GROUPS)
    return Counter(pair for code in codes for pair in pairwise(code))
