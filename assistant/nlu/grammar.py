"""The recognizer's grammar for each expectation, and the words a model must know.

From tables only: nothing here sees an account, a code or what was collected. Vosk turns the
list into a bigram model, so the phrases below are chosen for the word pairs they contain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from assistant.nlu import tables
from assistant.nlu.normal import UNKNOWN_WORD
from assistant.nlu.patterns import Words
from assistant.nlu.types import Expect

# chains of digit pairs in the grammar of a state; not yet tuned on recordings
_DIGIT_WEIGHT = {Expect.CODE: 20, Expect.CONFIRM: 4}
_ONSET = "ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|b|c|d|đ|g|h|k|l|m|n|p|r|s|t|v|x"  # longest first
_RIME = "[aăâeêioôơuưy]{1,3}"
_CODA = "ng|nh|ch|c|m|n|p|t"
_SYLLABLE = re.compile(f"(?:{_ONSET})?(?:{_RIME})?(?:{_CODA})?$")
_TONE_MARKS = re.compile("[\u0300\u0301\u0303\u0309\u0323]")


def is_syllable(word: str) -> bool:
    """Whether the word is spelled like one Vietnamese syllable, so that a lexicon can say it."""
    plain = unicodedata.normalize("NFC", _TONE_MARKS.sub("", unicodedata.normalize("NFD", word)))
    has_vowel = any(c in "aăâeêioôơuưy" for c in plain)
    return has_vowel and _SYLLABLE.match(plain) is not None


@cache
def phrases(expect: Expect) -> tuple[str, ...]:
    """Phrases the recognizer should expect in a state: lower-case NFC, "[unk]" last."""
    found: list[Words] = []
    if expect in (Expect.CODE, Expect.CONFIRM, Expect.MENU):
        found += _digit_words()
    if expect in (Expect.CODE, Expect.CONFIRM):
        found += [
            *_digit_pairs(_DIGIT_WEIGHT[expect]),
            *_number_phrases(),
            *tables.corrections().examples,
        ]
    if expect is Expect.CODE:
        found += [*_letter_phrases(), *tables.fillers().phrases]
        found += tables.corrections().repair
    if expect in (Expect.CODE, Expect.CONFIRM):
        found += tables.corrections().restart
    found += _answer_phrases(expect)
    found += _intent_examples(expect)
    spoken = [form for words in found for form in _as_spoken(words)]
    sayable = [" ".join(w) for w in spoken if w and all(map(is_syllable, w))]
    return (*dict.fromkeys(sayable), UNKNOWN_WORD)


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word of every table that is a Vietnamese syllable, sorted; without "[unk]"."""
    number, filler, fix = tables.numbers(), tables.fillers(), tables.corrections()
    answer = tables.answers()
    found: set[str] = set()
    for expect in Expect:
        found.update(w for p in phrases(expect) for w in p.split())
    groups: list[Iterable[Words]] = [
        tables.letters(), number.folded, number.repeat, number.not_numbers, number.ordinals,
        filler.separators, answer.question, answer.but, fix.unit, fix.first, fix.last,
        fix.ordinal, fix.from_end, fix.several, fix.next_to_last, fix.copula, fix.wrong,
        fix.not_but, *tables.spoken().values(), tables.elsewhere(),
        [form for form, _ in tables.dialect()],
    ]  # fmt: skip
    found.update(w for group in groups for words in group for w in words)
    found |= number.number_words | number.half | number.times
    found |= filler.hesitations | filler.lead_words | filler.polite
    return tuple(sorted(w for w in found if w != UNKNOWN_WORD and is_syllable(w)))


def _digit_words() -> Iterator[Words]:
    return ((word,) for words in tables.numbers().words.values() for word in words)


def _digit_pairs(weight: int) -> Iterator[Words]:
    """Chains in which every ordered pair of the ten usual digit words stands once, and the
    regional forms after each: a bigram model then lets digits follow each other freely.
    ``weight``: how many chains, each begun at another pair; it sets the digits' share against
    phrases such as "không nhớ mã số", which would pull every "không" to themselves."""
    number = tables.numbers()
    usual = [words[0] for words in number.words.values()]
    cycle = _de_bruijn_pairs(usual)[:-1]
    for turn in range(0, len(cycle), len(cycle) // weight):
        yield (*cycle[turn:], *cycle[: turn + 1])
    others = [w for words in number.words.values() for w in words[1:]]
    for other in others:
        yield tuple(w for word in usual for w in (word, other))


def _de_bruijn_pairs(items: list[str]) -> list[str]:
    """A chain holding each ordered pair of the items, equal ones too, exactly once."""
    chain: list[str] = []
    for i, item in enumerate(items):
        chain.append(item)
        for later in items[i + 1 :]:
            chain += [item, later]
    return [*chain, items[0]]


def _number_phrases() -> Iterator[Words]:
    """Pairs, threes and large numbers: enough of each for every pair of words they need."""
    number = tables.numbers()
    usual = [words[0] for words in number.words.values()]
    ones = [w for words in list(number.words.values())[1:] for w in words]
    ten, teen, round_ten = (min(s) for s in (number.ten, number.teen, number.round_ten))
    hundred = min(number.hundred)
    yield from ((teen, one) for one in ones)
    yield from ((t, ten, one) for t in usual[2:] for one in ones)
    yield from ((t, round_ten) for t in usual[1:])
    for i, h in enumerate(usual):
        yield from ((h, hundred, link, usual[1 + i % 9]) for link in sorted(number.zero_link))
        yield (h, hundred, usual[2 + i % 8], ten, ones[i % len(ones)])
        yield (h, hundred, teen, ones[i % len(ones)])
    for i, unit in enumerate(sorted(number.thousand | number.million | number.billion)):
        yield (usual[1 + i], hundred, usual[2 + i], ten, ones[i], unit, usual[3 + i], hundred)
        yield from ((one, unit, usual[(i + j) % 10], hundred) for j, one in enumerate(ones))
    for n in usual[2:6]:
        yield from ((n, *word, digit) for word in number.repeat for digit in usual)
    yield from tables.numbers().folded


def _letter_phrases() -> Iterator[Words]:
    """Each letter name before a digit, and after the one before it."""
    names = list(tables.letters())
    digits = [words[0] for words in tables.numbers().words.values()]
    for i, name in enumerate(names):
        yield (*names[i - 1], *name, digits[i % 10])


def _intent_examples(expect: Expect) -> list[Words]:
    """Sentences of the phrase tables, and the same as the centre and the south say them."""
    examples = [
        example
        for phrase in tables.intent_phrases()
        if expect in phrase.states
        for example in phrase.pattern.examples()
    ]
    if expect not in (Expect.MENU, Expect.MORE):
        return examples  # where digits and short answers count, fewer words confuse fewer
    regional = {word[0]: form for form, word in reversed(tables.dialect()) if len(word) == 1}
    southern = [tuple(w for word in e for w in regional.get(word, (word,))) for e in examples]
    return [*examples, *southern]


def _answer_phrases(expect: Expect) -> Iterator[Words]:
    answer = tables.answers()
    return (a.words for a in (*answer.no, *answer.yes) if expect in a.states)


def _as_spoken(words: Words) -> Iterator[Words]:
    """The phrase with written forms replaced by how they are said, the two usual ways."""
    spoken = tables.spoken()
    for choice in range(2):
        out: list[str] = []
        for word in words:
            forms = spoken.get(word)
            out += forms[min(choice, len(forms) - 1)] if forms else (word,)
        yield tuple(out)
