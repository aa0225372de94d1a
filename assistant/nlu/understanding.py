"""Words of one utterance → its meaning in the state that asked for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from assistant.nlu import tables
from assistant.nlu.answers import is_question, is_unclear, says_no, says_yes, words_of_yes
from assistant.nlu.collecting import Collected, collect
from assistant.nlu.match import Match, matches
from assistant.nlu.normal import UNKNOWN_WORD, words_of
from assistant.nlu.second_look import second_look
from assistant.nlu.spans import COMPLETE
from assistant.nlu.tokens import Token, find_phrase, tokenize, with_roles, without_runs
from assistant.nlu.types import (
    COLLECTING,
    CONFIRMING,
    DigitSpan,
    Expect,
    HeardWord,
    Intent,
    Interpretation,
    Rejection,
)
from assistant.settings import Understanding

DEFAULT_LIMITS = Understanding()

# beside digits these say nothing more: "chờ chút, không một hai", "alo, mã của tôi là …"
_WEAK_BESIDE_DIGITS = frozenset({Intent.WAIT, Intent.HELLO, Intent.RESET, Intent.MENU})
# a yes beside one of these is only a way to begin: "vâng, nhắc lại giúp"
_NO_YES_BESIDE = frozenset(Intent) - {Intent.RESET, Intent.HELLO}
# where digits would begin a code, or go on with it
_ASKS_AGAIN = frozenset({Expect.MENU, Expect.CODE, Expect.MORE})
_TAKES_CODES = COLLECTING | CONFIRMING
_GROUP = 4  # digits; the longest group that a code is read back in, so that one question asks it
_STRANGE = 2  # syllables; one may be noise after an answer
_WORTH_KEEPING = 3  # digits heard well beside such a group


def interpret(
    heard: Iterable[HeardWord],
    expect: Expect,
    digits_so_far: int = 0,
    limits: Understanding = DEFAULT_LIMITS,
    wants: int | None = None,
) -> Interpretation:
    """The meaning of an utterance. Never raises for what was heard.

    ``digits_so_far``: how many digits of the code are already collected (0..15); ``wants``: how
    many digits were asked for, where it was not a whole code."""
    words = tuple(heard)
    tokens = tokenize(words)
    text = " ".join(t.text for t in tokens)
    if not tokens:
        return Interpretation(text=text, rejection=Rejection.EMPTY)
    said = [t.text for t in tokens]
    words_only = without_runs(tokens, expect)
    found = matches(words_only, expect, limits.phrase_score, _core(words_only))
    if words_only.count(UNKNOWN_WORD) >= _STRANGE:  # then none of them is a phrase's lost word
        found = [m for m in found if all(words_only[i] != UNKNOWN_WORD for i in m.words)]
    claimed = _claimed(found, expect)
    collected = collect(with_roles(tokens, expect, claimed), expect, digits_so_far)
    meaning = _combine(text, said, found, collected, expect, limits)
    checked = _checked(meaning, tokens, expect, digits_so_far, limits, wants)
    return second_look(checked, words, expect)


def interpret_text(
    text: str, expect: Expect, digits_so_far: int = 0, limits: Understanding = DEFAULT_LIMITS
) -> Interpretation:
    """``interpret`` for plain text, without word confidences."""
    heard = (HeardWord(word) for word in words_of(text))
    return interpret(heard, expect, digits_so_far, limits)


def _core(words: Sequence[str]) -> list[str]:
    """The words without address and politeness. What was not understood stays: "tám [unk]" may
    be any word at all that begins like "tám"."""
    left_out = tables.fillers().polite | tables.fillers().hesitations
    return [w for w in words if w == UNKNOWN_WORD or w not in left_out]


def _claimed(found: Sequence[Match], expect: Expect) -> frozenset[int]:
    """Words of the winning phrase: its "không" and its numbers are no digits."""
    return found[0].words if found else frozenset()


def _combine(
    text: str,
    said: Sequence[str],
    found: Sequence[Match],
    collected: Collected,
    expect: Expect,
    limits: Understanding,
) -> Interpretation:
    """Digits and corrections first, then the intent beside them, then yes or no."""
    best = found[0] if found else None
    intent = best.intent if best else None
    if _tie(found, limits):
        return Interpretation(text=text, rejection=Rejection.AMBIGUOUS)
    if collected.span and _is_other_number(said, collected) and expect in _ASKS_AGAIN:
        return Interpretation(text=text, intent=Intent.RESET)  # so the code is asked for
    has_digits = collected.span is not None or collected.correction is not None
    asked = expect in (Expect.MENU, Expect.MORE)  # there a few digits beside a request count less
    if has_digits and intent in _WEAK_BESIDE_DIGITS and not (asked and intent is Intent.RESET):
        intent = None
    if collected.span is not None and intent is Intent.SLOWER and expect in COLLECTING:
        intent = None  # "em đọc từng số nhé, bảy chín …"
    if collected.correction is not None and intent is Intent.REPEAT:
        intent = None  # "đọc lại nhé, không một …": the caller reads again, not we
    unclear = not has_digits and is_unclear(said, expect)
    if (collected.undecided or unclear) and intent is None:
        return Interpretation(text=text, rejection=Rejection.AMBIGUOUS)
    meaning = Interpretation(
        text=text,
        intent=intent,
        digits=collected.span,
        correction=collected.correction,
        score=best.score if best and intent else None,
    )
    meaning = replace(meaning, yes_no=_yes_no(said, meaning, collected, best, expect))
    if meaning.yes_no is None and not has_digits and intent is None:
        if expect is Expect.CODE and collected.only_fillers:
            return replace(meaning, intent=Intent.WAIT)  # "dạ, mã số của em là …": go on
        return replace(meaning, rejection=Rejection.UNKNOWN)
    return meaning


def _is_other_number(said: Sequence[str], collected: Collected) -> bool:
    """Whether the digits are announced as a phone number: nothing of a code is said of them."""
    head = said[: collected.first_digit]
    names = tables.fillers().other_numbers
    named = [i for i in range(len(head)) if find_phrase(head, i, names)]
    return bool(named) and "mã" not in head[named[-1] :]


def _tie(found: Sequence[Match], limits: Understanding) -> bool:
    """Two intents that fit equally well, on different words of the utterance."""
    if len(found) < 2:
        return False
    first, second = found[0], found[1]
    close = second.weight >= first.weight * (1 - limits.tie)
    return close and not first.words & second.words


def _yes_no(
    said: Sequence[str],
    meaning: Interpretation,
    collected: Collected,
    best: Match | None,
    expect: Expect,
) -> bool | None:
    if collected.denied:
        return False
    if _mostly_strange(said):
        return None
    claimed = best.words if best and meaning.intent else frozenset()
    taken = collected.span is not None or collected.undecided or meaning.correction is not None
    head = said[: collected.first_digit] if taken else said  # "phím một" is no digit
    if says_no(head, expect, claimed):
        return False
    if expect is Expect.CODE or is_question(said) or meaning.correction is not None:
        return None
    if meaning.intent in _NO_YES_BESIDE:
        return None
    return True if says_yes(head, expect) else None


def _mostly_strange(said: Sequence[str]) -> bool:
    """Whether most of a turn is words that nobody can know: then no single word answers."""
    unknown = said.count(UNKNOWN_WORD)
    return unknown >= _STRANGE and 2 * unknown > len(said)


def _checked(
    meaning: Interpretation,
    tokens: Sequence[Token],
    expect: Expect,
    digits_so_far: int,
    limits: Understanding,
    wants: int | None,
) -> Interpretation:
    """A meaning heard with too little confidence is none; digits few of which were heard badly
    are digits, and say which."""
    if meaning.rejection is not None:
        return meaning
    span = meaning.digits
    if meaning.yes_no is True and expect in CONFIRMING and not _surely_yes(tokens, expect, limits):
        if span is None:
            return Interpretation(text=meaning.text, rejection=Rejection.LOW_CONFIDENCE)
        meaning = replace(meaning, yes_no=None)
    if span is not None and span.confidence is not None:
        length = len(span.digits)
        completes = expect in _TAKES_CODES and digits_so_far + length in COMPLETE
        completes |= expect is Expect.CODE and length == wants
        few = length < _GROUP and not completes
        unsure = _unsure(span, limits.few_digits_confidence if few else limits.digit_confidence)
        low = bool(unsure) and not _can_be_asked_for(unsure, length, completes)
        meaning = replace(meaning, digits=replace(span, unsure=unsure))
    else:
        known = [
            t.confidence for t in tokens if t.confidence is not None and t.text != UNKNOWN_WORD
        ]
        low = bool(known) and sum(known) / len(known) < limits.phrase_confidence
    if low:
        return Interpretation(text=meaning.text, rejection=Rejection.LOW_CONFIDENCE)
    return meaning


def _surely_yes(tokens: Sequence[Token], expect: Expect, limits: Understanding) -> bool:
    """Whether a yes to a code was heard well enough: what stands before it may be a denial that
    was not, and a weak yes may be one itself."""
    before, weak = words_of_yes([t.text for t in tokens], expect)
    least = dict.fromkeys(before, limits.yes_confidence)
    least |= dict.fromkeys(weak, limits.weak_yes_confidence)
    known = ((tokens[i].confidence, limit) for i, limit in least.items())
    return all(confidence is None or confidence >= limit for confidence, limit in known)


def _unsure(span: DigitSpan, limit: float) -> tuple[int, ...]:
    return tuple(i for i, c in enumerate(span.confidences) if c is not None and c < limit)


def _can_be_asked_for(unsure: Sequence[int], length: int, completes: bool) -> bool:
    """Whether what was heard badly can be asked for, and the rest is worth keeping: the run
    completes a code, of which the dialogue asks for groups, or one question can ask for it and
    there is enough beside it. A short noise is no digits to keep."""
    window = unsure[-1] - unsure[0] + 1
    return completes or (window <= _GROUP and length - window >= _WORTH_KEEPING)
