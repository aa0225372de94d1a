"""Number words → digits. Every grouping callers use, and what to do when two readings tie.

A run of words is cut into segments ("hai mươi lăm" | "ba số không" | …). Fewer segments win:
"hai mươi ba" is 23 rather than 20, 3; "hai ba mươi" can only be 2, 30. Readings whose costs
are equal are a tie; the caller of this module breaks it by length or asks again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from assistant.nlu import tables

BARRIER = "|"  # no number reaches across it
MAX_READINGS = 8
_EPSILON = 0.01

# cost of one segment beyond 1: 0 for what everybody says, more for what is rarer
_MUOI_DROPPED = 0.2  # "một trăm hai lăm" = 125
_COLLOQUIAL = 1.0  # "hai trăm ba" = 230: as likely 200, 3, so a tie
_SEPARATOR_UNIT = 0.0  # "769 triệu" at the end of a fragment: 769, or 769000000: a tie

Segment = tuple[int, str, float]  # end index, digits, cost
Source = tuple[int, int]  # words [start, end) that said a digit


@dataclass(frozen=True, slots=True)
class Reading:
    """``sources``: for each digit the words of its segment."""

    digits: str = field(repr=False)
    cost: float
    sources: tuple[Source, ...] = ()


def readings(words: Sequence[str]) -> list[Reading]:
    """The cheapest readings of number words, best first; empty when the words form none.

    ``words`` hold number words, digits such as "0123", classifiers (số, con) and BARRIER."""
    best: list[dict[str, Reading]] = [{} for _ in range(len(words) + 1)]
    best[0][""] = Reading("", 0.0)
    for i in range(len(words)):
        for end, digits, cost in _segments(words, i):
            for before in best[i].values():
                sources = before.sources + ((i, end),) * len(digits)
                longer = Reading(before.digits + digits, before.cost + cost, sources)
                known = best[end].get(longer.digits)
                if known is None or longer.cost < known.cost:
                    best[end][longer.digits] = longer
        best[i + 1] = _cheapest(best[i + 1])
    return [reading for reading in _cheapest(best[-1]).values() if reading.digits]


def tied(found: Sequence[Reading]) -> list[Reading]:
    """The readings as cheap as the best one."""
    return [r for r in found if r.cost <= found[0].cost + _EPSILON]


def digit_of(word: str) -> str | None:
    """The digit a word or a single typed digit stands for."""
    if len(word) == 1 and word.isascii() and word.isdigit():
        return word
    return tables.numbers().digit.get(word)


def _cheapest(found: dict[str, Reading]) -> dict[str, Reading]:
    return {r.digits: r for r in sorted(found.values(), key=lambda r: r.cost)[:MAX_READINGS]}


def _segments(words: Sequence[str], i: int) -> Iterator[Segment]:
    if words[i] == BARRIER:
        yield i + 1, "", 0.0
        return
    yield from _plain(words, i)
    yield from _repeats(words, i)
    yield from _two(words, i)
    yield from _three(words, i)
    yield from _large(words, i)


def _plain(words: Sequence[str], i: int) -> Iterator[Segment]:
    """One digit, typed digits, "linh" as 0, "số bảy" as 7."""
    word = words[i]
    digit = digit_of(word)
    if digit is not None:
        yield i + 1, digit, 1.0
    elif word.isascii() and word.isdigit():
        yield i + 1, word, 1.0
    elif word in tables.numbers().zero_link:
        yield i + 1, "0", 1.0
    for end in _after_classifier(words, i):
        named = digit_of(words[end]) if end < len(words) else None
        if named is not None:
            yield end + 1, named, 1.0


def _after_classifier(words: Sequence[str], i: int) -> Iterator[int]:
    for phrase in tables.numbers().counters:
        if tuple(words[i : i + len(phrase)]) == phrase:
            yield i + len(phrase)


def _repeats(words: Sequence[str], i: int) -> Iterator[Segment]:
    """ "ba số không" = 000, "ba lần không" = 000, "không ba lần" = 000."""
    count = digit_of(words[i])
    if count is None:
        return
    times = tables.numbers().times
    starts = list(_after_classifier(words, i + 1))
    if i + 1 < len(words) and words[i + 1] in times:
        starts += [i + 2, *_after_classifier(words, i + 2)]
    for j in starts:
        digit = digit_of(words[j]) if j < len(words) else None
        if digit is not None and count != "0":
            # "một số tám" may be one eight or 1, 8: dear enough to tie with the latter
            yield j + 1, digit * int(count), 2.0 if count == "1" else 1.0
    if i + 2 < len(words) and words[i + 2] in times:
        said = digit_of(words[i + 1])
        if said is not None and said not in "01":
            yield i + 3, count * int(said), 1.0


def _two(words: Sequence[str], i: int) -> Iterator[Segment]:
    """Two digits through mười, mươi or chục."""
    number = tables.numbers()
    if words[i] in number.teen:
        yield i + 1, "10", 1.0
        yield from _with_ones(words, i + 1, "1")
    tens = digit_of(words[i])
    if tens is None or i + 1 >= len(words):
        return
    if words[i + 1] in number.ten:
        yield i + 2, tens + "0", 1.0
        yield from _with_ones(words, i + 2, tens)
    if words[i + 1] in number.round_ten:
        yield i + 2, tens + "0", 1.0
        if i + 2 < len(words) and words[i + 2] in number.bound_ones:
            yield i + 3, tens + number.digit[words[i + 2]], 1.0


def _with_ones(words: Sequence[str], i: int, tens: str) -> Iterator[Segment]:
    ones = digit_of(words[i]) if i < len(words) else None
    if ones is not None and ones != "0":
        yield i + 1, tens + ones, 1.0


def _three(words: Sequence[str], i: int) -> Iterator[Segment]:
    """Three digits through trăm."""
    number = tables.numbers()
    head = digit_of(words[i])
    if head is None or i + 1 >= len(words) or words[i + 1] not in number.hundred:
        return
    at = i + 2
    yield at, head + "00", 1.0
    for end, tail, cost in _below_hundred(words, at):
        yield end, head + tail, cost
    if at < len(words) and words[at] in number.half:
        yield at + 1, head + "50", 1.0
    alone = digit_of(words[at]) if at < len(words) else None
    if alone is not None and alone != "0":
        yield at + 1, head + alone + "0", 1.0 + _COLLOQUIAL


def _below_hundred(words: Sequence[str], i: int) -> Iterator[Segment]:
    """The two digits that may follow "trăm": linh năm, mười lăm, ba mươi tư, ba tư."""
    if i >= len(words):
        return
    if words[i] in tables.numbers().zero_link:
        ones = digit_of(words[i + 1]) if i + 1 < len(words) else None
        if ones is not None:
            yield i + 2, "0" + ones, 1.0
        return
    yield from _two(words, i)
    tens = digit_of(words[i])
    ones = digit_of(words[i + 1]) if i + 1 < len(words) else None
    if tens and ones and "0" not in tens + ones:
        yield i + 2, tens + ones, 1.0 + _MUOI_DROPPED


def _group(words: Sequence[str], i: int) -> Iterator[Segment]:
    """What may stand before nghìn, triệu, tỷ: one to three digits as said."""
    digit = digit_of(words[i]) if i < len(words) else None
    if digit is not None:
        yield i + 1, digit, 1.0
    if i < len(words):
        yield from _two(words, i)
        yield from (s for s in _three(words, i) if s[2] < 1.0 + _COLLOQUIAL)


def _large(words: Sequence[str], i: int) -> Iterator[Segment]:
    """Cardinals with nghìn, triệu, tỷ; lower groups are padded to three digits."""
    number = tables.numbers()
    units = (number.billion, number.million, number.thousand)
    for end, lead, _ in _group(words, i):
        if end >= len(words):
            continue
        for level, unit in enumerate(units):
            if words[end] in unit:
                yield from _lower(words, end + 1, lead, units[level + 1 :])


def _lower(
    words: Sequence[str], i: int, lead: str, units: tuple[frozenset[str], ...]
) -> Iterator[Segment]:
    """The groups under a unit word. Missing ones are zeros, except that a fragment ending
    in "triệu" may go on in the next turn, and a dropped "nghìn" is put back."""
    zeros = "000" * (len(units) + 1)
    yield i, lead + zeros, 1.0
    if units:
        yield i, lead, 1.0 + _SEPARATOR_UNIT
    for end, tail in _tail(words, i, units):
        yield end, lead + tail, 1.0
    if not units:
        half = i < len(words) and words[i] in tables.numbers().half
        ones = digit_of(words[i]) if i < len(words) else None
        if half:
            yield i + 1, lead + "500", 1.0
        elif ones is not None and ones != "0":
            yield i + 1, lead + ones + "00", 1.0 + _COLLOQUIAL
        return
    for end, first, _ in _hundreds(words, i):
        yield end, lead + first, 1.0  # "769 triệu 832": a fragment, "nghìn" not said
        if len(units) == 1:
            for last_end, last, _ in _hundreds(words, end):
                yield last_end, lead + first + last, 1.0  # "769 triệu 832 003"


def _hundreds(words: Sequence[str], i: int) -> Iterator[Segment]:
    if i < len(words):
        yield from (s for s in _three(words, i) if s[2] < 1.0 + _COLLOQUIAL)


def _tail(
    words: Sequence[str], i: int, units: tuple[frozenset[str], ...]
) -> Iterator[tuple[int, str]]:
    """Lower groups as proper cardinals: (end, digits) with 3 digits for every level."""
    if not units:
        for end, digits, _ in _last_group(words, i):
            yield end, digits
        return
    for end, digits, _ in _group(words, i):
        if end < len(words) and words[end] in units[0]:
            padded = digits.rjust(3, "0")
            yield end + 1, padded + "000" * len(units)
            yield from ((e, padded + t) for e, t in _tail(words, end + 1, units[1:]))
    yield from ((e, "000" + t) for e, t in _tail(words, i, units[1:]))


def _last_group(words: Sequence[str], i: int) -> Iterator[Segment]:
    """The units group: full hundreds, "linh năm", or two digits ("hai nghìn mười lăm")."""
    yield from _hundreds(words, i)
    if i < len(words):
        yield from (
            (end, "0" + tail, cost)
            for end, tail, cost in _below_hundred(words, i)
            if cost <= 1.0 and len(tail) == 2
        )
