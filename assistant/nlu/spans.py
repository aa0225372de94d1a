"""Runs of digits inside a clause: which reading, how sure, and whether it is a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.nlu import tables
from assistant.nlu.heard_digits import HeardDigits, lowest
from assistant.nlu.normal import UNKNOWN_WORD
from assistant.nlu.numbers import BARRIER, Reading, readings, tied
from assistant.nlu.tokens import Role, Token, find_phrase
from assistant.nlu.types import Shares

COMPLETE = frozenset({10, 12})  # lengths of a code (domain.md, identifiers)
CARD = range(13, 16)  # a run of 13-15 digits is a card; its last ten are the code
CODE_DIGITS = 10
CARD_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Run:
    """The digits of a clause. ``digits`` None: number words were heard, but no one reading."""

    digits: HeardDigits | None
    letters: bool = False  # announced as a card by its two letters
    others: int = 0  # words beside it that are neither numbers nor fillers
    unknown: int = 0  # stretches of "[unk]" beside it and in it
    first: int = 0  # index of the first number word
    last: int = 0


def read_run(
    tokens: Sequence[Token], digits_so_far: int = 0, wanted: int | None = None
) -> Run | None:
    """Read all digits of a clause as one run; None when it holds no number word.

    ``wanted``: the number of digits that a tie should prefer ("hai số cuối là …"); otherwise
    a tie goes to the reading that completes a code, and is undecided when none does."""
    numbered = [i for i, t in enumerate(tokens) if t.role is Role.NUMBER]
    if not numbered:
        return None
    first, last = numbered[0], numbered[-1]
    while last + 1 < len(tokens) and tokens[last + 1].role is Role.CLASSIFIER:
        last += 1
    letters_from = _letters_before(tokens, first)
    before = first if letters_from is None else letters_from
    start = before
    while start and tokens[start - 1].role is Role.CLASSIFIER:
        start -= 1
    inside = tokens[start if letters_from is None else first : last + 1]
    found = _choose(readings([word.text for word in _words(inside)]), digits_so_far, wanted)
    others = [t for t in (*tokens[:before], *tokens[last + 1 :]) if t.role is Role.OTHER]
    return Run(
        digits=None if found is None else _with_confidences(found, inside),
        letters=letters_from is not None or any(t.typed_card for t in inside),
        others=len(others) + sum(t.role is Role.OTHER for t in inside),
        unknown=sum(t.text == UNKNOWN_WORD for t in tokens),
        first=first,
        last=last,
    )


def code_of(
    digits: HeardDigits, letters: bool, digits_so_far: int
) -> tuple[HeardDigits, bool] | None:
    """(digits, card) of a run in the state that collects a code; None when it is too long.

    A card said in one turn gives its last ten digits (see ``whole_card``). A card begun earlier,
    or not yet complete, gives what was said: the dialogue takes the last ten of what it
    collected."""
    half = len(digits) // 2
    if len(digits) > CARD[-1] and half in COMPLETE and digits.text[:half] == digits.text[half:]:
        digits = _said_twice(digits)
    if whole_card(digits, digits_so_far):
        return digits.part(-CODE_DIGITS), True
    if len(digits) > CARD[-1]:
        return None
    return digits, letters or digits_so_far + len(digits) in CARD


def whole_card(digits: HeardDigits, digits_so_far: int) -> bool:
    """Whether all digits of a card were said in one turn."""
    return digits_so_far == 0 and len(digits) in CARD


def _said_twice(digits: HeardDigits) -> HeardDigits:
    """The code said twice to be sure: of each digit the surer hearing counts."""
    half = len(digits) // 2
    pairs = zip(digits.confidences[:half], digits.confidences[half:], strict=True)
    surer = (None if None in pair else max(c for c in pair if c is not None) for pair in pairs)
    return HeardDigits(digits.text[:half], tuple(surer), digits.rivals[:half])


_BARRIER = Token(BARRIER)


def _words(tokens: Sequence[Token]) -> list[Token]:
    """Number words for the reader; anything else that stands between them is a barrier."""
    words: list[Token] = []
    for token in tokens:
        if token.role in (Role.NUMBER, Role.CLASSIFIER):
            words.append(token)
        elif token.role is not Role.HESITATION:
            words.append(_BARRIER)
    return words


def _choose(found: Sequence[Reading], digits_so_far: int, wanted: int | None) -> Reading | None:
    """The one reading a tie leaves, by length; None when several stay."""
    if not found:
        return None
    best = tied(found)
    if len(best) == 1:
        return best[0]
    if wanted is not None:
        fitting = [r for r in best if len(r.digits) == wanted]
    else:
        fitting = [r for r in best if digits_so_far + len(r.digits) in COMPLETE]
    return fitting[0] if len(fitting) == 1 else None


def _with_confidences(found: Reading, tokens: Sequence[Token]) -> HeardDigits:
    """Each digit with the lowest confidence of the words that said it, and of any noise in the
    run: that may hide a digit, and nobody knows whose place it would take. Rivals are known of
    digits that one word said."""
    heard = _words(tokens)
    noise = lowest(t.confidence for t in tokens if t.text == UNKNOWN_WORD)
    said = [heard[start:end] for start, end in found.sources]
    own = (lowest([*(word.confidence for word in words), noise]) for words in said)
    rivals: list[Shares] = [words[0].rivals if len(words) == 1 else () for words in said]
    return HeardDigits(found.digits, tuple(own), tuple(rivals))


def _letters_before(tokens: Sequence[Token], first: int) -> int | None:
    """Where the two letters of a card begin when they stand right before the digits.

    Two hesitations ("à ờ không một") are no letters: one must be more than that."""
    texts = [t.text for t in tokens]
    names = sorted(tables.letters(), key=len, reverse=True)
    for start in range(max(0, first - 2 * CARD_LETTERS), first):
        at, said = start, 0
        hesitation = False
        while at < first and (n := find_phrase(texts, at, names)):
            hesitation |= tokens[at].role is Role.HESITATION
            at, said = at + n, said + 1
        if at == first and said == CARD_LETTERS and not hesitation:
            return start
    return None
