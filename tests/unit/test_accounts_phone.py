"""Caller ids in every spelling."""

from __future__ import annotations

import random
from pathlib import Path

import phonenumbers
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.demo import draw
from assistant.accounts.phone import spoken_form, to_e164

CASES = yaml.safe_load(
    (Path(__file__).parent.parent / "data" / "accounts_phone.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [(raw, f"+{wanted}") for wanted, raws in CASES["same"].items() for raw in raws],
)
def test_spellings_of_one_number(raw: str, wanted: str) -> None:
    assert to_e164(raw) == wanted


@pytest.mark.parametrize("raw", CASES["none"])
def test_no_registered_number(raw: str | None) -> None:
    assert to_e164(raw) is None
    assert spoken_form(raw) == ""


@pytest.mark.parametrize(("wanted", "raws"), CASES["same"].items())
def test_how_its_owner_says_it(wanted: int, raws: list[str]) -> None:
    assert {spoken_form(raw) for raw in raws} == {"0" + str(wanted).removeprefix("84")}


@given(st.text(alphabet=st.characters(), max_size=40) | st.text("+0123456789 .()-", max_size=20))
def test_anything_else_is_none_or_a_stable_mobile(raw: str) -> None:
    found = to_e164(raw)
    assert found is None or (to_e164(found) == found and len(found) == 12)


def test_invented_numbers_have_the_form_but_no_owner() -> None:
    rng = random.Random(7)
    for pair in (draw(rng) for _ in range(50)):
        e164 = to_e164(pair.phone)
        assert e164 is not None
        assert not phonenumbers.is_valid_number(phonenumbers.parse(e164))
