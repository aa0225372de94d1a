"""The text that speakers read: balanced, understood, the same for the same seed."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import product

import pytest

from assistant.collect.script import FORMS, ROUND, Line, neighbours, script, sentences_by_note
from assistant.nlu import HeardWord, interpret
from assistant.nlu.types import Expect

SEEDS = ("1:nu-hue-01", "1:nam-can-tho-02", "2:nu-hue-01")
LINES = 150  # what one speaker reads (settings.Collect)
SIZE = sum(ROUND.values())


def codes(lines: tuple[Line, ...]) -> list[Line]:
    return [line for line in lines if line.note.startswith("code")]


def words(lines: tuple[Line, ...]) -> Counter[str]:
    return Counter(word for line in lines if line.digits for word in line.text.split())


def test_the_same_seed_is_the_same_text_and_another_is_another() -> None:
    assert script(40, "a") == script(40, "a")
    assert script(40, "a") != script(40, "b")


def test_a_longer_text_begins_with_the_shorter_one() -> None:
    assert script(90, "a")[:37] == script(37, "a")


@pytest.mark.parametrize("seed", SEEDS)
def test_every_digit_is_read_about_equally_often(seed: str) -> None:
    counts = Counter(digit for line in codes(script(LINES, seed)) for digit in line.digits)
    assert set(counts) == set("0123456789")
    assert max(counts.values()) <= 1.25 * min(counts.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_every_digit_follows_every_other(seed: str) -> None:
    """All hundred pairs 3 to 5 times; by chance alone some would be missing, some read 10 times."""
    counts = neighbours(script(LINES, seed))
    assert set(counts) == set(product("0123456789", repeat=2))
    assert min(counts.values()) >= 3
    assert max(counts.values()) <= 5


@pytest.mark.parametrize("seed", SEEDS)
def test_both_forms_of_a_digit_are_read_alike(seed: str) -> None:
    counts = words(script(LINES, seed))
    for first, second in (("bốn", "tư"), ("bảy", "bẩy")):
        assert abs(counts[first] - counts[second]) <= 0.1 * counts[first]
    assert min(counts[form] for form in ("mốt", "lăm", "nhăm")) >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_every_form_of_a_single_digit_is_read(seed: str) -> None:
    singles = Counter(line.text for line in script(LINES, seed) if line.note == "digit")
    assert set(singles) == {form for forms in FORMS.values() for form in forms}
    assert max(singles.values()) - min(singles.values()) <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_stops_early_has_read_the_same_mixture(seed: str) -> None:
    for rounds in range(1, 6):
        notes = Counter(line.note for line in script(rounds * SIZE, seed))
        assert notes == {note: rounds * count for note, count in ROUND.items()}
    early = Counter(d for line in codes(script(3 * SIZE, seed)) for d in line.digits)
    assert max(early.values()) <= 1.5 * min(early.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_every_code_is_understood_as_its_digits(seed: str) -> None:
    wrong = []
    for line in codes(script(300, seed)):
        heard = interpret([HeardWord(word) for word in line.text.split()], Expect.CODE)
        if heard.digits is None or heard.digits.digits != line.digits:
            wrong.append(line)
    assert wrong == []


def test_every_sentence_can_be_a_label() -> None:
    sentences = [s for found in sentences_by_note().values() for s in found]
    assert len(set(sentences)) == len(sentences)
    for text in sentences:
        assert re.fullmatch(r"[a-zà-ỹđ]+( [a-zà-ỹđ]+)*", text), text
        assert unicodedata.is_normalized("NFC", text)


def test_answers_mean_what_their_note_says() -> None:
    for text in sentences_by_note()["yes-no"]:
        heard = interpret([HeardWord(word) for word in text.split()], Expect.CONFIRM)
        assert heard.yes_no is not None, text


def test_speech_to_be_refused_is_no_digits_and_no_answer() -> None:
    for text in sentences_by_note()["other"]:
        heard = interpret([HeardWord(word) for word in text.split()], Expect.CONFIRM)
        assert heard.digits is None, text
        assert heard.yes_no is None, text


def test_what_is_shown_has_the_words_of_the_label() -> None:
    assert all(line.shown.replace(",", "") == line.text for line in script(300, "a"))
