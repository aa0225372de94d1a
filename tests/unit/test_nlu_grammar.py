"""The recognizer's phrases and vocabulary come whole, spelled right and from tables only."""

from __future__ import annotations

import unicodedata
from collections import Counter
from itertools import product

import pytest

from assistant.nlu import interpret_text, phrases, tables, vocabulary
from assistant.nlu.grammar import is_syllable, joined
from assistant.nlu.patterns import compile_pattern
from assistant.nlu.types import JOINT, Expect, Grammar, Intent, Rejection

UNK = "[unk]"


@pytest.mark.parametrize("expect", [*Expect, *Grammar])
def test_phrases_are_clean_and_leave_room_for_other_speech(expect: Expect | Grammar) -> None:
    found = phrases(expect)
    assert UNK in found
    for phrase in set(found):
        assert phrase == unicodedata.normalize("NFC", phrase).lower()
        assert phrase == " ".join(phrase.split())
        words = phrase.replace(JOINT, " ").split()
        assert all(w == UNK or is_syllable(w) for w in words), phrase


@pytest.mark.parametrize("expect", [*Expect, *Grammar])
def test_sentences_stand_in_their_shares(expect: Expect | Grammar) -> None:
    shares, common, _ = tables.grammar()
    assert sum(shares[expect].values()) == pytest.approx(1.0)
    found = Counter(phrases(expect))
    if "common" in shares[expect]:
        share = sum(found[line] for line in set(common[expect])) / found.total()
        assert share >= 0.8 * shares[expect]["common"]
    unknown = sum(n for line, n in found.items() if set(line.split()) == {UNK}) / found.total()
    assert unknown == pytest.approx(shares[expect]["unknown"], rel=0.35)


def test_digits_are_most_of_what_a_code_is_heard_with() -> None:
    usual = {words[0] for words in tables.numbers().words.values()}
    lines = [line.split() for line in phrases(Expect.CODE)]
    only_digits = [line for line in lines if set(line) <= usual]
    assert len(only_digits) > 0.4 * len(lines)
    assert len({line[0] for line in only_digits}) == 10
    assert {len(line) for line in only_digits} >= {1, 2, 3, 4, 10, 12}


@pytest.mark.parametrize("expect", [*Expect, *Grammar])
def test_the_vocabulary_holds_every_word_of_every_grammar(expect: Expect | Grammar) -> None:
    words = {w for p in phrases(expect) for w in p.split()} - {UNK}
    assert words <= set(vocabulary())


def test_the_vocabulary_holds_the_words_of_the_domain() -> None:
    wanted = (
        "không một mốt hai ba bốn tư năm lăm nhăm sáu bảy bẩy tám chín mười mươi chục trăm linh "
        "lẻ nghìn ngàn triệu tỷ tỉ rưỡi rô dê giê đê nờ hát xê tê bê ích ca vâng dạ đúng sai phải "
        "chưa ừ alo số con chữ à ờ ừm ạ nhé nhầm cấp lại mật khẩu quên tổng đài viên nhân chậm"
    ).split()
    missing = {w for w in wanted if is_syllable(w) and w != "alo"} - set(vocabulary())
    assert not missing


def test_the_code_grammar_lets_any_digit_follow_any_other() -> None:
    usual = [words[0] for words in tables.numbers().words.values()]
    pairs = {
        (a, b)
        for phrase in phrases(Expect.CODE)
        for a, b in zip(phrase.split(), phrase.split()[1:], strict=False)
    }
    assert set(product(usual, usual)) <= pairs


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("gặp nhân viên tư vấn", "gặp nhân_viên tư vấn"),
        ("viên chức", "viên_chức"),
        ("không nghe rõ", "không nghe_rõ"),  # never joined to a number
        ("bảy viên", "bảy viên"),
        ("số cuối là bảy", "số cuối là bảy"),
        ("ba con bảy", "ba con_bảy"),
        ("công viên", "công_viên"),
    ],
)
def test_syllables_near_a_digit_are_joined_to_their_neighbours(line: str, made: str) -> None:
    assert joined(line, {"viên", "nghe", "công"}) == made


def test_no_code_is_heard_with_a_syllable_that_sounds_like_a_digit() -> None:
    alone = {word for line in phrases(Expect.CODE) for word in line.split()}
    *_, bound = tables.grammar()
    assert not alone & bound[Expect.CODE]
    assert "con" not in alone
    assert {"nhân_viên", "con_bảy"} <= alone & set(vocabulary())
    assert {"viên", "con"} <= set(vocabulary())  # which other states hear


def test_states_hear_different_things() -> None:
    assert "số cuối là bảy" in phrases(Expect.CONFIRM)
    assert "số cuối là bảy" not in phrases(Expect.MENU)
    assert "mã số của tôi là" in phrases(Expect.CODE)
    assert "đúng rồi" in phrases(Expect.CONFIRM)
    assert "đúng rồi" not in phrases(Expect.CODE)


def test_every_intent_has_phrases_and_none_is_lost_on_us() -> None:
    assert {p.intent for p in tables.intent_phrases()} == set(Intent)
    for phrase in tables.intent_phrases():
        expect = min(phrase.states)
        for words in phrase.pattern.examples()[:2]:
            got = interpret_text(" ".join(words), expect)
            acted = got.rejection in (None, Rejection.AMBIGUOUS)
            assert acted, (phrase.intent, expect, words)


@pytest.mark.parametrize("word", ["nghiêng", "quý", "giá", "ích", "uỷ", "khuya", "đường", "ơ"])
def test_vietnamese_syllables(word: str) -> None:
    assert is_syllable(word)


@pytest.mark.parametrize("word", ["vssid", "email", "otp", "zalo", "tk1-ts", "8", "", "ngờng2"])
def test_not_syllables(word: str) -> None:
    assert not is_syllable(word)


def test_a_pattern_reads_gaps_alternatives_classes_and_the_end() -> None:
    pattern = compile_pattern("<x>|c … d e$", {"x": ["a", "b b"]})
    assert pattern.parts == ((("a",), ("b", "b"), ("c",)), (("d", "e"),))
    assert pattern.at_end
    with pytest.raises(KeyError):
        compile_pattern("<missing>", {})
