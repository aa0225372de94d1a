"""Corrections by value in every form of the tables and for every two digits, and in whole calls."""

from __future__ import annotations

import random
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.dialogue import DialogueState, initial, step
from assistant.dialogue.state import Phase
from assistant.dialogue.types import Action, Ask, CallStarted, Heard, Keyed, VerifyAndReset
from assistant.nlu import interpret_text, tables
from assistant.nlu.types import CONFIRMING, Correction, Expect
from assistant.settings import DialogueLimits
from tests.unit.dialogue_tools import said

WORDS = {digit: words[0] for digit, words in tables.numbers().words.items()}
NAMES = ("", "số ", "con ", "chữ số ")
ORDINALS = {rank: " ".join(words) for words, rank in tables.numbers().ordinals.items()}
_FIX = tables.corrections()

# {w}: the wrong digit, {r}: the right one
FORMS = [
    *("không phải {w} " + " ".join(but) + " {r}" for but in _FIX.but),
    *("{r} " + " ".join(rather) + " {w}" for rather in _FIX.rather),
    *("{w} " + " ".join(becomes) + " {r}" for becomes in _FIX.becomes),
    *("{r} " + " ".join(heard) + " {w}" for heard in _FIX.heard_as),
]


DENIES = ("phải", "đúng", "nghe", "nhầm", "lộn", "bị", "bằng")


def is_denial(text: str, wrong: str, right: str) -> bool:
    """ "Số không phải là số một" says that it is not one, whatever was meant."""
    filled = text.format(w=wrong, r=right)
    return any(f"0 {word}" in filled for word in DENIES)


def form(text: str, wrong: str, right: str, name: str) -> str:
    return text.format(w=name + WORDS[wrong], r=name + WORDS[right])


@pytest.mark.parametrize("text", FORMS)
@pytest.mark.parametrize("expect", sorted(CONFIRMING))
def test_every_form_names_the_wrong_digit_and_the_right_one(text: str, expect: Expect) -> None:
    pairs = random.Random(text).sample(list(permutations(WORDS, 2)), 8)
    for wrong, right in (*pairs, ("0", "7"), ("7", "0")):
        if is_denial(text, wrong, right):
            continue
        name = NAMES[int(wrong + right) % len(NAMES)] if "0" not in wrong + right else "số "
        sentence = form(text, wrong, right, name)
        for around in ("{}", "dạ sai rồi {} ạ"):
            got = interpret_text(around.format(sentence), expect, 10)
            assert got.correction == Correction(wrong=wrong, digits=right), sentence
            assert got.yes_no is not True, sentence
            assert got.digits is None, sentence


def heard(state: DialogueState, action: Action, text: str) -> tuple[DialogueState, Action]:
    """What the call does with words, as the question before understands them."""
    assert isinstance(action, Ask)
    meaning = interpret_text(text, action.expect, action.digits_so_far)
    return step(state, Heard(meaning), DialogueLimits())


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32))
def test_a_digit_heard_wrong_is_mended_by_value_in_any_call(seed: int) -> None:
    """Read back, mended in the caller's words - asked which where the digit stands in several
    places -, read back again, confirmed: then the right code is verified, and never before."""
    draw = random.Random(seed)
    code = draw.choice("123456789") + "".join(draw.choices("0123456789", k=9))
    place = draw.randrange(10)
    wrong = draw.choice([d for d in "123456789" if d != code[place]])
    heard_code = code[:place] + wrong + code[place + 1 :]
    state, action = step(initial(), CallStarted(), DialogueLimits())
    state, action = step(state, Keyed(f"8{heard_code}"), DialogueLimits())
    assert state.read_back == heard_code
    forms = [text for text in FORMS if not is_denial(text, wrong, code[place])]
    state, action = heard(state, action, form(draw.choice(forms), wrong, code[place], "số "))
    if heard_code.count(wrong) > 1:
        assert said(action) == ["which_of_them"]
        rank = heard_code[: place + 1].count(wrong)
        answers = (
            f"số thứ {ORDINALS[place + 1]}",
            f"số {WORDS[wrong]} thứ {ORDINALS[rank]}",
            f"dạ số thứ {ORDINALS[place + 1]} là {WORDS[code[place]]}",
        )
        state, action = heard(state, action, draw.choice(answers))
    assert (state.phase, state.read_back, said(action)[0]) == (
        Phase.CONFIRM,
        code,
        "readback_fixed",
    )
    state, action = heard(state, action, "đúng rồi")
    assert isinstance(action, VerifyAndReset)
    assert action.code == code
