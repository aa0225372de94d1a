"""Failures in words, and the one error of a run that nothing here can speak for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.batch.checking import Failure, sentence
from assistant.batch.journal import Journal
from assistant.batch.run import Plan, Stop, execute
from assistant.batch.work import Done, Job
from assistant.dialogue.types import EndOfCall
from assistant.errors import DependencyError
from tests.unit.test_batch_runs import FACTS


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (Failure("error", "-", "[a-b] Hỏng."), "gặp lỗi: [a-b] Hỏng."),
        (Failure("error", "a-c", "-"), "đợi lỗi a-c trước cuộc gọi, mà cuộc gọi vẫn chạy"),
        (Failure("error", "a-c", "[a-b] Hỏng."), "đợi lỗi a-c, lại gặp [a-b] Hỏng."),
        (Failure("crash", "-", "ValueError (x.py:1)"), "lỗi chương trình: ValueError (x.py:1)"),
        (Failure("turn", "heard", "never heard", 2), "lượt 3, cuộc gọi kết thúc trước lượt này"),
        (Failure("never", ("menu",), ["menu"]), "nghe câu không được nghe: menu"),
        (Failure("outcome", EndOfCall.DONE, None), "outcome: đợi done, được không có gì"),
        (Failure("yes_no", True, False, 0), "lượt 1, yes_no: đợi “có”, được “không”"),
        (Failure("reply", ("a", "b"), [], 0), "lượt 1, reply: đợi a, b, được không có gì"),
    ],
)  # fmt: skip
def test_a_failure_is_a_plain_sentence(failure: Failure, told: str) -> None:
    assert sentence(failure.as_dict(reveal=True)) == told


KEYS = "scenarios: [{name: a, turns: [{keys: '8'}]%s}]"


@pytest.fixture
def mute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the extra ``voice``."""
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)


class NoEngine:
    """Keeps what it is given, and runs nothing."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def run(self, jobs: object) -> Iterator[Done]:
        self.jobs = list(jobs)  # type: ignore[call-overload]
        return iter(())

    def close(self) -> None: ...


@pytest.mark.usefixtures("mute")
@pytest.mark.parametrize(
    ("text", "text_filter", "spoken"),
    [
        (KEYS % "", "", False),
        (KEYS % "}, {name: b, turns: [{say: tôi quên}]", "", True),
        (KEYS % "}, {name: b, turns: [{say: tôi quên}]", "-b", False),
        (KEYS % ", caller: {line: {noise: babble}}", "", True),
        ("scenarios: [{name: a, turns: [{keys: '8', line: {noise: babble}}]}]", "", True),
    ],
)
def test_without_a_voice_a_run_does_not_begin(
    tmp_path: Path, text: str, text_filter: str, spoken: bool
) -> None:
    (tmp_path / "x.scenario.yaml").write_text(text, "utf-8")
    engine, journal = NoEngine(), Journal.open(tmp_path / "run", FACTS, resume=False)
    plan = Plan(str(tmp_path / "x.scenario.yaml"), text_filter)
    try:
        if spoken:
            with pytest.raises(DependencyError, match="espeak-missing"):
                execute(plan, journal, engine, Stop(), lambda _: None)
        else:
            execute(plan, journal, engine, Stop(), lambda _: None)
    finally:
        journal.close()
    assert bool(engine.jobs) != spoken
