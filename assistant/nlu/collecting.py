"""Digits and corrections of an utterance: its clauses, cut at "à nhầm" and "đọc lại nhé"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from assistant.nlu import tables
from assistant.nlu.by_value import ValueChange, value_change
from assistant.nlu.corrections import PlacedChange, apply, placed_change, repaired
from assistant.nlu.heard_digits import NO_DIGITS, HeardDigits
from assistant.nlu.normal import UNKNOWN_WORD
from assistant.nlu.spans import COMPLETE, Run, code_of, read_run, whole_card
from assistant.nlu.tokens import Role, Token, find_phrase
from assistant.nlu.types import COLLECTING, CONFIRMING, Correction, DigitSpan, Expect

_WHOLE_CODE = 9  # digits; as many are a code wherever they are said
_FEWEST = {Expect.CONFIRM: _WHOLE_CODE, Expect.WHICH: 2}  # digits after a read-back
_FEW = 2  # digits; beside a stray word so few are a word misheard
_SURE_RUN = 4  # digits; as many are digits among any words
_READ_BACK = 4  # digits; as many after the password are the password read back
_KEYS = frozenset("12")  # that answer a read-back: said alone they may name the key
_NO = "không"
_BESIDE = (Role.HESITATION, Role.SEPARATOR, Role.LEAD)  # words that say nothing by themselves


@dataclass(frozen=True, slots=True)
class Collected:
    """What an utterance holds for the code."""

    span: DigitSpan | None = None
    correction: Correction | None = None
    undecided: bool = False  # digits were heard, but no one reading
    denied: bool = False  # "không, không chín một …": no, then another code
    heard_digits: int = 0
    first_digit: int | None = None  # index of the first number word
    only_fillers: bool = False


@dataclass(frozen=True, slots=True)
class _Clause:
    tokens: tuple[Token, ...] = field(repr=False)
    marker: str = ""  # "", "repair" or "restart": what came before it


@dataclass(frozen=True, slots=True)
class _State:
    """The digits built up clause by clause."""

    digits: HeardDigits = NO_DIGITS
    letters: bool = False
    correction: Correction | None = None
    undecided: bool = False
    restart: bool = False
    taken_back: bool = False
    denied: bool = False  # something is wrong, and nobody said what


def collect(tokens: Sequence[Token], expect: Expect, digits_so_far: int) -> Collected:
    """Digits and correction of an utterance with roles. Pure; never raises."""
    weighty = [t for t in tokens if t.role not in _BESIDE or t.text == UNKNOWN_WORD]
    fillers_only = any(t.text != UNKNOWN_WORD for t in tokens) and all(
        t.role in _BESIDE for t in weighty
    )
    first = next((i for i, t in enumerate(tokens) if t.role is Role.NUMBER), None)
    state = _State()
    for clause in _clauses(tokens, expect):
        state = _take(state, clause, expect, digits_so_far)
    found = _finish(state, expect, digits_so_far, alone=len(weighty) == 1)
    return replace(found, first_digit=first, only_fillers=fillers_only)


def _clauses(tokens: Sequence[Token], expect: Expect) -> list[_Clause]:
    """The utterance cut at its repair and restart markers."""
    fix, texts = tables.corrections(), [t.text for t in tokens]
    clauses: list[_Clause] = []
    change = value_change(tokens, expect)
    marker, start, i = "", 0, 0
    cuts = expect is Expect.CODE or expect in CONFIRMING
    while cuts and i < len(tokens):
        if asked := _asks_us(tokens, texts, i):
            i += asked
            continue
        restart = find_phrase(texts, i, fix.restart)
        inside = change is not None and change.start <= i < change.end
        repair = 0 if restart or inside else _repair_at(tokens, texts, i)
        if restart or repair:
            clauses.append(_Clause(tuple(tokens[start:i]), marker))
            marker = "restart" if restart else "repair"
            start = i = i + (restart or repair)
        else:
            i += 1
    return [*clauses, _Clause(tuple(tokens[start:]), marker)]


def _asks_us(tokens: Sequence[Token], texts: Sequence[str], i: int) -> int:
    """Words at ``i`` that ask us to read again; 0 where the caller does ("em đọc lại nhé",
    "em đọc lại, không một …")."""
    fix = tables.corrections()
    n = find_phrase(texts, i, fix.restart_or_repeat)
    if not n:
        return 0
    rest = tokens[i + n :]
    said = [t for t in rest if t.role not in (*_BESIDE, Role.CLASSIFIER)]
    reads = bool(said) and said[0].role is Role.NUMBER and placed_change(rest) is None
    ends = not said and find_phrase(texts, i + n, fix.restart_end) > 0
    return 0 if reads or ends else n


def _repair_at(tokens: Sequence[Token], texts: Sequence[str], i: int) -> int:
    """Words of a repair marker at ``i``. "không phải" inside a correction by place ("số cuối
    không phải bảy mà là tám") is part of that correction."""
    n = find_phrase(texts, i, tables.corrections().repair)
    if n and any(t.role is Role.NUMBER for t in tokens[i : i + n]):
        return 0
    return 0 if n and placed_change(tokens[:i]) is not None else n


def _take(state: _State, clause: _Clause, expect: Expect, so_far: int) -> _State:
    if clause.marker == "restart":
        state = _State(restart=True, correction=Correction(restart=True))
    change = placed_change(clause.tokens)
    if change is not None:
        return _take_change(state, change, expect, so_far)
    value = value_change(clause.tokens, expect)
    if value is not None:
        return _take_value(state, clause, value, expect, so_far)
    run = read_run(clause.tokens, so_far + len(state.digits))
    if run is None:
        # "không một hai, à nhầm" and nothing after it: what was said is wrong, it comes again
        taken_back = clause.marker == "repair"
        return _State(restart=state.restart, taken_back=True) if taken_back else state
    if run.digits is None:
        return replace(state, undecided=True)
    if not _believable(run, expect):
        return state
    return _take_run(state, clause, run, expect, so_far)


def _take_run(state: _State, clause: _Clause, run: Run, expect: Expect, so_far: int) -> _State:
    said = run.digits or NO_DIGITS
    state = replace(state, letters=state.letters or run.letters)
    if clause.marker != "repair":
        return replace(state, digits=state.digits + said)
    if state.digits:
        mended = repaired(state.digits, said, so_far)
        return replace(state, digits=mended or NO_DIGITS, undecided=mended is None)
    return _repair_of_earlier(state, said, expect, so_far)


def _repair_of_earlier(state: _State, said: HeardDigits, expect: Expect, so_far: int) -> _State:
    """A turn that begins with "à nhầm": one digit replaces the last one collected, a whole
    code replaces everything, anything between is asked again."""
    if len(said) in COMPLETE or (expect in CONFIRMING and len(said) >= _WHOLE_CODE):
        return replace(state, digits=said, correction=Correction(restart=True))
    if expect is Expect.CODE and so_far == 0:
        return replace(state, digits=said)
    if len(said) == 1 and expect is Expect.CODE:
        return replace(state, correction=Correction(position=-1, count=1, digits=said.text))
    return replace(state, undecided=expect is Expect.CODE)


def _take_change(state: _State, change: PlacedChange, expect: Expect, so_far: int) -> _State:
    head = read_run(change.head, so_far + len(state.digits))
    before = NO_DIGITS if head is None else head.digits
    if before is None or change.undecided or (state.correction and not state.restart):
        return replace(state, undecided=True)
    digits = state.digits + before
    if _dictated(change, digits, expect, so_far):
        return replace(state, digits=digits + change.digits)
    if change.doubtful and so_far + len(digits) not in COMPLETE:
        return replace(state, undecided=True)
    if digits:
        mended = apply(digits, change)
        if mended is not None:
            return replace(state, digits=mended)
    if digits and not so_far:
        return replace(state, digits=digits, undecided=True)
    return replace(state, digits=digits, correction=change.correction)


def _take_value(
    state: _State, clause: _Clause, value: ValueChange, expect: Expect, so_far: int
) -> _State:
    """Digits said in this turn are mended where the wrong one was said last; of those that
    were said before the dialogue knows the places."""
    head = read_run(clause.tokens[: value.start], so_far + len(state.digits))
    before = NO_DIGITS if head is None else head.digits
    if before is None or state.correction or (value.correction is None and expect is Expect.CODE):
        return replace(state, undecided=True)
    digits, change = state.digits + before, value.correction
    if change is None:
        doubtful = expect is Expect.CONFIRM_OR_MORE  # "hai số bảy thôi": the last two of twelve?
        return replace(state, undecided=doubtful, denied=not doubtful)
    if expect is Expect.CODE and not so_far and not digits:
        return replace(state, digits=value.digits)  # "bảy, phải là tám"
    place = digits.text.rfind(change.wrong)
    if place < 0 or not change.digits:
        return replace(state, digits=digits, correction=change)
    new = value.digits
    return replace(state, digits=digits.part(0, place) + new + digits.part(place + len(new)))


def _dictated(change: PlacedChange, digits: HeardDigits, expect: Expect, so_far: int) -> bool:
    """While a code is collected "bốn số đầu là …" and "ba số cuối là …" may be dictation:
    the first digits when nothing is there yet, the last ones when they complete it."""
    if expect is not Expect.CODE or not change.digits:
        return False
    have, said = so_far + len(digits), len(change.digits)
    position = change.correction.position or 0
    if digits and have in COMPLETE:
        return False  # said whole in this turn, and its end mended
    return (have == 0 and position == 0) or (position < 0 and have + said in COMPLETE)


def _believable(run: Run, expect: Expect) -> bool:
    """Whether number words among other words are digits at all."""
    length = len(run.digits or NO_DIGITS)
    alone = run.others == 0 and run.unknown == 0
    if expect in COLLECTING:
        if length >= _SURE_RUN or alone:
            return True
        return length > (_FEW if run.others else 1) and run.others <= 1
    if expect in (Expect.MENU, Expect.MORE):  # a lone one names a key
        return length >= _WHOLE_CODE or (alone and length > 1)
    return True


def _finish(state: _State, expect: Expect, so_far: int, alone: bool) -> Collected:
    """``alone``: one word of the turn has a weight."""
    heard = len(state.digits)
    if expect is Expect.SECRET and (state.undecided or heard < _READ_BACK):
        return Collected(heard_digits=heard)
    if state.undecided and (expect is Expect.CODE or expect in CONFIRMING):
        return Collected(undecided=True, heard_digits=heard)
    digits, denied = state.digits, state.denied
    if expect in CONFIRMING:
        before = so_far if expect in COLLECTING else 0
        digits, opening_no = _without_opening_no(digits, before)
        denied |= opening_no
        if digits and len(digits) < _FEWEST.get(expect, 0):
            denied |= digits.text.startswith("0") or (alone and _names_a_fault(digits))
            digits = NO_DIGITS
    lone = alone and len(digits) == 1 and so_far + 1 not in COMPLETE  # a "không" heard as "sáu"?
    if expect is Expect.CONFIRM_OR_MORE and (lone or _may_be_an_answer(digits)):
        return Collected(undecided=True, heard_digits=heard)
    span = _span(digits, state, so_far if expect in COLLECTING and not state.restart else 0)
    if digits and span is None:
        return Collected(undecided=True, heard_digits=heard)
    if expect is Expect.CODE:  # elsewhere the answer tables say what is a no
        denied = state.taken_back and not digits and state.correction is None
    return Collected(span=span, correction=state.correction, denied=denied, heard_digits=heard)


def _without_opening_no(digits: HeardDigits, so_far: int) -> tuple[HeardDigits, bool]:
    """ "không, không chín một …" after a read-back: one zero more than a code has is a no."""
    whole = {so_far + len(digits), len(digits)}
    opening_no = digits.text.startswith("0") and {n - 1 for n in whole} & COMPLETE
    return (digits.part(1), True) if opening_no and not whole & COMPLETE else (digits, False)


def _names_a_fault(digits: HeardDigits) -> bool:
    """A digit alone after a read-back: whoever is content with a code names none of it. (On the
    telephone it is most often a "không" that sounded like "sáu".) Keys are no such digits."""
    return len(digits) == 1 and digits.text not in _KEYS


def _may_be_an_answer(digits: HeardDigits) -> bool:
    """ "Một" may name the key for yes, and "không không" be a firm no."""
    return digits.text in _KEYS or bool(digits and not digits.text.strip("0"))


def _span(digits: HeardDigits, state: _State, so_far: int) -> DigitSpan | None:
    if not digits:
        return None
    found = code_of(digits, state.letters, so_far)
    if found is None:
        return None
    code, card = found
    whole = card and whole_card(digits, so_far)
    return DigitSpan(code.text, code.confidences, card, whole_card=whole, rivals=code.rivals)
