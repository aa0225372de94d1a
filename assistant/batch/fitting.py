"""What a model's card says of its confidences, fitted to words that were heard, and whether that is
better than what it says now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assistant.asr.confidence import Confidences, Mapped
from assistant.asr.evidence import Evidence
from assistant.asr.folder import read_card, write_card
from assistant.batch.calibration import (
    Calibration,
    calibration,
    cross_validated,
    fitted_points,
    fitted_weights,
    squared_error,
)
from assistant.batch.outcomes import Word

_LEAST = 200  # words; of fewer nothing is said


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
    odds, least, doubt = word.evidence
    return Evidence(odds, least, doubt)


def note(model: Path, groups: Sequence[dict[str, Any]]) -> None:
    """Into the model's card; groups of other words stay. Raises ModelError ``model-card``,
    OSError."""
    content = read_card(model)
    measured = [set(group.get("words", ())) for group in groups]
    kept = [g for g in content.get("confidence", ()) if set(g.get("words", ())) not in measured]
    content["confidence"] = [*kept, *groups]
    write_card(model, content)
