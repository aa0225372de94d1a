"""What a model's card says of its confidences, fitted to words that were heard, and whether that is
better than what it says now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assistant.asr.confidence import Answers, Confidences, Mapped, share
from assistant.asr.evidence import Evidence
from assistant.asr.folder import read_card, write_card
from assistant.batch.calibration import (
    FOLDS,
    Array,
    Calibration,
    calibration,
    cross_validated,
    fitted_points,
    fitted_weights,
    folds,
    squared_error,
)
from assistant.batch.outcomes import Outcome, Word
from assistant.batch.trials import Measure
from assistant.nlu.second_look import ANSWERS

_LEAST = 200  # words; of fewer nothing is said
_LEAST_OF_EACH = 50  # utterances: of every answer, and of neither


@dataclass(frozen=True, slots=True)
class Pool:
    """Words that share a map. ``of``: which, empty for all the rest."""

    name: str
    of: tuple[str, ...]
    heard: list[Word] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fitted:
    """``group``: for the card; ``before``: what its present map is worth; ``after``: the new one,
    on words that it was not fitted to; ``squared_…``: mean squared errors of the confidences."""

    name: str
    words: int
    group: dict[str, Any]
    before: Calibration
    after: Calibration
    squared_before: float
    squared_after: float

    @property
    def enough(self) -> bool:
        return self.words >= _LEAST and len(self.group["points"]) > 1

    @property
    def better(self) -> bool:
        return self.enough and self.squared_after < self.squared_before

    def as_dict(self) -> dict[str, object]:
        return {
            "words": self.words,
            "enough": self.enough,
            "better": self.better,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "squared_error_before": round(self.squared_before, 5),
            "squared_error_after": round(self.squared_after, 5),
        }


def fitted(pool: Pool, present: Confidences) -> Fitted:
    """``pool.heard``: words with the recognizer's own confidences and, where it gives any, their
    evidence."""
    known = [word for word in pool.heard if word.confidence is not None]
    weights: list[float] = []
    if any(word.evidence for word in known):
        known = [word for word in known if word.evidence]
        values = np.asarray([word.evidence for word in known], np.float64)
        right = np.asarray([word.right for word in known], np.float64)
        weights = [round(weight, 4) for weight in fitted_weights(values, right)]
    now = [(present.of(w.text, w.confidence or 0.0, _evidence(w)), w.right) for w in known]
    better = Mapped(tuple(weights))
    raw = [(better.of(w.confidence or 0.0, _evidence(w)), w.right) for w in known]
    fresh = cross_validated(raw) or []
    group: dict[str, Any] = {"words": list(pool.of)} if pool.of else {}
    if weights:
        group["weights"] = weights
    group["points"] = fitted_points(raw)
    return Fitted(
        name=pool.name,
        words=len(known),
        group=group,
        before=calibration(now),
        after=calibration(fresh),
        squared_before=squared_error(now),
        squared_after=squared_error(fresh),
    )


def _evidence(word: Word) -> Evidence | None:
    if not word.evidence:
        return None
    odds, least, doubt, tone = word.evidence
    return Evidence(odds, least, doubt, tone)


@dataclass(frozen=True, slots=True)
class FittedAnswers:
    """``weights``: for the card, of every answer; ``squared_…``: mean squared errors of the chance
    that an answer was said, by the present weights (None: there are none) and by the new ones, of
    speakers whom these were not fitted to."""

    utterances: int = 0
    weights: dict[str, list[float]] = field(default_factory=dict)
    squared_before: float | None = None
    squared_after: float = 0.0

    @property
    def better(self) -> bool:
        known = self.squared_before
        return bool(self.weights) and (known is None or self.squared_after < known)

    def as_dict(self) -> dict[str, object]:
        before = self.squared_before
        return {
            "utterances": self.utterances,
            "enough": bool(self.weights),
            "better": self.better,
            "squared_error_before": None if before is None else round(before, 5),
            "squared_error_after": round(self.squared_after, 5),
        }


def fitted_answers(outcomes: Sequence[Outcome], present: Answers) -> FittedAnswers:
    """Of the outcomes whose fits are known: answers, and what was neither. Every answer, and
    neither, counts as much as another, however many of it there are."""
    heard = [one for one in outcomes if one.fits and one.measure in (Measure.YES_NO, Measure.OTHER)]
    said = np.asarray([_answer(one) for one in heard], np.int64)
    counts = np.bincount(said, minlength=len(ANSWERS) + 1)
    speakers, place_of = np.unique([one.speaker for one in heard], return_inverse=True)
    fold = folds(len(speakers))[place_of]  # all that one speaker said in one
    others = [set(said[fold != number].tolist()) for number in range(FOLDS)]
    if counts.min() < _LEAST_OF_EACH or any(len(each) < len(counts) for each in others):
        return FittedAnswers(len(heard))
    worth = (len(heard) / counts / len(counts))[said]
    weights: dict[str, list[float]] = {}
    before, after = [], []
    for place, forms in enumerate(ANSWERS):
        values = np.asarray([one.fits[place] for one in heard], np.float64)
        right = (said == place).astype(np.float64)
        fresh = np.empty(len(heard))
        for number in range(FOLDS):
            inside = fold == number
            own = fitted_weights(values[~inside], right[~inside], worth[~inside])
            fresh[inside] = [share(own, row) for row in values[inside].tolist()]
        after.append(_squared(fresh, right, worth))
        name = forms[0]
        weights[name] = [round(one, 4) for one in fitted_weights(values, right, worth)]
        if name in present.weights:
            now = np.asarray([share(present.weights[name], row) for row in values.tolist()])
            before.append(_squared(now, right, worth))
    return FittedAnswers(
        utterances=len(heard),
        weights=weights,
        squared_before=float(np.mean(before)) if len(before) == len(ANSWERS) else None,
        squared_after=float(np.mean(after)),
    )


def _answer(one: Outcome) -> int:
    """The place of the answer that was said; the last place for what was none."""
    said = (
        place for place, forms in enumerate(ANSWERS) if one.expected and one.expected[0] in forms
    )
    return next(said, len(ANSWERS))


def _squared(chance: Array, right: Array, worth: Array) -> float:
    return float(np.average(np.square(chance - right), weights=worth))


def note(
    model: Path,
    groups: Sequence[dict[str, Any]],
    answers: Mapping[str, Sequence[float]] | None = None,
) -> None:
    """Into the model's card; groups of other words stay, and without ``answers`` the card's.
    Raises ModelError ``model-card``, OSError."""
    content = read_card(model)
    if answers:
        content["answers"] = dict(answers)
    measured = [set(group.get("words", ())) for group in groups]
    kept = [g for g in content.get("confidence", ()) if set(g.get("words", ())) not in measured]
    content["confidence"] = [*kept, *groups]
    write_card(model, content)
