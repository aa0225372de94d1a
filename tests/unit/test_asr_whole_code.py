"""The search for a whole code, on outputs made by hand and against every path of small ones."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.asr.evidence import fit_of
from assistant.asr.lexicon import phone_table, pronunciations
from assistant.asr.whole_code import CodeSearch, Likelihoods, whole_code
from assistant.nlu import tables

PHONES = phone_table()
DIGITS = tables.numbers().digit
NO_PRIORS = np.zeros(len(PHONES), np.float32)
Matrix = npt.NDArray[np.float32]


def outputs(said: Sequence[str], sure: float = 0.9, held: int = 2, gap: int = 3) -> Matrix:
    """Log-probabilities of a network that hears each phone of ``said``; "" is a pause."""
    rows = []
    for word in said:
        for phone in pronunciations(word)[0] if word else ():
            rows += [0] + [PHONES.index(phone)] * held
        rows += [0] * gap
    table = np.full((len(rows), len(PHONES)), (1 - sure) / (len(PHONES) - 1), np.float32)
    table[np.arange(len(rows)), rows] = sure
    return np.log(table)


def said(words: str, likelier: dict[str, float] | None = None, sure: float = 0.9) -> Likelihoods:
    return Likelihoods.of(outputs(words.split(), sure), NO_PRIORS, likelier or {})


CODE = "không một hai ba bốn năm sáu bảy tám chín"


@pytest.mark.parametrize(
    "heard",
    ["không một hai ba bốn ngàn sáu bảy tám chín", "không một hai ba bốn mươi sáu bảy tám",
     "không một hai ba bốn năm sáu bảy tám chín ba xong", "không một hai ba bốn [unk]",
     "không một hai ba con bốn năm xong"],
)  # fmt: skip
def test_a_code_that_was_said_is_found_whatever_was_heard(heard: str) -> None:
    found = whole_code(heard.split(), (10, 12), said(CODE))
    assert found is not None
    assert [one.word for one in found.spoken] == CODE.split()
    assert found.sure > 0.99
    assert "một" not in repr(found)
    places = [place for one in found.spoken for place in (one.first, one.last)]
    assert places == sorted(places)
    assert places[-1] < len(outputs(CODE.split()))


@pytest.mark.parametrize(
    "spoken",
    ["ba trăm hai mươi tư triệu năm trăm sáu mươi bảy", "mã của em là bảy tám một hai ba",
     "sáu bảy tám chín ba con một"],
)  # fmt: skip
def test_what_is_no_code_stays_what_it_was(spoken: str) -> None:
    assert whole_code(spoken.split(), (10, 12), said(spoken)) is None


def test_of_two_lengths_that_are_as_likely_the_shorter_is_taken() -> None:
    nothing = Likelihoods(np.zeros((120, len(PHONES)), np.float32), {})
    found = whole_code(["ba"] * 9 + ["xong"], (10, 12), nothing)
    assert found is not None
    assert len(found.spoken) == 10


def test_likelier_words_are_likelier() -> None:
    """Half "ba", half "tám": the lexicon decides, as in the recognizer."""
    short = np.concatenate([np.concatenate([outputs(["ba"]), outputs([""])]) for _ in range(10)])
    mixed = np.logaddexp(outputs(["tám"] * 10), short)
    for word in ("ba", "tám"):
        found = whole_code(
            ["ba"] * 9 + ["xong"], (10,), Likelihoods.of(mixed, NO_PRIORS, {word: 40.0})
        )
        assert found is not None
        assert {one.word for one in found.spoken} == {word}


def test_nothing_is_found_where_nothing_fits_in() -> None:
    assert whole_code(["ba"] * 9 + ["xong"], (10,), said("ba")) is None
    short = Likelihoods(outputs(["ba"])[:3], {})
    assert whole_code(["ba", "hai"], (10,), short) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_no_other_digits_are_likelier(seed: int, digits: int) -> None:
    """The best path is as likely as the best of all strings of so many words, each aligned by
    itself, and its words are those."""
    rng = np.random.default_rng(seed)
    emissions = rng.normal(-3, 2, (rng.integers(6, 14), len(PHONES))).astype(np.float32)
    likelier = {"ba": float(rng.normal()), "mốt": float(rng.normal())}
    words = ["không", "một", "mốt", "hai", "ba", "tư", "bẩy", "chín"]
    hidden = [PHONES.index(p) for w in set(DIGITS) - set(words) for p in pronunciations(w)[0]]
    kept = {PHONES.index(p) for w in words for way in pronunciations(w) for p in way}
    emissions[:, [p for p in hidden if p not in kept]] = -60
    mine = Likelihoods(emissions, likelier)
    spelt = [word for word in words if len(pronunciations(word)) == 1]  # else reading() is no path
    best = max(mine.reading(way) for way in itertools.product(spelt, repeat=digits))
    search = CodeSearch(mine, digits)
    score = search.score(digits)
    assert score >= best - 1e-3
    if math.isinf(score):
        return
    spoken = search.spoken(digits)
    names = [one.word for one in spoken]
    assert len(names) == digits
    assert fit_of(names, emissions) + sum(likelier.get(w, 0.0) for w in names) >= score - 1e-3
    assert all(one.first <= one.last for one in spoken)
    assert all(a.last < b.first for a, b in itertools.pairwise(spoken))


def test_no_digit_begins_as_another_ends() -> None:
    """Or a blank would have to part them."""
    ways = [way for word in DIGITS for way in pronunciations(word)]
    assert not {way[0] for way in ways} & {way[-1] for way in ways}
