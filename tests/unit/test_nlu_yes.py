"""A yes to a code resets a password: nothing that was, or may have been, a denial becomes one."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.nlu import HeardWord, interpret, interpret_text, tables, vocabulary
from assistant.nlu.normal import UNKNOWN_WORD, toneless
from assistant.nlu.types import CONFIRMING, Expect

NOT = ("không", "hông", "hổng", "chưa", "chẳng", "chả", "đừng", "đâu có", "không phải", "chưa phải")
HEARD_NOT = ("không", "hông", "chưa", "chẳng", "đừng", "đâu")  # of which others are badly heard
POLITE = ("", "dạ ", "dạ thưa cô ")
PLAIN = ("đúng", "đúng rồi", "phải", "dạ đúng", "được", "ừ")  # yes as most people say it
_ONSET = re.compile("ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnprstvx]")


def yes_phrases(expect: Expect) -> list[str]:
    answers = [a for a in tables.answers().yes if expect in a.states]
    return sorted({" ".join(a.words) for a in answers})


def no_phrases(expect: Expect) -> list[str]:
    return sorted({" ".join(a.words) for a in tables.answers().no if expect in a.states})


def rime(word: str) -> str:
    """What is left of a syllable without its onset and tone: telephones lose onsets first."""
    base = toneless(word)
    onset = _ONSET.match(base)
    return base[onset.end() :] if onset and onset.end() < len(base) else base


@cache
def badly_heard() -> tuple[str, ...]:
    """Words of the recognizer that rhyme with a denial, and noise."""
    rimes = {rime(word) for word in HEARD_NOT}
    known = {word for a in tables.answers().yes for word in a.words}
    return (*(w for w in vocabulary() if rime(w) in rimes and w not in known), UNKNOWN_WORD)


def is_yes(text: str, expect: Expect) -> bool:
    return interpret_text(text, expect, digits_so_far=10).yes_no is True


both = pytest.mark.parametrize("expect", sorted(CONFIRMING))


@both
def test_every_yes_is_one_and_no_denial_is(expect: Expect) -> None:
    assert [p for p in yes_phrases(expect) if not is_yes(p, expect)] == []
    for phrase in no_phrases(expect):
        assert interpret_text(phrase, expect).yes_no is False, phrase


@both
def test_a_yes_after_a_denial_is_none(expect: Expect) -> None:
    texts = [f"{no} {yes}" for no in NOT for yes in yes_phrases(expect)]
    texts += [f"{polite}{no} {yes}" for polite in POLITE for no in NOT for yes in PLAIN]
    assert [text for text in texts if is_yes(text, expect)] == []


@both
def test_a_yes_after_a_badly_heard_denial_is_none(expect: Expect) -> None:
    assert {"ông", "công", "thông", "thưa", "rứa", UNKNOWN_WORD} <= set(badly_heard())
    texts = [f"{polite}{no} {yes}" for polite in POLITE for no in badly_heard() for yes in PLAIN]
    texts += [f"{UNKNOWN_WORD} {yes}" for yes in yes_phrases(expect)]
    texts += [f"ông {yes}" for yes in yes_phrases(expect)]
    assert [text for text in texts if is_yes(text, expect)] == []


@both
def test_a_denial_with_one_word_badly_heard_is_no_yes(expect: Expect) -> None:
    """Each word of each denial of several words, replaced by each word that rhymes with it. "Sai"
    and the rare "chả" rhyme with "phải" and "dạ": what they become is a plain yes, beyond text."""
    taken = []
    for phrase in no_phrases(expect):
        words = phrase.split()
        for i, word in enumerate(words):
            if word in ("sai", "chả"):
                continue
            for heard in (w for w in vocabulary() if rime(w) == rime(word)):
                text = " ".join([*words[:i], heard, *words[i + 1 :]])
                taken += [text] if is_yes(text, expect) else []
    assert taken == []


@both
def test_a_yes_that_rhymes_with_a_denial_is_a_weak_one(expect: Expect) -> None:
    """One word of another onset and tone apart from a denial; a denial with "chả" is rare."""
    denials = [p.split() for p in no_phrases(expect) if "chả" not in p.split()]
    weak = tables.answers().easily_misheard | tables.answers().says_nothing
    close = {yes for yes in yes_phrases(expect) for no in denials if rhyme(yes.split(), no)}
    assert {"phải", "phải rồi"} <= close
    assert [yes for yes in close if not set(yes.split()) <= weak] == []


def rhyme(one: list[str], other: list[str]) -> bool:
    """Whether only onsets and tones of one word differ."""
    if len(one) != len(other):
        return False
    apart = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    return len(apart) == 1 and rime(apart[0][0]) == rime(apart[0][1])


@both
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_more_confidence_never_takes_a_yes_away(expect: Expect, data: st.DataObject) -> None:
    """And where every word is below the lower threshold there is none."""
    words = data.draw(st.sampled_from(yes_phrases(expect))).split()
    chances = st.lists(st.floats(0, 1), min_size=len(words), max_size=len(words))
    heard, better = data.draw(chances), data.draw(chances)
    sure = [max(a, b) for a, b in zip(heard, better, strict=True)]
    if is_heard_as_yes(words, heard, expect):
        assert is_heard_as_yes(words, sure, expect)
    assert not is_heard_as_yes(words, [min(c, 0.24) for c in heard], expect)


def is_heard_as_yes(words: list[str], chances: list[float], expect: Expect) -> bool:
    heard = [HeardWord(word, chance) for word, chance in zip(words, chances, strict=True)]
    return interpret(heard, expect, 10).yes_no is True


@both
@pytest.mark.parametrize("denial", ["không phải", "không đúng", "sai rồi", "chưa đúng", "sai"])
def test_a_yes_before_a_denial_is_none(expect: Expect, denial: str) -> None:
    texts = [f"{yes} {denial}" for yes in yes_phrases(expect)]
    assert [text for text in texts if is_yes(text, expect)] == []


def test_what_may_stand_before_a_yes_rhymes_with_no_denial() -> None:
    rimes = {rime(word) for word in HEARD_NOT}
    single = [words[0] for words in tables.answers().before_yes if len(words) == 1]
    assert [word for word in single if rime(word) in rimes] == []


def test_what_may_stand_after_a_yes_rhymes_with_no_denial() -> None:
    """ "Đúng thưa cô" may be a "đúng chưa cô"."""
    rimes = {rime(word) for word in HEARD_NOT}
    answers = tables.answers()
    after = (*answers.after_yes, *answers.after_right_yes)
    single = [words[0] for words in after if len(words) == 1]
    assert [word for word in single if rime(word) in rimes] == []


@both
def test_a_yes_to_a_part_of_a_code_is_none(expect: Expect) -> None:
    """Nor one that noise may have cut short, or to which other words belong."""
    parts = ("một nửa", "nửa thôi", "gần hết", "có một số", "mấy số đầu", "phần đầu", "ra là", "là")
    texts = [f"{yes} {part}" for yes in yes_phrases(expect) for part in parts]
    texts += [f"{yes} {UNKNOWN_WORD} {word}" for yes in PLAIN for word in ("hết", "thôi", "ạ")]
    assert [text for text in texts if is_yes(text, expect)] == []


def test_no_unforeseen_word_stands_after_a_yes() -> None:
    """Tones aside, which a phrase may have lost ("đúng á")."""
    answers = tables.answers()
    foreseen = {w for p in (*answers.after_yes, *answers.after_right_yes) for w in p}
    foreseen |= {word for phrase in yes_phrases(Expect.CONFIRM) for word in phrase.split()}
    foreseen |= {word for form, _ in tables.dialect() for word in form}
    bases = set(map(toneless, foreseen))
    others = [word for word in vocabulary() if toneless(word) not in bases]
    assert len(others) > 300
    texts = [f"{yes} {word}" for yes in ("đúng", "vâng") for word in others]
    assert [text for text in texts if is_yes(text, Expect.CONFIRM)] == []


@pytest.mark.parametrize("expect", list(Expect))
def test_a_question_is_no_yes(expect: Expect) -> None:
    asks = [" ".join(words) for words in tables.answers().question]
    texts = [f"{yes} {ask}" for yes in PLAIN for ask in asks]
    assert [text for text in texts if is_yes(text, expect)] == []
