"""What goes into a model's card: only maps that are better than those it has."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.asr.confidence import (
    RAW,
    UNWEIGHED,
    Confidences,
    Mapped,
    answers_from_card,
    from_card,
)
from assistant.asr.evidence import Evidence, Fit
from assistant.batch.fitting import Pool, fitted, fitted_answers, note
from assistant.batch.outcomes import Outcome, Word
from assistant.nlu.second_look import ANSWERS

WEIGHTS = (0.5, 1.0, -1.5, 0.8, 3.0)


def heard(many: int, seed: int = 5, evidence: bool = True) -> list[Word]:
    """Words that are right as often as ``WEIGHTS`` says, whatever the recognizer thinks."""
    chance = np.random.default_rng(seed)
    words = []
    for _ in range(many):
        values = chance.normal(1, 1), -chance.gamma(2), chance.gamma(1), chance.normal(0, 1.5)
        own = Evidence(*map(float, values))
        right = bool(chance.random() < Mapped(WEIGHTS).of(1.0, own))
        raw = 0.5 + 0.5 * float(chance.random())
        words.append(Word("hai", 0.0, 0.3, raw, right, own.values if evidence else ()))
    return words


def card(group: dict[str, object]) -> Confidences:
    return from_card([group])


def test_the_weights_of_evidence_are_found_again() -> None:
    found = fitted(Pool("số", ("hai",), heard(4_000)), RAW)
    assert found.group["words"] == ["hai"]
    assert found.group["weights"] == pytest.approx(WEIGHTS, abs=0.4)
    assert found.better
    assert found.after.fitted_error is not None
    assert found.after.fitted_error < 0.03
    mapped = card(found.group)
    assert mapped.weigh
    fresh = heard(2_000, seed=6)
    sure = [mapped.of("hai", 1.0, Evidence(*word.evidence)) for word in fresh]
    right = np.mean([word.right for word, c in zip(fresh, sure, strict=True) if c > 0.9])
    wrong = np.mean([word.right for word, c in zip(fresh, sure, strict=True) if c < 0.2])
    assert right > 0.85
    assert wrong < 0.3


def test_without_evidence_the_recognizers_own_confidence_is_mapped() -> None:
    found = fitted(Pool("số", (), heard(1_000, evidence=False)), RAW)
    assert "weights" not in found.group
    assert "words" not in found.group
    assert found.enough


def test_a_map_that_is_no_better_stays_out() -> None:
    words = heard(1_000)
    first = fitted(Pool("số", (), words), RAW)
    again = fitted(Pool("số", (), words), card(first.group))
    assert first.better
    assert not again.better
    assert again.as_dict()["better"] is False


@pytest.mark.parametrize("many", [0, 3, 60, 190])
def test_few_words_say_nothing(many: int) -> None:
    assert not fitted(Pool("số", (), heard(many)), RAW).better


def test_words_that_are_all_right_are_no_map() -> None:
    sure = [Word("hai", 0.0, 0.3, 0.9 + 0.1 * (n % 2), True) for n in range(900)]
    found = fitted(Pool("số", (), sure), RAW)
    assert len(found.group["points"]) == 1
    assert not found.better


def test_what_was_not_measured_stays_in_the_card(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    digits = {"words": ["hai", "ba"], "points": [[0.5, 0.4], [1.0, 0.9]]}
    rest = {"points": [[0.5, 0.2], [1.0, 0.8]]}
    path.write_text(json.dumps({"name": "m", "confidence": [digits, rest]}), "utf-8")
    better = {"words": ["ba", "hai"], "points": [[0.5, 0.3], [1.0, 0.95]]}
    note(tmp_path, [better])
    assert json.loads(path.read_text("utf-8")) == {"name": "m", "confidence": [rest, better]}
    assert list(tmp_path.iterdir()) == [path]


def answers(many: int, seed: int = 5, others: int = 3) -> list[Outcome]:
    """ "Đúng", "không" and ``others`` times as much of neither; each fits as what was said does."""
    chance = np.random.default_rng(seed)
    found = []
    for said in (*[("đúng",)] * many, *[("không",)] * many, *[()] * (others * many)):
        yes, no = (bool(said) and said[0] in forms for forms in ANSWERS)
        lead = float(chance.normal(8 * (yes - no), 5))
        fits = [
            Fit(-float(chance.gamma(1 if it else 4)), -float(chance.gamma(2 if it else 5)), one)
            for it, one in ((yes, lead), (no, -lead))
        ]
        speaker = f"s{len(found) % 97}"
        measure = "yes-no" if said else "other"
        found.append(
            Outcome("b", measure, "clean", "c", speaker, (), False, False, said, (),
                    fits=tuple(fit.values for fit in fits))
        )  # fmt: skip
    return found


def test_the_weights_of_lone_answers_tell_them_from_each_other_and_from_the_rest() -> None:
    found = fitted_answers(answers(400), UNWEIGHED)
    assert found.better
    assert found.squared_before is None
    assert found.squared_after < 0.08
    mapped = answers_from_card(found.weights)
    right = 0
    fresh = answers(200, seed=6)
    for one in fresh:
        chances = mapped.of(ANSWERS, [Fit(*values) for values in one.fits])
        best = max(range(2), key=chances.__getitem__)
        heard = ANSWERS[best][:1] if chances[best] > 0.5 else ()
        right += heard == one.expected
    assert right > 0.9 * len(fresh)


def test_of_what_is_heard_more_often_no_more_is_made() -> None:
    """How many strangers a folder has is no matter of what is likely."""
    few, many = (fitted_answers(answers(300, others=n), UNWEIGHED).weights for n in (1, 8))
    for name in few:
        assert many[name] == pytest.approx(few[name], rel=0.35, abs=0.5)


def test_weights_of_answers_that_are_no_better_stay_out() -> None:
    heard = answers(300)
    first = fitted_answers(heard, UNWEIGHED)
    again = fitted_answers(heard, answers_from_card(first.weights))
    assert not again.better
    assert again.squared_before is not None
    assert again.as_dict()["better"] is False


def test_few_answers_say_nothing() -> None:
    for heard in ([], answers(20), [one for one in answers(300) if one.expected != ("đúng",)]):
        found = fitted_answers(heard, UNWEIGHED)
        assert not found.better
        assert not found.weights


@pytest.mark.parametrize("speakers", [1, 2, 4])
def test_of_few_speakers_nobody_is_left_to_judge(speakers: int) -> None:
    """Each fifth is judged by what the others taught: whose speaker is unknown is one."""
    heard = [replace(one, speaker=f"s{n % speakers}") for n, one in enumerate(answers(90))]
    found = fitted_answers(heard, UNWEIGHED)
    assert found.better == (speakers > 1)
    assert all(math.isfinite(one) for weights in found.weights.values() for one in weights)


def test_answers_go_into_the_card_beside_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"name": "m", "confidence": []}), "utf-8")
    note(tmp_path, [], {"đúng": [1.0, 2.0, 3.0, 4.0]})
    written = {"name": "m", "confidence": [], "answers": {"đúng": [1.0, 2.0, 3.0, 4.0]}}
    assert json.loads(path.read_text("utf-8")) == written
    note(tmp_path, [], None)
    assert json.loads(path.read_text("utf-8")) == written
