"""Alignment and evidence on outputs made by hand: the word that was said stands out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from assistant.asr.alignment import viterbi
from assistant.asr.evidence import Sound, alone, better_digits, evidence
from assistant.asr.lexicon import phone_table, pronunciations
from assistant.asr.tones import CLASSES, Melody, Ratios, Tones, tone_class
from assistant.nlu import tables

PHONES = phone_table()
Matrix = npt.NDArray[np.float32]


def outputs(said: Sequence[str], sure: float = 0.9, held: int = 3) -> Matrix:
    """Log-probabilities of a network that hears each phone of ``said`` for ``held`` outputs with
    probability ``sure``, one output of blank before each; "" is a pause."""
    rows = []
    for word in said:
        spelt = pronunciations(word)[0] if word else ()
        for phone in spelt:
            rows += [0] + [PHONES.index(phone)] * held
        rows += [0] * (4 if not word else 1)
    table = np.full((len(rows), len(PHONES)), (1 - sure) / (len(PHONES) - 1), np.float32)
    table[np.arange(len(rows)), rows] = sure
    return np.log(table)


@pytest.mark.parametrize(
    ("said", "heard"),
    [(["ba"], ["tám"]), (["không"], ["sáu"]), (["một", "hai"], ["một", "ba"]),
     (["", "năm", "", "bốn"], ["năm", "một"])],
)  # fmt: skip
def test_a_word_that_was_not_said_has_a_phone_that_nobody_heard(
    said: list[str], heard: list[str]
) -> None:
    found = outputs(said)
    right = evidence([word for word in said if word], [0.9] * sum(map(bool, said)), Sound(found))
    wrong = evidence(heard, [0.9] * len(heard), Sound(found))
    for word, one, other in zip(heard, right, wrong, strict=True):
        assert one is not None
        assert other is not None
        if word in said:
            assert other.least == pytest.approx(one.least, abs=0.01)
        else:
            assert other.least < one.least - 2


@pytest.mark.parametrize("digits", ["0123456789", "3", "88", "4915", "7333"])
def test_every_digit_has_rivals_by_its_sound(digits: str) -> None:
    """Of ten, the one that was said first, whatever was heard in its place."""
    words = [tables.numbers().words[digit][0] for digit in digits]
    said = outputs([part for word in words for part in ("", word)])
    for heard in (words, ["tám"] * len(words)):
        for digit, found in zip(
            digits, evidence(heard, [0.9] * len(words), Sound(said)), strict=True
        ):
            assert found is not None
            assert sum(found.rivals) == pytest.approx(1)
            assert len(found.rivals) == 10
            assert min(found.rivals) > 0
            if heard is words:
                assert max(range(10), key=found.rivals.__getitem__) == int(digit)


def test_an_answer_fits_what_was_said_and_nothing_else() -> None:
    answers = (("đúng",), ("không", "hông"))
    for said, best in ((["", "đúng"], 0), (["không"], 1), (["hông", ""], 1)):
        fits = alone(answers, Sound(outputs(said)))
        assert fits[best].whole == pytest.approx(0, abs=1e-3)
        assert fits[best].least > -1
        assert fits[1 - best].whole < -0.5
        assert fits[1 - best].least < -5
        assert fits[best].lead == pytest.approx(-fits[1 - best].lead)
        assert fits[best].lead > 10
    assert max(fit.whole for fit in alone(answers, Sound(outputs(["không", "đúng"])))) < -0.5
    short = alone(answers, Sound(outputs(["không"])[:2]))  # nothing fits in
    assert all(math.isfinite(value) for fit in short for value in fit.values)
    assert alone(answers, Sound(outputs([])[:0].reshape(0, len(PHONES)))) == ()


def test_words_that_are_no_digits_have_no_rivals() -> None:
    found = evidence(["đúng", "[unk]"], [0.9, 0.9], Sound(outputs(["đúng", "ba"])))
    assert [one.rivals if one else None for one in found] == [(), None]


def test_speech_that_is_hardly_any_phone_leaves_doubt() -> None:
    clear, dim = (evidence(["bảy"], [0.9], Sound(outputs(["bảy"], sure)))[0] for sure in (0.9, 0.4))
    assert clear is not None
    assert dim is not None
    assert dim.doubt > clear.doubt + 1
    assert dim.least < clear.least


def test_a_word_may_be_said_as_another_region_says_it() -> None:
    northern, southern = pronunciations("không")[:2]
    assert northern != southern
    for way in (northern, southern):
        rows = [n for phone in way for n in (0, PHONES.index(phone), PHONES.index(phone))]
        table = np.full((len(rows), len(PHONES)), 1e-4, np.float32)
        table[np.arange(len(rows)), rows] = 0.98
        (found,) = evidence(["không"], [0.5], Sound(np.log(table)))
        assert found is not None
        assert found.least == pytest.approx(np.log(0.98), abs=1e-3)
        assert found.odds == 0.0


def test_noise_between_words_is_no_word_and_takes_nothing_from_them() -> None:
    found = evidence(
        ["hai", "[unk]", "chín"], [0.9, 0.5, 0.9], Sound(outputs(["hai", "mở", "chín"]))
    )
    assert found[1] is None
    assert [one.least > -0.2 for one in found if one] == [True, True]


@pytest.mark.parametrize("length", [0, 2])
def test_words_that_do_not_fit_in_have_none(length: int) -> None:
    found = np.full((length, len(PHONES)), -np.log(len(PHONES)), np.float32)
    assert evidence(["không", "một"], [0.9, 0.9], Sound(found)) == [None, None]


def test_the_same_phone_twice_is_parted_by_a_blank() -> None:
    emissions = np.log(np.array([[0.1, 0.9, 0.9], [0.1, 0.9, 0.9], [0.1, 0.9, 0.9]], np.float32))
    twice = viterbi(emissions, [7, 7])
    other = viterbi(emissions, [7, 8])
    assert twice is not None
    assert other is not None
    assert twice[1][0] + 1 < twice[0][1]
    assert other[1][0] + 1 == other[0][1]
    assert viterbi(emissions[:2], [7, 7]) is None


class Told:
    """Reads the same tones of every word: classes named are likelier by so many nepers."""

    def __init__(self, **nepers: float) -> None:
        self.ratios = [0.0] * CLASSES
        for word, found in nepers.items():
            self.ratios[tone_class(word) or 0] = found

    def along(self, *_: object) -> Ratios:
        return tuple(self.ratios)


def sound(said: Sequence[str], sure: float, told: Told) -> Sound:
    return Sound(outputs(said, sure), melody=Melody.of(b""), tones=cast(Tones, told))


def test_a_digit_that_hardly_fits_gives_way_to_one_of_the_tone_that_was_heard() -> None:
    level = Told(ba=3.0, tám=-3.0)
    for sure, told, better in (
        (0.05, level, {"bốn", "năm"}),  # "tư" begins, "năm" ends as "tám" does, both level
        (0.05, Told(), {"tám"}),
        (0.05, Told(tám=1.0), {"tám"}),
        (0.9, level, {"tám"}),  # no tone is worth as much as clear sounds
    ):
        heard = sound(["", "tám", ""], sure, told)
        (found,) = evidence(["tám"], [0.9], heard)
        assert found is not None
        assert found.tone == told.ratios[tone_class("tám") or 0]
        assert better_digits(["tám"], [found])[0] in better


def test_tones_that_disagree_with_most_of_an_utterance_are_those_of_another_region() -> None:
    level = Told(ba=3.0, tám=-3.0)
    words = ["tám"] * 6
    found = evidence(words, [0.9] * 6, sound(["", *words, ""], 0.05, level))
    assert [one.tone if one else None for one in found] == [0.0] * 6
    assert better_digits(words, found) == words
    usual = ["ba", "năm", "hai", "tám", "không", "tư"]  # all level but one
    found = evidence(usual, [0.9] * 6, sound(["", *usual, ""], 0.05, level))
    assert [one.tone if one else None for one in found] == [3.0, 3.0, 3.0, -3.0, 3.0, 3.0]
    assert better_digits(usual, found)[3] != "tám"


def test_only_digits_are_mended() -> None:
    words = ["không", "đúng", "[unk]"]
    found = evidence(words, [0.9] * 3, sound(["mở", "đóng", "gì"], 0.05, Told(tám=9.0)))
    assert better_digits(words, found)[1:] == words[1:]
    assert better_digits(words, [None] * 3) == words
    assert [one.tone if one else None for one in found][1:] == [0.0, None]


def test_an_answer_knows_whether_its_tone_was_heard() -> None:
    answers = (("đúng",), ("không", "hông"))
    for told, best in ((Told(đúng=1.5, ba=-2.0), 0), (Told(đúng=-1.0, ba=0.5), 1)):
        fits = alone(answers, sound(["đúng"], 0.3, told))
        assert fits[best].tone > 0 > fits[1 - best].tone
        assert fits[best].values[-1] == fits[best].tone
