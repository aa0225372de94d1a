"""What a caller is likely to say, whatever it sounded like: for choosing among readings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.nlu import tables
from assistant.nlu.collecting import collect
from assistant.nlu.second_look import ANSWERS, LOOKED_AT
from assistant.nlu.spans import CARD, COMPLETE
from assistant.nlu.tokens import tokenize, with_roles
from assistant.nlu.types import CONFIRMING, Expect, Grammar, HeardWord, Prior
from assistant.nlu.understanding import DEFAULT_LIMITS, interpret
from assistant.settings import Understanding

Weigh = Callable[[Sequence[str]], float]
_YES = "đúng"
_GROUP = 4  # digits; fewer may be a noise that only lacks a digit or two to a code


def prior(
    state: Expect | Grammar, digits_so_far: int = 0, limits: Understanding = DEFAULT_LIMITS
) -> Prior | None:
    """How many nepers likelier than others a reading of an utterance is; None: all are alike."""
    if state in (Expect.CODE, Expect.WHICH, Grammar.DIGITS):
        return Prior(_code(digits_so_far, limits))
    if not isinstance(state, Expect) or state not in CONFIRMING:
        return None
    return Prior(_yes(state, limits), ANSWERS if state in LOOKED_AT else ())


def _yes(expect: Expect, limits: Understanding) -> Weigh:
    """Whoever hears the code read back says "đúng", as he is asked to, several times as often as
    anything else: a "đâu", "bốn" or "không" that sounds like it is one. Other words for yes are
    not likelier: a "dạ" is found in anybody's speech."""

    def weigh(words: Sequence[str]) -> float:
        if _YES not in words:
            return 0.0
        meaning = interpret(map(HeardWord, words), expect, limits=limits)
        return limits.likely_yes if meaning.yes_no and meaning.digits is None else 0.0

    return weigh


def _code(digits_so_far: int, limits: Understanding) -> Weigh:
    """Whoever is asked for a code says a whole one, or the rest of it, far more often than one
    digit too few: "một một" heard as "một" is found out by its length. Digit by digit, that is:
    numbers of many digits come in all lengths, and a lone "trăm" is often a "tám"."""
    number = tables.numbers()
    units = number.number_words - frozenset(number.digit)

    def weigh(words: Sequence[str]) -> float:
        if not units.isdisjoint(words):
            return 0.0
        total = digits_so_far + len(words)
        if total < CARD[0] and all(word in number.digit for word in words):  # nothing to find out
            return limits.whole_code if total in COMPLETE and len(words) >= _GROUP else 0.0
        tokens = tokenize(tuple(map(HeardWord, words)))
        roles = with_roles(tokens, Expect.CODE, frozenset())
        span = collect(roles, Expect.CODE, digits_so_far).span
        if span is None or len(span.digits) < _GROUP:
            return 0.0
        whole = span.whole_card or digits_so_far + len(span.digits) in COMPLETE
        return limits.whole_code if whole else 0.0

    return weigh
