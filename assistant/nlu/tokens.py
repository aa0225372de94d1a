"""Heard words → tokens with the role each plays around a number.

Here "không" becomes zero or stays a word, and near-forms such as "hay" become digits - both
only by what stands beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache

from assistant.nlu import tables
from assistant.nlu.normal import UNKNOWN_WORD, toneless, words_of
from assistant.nlu.patterns import Words
from assistant.nlu.types import Expect, HeardWord, Shares


class Role(StrEnum):
    NUMBER = "number"  # a digit or a part of a number
    CLASSIFIER = "classifier"  # số, con right before a number
    HESITATION = "hesitation"  # dropped even inside a number
    SEPARATOR = "separator"  # ends a number, carries no meaning
    LEAD = "lead"  # "mã số của tôi là"
    PHRASE = "phrase"  # a word of a recognised phrase or expression: no digit
    OTHER = "other"  # anything else


@dataclass(frozen=True, slots=True)
class Token:
    text: str = field(repr=False)
    confidence: float | None = None
    role: Role = Role.OTHER
    typed_card: bool = False  # "DN4790123456789" in one typed word
    rivals: Shares = field(default=(), repr=False)


_TYPED_CARD = re.compile(r"([a-zđ]{2})(\d{13})")
_SURROUND = {Role.NUMBER, Role.HESITATION, Role.SEPARATOR, Role.LEAD, Role.CLASSIFIER}
_ZERO = "không"
_SURE_RUN = 4  # number words in a row
BLANK = "#"


def tokenize(heard: Iterable[HeardWord]) -> list[Token]:
    """Lower-case NFC tokens; spoken forms of foreign words folded to their written form."""
    flat = [token for word in heard for token in _parts(word)]
    return [t for token in _fold(flat) for t in _split_card(token)]


def _parts(word: HeardWord) -> list[Token]:
    parts = [part for part in words_of(word.text) if part]
    rivals = word.rivals if len(parts) == 1 else ()
    return [Token(part, word.confidence, rivals=rivals) for part in parts]


def with_roles(tokens: Sequence[Token], expect: Expect, masked: frozenset[int]) -> list[Token]:
    """The tokens with their roles; ``masked`` indexes belong to a phrase and are no digits."""
    texts = [t.text for t in tokens]
    roles = [_first_role(t) for t in texts]
    for i in masked | _idioms(texts):
        roles[i] = Role.PHRASE
    _mark_separators(texts, roles, masked)
    _mark_classifiers(texts, roles)
    _mark_zeros(texts, roles, expect)
    marked = [replace(t, role=r) for t, r in zip(tokens, roles, strict=True)]
    return _with_near_forms(marked, masked)


def without_runs(tokens: Sequence[Token], expect: Expect) -> list[str]:
    """The words, with those of a run of digits blanked: no phrase may reach into a code."""
    texts = [t.text for t in tokens]
    roles = [t.role for t in with_roles(tokens, expect, frozenset())]
    i = 0
    while i < len(roles):
        end = i
        while end < len(roles) and roles[end] is Role.NUMBER:
            end += 1
        if end - i >= _SURE_RUN:
            texts[i:end] = [BLANK] * (end - i)
        i = max(end, i + 1)
    return texts


def find_phrase(texts: Sequence[str], at: int, phrases: Iterable[Words]) -> int:
    """Length of the first of ``phrases`` that starts at ``at``; 0 when none does."""
    for phrase in phrases:
        if tuple(texts[at : at + len(phrase)]) == phrase:
            return len(phrase)
    return 0


def find_near(texts: Sequence[str], at: int, phrases: Sequence[Words]) -> int:
    """Words of the longest phrase that starts at ``at``; a phrase of several words may have
    lost its tones, a single word may not ("đúng" is not "đừng")."""
    exact = find_phrase(texts, at, phrases)
    heard = [toneless(w) for w in texts[at : at + 6]]
    near = next(
        (len(p) for p in phrases if len(p) > 1 and tuple(heard[: len(p)]) == _toneless(p)), 0
    )
    return max(exact, near)


@cache
def _toneless(phrase: Words) -> Words:
    return tuple(map(toneless, phrase))


def is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


@cache
def _foldings() -> tuple[tuple[Words, Words], ...]:
    """(what is said, what it becomes), longest first."""
    pairs: list[tuple[Words, Words]] = [
        (form, (word,)) for form, word in tables.numbers().folded.items()
    ]
    pairs += tables.dialect()
    for written, forms in tables.spoken().items():
        pairs += [(form, tuple(words_of(written))) for form in forms]
    return tuple(sorted(pairs, key=lambda p: len(p[0]), reverse=True))


def _fold(tokens: list[Token]) -> list[Token]:
    out: list[Token] = []
    texts = [t.text for t in tokens]
    i = 0
    while i < len(tokens):
        n, written = next(
            ((len(said), w) for said, w in _foldings() if _folds(texts, i, said, w)), (1, None)
        )
        lowest = _lowest(tokens[i : i + n])
        rivals = tokens[i].rivals if written and n == len(written) == 1 else ()
        out += [Token(w, lowest, rivals=rivals) for w in written] if written else [tokens[i]]
        i += n
    return out


def _folds(texts: Sequence[str], i: int, said: Words, written: Words) -> bool:
    """Whether ``said`` stands at ``i`` and means ``written`` there."""
    end = i + len(said)
    if tuple(texts[i:end]) != said:
        return False
    before_number = end < len(texts) and texts[end] in tables.numbers().number_words
    if written == (_ZERO,) and len(said) == 1:
        return not before_number and len(texts) > 1  # a southern "hông" is never a zero
    # "tê ca một" is a form, "tê ca một hai ba …" a card
    return not (before_number and said[-1] in tables.numbers().number_words)


def _lowest(tokens: Sequence[Token]) -> float | None:
    known = [t.confidence for t in tokens if t.confidence is not None]
    return min(known) if known else None


def _split_card(token: Token) -> list[Token]:
    match = _TYPED_CARD.fullmatch(token.text)
    return [replace(token, text=match.group(2), typed_card=True)] if match else [token]


def _first_role(text: str) -> Role:
    number, filler = tables.numbers(), tables.fillers()
    if is_digits(text) or text in number.number_words | number.half:
        return Role.NUMBER
    if text in filler.hesitations or text == UNKNOWN_WORD:
        return Role.HESITATION
    return Role.LEAD if text in filler.lead_words else Role.OTHER


def _idioms(texts: Sequence[str]) -> frozenset[int]:
    """Indexes inside ordinary expressions that hold a number word ("một chút", "mã có mười số")."""
    number, found = tables.numbers(), set[int]()
    for i in range(len(texts)):
        n = find_phrase(texts, i, number.not_numbers)
        if _multiplies(texts, i, n):
            n = 0
        one_by_one = find_phrase(texts, i, number.one_by_one)
        if not number.number_words & set(texts[i + one_by_one : i + one_by_one + 1]):
            n = max(n, one_by_one)
        if i and texts[i - 1] in number.lengths_after:
            n = max(n, find_phrase(texts, i, number.lengths))
        found.update(range(i, i + n))
    return frozenset(found)


def _multiplies(texts: Sequence[str], i: int, length: int) -> bool:
    """Whether an expression of times ("hai lần") counts a digit: "hai lần số tám", "tám hai lần".
    Of "đọc hai lần bảy chín" and "gọi hai lần không được" it is none."""
    number, end = tables.numbers(), i + length
    if not length or texts[end - 1] not in number.times:
        return False
    digit_before = i > 0 and texts[i - 1] in number.digit
    named = find_phrase(texts, end, number.counters)
    after = texts[end + named] if end + named < len(texts) else ""
    opens = (not i or texts[i - 1] in tables.fillers().hesitations) and after != _ZERO
    return digit_before or (after in number.digit and (named > 0 or opens))


def _mark_separators(texts: Sequence[str], roles: list[Role], masked: frozenset[int]) -> None:
    i = 0
    while i < len(texts):
        n = find_phrase(texts, i, tables.fillers().separators)
        for j in range(i, i + n):
            if j not in masked:
                roles[j] = Role.SEPARATOR
        i += n or 1


def _mark_classifiers(texts: Sequence[str], roles: list[Role]) -> None:
    """ "số" right before a number counts or names it; elsewhere it is a lead word. "lần"
    counts when a number stands on either side ("không ba lần")."""
    number = tables.numbers()
    for i in range(len(texts)):
        n = find_phrase(texts, i, number.counters)
        if find_phrase(texts, i, number.repeat_few) and (not i or texts[i - 1] not in number.few):
            n = 0
        after = _neighbour(roles, i + n - 1, 1) if n else None
        if after is not None and roles[after] is Role.NUMBER:
            roles[i : i + n] = [Role.CLASSIFIER] * n
        elif after is not None and i and _counts(texts, roles, i - 1, after):
            roles[i - 1] = Role.LEAD  # "bốn số còn lại là …" counts what follows
        elif texts[i] in number.times and i and roles[i - 1] is Role.NUMBER:
            named = i + 1 + find_phrase(texts, i + 1, number.counters)
            beside = [*roles[max(0, i - 2) : i - 1], *roles[named : named + 1]]
            roles[i] = Role.CLASSIFIER if Role.NUMBER in beside else roles[i]


def _counts(texts: Sequence[str], roles: Sequence[Role], i: int, after: int) -> bool:
    """Whether the number at ``i``, before "số" and a word at ``after``, counts what follows.
    Behind another digit "một" and "không" are digits, and nothing counts an ordinal: "… bốn một
    số cuối là sáu", "… bốn hai số thứ ba là năm"."""
    if roles[i] is not Role.NUMBER:
        return False
    left = _neighbour(roles, i, -1)
    if left is None or roles[left] is not Role.NUMBER:
        return True
    ordinal = find_phrase(texts, after, tables.corrections().ordinal)
    return not ordinal and tables.numbers().digit.get(texts[i], "0") > "1"


def _mark_zeros(texts: Sequence[str], roles: list[Role], expect: Expect) -> None:
    """ "không" that is no zero becomes OTHER, judged by its neighbours; right to left, so
    that in "không không một" each can lean on a zero already sure."""
    for i in reversed(range(len(texts))):
        heard = texts[i] == _ZERO and roles[i] is Role.NUMBER
        if heard and not _is_zero(texts, roles, i, expect):
            roles[i] = Role.OTHER


def _is_zero(texts: Sequence[str], roles: Sequence[Role], i: int, expect: Expect) -> bool:
    left = _neighbour(roles, i, -1)
    right = _neighbour(roles, i, 1)
    if right is not None and roles[right] in (Role.NUMBER, Role.CLASSIFIER):
        return True
    if _is_named_zero(texts, roles, i):
        return True
    if right is not None and roles[right] in (Role.OTHER, Role.PHRASE):
        return False  # không nhớ, không biết
    if right is not None and texts[right] in tables.answers().negatable:
        return False  # không phải, không đúng, không có
    if left is None:
        return expect is Expect.CODE  # alone: the code's next digit, elsewhere "no"
    if roles[left] is Role.LEAD:
        return texts[left] not in tables.answers().negatable  # "đúng không", but "mã là không"
    return roles[left] in _SURROUND


def _is_named_zero(texts: Sequence[str], roles: Sequence[Role], i: int) -> bool:
    """Whether a correction names the digit at ``i``: "số không sửa thành …", "không phải không
    mà là …", "… chứ không phải không", "… là không chứ không phải …"."""
    fix = tables.corrections()
    goes_on = find_phrase(texts, i + 1, fix.zero_before) > 0
    ends = i + 1 == len(texts)
    named = i > 0 and roles[i - 1] is Role.CLASSIFIER and goes_on
    not_but = goes_on and _ends_at(texts, i, fix.not_but)
    named |= find_phrase(texts, i + 1, fix.instead) > 0 and _ends_at(texts, i, fix.copula)
    return named or not_but or (ends and _ends_at(texts, i, fix.rather))


def _ends_at(texts: Sequence[str], i: int, phrases: Iterable[Words]) -> bool:
    return any(len(p) <= i and tuple(texts[i - len(p) : i]) == p for p in phrases)


def _neighbour(roles: Sequence[Role], i: int, step: int) -> int | None:
    j = i + step
    while 0 <= j < len(roles) and roles[j] is Role.HESITATION:
        j += step
    return j if 0 <= j < len(roles) else None


def _with_near_forms(tokens: list[Token], masked: frozenset[int]) -> list[Token]:
    out = list(tokens)
    for i, token in enumerate(tokens):
        if i in masked or token.role not in (Role.OTHER, Role.LEAD):
            continue
        meant = near_digit(token.text)
        if meant and _inside_run(out, i):
            out[i] = replace(token, text=meant, role=Role.NUMBER)
    return out


def near_digit(word: str) -> str | None:
    """The digit word that a wrongly heard or unmarked word stands for, if any."""
    known = tables.numbers().near.get(word)
    return known or _by_base().get(toneless(word))


@cache
def _by_base() -> dict[str, str]:
    """Digit words by their spelling without the tone."""
    found: dict[str, str] = {}
    for word in tables.numbers().digit:
        found.setdefault(toneless(word), word)
    return found


def _inside_run(tokens: Sequence[Token], i: int) -> bool:
    """Digits on both sides, or two before and nothing or a digit after."""
    before = [t.role is Role.NUMBER for t in tokens[max(0, i - 2) : i]]
    after = tokens[i + 1].role if i + 1 < len(tokens) else None
    if not before or not before[-1]:
        return False
    return after is Role.NUMBER or (len(before) == 2 and all(before) and after is None)
