"""``assistant asr`` as people type it, on clips that espeak-ng speaks here and the real model.

Synthetic speech, so nothing here says how people are heard: it shows that the whole way from a
folder to a report works. Nothing depends on how well the model hears.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from assistant.batch.compare import Job, outcomes_of
from assistant.batch.cost import cost_of, open_model
from assistant.batch.evaluate import evaluate, quiet
from assistant.batch.outcomes import Outcome
from assistant.batch.runs import Run, sample_of_cost
from assistant.batch.speech_sets import RATE
from assistant.cli import asr, asr_show
from assistant.errors import ModelError
from assistant.settings import load_settings
from assistant.tts.espeak import synthesize
from tests import cli_tools
from tests.batch_tools import COST, DIGITS, OUTCOMES, RUN, Row, run_of, write_set

VOICE = {"voice": "vi", "variant": "m4", "rate_wpm": 130}  # kept out of training
ROWS: list[Row] = [
    *((word, "M9", "digit") for word in DIGITS),
    ("bảy chín ba một", "M9", ""),
    ("bảy trăm chín mươi ba", "M9", "number=793"),
    ("hai mươi lăm", "M9", "number=52"),
    ("đúng", "M9", "yes-no"),
    ("không", "M9", "yes-no"),
    ("trời hôm nay nắng đẹp", "M9", "other"),
    ("chín", "M9", "digit"),  # says "hai": whatever the ears, the report has a clip to show
]


@cache
def spoken(text: str) -> np.ndarray:
    samples, rate = synthesize(text, **VOICE)  # type: ignore[arg-type]
    return np.asarray(soxr.resample(samples / np.float32(32768), rate, RATE), np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sounds = [spoken(text) for text, _, _ in ROWS[:-1]]
    return write_set(tmp_path / "bo-thu", ROWS, [*sounds, spoken("hai")])


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


@pytest.fixture
def assistant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """``assistant asr …`` in this process."""
    monkeypatch.setenv("COLUMNS", "220")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str | Path) -> Done:
        status = cli_tools.run(monkeypatch, "asr", *map(str, arguments))
        told = capsys.readouterr()
        return Done(status, told.out, told.err)

    return run


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """What was asked to be measured; figures come without a model."""
    asked: list[Job] = []

    def run(_model: Path, job: Job, *_: bool) -> Run:
        asked.append(job)
        limit = {"conditions": job.conditions, "strings": job.strings, "limit": job.limit}
        return replace(RUN, setup=replace(RUN.setup, **limit))

    monkeypatch.setattr(asr, "_run", run)
    return asked


def lines_of(found: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(s["measure"], s["condition"]): s for s in found["scores"]}


@pytest.mark.full
def test_a_set_of_ones_own_is_measured_saved_reported_and_measured_again(
    folder: Path, tmp_path: Path, assistant: Callable[..., Done]
) -> None:
    first, page = tmp_path / "1.json", tmp_path / "1.html"
    done = assistant(
        "eval",
        folder,
        "-c",
        "clean",
        "-c",
        "gsm",
        "--strings",
        "1",
        "--limit",
        "10",
        "--out",
        first,
    )
    assert done.status == 0, done.err
    assert "1 trong 2 nhãn không khớp" in done.out
    found = json.loads(first.read_text("utf-8"))
    lines = lines_of(found)
    assert lines["digit", "clean"]["total"] == 10
    assert lines["code", "clean"]["total"] == 1
    assert lines["string-12-tight", "gsm"]["total"] == 1
    assert lines["yes-no", "clean"]["groups"].keys() >= {"đúng", "không"}
    assert lines["words", "clean"]["sure"]["total"] == 1
    assert lines["digit", "clean"]["hits"] >= 5  # it hears, on clean synthetic speech
    done = assistant(
        "eval", folder, "-c", "clean", "-c", "gsm", "--strings", "1", "--limit", "10",
        "--against", first,
        "--report", page, "--bars", "--json",
    )  # fmt: skip
    assert done.status == 0, done.err
    again = json.loads(done.out)
    assert again["scores"] == found["scores"]
    assert again["calibration"] == found["calibration"]
    assert {bar["id"] for bar in again["bars"] if bar["met"] is not None} >= {"load", "memory"}
    assert again["cost"]["audio"] > 5
    text = page.read_text("utf-8")
    assert "hai mươi lăm" in text
    assert "+0.0" in text
    assert "data:audio/" in text


@pytest.mark.full
def test_threads_change_nothing(folder: Path) -> None:
    """Nor does what was heard before: noise is where a used decoder shows."""
    model = open_model(load_settings().model, repeatable=True)
    found = [list(evaluate(folder, model, ("babble-5",), 1, 1, n)) for n in (1, 3)]
    assert found[0] == found[1]
    assert {one.condition for one in found[0]} == {"babble-5"}


@pytest.mark.full
def test_models_side_by_side_each_in_its_own_process(
    folder: Path, tmp_path: Path, assistant: Callable[..., Done]
) -> None:
    other = tmp_path / "ban-sao"
    shutil.copytree(load_settings().model, other)
    done = assistant(
        "compare", "--model", load_settings().model, "--model", other, folder,
        "--strings", "1", "--limit", "2", "--json",
    )  # fmt: skip
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert [set(m["cost"]) for m in found["models"]] == [
        {"load", "rtf", "memory", "audio", "size"}
    ] * 2
    for pair in found["against_first"][0]:
        assert (pair["only_a"], pair["only_b"], pair["p"]) == (0, 0, 1.0)  # the same model
        assert pair["a"] == pair["b"]


@pytest.mark.parametrize(
    ("conditions", "sampled"), [(("clean", "mulaw-15", "gsm"), False), (("grid",), True)]
)
def test_only_of_the_whole_grid_a_sample_is_compared_and_figures_have_intervals(
    folder: Path,
    assistant: Callable[..., Done],
    monkeypatch: pytest.MonkeyPatch,
    conditions: tuple[str, ...],
    sampled: bool,
) -> None:
    asked: list[Job] = []

    def outcomes(_model: Path, job: Job, _progress: object) -> list[Outcome]:
        asked.append(job)
        return OUTCOMES

    monkeypatch.setattr(asr, "sample_of_cost", lambda *_: [])
    monkeypatch.setattr(asr, "cost_of", lambda *_: COST)
    monkeypatch.setattr(asr, "outcomes_of", outcomes)
    named = [part for name in conditions for part in ("-c", name)]
    done = assistant("compare", folder, "--model", "a", "--model", "b", *named)
    assert done.status == 0, done.err
    assert {(job.limit is not None, job.strings < 100) for job in asked} == {(sampled, sampled)}
    assert " ".join(done.out.split()).count("8/10 = 80.0 % (49.0-94.3 %)") == 2


def test_a_model_that_breaks_takes_only_its_own_process(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "hong"
    shutil.copytree(load_settings().model, broken)
    (broken / "model.json").unlink()
    (broken / "graph" / "HCLr.fst").write_bytes(b"no graph at all")
    job = Job(folder, ("clean",), 0, 1, 1)
    for work in (
        lambda: cost_of(broken, sample_of_cost(folder, 0, 1)),
        lambda: outcomes_of(broken, job, quiet),
        lambda: outcomes_of(tmp_path / "none", job, quiet),
    ):
        with pytest.raises(ModelError) as caught:
            work()
        assert caught.value.code in ("model-broken", "model-missing")


def test_labels_are_listed(folder: Path, assistant: Callable[..., Done]) -> None:
    done = assistant("labels", folder, "--json")
    found = json.loads(done.out)["bo-thu"]
    assert found["noted"] == 2
    assert [one["text"] for one in found["disputed"]] == ["hai mươi lăm"]
    assert "25" in assistant("labels", folder).out


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("eval", "{}/none"), "speech-missing", 1),
        (("eval", "{}", "-c", "tàu-ngầm"), "eval-condition", 2),
        (("eval", "{}", "--against", "{}/none.json"), "eval-against", 2),
        (("eval", "{}", "--out", "{}/none/a.json"), "eval-out", 2),
        (("eval", "{}", "--report", "{}"), "eval-out", 2),
        (("eval", "{}", "--out", "/proc/x.json"), "eval-out", 2),
        (("eval", "{}", "--report", "/proc/x.html"), "eval-out", 2),
        (("eval", "{}", "--out", "{}/labels.csv"), "eval-out", 2),
        (("eval", "{}", "--out", "{}/a.json", "--report", "{}/a.json"), "eval-out", 2),
        (("eval", "{}", "--model", "{}/none"), "model-missing", 1),
        (("compare", "{}", "--model", "vi-telephone"), "compare-models", 2),
        (("labels", "{}/none"), "speech-missing", 1),
    ],
)
def test_mistakes_have_a_code(
    folder: Path,
    assistant: Callable[..., Done],
    arguments: tuple[str, ...],
    code: str,
    status: int,
) -> None:
    done = assistant(*(a.format(folder) for a in arguments), "--json")
    assert done.status == status
    assert json.loads(done.out)["error"]["code"] == code
    assert done.err == ""


def test_looking_whether_a_file_can_be_written_harms_none(
    folder: Path, tmp_path: Path, assistant: Callable[..., Done], measured: list[Job]
) -> None:
    kept, new = tmp_path / "kept.json", tmp_path / "new.html"
    kept.write_text("{}", "utf-8")
    done = assistant("eval", folder, "--out", kept, "--report", new, "--against", kept, "--json")
    assert json.loads(done.out)["error"]["code"] == "eval-against"
    assistant("eval", folder / "none", "--out", kept, "--report", new)
    assert (kept.read_text("utf-8"), new.exists(), measured) == ("{}", False, [])


def test_an_earlier_run_is_shown_beside_and_another_sample_named(
    folder: Path, tmp_path: Path, assistant: Callable[..., Done], measured: list[Job]
) -> None:
    first = tmp_path / "1.json"
    assistant("eval", folder, "--limit", "5", "--out", first)
    again = json.loads(assistant("eval", folder, "--limit", "5", "--against", first, "--json").out)
    assert again["against"]["same_sample"]
    assert all(one["value"] == one["earlier"] for one in again["against"]["scores"])
    assert "mẫu khác" not in assistant("eval", folder, "--limit", "5", "--against", first).out
    assert "mẫu khác (tối đa 5 clip" in assistant("eval", folder, "--against", first).out
    assert "against" not in json.loads(assistant("eval", folder, "--json").out)


@pytest.mark.parametrize("columns", [80, 120])
def test_no_screen_cuts_a_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    many = [
        replace(one, set="people-connected-digits", clip=f"{one.clip}-{n}")
        for one in OUTCOMES
        for n in range(70)
    ]
    found = run_of(many)
    asr_show.run(found, found, with_bars=True)
    shown = capsys.readouterr().out
    assert max(len(line) for line in shown.splitlines()) <= columns
    assert "…" not in shown
    for score in found["scores"]:
        figure = f"{100 * score['low']:.1f}-{100 * score['high']:.1f}"
        assert figure in shown
        assert f"{score['hits']}/{score['total']}" in shown


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
@pytest.mark.parametrize("option", ["--out", "--report"])
def test_figures_are_shown_though_the_disk_is_full(
    folder: Path, assistant: Callable[..., Done], measured: list[Job], option: str
) -> None:
    done = assistant("eval", folder, option, "/dev/full", "--json")
    found = json.loads(done.out)
    assert (done.status, found["error"]["code"]) == (1, "eval-out")
    assert found["scores"]
    done = assistant("eval", folder, option, "/dev/full")
    assert done.status == 1
    assert "8/10" in done.out
    assert "[eval-out]" in done.err


def test_conditions_can_be_listed(folder: Path, assistant: Callable[..., Done]) -> None:
    done = assistant("eval", folder, "-c", "list", "--json")
    assert {"clean", "mulaw-15", "gsm", "babble-5", "zeros"} <= set(json.loads(done.out))


def test_a_card_that_cannot_be_written_is_told_before_the_measuring(
    folder: Path, tmp_path: Path, assistant: Callable[..., Done]
) -> None:
    own = shutil.copytree(load_settings().model, tmp_path / "own")
    (own / "model.partial").mkdir()
    card = (own / "model.json").read_bytes()
    done = assistant("calibrate", folder, "--model", own, "--json")
    assert (done.status, json.loads(done.out)["error"]["code"]) == (2, "calibrate-write")
    assert (own / "model.json").read_bytes() == card


@pytest.mark.full
def test_what_confidences_are_worth_is_noted_in_the_card(
    folder: Path, tmp_path: Path, assistant: Callable[..., Done]
) -> None:
    own = shutil.copytree(load_settings().model, tmp_path / "own")
    card = json.loads((own / "model.json").read_text("utf-8"))
    card.pop("confidence", None)
    (own / "model.json").write_text(json.dumps(card), "utf-8")
    few = assistant("calibrate", folder, "--model", own, "--strings", "0", "--limit", "3", "--json")
    assert json.loads(few.out)["error"]["code"] == "calibrate-words"
    assert json.loads((own / "model.json").read_text("utf-8")) == card

    done = assistant(
        "calibrate", folder, "--model", own, "--strings", "8", "--limit", "8", "--json"
    )
    assert done.status == 0, done.err
    groups = json.loads(done.out)["groups"]
    assert json.loads((own / "model.json").read_text("utf-8")) == {**card, "confidence": groups}
    shares = [right for _, right in groups[0]["points"]]
    assert "không" in groups[0]["words"]
    assert shares == sorted(shares)
    heard = list(evaluate(folder, open_model(own), ("clean",), 2, 8, 1))
    mapped = {w.confidence for o in heard for w in o.words if w.text in DIGITS}
    assert mapped
    assert all(shares[0] <= c <= shares[-1] for c in mapped if c is not None)

    (own / "model.json").write_text(json.dumps({**card, "confidence": [{"points": [[2, 2]]}]}))
    broken = assistant("eval", folder, "--model", own, "--json")
    assert json.loads(broken.out)["error"]["code"] == "model-card"
