"""The tables of the understanding room, read once from the YAML files beside this module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from assistant.nlu.normal import words_of
from assistant.nlu.patterns import Pattern, Words, compile_pattern
from assistant.nlu.types import CONFIRMING, Expect, Grammar, Intent

ANY_STATE = frozenset(Expect)


@dataclass(frozen=True, slots=True)
class Numbers:
    digit: Mapping[str, str]  # word -> "0".."9"
    words: Mapping[str, tuple[str, ...]]  # "0".."9" -> its words, the usual one first
    folded: Mapping[Words, str]  # ("dê", "rô") -> "không"
    bound_ones: frozenset[str]
    teen: frozenset[str]
    ten: frozenset[str]
    round_ten: frozenset[str]
    hundred: frozenset[str]
    zero_link: frozenset[str]
    half: frozenset[str]
    thousand: frozenset[str]
    million: frozenset[str]
    billion: frozenset[str]
    repeat: tuple[Words, ...]  # in the recognizer's grammar
    counters: tuple[Words, ...]  # those, and what is read like them
    repeat_few: tuple[Words, ...]
    few: frozenset[str]
    times: frozenset[str]
    near: Mapping[str, str]  # word heard -> digit word meant
    not_numbers: tuple[Words, ...]
    lengths: tuple[Words, ...]  # "mã có mười số"
    lengths_after: frozenset[str]
    one_by_one: tuple[Words, ...]  # "đọc từng số một"
    ordinals: Mapping[Words, int]

    @property
    def number_words(self) -> frozenset[str]:
        """Every word that is a number or part of one."""
        return (
            frozenset(self.digit)
            | (self.teen | self.ten | self.round_ten | self.hundred | self.zero_link)
            | (self.thousand | self.million | self.billion)
        )


@dataclass(frozen=True, slots=True)
class Phrase:
    """One pattern of an intent and the states in which it counts."""

    intent: Intent
    pattern: Pattern
    states: frozenset[Expect]


@dataclass(frozen=True, slots=True)
class Answer:
    """A way of saying yes or no. ``short``: only in turns of one or two words."""

    words: Words
    states: frozenset[Expect]
    short: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    no: tuple[Answer, ...]
    yes: tuple[Answer, ...]
    unclear: tuple[Words, ...]  # neither: "không sai"
    before_yes: tuple[Words, ...]  # what may stand before a yes to a code
    easily_misheard: frozenset[str]  # a yes of only these is a weak one
    says_nothing: frozenset[str]  # inside a yes
    after_yes: tuple[Words, ...]  # what may stand after one
    after_right_yes: tuple[Words, ...]  # and after one that holds a word of the next line
    says_it_is_right: frozenset[str]
    question: tuple[Words, ...]
    but: tuple[Words, ...]
    negatable: frozenset[str]  # "không" before or after one of these is never a zero
    not_no_before: frozenset[str]  # "không biết" answers nothing


@dataclass(frozen=True, slots=True)
class Fillers:
    hesitations: frozenset[str]
    separators: tuple[Words, ...]
    other_numbers: tuple[Words, ...]  # "số điện thoại"
    lead_words: frozenset[str]
    phrases: tuple[Words, ...]
    polite: frozenset[str]


@dataclass(frozen=True, slots=True)
class Corrections:
    repair: tuple[Words, ...]
    restart: tuple[Words, ...]
    restart_or_repeat: tuple[Words, ...]
    restart_end: tuple[Words, ...]
    unit: tuple[Words, ...]
    first: tuple[Words, ...]
    last: tuple[Words, ...]
    ordinal: tuple[Words, ...]
    from_end: tuple[Words, ...]
    several: tuple[Words, ...]
    next_to_last: tuple[Words, ...]
    copula: tuple[Words, ...]
    wrong: tuple[Words, ...]
    not_but: tuple[Words, ...]
    instead: tuple[Words, ...]
    instead_end: tuple[Words, ...]
    side_by_side: tuple[Words, ...]
    but: tuple[Words, ...]
    rather: tuple[Words, ...]
    becomes: tuple[Words, ...]
    heard_as: tuple[Words, ...]
    only_before: tuple[Words, ...]
    only_after: tuple[Words, ...]
    zero_before: tuple[Words, ...]
    examples: tuple[Words, ...]


def _load(name: str) -> Any:
    text = (files("assistant.nlu") / "data" / f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def _phrases(items: Sequence[object]) -> tuple[Words, ...]:
    return tuple(tuple(words_of(str(item))) for item in items)


def longest_first(phrases: Sequence[Words]) -> tuple[Words, ...]:
    """Longer phrases before their own beginnings, table order otherwise."""
    return tuple(sorted(phrases, key=len, reverse=True))


@cache
def numbers() -> Numbers:
    raw = _load("numbers")
    words = {d: tuple(ws) for d, ws in raw["digits"].items()}
    names = ["bound_ones", "teen", "ten", "round_ten", "hundred", "zero_link", "half"]
    names += ["thousand", "million", "billion", "times", "few", "lengths_after"]
    return Numbers(
        digit={w: d for d, ws in words.items() for w in ws},
        words=words,
        folded={tuple(words_of(f)): w for w, forms in raw["folded"].items() for f in forms},
        repeat=longest_first(_phrases(raw["repeat"])),
        counters=longest_first(_phrases(raw["repeat"] + raw["repeat_too"] + raw["repeat_few"])),
        repeat_few=_phrases(raw["repeat_few"]),
        lengths=longest_first(_phrases(raw["lengths"])),
        one_by_one=longest_first(_phrases(raw["one_by_one"])),
        near={heard: word for word, forms in raw["near"].items() for heard in forms},
        not_numbers=longest_first(_phrases(raw["not_numbers"])),
        ordinals={tuple(words_of(f)): n for n, forms in raw["ordinals"].items() for f in forms},
        **{name: frozenset(raw[name]) for name in names},
    )


@cache
def letters() -> Mapping[Words, str]:
    """Spoken letter names → the letter; where two letters share a name, the first wins."""
    found: dict[Words, str] = {}
    for letter, names in _load("letters")["letters"].items():
        for name in names:
            found.setdefault(tuple(words_of(name)), str(letter))
    return found


@cache
def spoken() -> Mapping[str, tuple[Words, ...]]:
    """Written form → how it is said, the usual way first."""
    return {w: _phrases(forms) for w, forms in _load("spoken").items()}


@cache
def fillers() -> Fillers:
    raw = _load("fillers")
    return Fillers(
        hesitations=frozenset(raw["hesitations"]),
        separators=longest_first(_phrases(raw["separators"])),
        other_numbers=longest_first(_phrases(raw["other_numbers"])),
        lead_words=frozenset(raw["lead_words"]),
        phrases=_phrases(raw["phrases"]),
        polite=frozenset(raw["polite"]),
    )


def _states(names: Sequence[str]) -> frozenset[Expect]:
    """What counts in "confirm" also counts where the code may go on."""
    states = frozenset(map(Expect, names))
    return states | (CONFIRMING if Expect.CONFIRM in states else frozenset())


def _answers(rows: Sequence[Mapping[str, Any]]) -> tuple[Answer, ...]:
    default = ANY_STATE - {Expect.CODE}
    return tuple(
        Answer(
            words=words,
            states=_states(row["in"]) if "in" in row else default,
            short=bool(row.get("short", False)),
        )
        for row in rows
        for words in _phrases(row["say"])
    )


@cache
def grammar() -> tuple[
    dict[Expect | Grammar, dict[str, float]],
    dict[Expect | Grammar, tuple[str, ...]],
    dict[Expect | Grammar, frozenset[str]],
]:
    """Per state: shares of the groups of sentences, common sentences, syllables never alone."""
    raw = _load("grammar")
    states: dict[str, Expect | Grammar] = {state.value: state for state in (*Expect, *Grammar)}
    shares = {states[name]: dict(groups) for name, groups in raw["shares"].items()}
    common = {states[name]: tuple(lines) for name, lines in raw["common"].items()}
    return shares, common, {states[name]: frozenset(ws) for name, ws in raw["bound"].items()}


@cache
def answers() -> Answers:
    raw = _load("answers")
    return Answers(
        no=_answers(raw["no"]),
        yes=_answers(raw["yes"]),
        unclear=longest_first(_phrases(raw["unclear"])),
        before_yes=longest_first(_phrases(raw["before_yes"])),
        easily_misheard=frozenset(raw["easily_misheard"]),
        says_nothing=frozenset(raw["says_nothing"]),
        after_yes=_phrases(raw["after_yes"]),
        after_right_yes=_phrases(raw["after_right_yes"]),
        says_it_is_right=frozenset(raw["says_it_is_right"]),
        question=longest_first(_phrases(raw["question"])),
        but=_phrases(raw["but"]),
        negatable=frozenset(raw["negatable"]),
        not_no_before=frozenset(raw["not_no_before"]),
    )


@cache
def corrections() -> Corrections:
    raw = _load("corrections")
    return Corrections(
        **{name: longest_first(_phrases(raw[name])) for name in raw if name != "examples"},
        examples=_phrases(raw["examples"]),
    )


@cache
def dialect() -> tuple[tuple[Words, Words], ...]:
    """(regional form, the tables' form), longest first."""
    pairs = [
        (form, tuple(words_of(word)))
        for word, forms in _load("dialect").items()
        for form in _phrases(forms)
    ]
    return tuple(sorted(pairs, key=lambda p: len(p[0]), reverse=True))


@cache
def precedence() -> frozenset[tuple[Intent, Intent]]:
    """(what wins, over what) where both stand in one turn."""
    return frozenset((Intent(a), Intent(b)) for a, b in _load("intents")["precedence"])


@cache
def elsewhere() -> tuple[Words, ...]:
    """Services of others, whose passwords are not ours to reset."""
    return _phrases(_load("intents")["elsewhere"])


@cache
def refused() -> tuple[Words, ...]:
    """What refuses the request that follows."""
    return _phrases(_load("intents")["refused"])


@cache
def book() -> tuple[Words, ...]:
    """Business about the book and not about the code in it."""
    return _phrases(_load("intents")["book"])


@cache
def intent_phrases() -> tuple[Phrase, ...]:
    raw = _load("intents")
    found: list[Phrase] = []
    for name, rows in raw["intents"].items():
        for row in rows:
            text, states = (row["say"], row["in"]) if isinstance(row, dict) else (row, None)
            found.append(
                Phrase(
                    intent=Intent(name),
                    pattern=compile_pattern(str(text), raw["classes"]),
                    states=_states(states) if states else ANY_STATE,
                )
            )
    return tuple(found)
