"""A run of the measuring stick: what was measured, on what, and what came out; as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import soxr

from assistant.batch import bars
from assistant.batch.calibration import Calibration
from assistant.batch.codecs import to_pcm
from assistant.batch.conditions import CONDITIONS
from assistant.batch.cost import RATE, Utterance
from assistant.batch.evaluate import heard_under, planned
from assistant.batch.figures import calibrations, confusion, scores, worst
from assistant.batch.labels import disputed, noted
from assistant.batch.outcomes import Outcome
from assistant.batch.speech_sets import find_sets, read_labels
from assistant.batch.trials import NOISE_SET, SetTrials, Trial

FORMAT = 1
_COST_SECONDS = 60.0  # of audio that the cost of a model is measured on


@dataclass(frozen=True, slots=True)
class Setup:
    """What was measured. ``made``: when, ISO 8601; ``limit`` None: every clip."""

    model: str
    folder: str
    conditions: tuple[str, ...]
    strings: int
    limit: int | None
    made: str
    version: str
    seconds: float | None = None  # that it took


@dataclass(frozen=True, slots=True)
class Run:
    """A setup and its outcomes; ``cost`` is empty where it was not measured."""

    setup: Setup
    outcomes: Sequence[Outcome] = field(repr=False)
    cost: Mapping[str, float]
    labels: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Everything that a report shows and a later run is compared with."""
        lines = scores(self.outcomes)
        calibrated = calibrations(self.under("clean") or self.outcomes)
        held = bars.held(lines, self.outcomes, calibrated, self.cost)
        return {
            "format": FORMAT,
            "setup": asdict(self.setup),
            "scores": [line.as_dict() for line in lines],
            "bars": [bar.as_dict() for bar in held],
            "calibration": _by_condition(self),
            "confusion": {name: _matrix(self.under(name)) for name in self.setup.conditions},
            "cost": dict(self.cost),
            "labels": dict(self.labels),
            "wrong": [one.as_dict() for one in worst(self.outcomes)],
        }

    def under(self, condition: str) -> list[Outcome]:
        return [one for one in self.outcomes if one.condition == condition]


def _by_condition(run: Run) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in run.setup.conditions:
        pools: dict[str, Calibration] = calibrations(run.under(name))
        found[name] = {pool: made.as_dict() for pool, made in pools.items() if made.words}
    return found


def _matrix(outcomes: Sequence[Outcome]) -> list[tuple[str | None, str | None, int]]:
    return [(a, b, n) for (a, b), n in sorted(confusion(outcomes).items(), key=str)]


def label_report(folder: Path) -> dict[str, Any]:
    """Of every set whose notes name numbers: how many do, and which labels disagree."""
    found = {}
    for path in find_sets(folder):
        labels = read_labels(path)
        if count := noted(labels):
            listed = [one.as_dict() for one in disputed(labels)]
            found[path.name] = {"noted": count, "disputed": listed}
    return found


def sample_of_cost(folder: Path, strings: int, limit: int | None) -> list[Utterance]:
    """A minute of the folder's clips as a telephone gives them, with their grammars."""
    found, seconds = [], 0.0
    clean = CONDITIONS["clean"]
    for among in planned(folder, strings, limit):
        share = 0.0
        for trial in among.trials if among.name != NOISE_SET else ():
            sound = heard_under(trial, clean, among)
            narrow = soxr.resample(sound.samples, sound.rate, RATE)
            pcm = to_pcm(narrow)
            found.append(Utterance(trial.states[0], pcm))
            share += len(narrow) / RATE
            if share > _COST_SECONDS / 3:
                break
        seconds += share
        if seconds > _COST_SECONDS:
            break
    return found


def sounds_of(
    folder: Path, chosen: Sequence[Outcome], strings: int, limit: int | None
) -> dict[tuple[str, str, str, str], tuple[Trial, Any]]:
    """Trial and samples of outcomes, made again: the same seed makes the same sound."""
    wanted = {one.key for one in chosen}
    found: dict[tuple[str, str, str, str], tuple[Trial, Any]] = {}
    for among in planned(folder, strings, limit):
        _remake(among, wanted, found)
    return found


def _remake(
    among: SetTrials,
    wanted: set[tuple[str, str, str, str]],
    found: dict[tuple[str, str, str, str], tuple[Trial, Any]],
) -> None:
    for trial in among.trials:
        for name in dict.fromkeys(key[2] for key in wanted):
            key = (trial.set, trial.measure.value, name, trial.clip.path)
            if key in wanted:
                found[key] = (trial, heard_under(trial, CONDITIONS[name], among))
