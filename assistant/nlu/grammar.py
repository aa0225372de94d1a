"""The recognizer's grammar for each expectation, and the words a model must know.

From tables only: nothing here sees an account, a code or what was collected. Vosk turns the
list into a bigram model, so the phrases below are chosen for the word pairs they contain. Its
back-off reaches every word of every phrase from anywhere: while a code is dictated, "viên" alone
would be taken for "chín", so such syllables are joined to their neighbours ("nhân_viên").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import cache

from assistant.nlu import tables
from assistant.nlu.normal import UNKNOWN_WORD
from assistant.nlu.patterns import Words
from assistant.nlu.types import JOINT, Expect, Grammar

# lengths of the runs that digits are cut into: single digits, groups, whole codes
_RUNS = (1, 1, 2, 3, 4, 1, 3, 10, 2, 5, 10, 4, 12, 3, 10, 6)
# A lone digit answers no "is that right?": on the telephone "không" sounds much like "sáu". After
# the password and at the end nobody says fewer than a password or a code has.
_SHORTEST_RUN = {Expect.CONFIRM: 4, Expect.WHICH: 4, Expect.SECRET: 4, Expect.MORE: 4}
_ONSET = "ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|b|c|d|đ|g|h|k|l|m|n|p|r|s|t|v|x"  # longest first
_RIME = "[aăâeêioôơuưy]{1,3}"
_CODA = "ng|nh|ch|c|m|n|p|t"
_SYLLABLE = re.compile(f"(?:{_ONSET})?(?:{_RIME})?(?:{_CODA})?$")
_COUNTER = re.compile(r"(?<= con) ")  # "ba con bảy": nobody says "con" without its digit
_TONE_MARKS = re.compile("[\u0300\u0301\u0303\u0309\u0323]")


def is_syllable(word: str) -> bool:
    """Whether the word is spelled like one Vietnamese syllable, so that a lexicon can say it."""
    plain = unicodedata.normalize("NFC", _TONE_MARKS.sub("", unicodedata.normalize("NFD", word)))
    has_vowel = any(c in "aăâeêioôơuưy" for c in plain)
    return has_vowel and _SYLLABLE.match(plain) is not None


@cache
def phrases(state: Expect | Grammar) -> tuple[str, ...]:
    """Sentences the recognizer should expect in a state, lower-case NFC, as often as they count.

    A sentence that stands there twice is twice as likely (``data/grammar.yaml``).
    """
    all_shares, common, bound = tables.grammar()
    shares = all_shares[state]
    expect = state.expect if isinstance(state, Grammar) else state
    groups = {name: _sayable(_group(name, expect)) for name in shares if name != "common"}
    if state in bound:
        for name, found in groups.items():
            groups[name] = [joined(line, bound[state]) for line in found]
    if "common" in shares:
        groups["common"] = list(common[state])
    total = max(len(found) / shares[name] for name, found in groups.items())
    lines: list[str] = []
    for name, found in groups.items():
        lines += found * max(1, round(total * shares[name] / len(found)))
    return tuple(lines)


def _group(name: str, expect: Expect) -> Iterable[Words]:
    """The sentences of one group of ``data/grammar.yaml``."""
    match name:
        case "digits":
            return _digit_runs(_SHORTEST_RUN.get(expect, 1))
        case "numbers":
            return _number_phrases()
        case "pairs":
            return _pair_phrases()
        case "letters":
            return _letter_phrases()
        case "fillers":
            return tables.fillers().phrases
        case "repairs":
            return [*tables.corrections().repair, *tables.corrections().restart]
        case "corrections":
            return tables.corrections().examples
        case "answers":
            return _answer_phrases(expect)
        case "intents":
            return _intent_examples(expect)
        case _:
            return [(UNKNOWN_WORD,) * count for count in (1, 2)]


def _sayable(found: Iterable[Words]) -> list[str]:
    """Distinct sentences as they are spoken, without those that no lexicon could say."""
    spoken = (form for words in found for form in _as_spoken(words))
    kept = [w for w in spoken if w and all(x == UNKNOWN_WORD or is_syllable(x) for x in w)]
    return list(dict.fromkeys(" ".join(w) for w in kept))


def joined(line: str, bound: Collection[str]) -> str:
    """The sentence with every ``bound`` syllable joined to the one before it, or to the one after
    it where it begins the sentence or follows a number; and "con" to the digit that it counts."""
    numbers = tables.numbers().number_words
    out: list[str] = []
    ahead = False  # the syllable before waits for this one
    for word in _COUNTER.sub(JOINT, line).split():
        back = word in bound and bool(out) and out[-1] not in numbers
        if back or ahead:
            out[-1] += JOINT + word
        else:
            out.append(word)
        ahead = word in bound and not back
    return " ".join(out)


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word of every table that is a Vietnamese syllable, and the joined ones of the grammars,
    sorted; without "[unk]"."""
    number, filler, fix = tables.numbers(), tables.fillers(), tables.corrections()
    answer = tables.answers()
    found: set[str] = set()
    for state in (*Expect, *Grammar):
        found.update(w for p in phrases(state) for w in p.split())
    for phrase in tables.intent_phrases():
        found.update(w for e in phrase.pattern.examples() for form in _as_spoken(e) for w in form)
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
    found.update(part for w in list(found) for part in w.split(JOINT))
    return tuple(sorted(w for w in found if all(map(is_syllable, w.split(JOINT)))))


def _digit_runs(shortest: int) -> Iterator[Words]:
    """Runs of usual digits in which every ordered pair stands about equally often, and the
    regional forms after each digit; none has fewer than ``shortest`` digits."""
    number = tables.numbers()
    usual = [words[0] for words in number.words.values()]
    cycle = _de_bruijn_pairs(usual)[:-1]
    for start in range(len(cycle)):
        length = max(shortest, _RUNS[start % len(_RUNS)])
        yield tuple(cycle[(start + k) % len(cycle)] for k in range(length))
    for words in number.words.values():
        for other in words[1:]:
            if shortest == 1:
                yield (other,)
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


def _pair_phrases() -> Iterator[Words]:
    """Two digits as one number, each word of them in a few: where codes are the exception."""
    number = tables.numbers()
    tens = [words[0] for words in number.words.values()][2:]
    ones = [w for words in list(number.words.values())[1:] for w in words]
    yield from ((min(number.teen), one) for one in ones)
    yield from ((tens[i % len(tens)], min(number.ten), one) for i, one in enumerate(ones))


def _letter_phrases() -> Iterator[Words]:
    """Each letter name before a digit, and after the one before it."""
    names = list(tables.letters())
    digits = [words[0] for words in tables.numbers().words.values()]
    for i, name in enumerate(names):
        yield (*names[i - 1], *name, digits[i % 10])


def _intent_examples(expect: Expect) -> list[Words]:
    """Sentences of the phrase tables, and the same as the centre and the south say them."""
    many = expect in (Expect.MENU, Expect.MORE)  # elsewhere one example of a pattern will do
    examples = [
        example
        for phrase in tables.intent_phrases()
        if expect in phrase.states
        for example in (phrase.pattern.examples() if many else phrase.pattern.examples()[:1])
    ]
    if not many:
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
