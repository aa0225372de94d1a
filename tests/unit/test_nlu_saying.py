"""What is said is what is understood: every style, region, length and fragment."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.nlu import HeardWord, interpret, vocabulary
from assistant.nlu.saying import Region, Style, say_digits
from assistant.nlu.types import Expect

codes = st.text(alphabet="0123456789", min_size=10, max_size=10)
citizen_ids = st.text(alphabet="0123456789", min_size=12, max_size=12)
fragments = st.text(alphabet="0123456789", min_size=1, max_size=9)
seeds = st.integers(min_value=0, max_value=2**32)


def understood(words: list[str], so_far: int = 0) -> str | None:
    span = interpret([HeardWord(w) for w in words], Expect.CODE, so_far).digits
    return span.digits if span else None


@pytest.mark.parametrize("region", list(Region))
@pytest.mark.parametrize("style", list(Style))
@settings(max_examples=30, deadline=None)
@given(code=st.one_of(codes, citizen_ids, fragments), seed=seeds)
def test_every_style_reads_back(style: Style, region: Region, code: str, seed: int) -> None:
    words = say_digits(code, style, random.Random(seed), region)
    assert understood(words) == code, " ".join(words)


@settings(max_examples=60, deadline=None)
@given(code=codes, seed=seeds, style=st.sampled_from(list(Style)), cut=st.integers(1, 9))
def test_fragments_append(code: str, seed: int, style: Style, cut: int) -> None:
    rng = random.Random(seed)
    first = understood(say_digits(code[:cut], style, rng))
    second = understood(say_digits(code[cut:], style, rng), so_far=cut)
    assert (first, second) == (code[:cut], code[cut:])


@settings(max_examples=60, deadline=None)
@given(code=codes, seed=seeds, style=st.sampled_from(list(Style)))
def test_fillers_change_nothing(code: str, seed: int, style: Style) -> None:
    rng = random.Random(seed)
    words = say_digits(code, style, rng)
    places = [i for i in range(len(words)) if words[i - 1 : i + 1] != ["chữ", "số"]]
    at = rng.choice(places)
    said = [*"dạ mã số của em là".split(), *words[:at], "ờ", *words[at:], "ạ"]
    assert understood(said) == code, " ".join(said)


@settings(max_examples=60, deadline=None)
@given(code=codes, new=st.sampled_from("0123456789"), place=st.integers(1, 10))
def test_a_spoken_place_is_that_place(code: str, new: str, place: int) -> None:
    ordinals = "nhất hai ba tư năm sáu bảy tám chín mười".split()
    digit = say_digits(new, Style.SINGLES, random.Random(0), Region.NORTH)
    heard = [HeardWord(w) for w in ["số", "thứ", ordinals[place - 1], "là", *digit]]
    fix = interpret(heard, Expect.CONFIRM).correction
    assert fix is not None
    assert (fix.position, fix.digits) == (place - 1, new)


def test_saying_is_seeded() -> None:
    rng = random.Random(20)
    code = "".join(rng.choice("0123456789") for _ in range(10))
    for style in Style:
        said = {tuple(say_digits(code, style, random.Random(5))) for _ in range(5)}
        assert len(said) == 1


def test_every_word_it_says_is_in_the_vocabulary() -> None:
    rng, known = random.Random(3), set(vocabulary())
    for style in Style:
        for _ in range(200):
            code = "".join(rng.choice("0123456789") for _ in range(12))
            assert set(say_digits(code, style, rng)) <= known


@pytest.mark.parametrize("bad", ["", "12a", "١٢"])
def test_only_digits_can_be_said(bad: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        say_digits(bad, Style.SINGLES, random.Random(1))
