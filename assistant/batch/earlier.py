"""An earlier run of the measuring stick, and a later one beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from assistant.errors import UsageError

_LINE = ("set", "measure", "condition")  # what a figure is of
_SAMPLE = ("limit", "strings")  # how many clips, how many spliced strings


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Setup(_Part):
    model: str
    made: str
    strings: int
    limit: int | None


class _Score(_Part):
    set: str
    measure: str
    condition: str
    value: float | None


class _Bar(_Part):
    id: str
    value: float | None


class _Earlier(_Part):
    """What of a saved run a later one is compared with."""

    format: Literal[1]
    setup: _Setup
    scores: list[_Score]
    bars: list[_Bar]
    cost: dict[str, float]


def load_run(path: Path) -> dict[str, Any]:
    """A saved run, as ``Run.as_dict`` made it; raises UsageError ``eval-against``."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _Earlier.model_validate(found)
    except (OSError, ValueError, RecursionError):
        raise UsageError(
            "eval-against",
            f"{path} không phải kết quả đo đã lưu.",
            "Lưu một lần đo bằng: assistant asr eval … --out lan-truoc.json.",
        ) from None
    return found


def same_sample(run: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """Whether as many clips and strings were asked for: others are other figures."""
    return all(run["setup"][name] == earlier["setup"][name] for name in _SAMPLE)


def against(run: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Every figure with the earlier one; None: not measured then."""
    scores, bars = scores_of(earlier), bars_of(earlier)
    return {
        "model": earlier["setup"]["model"],
        "made": earlier["setup"]["made"],
        "same_sample": same_sample(run, earlier),
        "scores": [
            {name: one[name] for name in (*_LINE, "value")}
            | {"earlier": scores.get(line_of(one), {}).get("value")}
            for one in run["scores"]
        ],
        "bars": [
            {"id": one["id"], "value": one["value"], "earlier": bars.get(one["id"])}
            for one in run["bars"]
        ],
    }


def scores_of(run: Mapping[str, Any] | None) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """The figures of a run by what they are of; none of no run."""
    return {line_of(score): score for score in run["scores"]} if run else {}


def bars_of(run: Mapping[str, Any] | None) -> dict[str, float | None]:
    """The measured values of a run's bars; none of no run."""
    return {bar["id"]: bar["value"] for bar in run["bars"]} if run else {}


def line_of(score: Mapping[str, Any]) -> tuple[str, ...]:
    """What a figure is of: set, measure and condition."""
    return tuple(score[name] for name in _LINE)
