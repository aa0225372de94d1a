"""Paraphrases by somebody who has not read the tables: reported, with a floor."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.nlu.evaluate import by_field, evaluate, halves, read_cases, wilson

FILE = Path(__file__).parent.parent / "data" / "paraphrases.yaml"


def test_accuracy_on_unseen_paraphrases() -> None:
    cases = read_cases(FILE)
    assert len(cases) >= 150
    read, unread = halves(cases)
    figures = {"read half": evaluate(read), "unread half": evaluate(unread), **by_field(cases)}
    for name, figure in figures.items():
        print(f"{name}: {figure}")  # noqa: T201
    assert figures["unread half"].share >= 0.80
    assert figures["read half"].share >= 0.92


def test_unclear_speech_is_rejected_and_never_a_yes() -> None:
    for case in read_cases(FILE):
        if case.wanted.get("rejection"):
            got = [m.got for m in evaluate([case]).misses]
            assert not any(g["yes_no"] is True or g["digits"] for g in got)


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962), (0, 10, 0.0, 0.2775)],
)
def test_wilson_interval(right: int, total: int, low: float, high: float) -> None:
    assert wilson(right, total) == pytest.approx((low, high), abs=1e-4)
