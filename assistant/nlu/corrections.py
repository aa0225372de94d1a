"""How callers change digits: by place ("số cuối là bảy") or by saying them again ("à nhầm")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from assistant.nlu import tables
from assistant.nlu.heard_digits import NO_DIGITS, HeardDigits
from assistant.nlu.normal import toneless
from assistant.nlu.numbers import digit_of
from assistant.nlu.patterns import Words
from assistant.nlu.spans import COMPLETE, read_run
from assistant.nlu.tokens import Role, Token, find_near, find_phrase
from assistant.nlu.types import Correction


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the code, as tokens [start, end) of the clause said it."""

    start: int
    end: int
    position: int  # 0-based; negative from the end
    count: int | None  # None: "số cuối", as many as the new digits are


@dataclass(frozen=True, slots=True)
class PlacedChange:
    """A correction by place. ``head``: tokens before it; ``undecided``: digits that have no
    one reading, or two places at once; ``doubtful``: its count may be a digit of the head."""

    correction: Correction = field(repr=False)
    head: Sequence[Token] = field(repr=False)
    undecided: bool = False
    doubtful: bool = False
    digits: HeardDigits = NO_DIGITS  # those of the correction


def placed_change(tokens: Sequence[Token]) -> PlacedChange | None:
    """The correction by place that a clause holds, if any."""
    texts = [t.text for t in tokens]
    place = _find_place(texts)
    if place is None:
        return None
    head = tokens[: _back_over_wrong(texts, place.start)]
    rest = _of_the_right_ones(tokens, place.end)
    if _holds_place(texts[place.end :]):
        return PlacedChange(Correction(), head, undecided=True)
    run = read_run(rest, wanted=place.count)
    if run is not None and run.digits is None:
        return PlacedChange(_correction(place, ""), head, undecided=True)
    said = (run.digits if run else None) or NO_DIGITS
    if said and place.count not in (None, len(said)) and _ends_in_digit(head):
        return _without_count(tokens, place, said)
    correction = _correction(place, said.text)
    return PlacedChange(correction, head, digits=said if correction.digits else NO_DIGITS)


def _ends_in_digit(head: Sequence[Token]) -> bool:
    return bool(head) and head[-1].role is Role.NUMBER


def _without_count(tokens: Sequence[Token], place: Place, said: HeardDigits) -> PlacedChange:
    """ "… tám bốn số cuối là sáu": one digit is no four, so "bốn" belongs to those before."""
    head = [*tokens[: place.start], replace(tokens[place.start], role=Role.NUMBER)]
    position = min(place.position, 0) and -1
    correction = _correction(replace(place, position=position, count=None), said.text)
    return PlacedChange(correction, head, doubtful=True, digits=said)


def repaired(before: HeardDigits, after: HeardDigits, so_far: int = 0) -> HeardDigits | None:
    """``before`` as mended by ``after`` (see ``_kept``); None when more than one reading stays."""
    kept = _kept(before.text, after.text, so_far)
    return None if kept is None else before.part(0, kept) + after


def _kept(before: str, after: str, digits_so_far: int) -> int | None:
    """How many digits of ``before`` stay when ``after`` follows ("không một hai, à nhầm, không
    một ba"); None when more than one reading stays.

    One digit replaces the last one. Several start again from where they agree with what was
    said, the longest agreement and then the latest place counting. With no agreement the
    reading that completes a code is taken, and nothing otherwise."""
    if not before or not after:
        return len(before)
    if len(after) == 1:
        return len(before) - 1
    agreement, place = max((_common_prefix(before[p:], after), p) for p in range(len(before)))
    if agreement:
        return place
    choices = {0, len(before) - 1, max(0, len(before) - len(after))}
    fitting = [kept for kept in choices if digits_so_far + kept + len(after) in COMPLETE]
    return fitting[0] if len(fitting) == 1 else None


def apply(digits: HeardDigits, change: PlacedChange) -> HeardDigits | None:
    """``digits`` with a correction by place; None when the place is not inside them."""
    position, new = change.correction.position, change.digits
    if position is None or not new:
        return None
    start = position if position >= 0 else len(digits) + position
    if start < 0 or start + len(new) > len(digits):
        return None
    return digits.part(0, start) + new + digits.part(start + len(new))


def _common_prefix(a: str, b: str) -> int:
    pairs = zip(a, b, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _correction(place: Place, digits: str) -> Correction:
    count = place.count or len(digits) or 1
    if digits and len(digits) != count:
        digits = ""  # "hai số cuối là bảy": the place is clear, the digits are not
    position = place.position
    if place.count is None and position < 0 and digits and position == -1:
        position = -len(digits)  # "số cuối là bảy tám"
    return Correction(position=position, count=count, digits=digits)


def _find_place(texts: Sequence[str]) -> Place | None:
    return next((p for i in range(len(texts)) if (p := _place_at(texts, i))), None)


def _place_at(texts: Sequence[str], i: int) -> Place | None:
    """A place that starts at ``i``: [hai|mấy] số cuối, số thứ ba [từ cuối], số áp chót."""
    fix = tables.corrections()
    at, count, several = i, None, find_phrase(texts, i, fix.several)
    said = digit_of(texts[i])
    if said is not None and int(said) > 1:
        at, count = i + 1, int(said)
    else:
        at += several
    unit = find_phrase(texts, at, fix.unit)
    if not unit:
        return None
    at += unit
    if n := find_phrase(texts, at, fix.next_to_last):
        return Place(i, at + n, -2, 1)
    if n := find_phrase(texts, at, fix.first):
        return Place(i, at + n, 0, count)
    if n := find_phrase(texts, at, fix.last):
        return Place(i, at + n, -(count or 1), count)
    return _ordinal_place(texts, i, at) if count is None and not several else None


def _ordinal_place(texts: Sequence[str], start: int, at: int) -> Place | None:
    """ "thứ ba", "thứ ba từ cuối", and side by side "thứ chín với thứ mười"."""
    fix = tables.corrections()
    rank, n = _ordinal(texts, at)
    if not n:
        return None
    at += n
    if backwards := find_phrase(texts, at, fix.from_end):
        return Place(start, at + backwards, -rank, 1)
    beside = at + find_phrase(texts, at, fix.side_by_side)
    beside += find_phrase(texts, beside, fix.unit)
    following, n = _ordinal(texts, beside)
    if n and following == rank + 1:
        return Place(start, beside + n, rank - 1, 2)
    return Place(start, at, rank - 1, None)


def _ordinal(texts: Sequence[str], at: int) -> tuple[int, int]:
    """(rank, words) of "thứ mười một" at ``at``; no words where none stands there."""
    ordinals = tables.numbers().ordinals
    thu = find_phrase(texts, at, tables.corrections().ordinal)
    names: list[Words] = sorted(ordinals, key=len, reverse=True)
    n = find_phrase(texts, at + thu, names) if thu else 0
    return (ordinals[tuple(texts[at + thu : at + thu + n])], thu + n) if n else (0, 0)


def _holds_place(texts: Sequence[str]) -> bool:
    """Whether another place is named: an ordinal is no digit, with "số" or without."""
    return any(_place_at(texts, i) or _ordinal(texts, i)[1] for i in range(len(texts)))


def _back_over_wrong(texts: Sequence[str], start: int) -> int:
    """ "sai ở số cuối": the word that says so belongs to the place."""
    for phrase in tables.corrections().wrong:
        n = len(phrase)
        if start >= n and tuple(texts[start - n : start]) == phrase:
            return start - n
    return start


def _of_the_right_ones(tokens: Sequence[Token], start: int) -> Sequence[Token]:
    """The tokens that may hold the new digits: what stands before "chứ không phải sáu" or "không
    phải sáu", and after "không phải bảy" only what "mà là" introduces."""
    fix = tables.corrections()
    rest = tokens[start:]
    texts = [t.text for t in rest]
    said = False
    for i, token in enumerate(rest):
        if said and (_instead(texts, i) or find_near(texts, i, (*fix.rather, *fix.not_but))):
            return rest[:i]
        if n := find_phrase(texts, i, fix.not_but):
            after = range(i + n, len(texts))
            ends = [j + m for j in after if (m := find_phrase(texts, j, fix.copula))]
            return rest[ends[0] :] if ends else []
        said |= token.role is Role.NUMBER
    return rest


def _instead(texts: Sequence[str], i: int) -> bool:
    """Whether the wrong digits follow: "… chứ sáu đâu", with "đâu" even a badly heard "chữ"."""
    fix = tables.corrections()
    if find_phrase(texts, i, fix.instead):
        return True
    ends = any(find_phrase(texts, j, fix.instead_end) for j in range(i + 2, len(texts)))
    return ends and (toneless(texts[i]),) in {tuple(map(toneless, w)) for w in fix.instead}
