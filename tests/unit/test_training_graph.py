"""The decoding graph by simulation: which words a sequence of transition ids can mean."""

import math
import random
import struct

import pytest

from assistant.asr.lexicon import UNKNOWN, pronunciations
from assistant.training.fst import (
    Fst,
    _intervals,
    const_fst,
    look_ahead_fst,
    relabelled,
    relabelling,
)
from assistant.training.graph import PHONES, Filler, bigram_fst, build, go, lexicon_fst, stay
from assistant.training.strangers import strangers

WORDS = ["không", "khôn", "hai", "hay", "ba", "bảy", "mười", "mươi", "một", UNKNOWN]


def accepted(fst: Fst, inputs: list[int]) -> set[tuple[int, ...]]:
    """Every output sequence the machine can write while it reads ``inputs``."""
    states = {(fst.start, ())}
    found = set()
    for position in range(len(inputs) + 1):
        stack = list(states)
        while stack:  # arcs that read nothing
            state, out = stack.pop()
            for i, o, _, n in fst.arcs[state]:
                after = (n, (*out, o) if o else out)
                if i == 0 and after not in states:
                    states.add(after)
                    stack.append(after)
        if position == len(inputs):
            found = {out for state, out in states if state in fst.finals}
            break
        states = {
            (n, (*out, o) if o else out)
            for state, out in states
            for i, o, _, n in fst.arcs[state]
            if i == inputs[position]
        }
    return found


def said(word: str, rng: random.Random, variant: int = 0) -> list[int]:
    """Transition ids of one way to hold a word's phones, with blanks here and there."""
    ids = []
    for phone in pronunciations(word)[variant]:
        index = PHONES.index(phone)
        ids += [go(index)] + [stay(index)] * rng.randrange(3)
        if rng.random() < 0.5:
            ids += [go(0)] + [stay(0)] * rng.randrange(3)
    return ids


@pytest.mark.parametrize("seed", range(20))
def test_a_sentence_of_phones_means_its_words(seed: int) -> None:
    rng = random.Random(seed)
    fst = lexicon_fst(WORDS, Filler())
    words = [rng.choice(WORDS[:-1]) for _ in range(rng.randrange(1, 5))]
    ids = [go(0), stay(0)] if rng.random() < 0.5 else []
    for word in words:
        ids += said(word, rng)
    assert tuple(WORDS.index(w) + 1 for w in words) in accepted(fst, ids)


def test_a_syllable_outside_the_vocabulary_is_the_filler() -> None:
    rng = random.Random(3)
    fst = lexicon_fst(WORDS, Filler())
    assert accepted(fst, said("khuya", rng)) == {(WORDS.index(UNKNOWN) + 1,)}


@pytest.mark.parametrize("cost", [0.0, -1.2])
def test_words_that_are_swallowed_cost_less(cost: float) -> None:
    rng = random.Random(4)
    fst = lexicon_fst(WORDS, Filler(), cost, {"hai": 1.5})
    assert cheapest(fst, said("hai", rng)) == pytest.approx(cost - 1.5)
    assert cheapest(fst, said("một", rng)) == pytest.approx(cost)


STRANGE = Filler(any=7.0, stranger=3.0, known=tuple(WORDS[:-1]))


def cheapest(fst: Fst, inputs: list[int]) -> float:
    """What the best way to read ``inputs`` costs."""
    costs = _closed(fst, {fst.start: 0.0})
    for symbol in inputs:
        after: dict[int, float] = {}
        for state, cost in costs.items():
            for i, _, w, n in fst.arcs[state]:
                if i == symbol:
                    after[n] = min(after.get(n, math.inf), cost + w)
        costs = _closed(fst, after)
    return min(cost + fst.finals[s] for s, cost in costs.items() if s in fst.finals)


def _closed(fst: Fst, costs: dict[int, float]) -> dict[int, float]:
    waiting = list(costs)
    while waiting:
        state = waiting.pop()
        for i, _, w, n in fst.arcs[state]:
            if i == 0 and costs[state] + w < costs.get(n, math.inf):
                costs[n] = costs[state] + w
                waiting.append(n)
    return costs


@pytest.mark.parametrize(
    ("syllable", "cost"),
    [
        ("đèn", 3.0),
        ("sách", 3.0),
        ("hây", 7.0),  # one vowel from "hai"
        ("mốc", 7.0),  # one coda from "một"
        ("va", 7.0),  # one initial from "ba"
    ],
)
def test_a_syllable_unlike_every_word_is_a_cheap_filler(syllable: str, cost: float) -> None:
    fst = lexicon_fst(WORDS, STRANGE)
    ids = said(syllable, random.Random(1))
    assert accepted(fst, ids) == {(WORDS.index(UNKNOWN) + 1,)}
    assert cheapest(fst, ids) == cost


def test_no_word_and_no_neighbour_of_it_is_a_stranger() -> None:
    found = strangers(["bốn", "không"])
    for initial, nucleus, coda in [
        ("b", "oo_5", "C:n"), ("b", "oo_5", "C:ng"), ("b", "oo_5", ""), ("b", "o_5", "C:n"),
        ("m", "oo_5", "C:n"), ("kh", "oo_1", "C:ng"), ("h", "oo_1", "C:ng"), ("k", "o_1", "C:ng"),
    ]:  # fmt: skip
        assert coda not in found.get(initial, {}).get(nucleus, ()), (initial, nucleus, coda)
    assert "C:n" in found["dd"]["e_2"]  # đèn
    assert strangers(["bốn"], unlike=0.0)["b"]["oo_5"] >= {"C:n"}


def test_nothing_but_blank_means_nothing() -> None:
    fst = lexicon_fst(WORDS, Filler())
    assert accepted(fst, [go(0), stay(0), stay(0)]) == {()}


def test_labels_stand_before_the_word_ends_where_no_other_word_can_follow() -> None:
    fst = lexicon_fst(["hai", "hay"], Filler())
    early = {o for out in fst.arcs for i, o, _, _ in out if o and i}
    assert early == {1, 2}


@pytest.mark.parametrize("seed", range(10))
def test_intervals_hold_exactly_the_bits(seed: int) -> None:
    bits = random.Random(seed).getrandbits(60)
    inside = {n for b, e in _intervals(bits) for n in range(b, e)}
    assert inside == {n for n in range(60) if bits >> n & 1}


def test_look_ahead_data_list_the_labels_that_can_come_next() -> None:
    fst = lexicon_fst(["hai", "ba"], Filler())
    mapping = relabelling(fst)
    assert sorted(mapping.values()) == [1, 2]
    data = look_ahead_fst(relabelled(fst, mapping))
    assert data[:4] == struct.pack("<i", 2125659606)
    assert b"olabel_lookahead" in data[:40]
    # the loop state can go on with both words or end: one interval [1, 4)
    assert struct.pack("<qiii", 1, 1, 4, 3) in data


def test_a_cycle_without_output_labels_is_refused() -> None:
    fst = Fst([[(1, 0, 0.0, 1)], [(2, 0, 0.0, 0)]], {0: 0.0})
    with pytest.raises(ValueError, match="cycle"):
        look_ahead_fst(fst)


def test_the_grammar_prefers_what_it_saw_and_forbids_nothing() -> None:
    fst = bigram_fst([["hai", "ba"]] * 9 + [["ba"]], WORDS)
    two, three, unseen = (WORDS.index(w) + 1 for w in ("hai", "ba", "một"))
    after_two = next(n for i, _, _, n in fst.arcs[fst.start] if i == two)
    direct = {i: w for i, _, w, _ in fst.arcs[after_two]}
    backoff = next(n for i, _, _, n in fst.arcs[after_two] if i == 0)
    lower = {i: w for i, _, w, _ in fst.arcs[backoff]}
    assert direct[three] < direct[0] + lower[unseen]
    assert set(lower) == set(range(1, len(WORDS) + 1))


def test_words_get_the_new_numbers_in_every_file() -> None:
    graph = build(WORDS, [["hai", "ba"]])
    table = dict(line.rsplit(" ", 1) for line in graph.words.splitlines())
    numbers = sorted(int(table[w]) for w in WORDS)
    assert numbers == list(range(1, len(WORDS) + 1))
    assert graph.grammar[:4] == graph.lexicon[:4]


def test_a_word_that_nobody_can_pronounce_is_named() -> None:
    with pytest.raises(ValueError, match="tokyo"):
        build(["tokyo", UNKNOWN], [])


def test_a_const_fst_holds_its_arcs_as_they_are() -> None:
    fst = Fst([[(7, 9, 1.5, 1)], []], {1: 0.25})
    data = const_fst(fst)
    assert struct.pack("<iifi", 7, 9, 1.5, 1) in data
    assert struct.pack("<f", 0.25) in data
