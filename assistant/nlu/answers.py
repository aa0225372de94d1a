"""Yes or no. "No" is tested before "yes"; a question is never a yes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from assistant.nlu import tables
from assistant.nlu.normal import UNKNOWN_WORD
from assistant.nlu.patterns import Words
from assistant.nlu.tables import Answer
from assistant.nlu.tokens import find_near, find_phrase
from assistant.nlu.types import CONFIRMING, Expect

_SHORT_TURN = 2  # words; "ừ" counts only in turns of one or two (domain.md)
_STRONG_WORDS = 2  # "đúng rồi" inside a longer sentence; "vâng" never
_LOOSE_AFTER = 6  # the same when the strong yes came first
_LOOSE_WORDS = 4  # words beside a strong yes that nobody has to understand


def asks(words: Sequence[str]) -> bool:
    """Whether a phrase of the turn asks something ("cho hỏi", "đúng không")."""
    phrases = tables.answers().question
    return any(find_phrase(words, i, phrases) for i in range(len(words)))


def is_question(words: Sequence[str]) -> bool:
    """The same, or it ends like a question ("vâng, cho hỏi …", "có mã không")."""
    if asks(words):
        return True
    rest = [w for w in words if w not in tables.fillers().polite]
    return len(rest) > 1 and rest[-1] == "không"


def says_no(words: Sequence[str], expect: Expect, claimed: Collection[int] = ()) -> bool:
    """Whether the turn denies. ``claimed``: words of a recognised phrase ("không nghe rõ")."""
    answers = tables.answers()
    start = _after_polite(words)
    opening = find_near(words, start, _no(expect))
    if opening:
        following = words[start + opening] if start + opening < len(words) else ""
        single = opening == 1
        if not (single and (start in claimed or following in answers.not_no_before)):
            return True
    return _holds_no(words, expect, claimed)


def is_unclear(words: Sequence[str], expect: Expect) -> bool:
    """Whether the answer to a read-back is a yes to one and a no to another: "không sai"."""
    start = _after_polite(words)
    unclear = find_near(words, start, tables.answers().unclear)
    return expect in CONFIRMING and unclear > find_near(words, start, _no(expect))


def says_yes(words: Sequence[str], expect: Expect) -> bool:
    """Whether the turn affirms: only yes words and politeness, or a strong yes among few
    other words. The caller of this function tests no and questions first."""
    if any(find_phrase(words, i, tables.answers().but) for i in range(len(words))):
        return False
    if expect in CONFIRMING:
        return _plainly(words, expect)
    polite = tables.fillers().polite | {"rồi", "mà", "số", "mã", "là"}
    loose, strong, any_yes, allowed, i = 0, False, False, _LOOSE_WORDS, 0
    while i < len(words):
        n = find_near(words, i, _yes(expect))
        if n:
            any_yes = True
            strong |= n >= _STRONG_WORDS or words[i] in ("đúng", "chuẩn")
            if strong and not loose:
                allowed = _LOOSE_AFTER
            i += n
            continue
        short = find_near(words, i, _short_yes(expect)) if len(words) <= _SHORT_TURN else 0
        if short:
            any_yes = True
        elif words[i] not in polite and words[i] not in tables.fillers().hesitations:
            loose += 1
        i += short or 1
    return (any_yes and not loose) or (strong and loose <= allowed)


def words_of_yes(words: Sequence[str], expect: Expect) -> tuple[range, tuple[int, ...]]:
    """(indexes up to the last word that makes it a yes, those of words that make it only a weak
    one; empty where another is none)."""
    answers, made, at = tables.answers(), [], 0
    any_yes = (*_yes(expect), *_short_yes(expect))
    while at < len(words):
        n = find_near(words, at, any_yes)
        made += [i for i in range(at, at + n) if words[i] not in answers.says_nothing]
        at += n or 1
    strong = [i for i in made if words[i] not in answers.easily_misheard]
    decisive = strong or made
    return range(decisive[-1] + 1 if decisive else 0), () if strong else tuple(made)


def _plainly(words: Sequence[str], expect: Expect) -> bool:
    """Whether the turn is a yes to a code, and a whole one: before its last yes nothing that may
    have been a denial, after it nothing that may limit it ("đúng một nửa") or take it back, and
    noise only as the last word. A yes to a code resets a password: in doubt there is none."""
    answers = tables.answers()
    before, after = _around_yes(words, expect)
    if before is None or not _only(before, answers.before_yes):
        return False
    right = any(word in answers.says_it_is_right for word in words[: len(words) - len(after)])
    if after and after[-1] == UNKNOWN_WORD:
        after = after[:-1]
    allowed = (*answers.after_right_yes, *answers.after_yes) if right else answers.after_yes
    return _only(after, allowed)


def _around_yes(words: Sequence[str], expect: Expect) -> tuple[Sequence[str] | None, Sequence[str]]:
    """(the words before the last yes that are none, None without a yes; those after it)."""
    kinds = (*_yes(expect), *(_short_yes(expect) if len(words) <= _SHORT_TURN else ()))
    between: list[str] = []
    before, end, at = None, 0, 0
    while at < len(words):
        if n := find_near(words, at, kinds):
            before, end = list(between), at + n
        else:
            between.append(words[at])
        at += n or 1
    return before, words[end:]


def _only(words: Sequence[str], phrases: Sequence[Words]) -> bool:
    """Whether the words are made of these phrases."""
    ends = {0}
    for at in range(len(words)):
        if at in ends:
            ends |= {at + len(p) for p in phrases if tuple(words[at : at + len(p)]) == p}
    return len(words) in ends


def _holds_no(words: Sequence[str], expect: Expect, claimed: Collection[int]) -> bool:
    """A denial of two words or more anywhere ("cái số này sai rồi")."""
    long_no = tuple(w for w in _no(expect) if len(w) >= _STRONG_WORDS)
    return any(
        n
        for i in range(len(words))
        if i not in claimed
        and (n := find_near(words, i, long_no))
        and n >= find_near(words, i, _yes(expect))
    )


def _after_polite(words: Sequence[str]) -> int:
    polite = tables.fillers().polite | tables.fillers().hesitations
    start = 0
    while start < len(words) and words[start] in polite:
        start += 1
    return start


def _of(answers: Sequence[Answer], expect: Expect, short: bool) -> tuple[Words, ...]:
    found = [a.words for a in answers if expect in a.states and a.short is short]
    return tables.longest_first(found)


@cache
def _no(expect: Expect) -> tuple[Words, ...]:
    return _of(tables.answers().no, expect, False)


@cache
def _yes(expect: Expect) -> tuple[Words, ...]:
    return _of(tables.answers().yes, expect, False)


@cache
def _short_yes(expect: Expect) -> tuple[Words, ...]:
    return _of(tables.answers().yes, expect, True)
