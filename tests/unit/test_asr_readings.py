"""The choice among the readings of an utterance, and how sure its words are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from assistant.asr.readings import instead, weighed


def reading(score: float, *words: tuple[str, float, float]) -> dict[str, Any]:
    result = [{"word": word, "start": start, "end": end} for word, start, end in words]
    return {"confidence": score, "text": " ".join(w for w, _, _ in words), "result": result}


LOST = reading(10.0, ("bốn", 0.1, 0.5), ("một", 0.5, 1.2))
WHOLE = reading(9.0, ("bốn", 0.1, 0.5), ("một", 0.5, 0.8), ("một", 0.8, 1.2))


def all_alike(words: Sequence[str]) -> float:
    return 0.0


def three_words(words: Sequence[str]) -> float:
    return 3.0 if len(words) == 3 else 0.0


def test_the_best_sounding_reading_wins_where_all_are_alike() -> None:
    chosen = weighed([LOST, WHOLE], all_alike)
    assert [(e["word"], e["start"], e["end"]) for e in chosen] == [
        ("bốn", 0.1, 0.5),
        ("một", 0.5, 1.2),
    ]


def test_a_likelier_reading_beats_one_that_sounds_a_little_better() -> None:
    assert [e["word"] for e in weighed([LOST, WHOLE], three_words)] == ["bốn", "một", "một"]
    far = {**WHOLE, "confidence": 6.9}
    assert [e["word"] for e in weighed([LOST, far], three_words)] == ["bốn", "một"]


def test_a_word_is_as_sure_as_the_readings_that_have_it_there() -> None:
    share = 1 / (1 + math.exp(-2.0))  # of the whole one: 9 + 3 against 10
    sure = [e["conf"] for e in weighed([LOST, WHOLE], three_words)]
    assert sure == pytest.approx([1.0, 1.0, share])  # one "một" is no support of two


def test_the_same_word_elsewhere_is_no_support() -> None:
    later = reading(10.0, ("bốn", 0.1, 0.5), ("hai", 0.5, 1.2), ("một", 2.0, 2.4))
    sure = [e["conf"] for e in weighed([LOST, later], all_alike)]
    assert sure == pytest.approx([1.0, 0.5])


def test_joined_words_are_weighed_apart() -> None:
    heard: list[list[str]] = []

    def listening(words: Sequence[str]) -> float:
        heard.append(list(words))
        return 0.0

    (entry,) = weighed([reading(1.0, ("nhân_viên", 0.0, 1.0))], listening)
    assert heard == [["nhân", "viên"]]
    assert entry["word"] == "nhân_viên"


def test_nothing_heard_is_nothing() -> None:
    assert weighed([], all_alike) == []
    assert weighed([{"confidence": 1.0, "text": ""}], all_alike) == []


def test_a_reading_in_place_of_another_keeps_what_stood_there() -> None:
    before = [{"word": "bốn", "start": 0.1, "end": 0.5, "conf": 0.9},
              {"word": "ngàn", "start": 0.5, "end": 1.2, "conf": 0.4}]  # fmt: skip
    words = [{"word": "bốn", "start": 0.12, "end": 0.5}, {"word": "một", "start": 0.5, "end": 0.8},
             {"word": "chín", "start": 0.8, "end": 1.2}]  # fmt: skip
    found = instead(words, 0.8, before)
    assert [entry["word"] for entry in found] == ["bốn", "một", "chín"]
    assert [entry["conf"] for entry in found] == pytest.approx([0.98, 0.8, 0.8])
