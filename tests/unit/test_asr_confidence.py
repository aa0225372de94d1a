"""Confidences mapped by the card, and the map fitted to what words kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.asr.confidence import RAW, UNWEIGHED, answers_from_card, from_card
from assistant.asr.evidence import Evidence, Fit
from assistant.asr.folder import inspect_folder, read_card, write_card
from assistant.batch.calibration import calibration, fitted_points
from assistant.errors import ModelError
from assistant.settings import load_settings

CARD: list[dict[str, Any]] = [
    {"words": ["một", "hai"], "points": [[0.2, 0.1], [0.6, 0.5], [1.0, 0.96]]},
    {"points": [[0.5, 0.3], [1.0, 0.4]]},
]


@pytest.mark.parametrize(
    ("word", "raw", "expected"),
    [
        ("một", 1.0, 0.96), ("một", 0.8, 0.73), ("hai", 0.4, 0.3), ("hai", 0.0, 0.1),
        ("alo", 1.0, 0.4), ("alo", 0.75, 0.35), ("alo", 0.1, 0.3),
    ],
)  # fmt: skip
def test_points_are_joined_by_straight_lines(word: str, raw: float, expected: float) -> None:
    assert from_card(CARD).of(word, raw) == pytest.approx(expected)


def test_no_map_leaves_confidences_alone() -> None:
    assert from_card(None) is RAW
    assert RAW.of("một", 0.37) == 0.37
    assert from_card(CARD[:1]).of("alo", 0.37) == 0.37


def test_evidence_is_weighed_where_the_card_says_how() -> None:
    weighed = from_card([{"weights": [0.0, 1.0, -1.0, 2.0], "points": [[0.1, 0.05], [0.9, 0.97]]}])
    assert weighed.weigh
    good, bad = Evidence(0.0, -0.1, 0.1), Evidence(3.0, -6.0, 2.0)
    assert weighed.of("hai", 0.2, good) == pytest.approx(0.922, abs=1e-3)
    assert weighed.of("hai", 1.0, bad) == 0.05
    assert weighed.of("hai", 1.0, None) == 0.05
    assert weighed.of("hai", 1.0, Evidence(0.0, -4_000.0, 0.0)) == 0.05
    assert not from_card(CARD).weigh


@pytest.mark.parametrize(
    "card",
    ["x", [{"points": []}], [{"points": [[0.5, 0.9], [0.6, 0.2]]}], [{"points": [[0.5, 1.2]]}],
     [{"points": [[0.5, 0.1], [0.5, 0.2]]}], [{"points": [["a", "b"]]}],
     [{"points": [[0.5, 0.9]], "weights": [1.0]}],
     [{"points": [[0.5, 0.9]], "weights": [1.0, 1.0, 1.0, float("nan")]}]],
)  # fmt: skip
def test_a_map_that_does_not_rise_within_0_and_1_is_refused(card: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        from_card(card)


ANSWERS = (("đúng",), ("không", "hông"))


def test_answers_are_weighed_where_the_card_says_how() -> None:
    weighed = answers_from_card({"đúng": [1.0, 1.0, 0.1, 3.0], "không": [0.0, 0.0, 0.2, -2.0]})
    good, bad = Fit(-0.1, -1.0, 20.0), Fit(-2.0, -7.0, -20.0)
    yes, no = weighed.of(ANSWERS, (good, bad))
    assert (yes, no) == (pytest.approx(0.98, abs=0.01), pytest.approx(0.002, abs=0.001))
    far = Fit(-900.0, -900.0, -900.0)
    assert weighed.of(ANSWERS, (far, Fit(-1.0, -1.0, 900.0)))[0] > 0  # what is worse says no more
    assert weighed.known(ANSWERS)
    assert not weighed.known((*ANSWERS, ("vâng",)))
    assert not weighed.known(())
    assert weighed.of(ANSWERS, ()) == ()
    assert answers_from_card(None) is UNWEIGHED
    assert UNWEIGHED.of(ANSWERS, (good, bad)) == ()


@pytest.mark.parametrize(
    "card", ["x", [1.0], {"đúng": [1.0]}, {"đúng": []}, {"đúng": [1.0, 1.0, 1.0, float("inf")]},
             {"đúng": ["a", "b", "c", "d"]}, {"đúng": None}],
)  # fmt: skip
def test_weights_of_answers_that_are_none_are_refused(card: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        answers_from_card(card)


def test_a_fitted_map_calibrates() -> None:
    rng = np.random.default_rng(5)
    raw = np.clip(rng.choice([1.0, 1.0, 1.0, 0.5, 0.7, 0.9, 0.3], 4_000), 0, 1)
    right = rng.random(4_000) < 0.2 + 0.5 * raw  # promises too much at the top
    judged = list(zip(raw.tolist(), right.tolist(), strict=True))
    points = fitted_points(judged[:3_000])
    mapping = from_card([{"points": points}])
    before = calibration(judged[3_000:]).error
    after = calibration([(mapping.of("x", c), ok) for c, ok in judged[3_000:]]).error
    assert before is not None
    assert before > 0.15
    assert after is not None
    assert after < 0.06


def test_too_few_words_make_no_map() -> None:
    assert fitted_points([(0.5, True)] * 20) == []


def test_a_fitted_map_is_one_that_the_card_takes_where_nearly_all_are_sure() -> None:
    """Points closer than a card writes them would be two of the same confidence."""
    judged = [(1 - 10**-8 * n, n < 3_000) for n in range(4_000)]
    from_card([{"points": fitted_points(judged)}])


@pytest.mark.parametrize(
    ("entry", "value"),
    [("confidence", [{"points": [[2, 2]]}]), ("answers", {"đúng": [1.0]}), ("answers", [1, 2]),
     ("likelier_words", ["ba"]), ("likelier_words", {"ba": "1"}),
     ("likelier_words", {"ba": float("inf")}), ("likelier_words", {"ba": True})],
)  # fmt: skip
def test_a_card_whose_measures_are_none_is_told_which(
    entry: str, value: Any, tmp_path: Path
) -> None:
    own = shutil.copytree(load_settings().model, tmp_path / "own")
    card = read_card(own)
    assert inspect_folder(own).likelier["ba"] > 0
    assert inspect_folder(own).answers.known(ANSWERS)
    write_card(own, {**card, entry: value})
    with pytest.raises(ModelError) as raised:
        inspect_folder(own)
    assert raised.value.code == "model-card"
    assert entry in raised.value.hint
    write_card(own, {name: kept for name, kept in card.items() if name != entry})
    inspect_folder(own)  # it can do without
