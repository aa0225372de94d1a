"""Corrections by value: "không phải bảy mà là tám", "số bảy sửa thành số một", "số bảy thứ hai".

Which digit of the code is meant only the dialogue can say: nobody here sees the code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from assistant.nlu import tables
from assistant.nlu.corrections import placed_change
from assistant.nlu.heard_digits import NO_DIGITS, HeardDigits
from assistant.nlu.numbers import digit_of
from assistant.nlu.patterns import Words
from assistant.nlu.spans import read_run
from assistant.nlu.tokens import Role, Token, find_near
from assistant.nlu.types import CONFIRMING, Correction, Expect

_NUMBER = frozenset({Role.NUMBER, Role.CLASSIFIER})
_FILLER = frozenset({Role.HESITATION, Role.LEAD})
_FEW = 3  # digits; more of them around a bare "không phải" are a code said again


@dataclass(frozen=True, slots=True)
class ValueChange:
    """``correction`` None: something is wrong, and no one reading says what: digits against
    digits but not as many, a count of equal ones, two changes. ``digits``: those it writes."""

    start: int  # tokens [start, end) of the clause said it
    end: int
    correction: Correction | None = field(repr=False)
    digits: HeardDigits = NO_DIGITS


@dataclass(frozen=True, slots=True)
class _Said:
    """Digits in a row, as tokens [start, end)."""

    start: int
    end: int
    digits: HeardDigits
    named: bool = False  # "số bảy", not "bảy"


def value_change(tokens: Sequence[Token], expect: Expect) -> ValueChange | None:
    """The correction by value that a clause holds, if any; one by place goes before it."""
    after_read_back = expect in CONFIRMING
    if not (after_read_back or expect is Expect.CODE) or placed_change(tokens) is not None:
        return None
    texts = [token.text for token in tokens]
    ways = [*_ANYWHERE, *(_AFTER_READ_BACK if after_read_back else ())]
    found = [change for way in ways for i in range(len(texts)) if (change := way(tokens, texts, i))]
    if not found:
        return None
    first = found[0]
    apart = any(one.start >= first.end or one.end <= first.start for one in found)
    return replace(first, correction=None) if apart else first


Way = Callable[[Sequence[Token], Sequence[str], int], ValueChange | None]


def _not_but(tokens: Sequence[Token], texts: Sequence[str], i: int) -> ValueChange | None:
    """ "không phải bảy mà là tám"."""
    fix = tables.corrections()
    n = find_near(texts, i, fix.not_but)
    wrong = _after(tokens, i + n) if n else None
    but = find_near(texts, wrong.end, fix.but) if wrong else 0
    right = _after(tokens, wrong.end + but) if wrong and but else None
    return _changed(i, right.end, wrong, right) if wrong and right else None


def _rather(tokens: Sequence[Token], texts: Sequence[str], i: int) -> ValueChange | None:
    """ "tám chứ không phải bảy"."""
    return _right_first(tokens, texts, i, tables.corrections().rather)


def _not(tokens: Sequence[Token], texts: Sequence[str], i: int) -> ValueChange | None:
    """ "tám không phải bảy" after a read-back; while the code is read out it repairs."""
    change = _right_first(tokens, texts, i, tables.corrections().not_but)
    few = change is not None and change.correction is not None and len(change.digits) <= _FEW
    return change if few else None


def _becomes(tokens: Sequence[Token], texts: Sequence[str], i: int) -> ValueChange | None:
    """ "số bảy sửa thành số tám"."""
    n = find_near(texts, i, tables.corrections().becomes)
    wrong, right = (_before(tokens, i), _after(tokens, i + n)) if n else (None, None)
    return _changed(wrong.start, right.end, wrong, right) if wrong and right else None


def _heard_as(tokens: Sequence[Token], texts: Sequence[str], i: int) -> ValueChange | None:
    """ "số tám nghe nhầm thành bảy"."""
    return _right_first(tokens, texts, i, tables.corrections().heard_as)


def _right_first(
    tokens: Sequence[Token], texts: Sequence[str], i: int, between: Sequence[Words]
) -> ValueChange | None:
    n = find_near(texts, i, between)
    right, wrong = (_before(tokens, i), _after(tokens, i + n)) if n else (None, None)
    return _changed(right.start, wrong.end, wrong, right) if wrong and right else None


def _which_of_them(tokens: Sequence[Token], texts: Sequence[str], i: int) -> ValueChange | None:
    """ "số bảy thứ hai", "số bảy cuối là tám": one of several equal digits, by its rank."""
    unit = find_near(texts, i, tables.corrections().unit)
    wrong = digit_of(texts[i + unit]) if unit and i + unit < len(texts) else None
    rank = _rank(texts, i + unit + 1) if wrong else None
    if wrong is None or rank is None:
        return None
    position, end = rank
    is_ = find_near(texts, end, tables.corrections().copula)
    right = _after(tokens, end + is_) if is_ else None
    digits = right.digits if right and len(right.digits) == 1 else NO_DIGITS
    correction = Correction(position=position, wrong=wrong, digits=digits.text)
    return ValueChange(i, right.end if right else end, correction, digits)


def _wrong(tokens: Sequence[Token], texts: Sequence[str], i: int) -> ValueChange | None:
    """ "sai số bảy", "số bảy sai rồi": what it should be was not said."""
    n = find_near(texts, i, tables.corrections().wrong)
    after, before = (_after(tokens, i + n), _before(tokens, i)) if n else (None, None)
    said = after if after and after.start == i + n and after.named else before
    if said is None or not said.named:
        return None
    correction = Correction(wrong=said.digits.text, count=len(said.digits))
    return ValueChange(min(i, said.start), max(i + n, said.end), correction)


def _only(tokens: Sequence[Token], texts: Sequence[str], i: int) -> ValueChange | None:
    """ "chỉ có hai số bảy", "hai số bảy thôi", "thừa một số không": as many, not as were read."""
    fix = tables.corrections()
    n = find_near(texts, i, fix.only_before)
    start, end = _span_after(tokens, i + n) if n else _span_before(tokens, i)
    ends = n or find_near(texts, i, fix.only_after)
    said = tokens[start:end]
    if not (said and ends) or len({t.text for t in said[1:] if t.role is Role.NUMBER}) > 1:
        return None
    return ValueChange(min(i, start), max(i + ends, end), None)


_ANYWHERE: tuple[Way, ...] = (_not_but, _rather, _heard_as, _becomes)
_AFTER_READ_BACK: tuple[Way, ...] = (_not, _which_of_them, _wrong, _only)


def _changed(start: int, end: int, wrong: _Said, right: _Said) -> ValueChange:
    same = len(wrong.digits) == len(right.digits)
    new = right.digits
    correction = Correction(count=len(new), wrong=wrong.digits.text, digits=new.text)
    return ValueChange(start, end, correction if same else None, new)


def _rank(texts: Sequence[str], at: int) -> tuple[int, int] | None:
    """(0-based rank, negative from the end; where its words end)."""
    fix, ordinals = tables.corrections(), tables.numbers().ordinals
    if n := find_near(texts, at, fix.first):
        return 0, at + n
    if n := find_near(texts, at, fix.last):
        return -1, at + n
    thu = find_near(texts, at, fix.ordinal)
    n = find_near(texts, at + thu, sorted(ordinals, key=len, reverse=True)) if thu else 0
    if not n:
        return None
    return ordinals[tuple(texts[at + thu : at + thu + n])] - 1, at + thu + n


def _after(tokens: Sequence[Token], start: int) -> _Said | None:
    return _read(tokens, *_span_after(tokens, start))


def _before(tokens: Sequence[Token], end: int) -> _Said | None:
    return _read(tokens, *_span_before(tokens, end))


def _span_after(tokens: Sequence[Token], start: int) -> tuple[int, int]:
    """Where the number words stand that begin at ``start``, fillers aside."""
    while start < len(tokens) and tokens[start].role in _FILLER:
        start += 1
    end = start
    while end < len(tokens) and tokens[end].role in _NUMBER:
        end += 1
    return start, end


def _span_before(tokens: Sequence[Token], end: int) -> tuple[int, int]:
    """The same of those that end at ``end``."""
    while end and tokens[end - 1].role in _FILLER:
        end -= 1
    start = end
    while start and tokens[start - 1].role in _NUMBER:
        start -= 1
    return start, end


def _read(tokens: Sequence[Token], start: int, end: int) -> _Said | None:
    run = read_run(tokens[start:end])
    if run is None or not run.digits:
        return None
    return _Said(start, end, run.digits, tokens[start].role is Role.CLASSIFIER)
