from pathlib import Path

import pytest
import yaml

from assistant.asr.lexicon import (
    BLANK,
    phone_table,
    pronunciations,
    split_tone,
    syllable_phones,
    text_phones,
)
from assistant.nlu import vocabulary

CASES = yaml.safe_load(
    (Path(__file__).parent.parent / "data" / "training_lexicon.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(("syllable", "phones"), CASES["syllables"].items())
def test_a_syllable_is_spelled_out(syllable: str, phones: str) -> None:
    assert syllable_phones(syllable) == tuple(phones.split())


@pytest.mark.parametrize("word", CASES["not_vietnamese"])
def test_what_is_no_vietnamese_syllable_has_no_phones(word: str) -> None:
    assert syllable_phones(word) is None


def test_every_phone_of_the_cases_is_in_the_table_and_the_blank_is_first() -> None:
    table = phone_table()
    assert table[0] == BLANK
    assert len(set(table)) == len(table)
    for phones in CASES["syllables"].values():
        assert set(phones.split()) <= set(table)


def test_every_word_of_the_tables_can_be_pronounced() -> None:
    unspoken = [w for w in vocabulary() if not pronunciations(w)]
    assert unspoken == []


def test_tones_are_taken_off_and_named() -> None:
    tones = [split_tone(w) for w in ("ma", "mà", "mả", "mã", "má", "mạ")]
    assert tones == [("ma", t) for t in "123356"]  # hỏi and ngã are one


def test_all_syllables_of_different_spelling_but_equal_sound_agree() -> None:
    assert syllable_phones("tỷ") == syllable_phones("tỉ")
    assert syllable_phones("khoẻ") == syllable_phones("khỏe")


def test_a_text_with_one_foreign_word_has_no_phones() -> None:
    assert text_phones("đi tokyo") is None
    assert text_phones("một hai") == ("m", "oo_6", "C:t", "h", "a_1", "C:j")


def test_a_joined_word_is_said_as_its_syllables_are() -> None:
    assert pronunciations("nhân_viên") == (("nh", "aa_1", "C:n", "v", "ie_1", "C:n"),)
    assert set(pronunciations("không_nghe")) == {
        (*first, "ng", "e_1") for first in pronunciations("không")
    }
    assert pronunciations("nhân_tokyo") == ()


def test_regional_variants_come_after_the_standard_one() -> None:
    assert pronunciations("không")[0] == ("kh", "oo_1", "C:ng")
    assert ("h", "oo_1", "C:ng") in pronunciations("không")
