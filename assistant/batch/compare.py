"""Models side by side on the same clips, each in a process of its own, with a paired test.

A process each: one model's memory and load time are not another's, and a folder that takes its
engine's process down takes nothing else with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.batch.cost import open_model
from assistant.batch.evaluate import Progress, evaluate
from assistant.batch.outcomes import Outcome
from assistant.batch.scoring import Rate, align, mcnemar, ratio_interval
from assistant.errors import AssistantError, ModelError


@dataclass(frozen=True, slots=True)
class Job:
    """What every model hears."""

    folder: Path
    conditions: tuple[str, ...]
    strings: int
    limit: int | None
    threads: int


@dataclass(frozen=True, slots=True)
class Pair:
    """One line of a comparison: two models on the same clips. For speech of others right is
    "nothing was heard". ``chance``: McNemar's exact p; ``errors``: of digits or words, B less A,
    with its 95 % interval; None where there are none to count."""

    set: str
    measure: str
    condition: str
    a: Rate
    b: Rate
    only_a: int
    only_b: int
    chance: float
    errors: tuple[float, float, float] | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "set": self.set,
            "measure": self.measure,
            "condition": self.condition,
            "a": self.a.as_dict(),
            "b": self.b.as_dict(),
            "only_a": self.only_a,
            "only_b": self.only_b,
            "p": round(self.chance, 6),
            "error_difference": self.errors,
        }


def outcomes_of(model: Path, job: Job, progress: Progress) -> list[Outcome]:
    """A model's outcomes, from a process of its own. Raises the coded error it ended with."""
    told = {**_plain(job), "model": str(model.resolve())}
    found: list[Outcome] = []
    with subprocess.Popen(
        [sys.executable, "-m", "assistant.batch.compare"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as child:  # fmt: skip
        if child.stdin is None or child.stdout is None:
            raise _died(model)
        try:
            child.stdin.write(json.dumps(told) + "\n")
            child.stdin.close()
        except BrokenPipeError:
            raise _died(model) from None
        for line in child.stdout:
            if not line.endswith("\n"):  # it died while it spoke
                break
            said = json.loads(line)
            if "error" in said:
                raise ModelError(**said["error"])
            if "progress" in said:
                progress(*said["progress"])
            else:
                found.append(Outcome.from_dict(said["outcome"]))
    if child.returncode != 0:
        raise _died(model)
    return found


def compared(a: Sequence[Outcome], b: Sequence[Outcome]) -> list[Pair]:
    """Line by line, over the clips that both have heard."""
    theirs = {one.key: one for one in b}
    lines: dict[tuple[str, str, str], list[tuple[Outcome, Outcome]]] = {}
    for one in a:
        if one.key in theirs:
            key = (one.set, one.measure, one.condition)
            lines.setdefault(key, []).append((one, theirs[one.key]))
    return [_pair(key, both) for key, both in lines.items()]


def _pair(key: tuple[str, str, str], both: Sequence[tuple[Outcome, Outcome]]) -> Pair:
    only_a = sum(x.right and not y.right for x, y in both)
    only_b = sum(y.right and not x.right for x, y in both)
    return Pair(
        *key,
        a=Rate.of([x.right for x, _ in both]),
        b=Rate.of([y.right for _, y in both]),
        only_a=only_a,
        only_b=only_b,
        chance=mcnemar(only_a, only_b),
        errors=_errors(both),
    )


def _errors(both: Sequence[tuple[Outcome, Outcome]]) -> tuple[float, float, float] | None:
    length = sum(len(x.expected) for x, _ in both)
    if not length or length == len(both):  # one word a clip: the rates say it all
        return None
    clips = [(float(_wrong(y) - _wrong(x)), float(len(x.expected))) for x, y in both]
    return sum(d for d, _ in clips) / length, *ratio_interval(clips, difference=True)


def _wrong(one: Outcome) -> int:
    return sum(a != b for a, b in align(one.expected, one.heard))


def _plain(job: Job) -> dict[str, Any]:
    return {
        "folder": str(job.folder.resolve()),
        "conditions": job.conditions,
        "strings": job.strings,
        "limit": job.limit,
        "threads": job.threads,
    }


def _died(model: Path) -> ModelError:
    return ModelError(
        "model-broken",
        f"Mô hình {model} làm dừng tiến trình đo.",
        "Kiểm tra: assistant models verify; hoặc chọn mô hình khác.",
    )


def _work(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the child says, as it goes."""
    told: list[dict[str, Any]] = []

    def progress(name: str, done: int, of: int) -> None:
        told.append({"progress": (name, done, of)})

    model = open_model(Path(job["model"]), repeatable=True)
    for one in evaluate(
        Path(job["folder"]), model, tuple(job["conditions"]), job["strings"], job["limit"],
        job["threads"], progress,
    ):  # fmt: skip
        yield from told
        told.clear()
        yield {"outcome": one.as_dict()}


def main() -> int:
    try:
        for said in _work(json.loads(sys.stdin.readline())):
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()
    except AssistantError as error:
        sys.stdout.write(json.dumps({"error": error.as_dict()}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
