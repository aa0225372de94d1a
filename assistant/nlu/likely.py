"""What a caller is likely to say, whatever it sounded like: for choosing among readings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from assistant.nlu import tables
from assistant.nlu.collecting import collect
from assistant.nlu.normal import UNKNOWN_WORD
from assistant.nlu.second_look import ANSWERS
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
        return _code(digits_so_far, limits)
    if not isinstance(state, Expect) or state not in CONFIRMING:
        return None
    return Prior(_yes(state, limits), ANSWERS if state is Expect.CONFIRM else ())


def _code(digits_so_far: int, limits: Understanding) -> Prior:
    """Whoever is asked for a code says a whole one, or the rest of it, far more often than one
    digit too few: "một một" heard as "một" is found out by its length."""
    likelier = limits.whole_code
    return Prior(
        lambda words: likelier if _whole(words, digits_so_far) else 0.0,
        whole=lambda words: _misheard(words, digits_so_far) if likelier else (),
    )


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


def _whole(words: Sequence[str], digits_so_far: int) -> bool:
    """Whether the words are a whole code, or the rest of it, read digit by digit: numbers of many
    digits come in all lengths, and a lone "trăm" is often a "tám"."""
    number = tables.numbers()
    if not (number.number_words - frozenset(number.digit)).isdisjoint(words):
        return False
    total = digits_so_far + len(words)
    if total < CARD[0] and all(word in number.digit for word in words):  # nothing to find out
        return total in COMPLETE and len(words) >= _GROUP
    tokens = tokenize(tuple(map(HeardWord, words)))
    span = collect(with_roles(tokens, Expect.CODE, frozenset()), Expect.CODE, digits_so_far).span
    if span is None or len(span.digits) < _GROUP:
        return False
    return span.whole_card or digits_so_far + len(span.digits) in COMPLETE


def _misheard(words: Sequence[str], digits_so_far: int) -> tuple[int, ...]:
    """How many digits were said where these words are all but a whole code: half of its digits or
    more and other words amidst them, that are no request, correction or card and count nothing ("ba
    số không"). Of digits alone, polite or not, too few or too many may well be what was said."""
    number, fillers = tables.numbers(), tables.fillers()
    left_out = (fillers.polite | fillers.hesitations) - {UNKNOWN_WORD}
    inside = [place for place, word in enumerate(words) if word not in left_out]
    words = words[inside[0] : inside[-1] + 1] if inside else ()
    digits = sum(word in number.digit for word in words)
    lengths = tuple(n - digits_so_far for n in sorted(COMPLETE) if n - digits_so_far > _GROUP)
    if not lengths or not _GROUP < digits <= lengths[-1] or digits == len(words):
        return ()
    if _whole(words, digits_so_far):
        return ()
    meaning = interpret(map(HeardWord, words), Expect.WHICH)
    span = meaning.digits
    if meaning.correction or meaning.intent or (span and span.card and not span.whole_card):
        return ()
    counts = {counter[0] for counter in number.counters}
    counted = any(a in number.few and b in counts for a, b in pairwise(words))
    return () if counted or not number.times.isdisjoint(words) else lengths
