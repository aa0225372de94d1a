"""Digits → the words a Vietnamese caller says: for training text, tests and scenarios.

Seeded by the caller's ``rng``; every style is one that domain.md lists, and
``interpret`` reads each of them back to the same digits.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise

from assistant.nlu import tables


class Style(StrEnum):
    """How a caller groups a code."""

    SINGLES = "singles"  # không một hai ba
    PAIRS = "pairs"  # hai mươi lăm, hai lăm, ba mốt, mười hai
    THREES = "threes"  # một trăm linh năm
    PHONE = "4-3-3"  # groups of 4, 3, 3, digit by digit
    REPEATS = "repeats"  # ba số không, hai con bảy
    CARDINAL = "cardinal"  # bảy trăm sáu mươi chín triệu tám trăm …


class Region(StrEnum):
    NORTH = "north"  # linh, nghìn, nhăm now and then
    SOUTH = "south"  # lẻ, ngàn, lăm


@dataclass(frozen=True, slots=True)
class _Voice:
    """The regional words one caller keeps to."""

    link: str  # the zero inside a hundred
    thousand: str
    seven: str
    five_after_ten: str
    billion: str

    def digit(self, d: str) -> str:
        return self.seven if d == "7" else tables.numbers().words[d][0]


def say_digits(
    digits: str,
    style: Style | str,
    rng: random.Random,
    region: Region | str | None = None,
) -> list[str]:
    """The words of ``digits`` (ASCII digits, any length) said in a style.

    ``region`` None draws one. Raises ValueError for an unknown style or a non-digit."""
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("only the digits 0-9 can be said")
    voice = _voice(Region(region) if region else rng.choice(list(Region)), rng)
    return _STYLES[Style(style)](digits, voice, rng)


def _voice(region: Region, rng: random.Random) -> _Voice:
    if region is Region.NORTH:
        return _Voice(
            link="linh",
            thousand="nghìn",
            seven=rng.choice(("bảy", "bảy", "bẩy")),
            five_after_ten=rng.choice(("lăm", "nhăm")),
            billion="tỷ",
        )
    return _Voice("lẻ", "ngàn", "bảy", "lăm", "tỷ")


def _singles(digits: str, voice: _Voice, rng: random.Random) -> list[str]:
    words = [voice.digit(d) for d in digits]
    last = {"1": "mốt", "4": "tư", "5": "lăm"}.get(digits[-1:])
    # "… ba mốt", "… bảy tư": common at the end of a read-off number
    if last and len(digits) > 1 and digits[-2] not in "01" and rng.random() < 0.15:
        words[-1] = last
    return words


def _pairs(digits: str, voice: _Voice, rng: random.Random) -> list[str]:
    head = len(digits) % 2
    words = [voice.digit(d) for d in digits[:head]]
    for i in range(head, len(digits), 2):
        words += _pair(digits[i : i + 2], voice, rng, may_shorten=not _would_bind(words))
    return words


def _would_bind(words: Sequence[str]) -> bool:
    """After "hai mươi" nobody shortens the next pair: "hai mươi ba lăm" is heard as 23, 5."""
    number = tables.numbers()
    return bool(words) and words[-1] in number.ten | number.teen


def _pair(pair: str, voice: _Voice, rng: random.Random, may_shorten: bool = False) -> list[str]:
    tens, ones = pair[0], pair[1]
    if tens == "0":
        return [voice.digit("0"), voice.digit(ones)]
    if tens == "1":
        if ones == "0":
            return ["mười"]
        five = voice.five_after_ten
        return ["mười", five if ones == "5" else voice.digit(ones)]
    if ones == "0":
        return [voice.digit(tens), "chục" if rng.random() < 0.2 else "mươi"]
    short = may_shorten and rng.random() < 0.5  # hai lăm for hai mươi lăm
    return [voice.digit(tens), *([] if short else ["mươi"]), _ones(ones, voice, rng)]


def _ones(ones: str, voice: _Voice, rng: random.Random) -> str:
    """The last digit after mươi, in the form that belongs there."""
    special = {"1": "mốt", "4": rng.choice(("tư", "bốn")), "5": voice.five_after_ten}
    return special.get(ones) or voice.digit(ones)


def _threes(digits: str, voice: _Voice, rng: random.Random) -> list[str]:
    head = len(digits) % 3
    words = _singles(digits[:head], voice, rng) if head else []
    for i in range(head, len(digits), 3):
        words += _three(digits[i : i + 3], voice, rng)
    return words


def _three(three: str, voice: _Voice, rng: random.Random) -> list[str]:
    hundreds, tens, ones = three[0], three[1], three[2]
    words = [voice.digit(hundreds), "trăm"]
    if tens == "0":
        return words if ones == "0" else [*words, voice.link, voice.digit(ones)]
    if tens == "1":
        return [*words, *_pair(tens + ones, voice, rng)]
    if ones == "0":
        return [*words, voice.digit(tens), "mươi"]
    return [*words, voice.digit(tens), "mươi", _ones(ones, voice, rng)]


def _phone(digits: str, voice: _Voice, rng: random.Random) -> list[str]:
    """4-3-3 (or 4 and threes), each group digit by digit, its last digit as groups end."""
    cuts = [0, *range(4, len(digits), 3), len(digits)]
    groups = [digits[a:b] for a, b in pairwise(cuts) if a < b]
    return [word for group in groups for word in _singles(group, voice, rng)]


def _repeats(digits: str, voice: _Voice, rng: random.Random) -> list[str]:
    words: list[str] = []
    for _, same in groupby(digits):
        run = "".join(same)
        if 2 <= len(run) <= 5:
            what = rng.choice(("số", "số", "con", "chữ số"))
            words += [voice.digit(str(len(run))), *what.split(), voice.digit(run[0])]
        else:
            words += [voice.digit(d) for d in run]
    return words


def _cardinal(digits: str, voice: _Voice, rng: random.Random) -> list[str]:
    """Leading zeros one by one, then up to ten digits as one number with full groups."""
    rest = digits.lstrip("0")
    words = [voice.digit("0")] * (len(digits) - len(rest))
    if len(rest) > 10:  # nobody reads eleven digits as one number: the first ones singly
        words += [voice.digit(d) for d in rest[:-9]]
        rest = rest[-9:]
    head = len(rest) % 3 or 3
    groups = [rest[:head], *(rest[i : i + 3] for i in range(head, len(rest), 3))]
    units = ["", voice.thousand, "triệu", voice.billion]
    for i, group in enumerate(g for g in groups if g):
        words += _group(group, voice, rng)
        unit = units[len(groups) - 1 - i]
        words += [unit] if unit else []
    return words


def _group(group: str, voice: _Voice, rng: random.Random) -> list[str]:
    if len(group) == 3:
        return _three(group, voice, rng)
    return _pair(group, voice, rng) if len(group) == 2 else [voice.digit(group)]


_STYLES: dict[Style, Callable[[str, _Voice, random.Random], list[str]]] = {
    Style.SINGLES: _singles,
    Style.PAIRS: _pairs,
    Style.THREES: _threes,
    Style.PHONE: _phone,
    Style.REPEATS: _repeats,
    Style.CARDINAL: _cardinal,
}
