"""What goes into a model's card: only maps that are better than those it has."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assistant.asr.confidence import RAW, Confidences, Mapped, from_card
from assistant.asr.evidence import Evidence
from assistant.batch.fitting import Pool, fitted, note
from assistant.batch.outcomes import Word

WEIGHTS = (0.5, 1.0, -1.5, 3.0)


def heard(many: int, seed: int = 5, evidence: bool = True) -> list[Word]:
    """Words that are right as often as ``WEIGHTS`` says, whatever the recognizer thinks."""
    chance = np.random.default_rng(seed)
    words = []
    for _ in range(many):
        own = Evidence(float(chance.normal(1, 1)), -float(chance.gamma(2)), float(chance.gamma(1)))
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
