"""What a model's card says of its confidences, fitted to words that were heard, and whether that is
better than what it says now."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assistant.asr.confidence import Confidences, weighed
from assistant.asr.evidence import Evidence
from assistant.batch.calibration import (
    Calibration,
    Judged,
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
    ``squared_…``: mean squared errors of the confidences, the new one's on words that it was not
    fitted to."""

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
    raw = [(_raw(word, weights), word.right) for word in known]
    group: dict[str, Any] = {"words": list(pool.of)} if pool.of else {}
    if weights:
        group["weights"] = weights
    group["points"] = fitted_points(raw)
    return Fitted(
        name=pool.name,
        words=len(known),
        group=group,
        before=calibration(now),
        after=calibration(raw),
        squared_before=squared_error(now),
        squared_after=_fresh(raw),
    )


def _evidence(word: Word) -> Evidence | None:
    return Evidence(*word.evidence) if word.evidence else None


def _raw(word: Word, weights: Sequence[float]) -> float:
    found = _evidence(word)
    return weighed(weights, found) if weights and found else word.confidence or 0.0


def _fresh(raw: Sequence[Judged]) -> float:
    mapped = cross_validated(raw)
    return 1.0 if mapped is None else squared_error(mapped)


def write_card(card: Path, groups: Sequence[dict[str, Any]]) -> None:
    """Into the card, written whole or not at all; groups of other words stay."""
    content = json.loads(card.read_text(encoding="utf-8")) if card.is_file() else {}
    measured = [set(group.get("words", ())) for group in groups]
    kept = [g for g in content.get("confidence", ()) if set(g.get("words", ())) not in measured]
    content["confidence"] = [*kept, *groups]
    partial = card.with_suffix(".partial")
    partial.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, card)
