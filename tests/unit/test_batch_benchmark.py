"""The table of ``benchmarks/batch.py``: every figure of the aim in one place, with its verdict."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

ROOT = Path(__file__).parents[2]
MEMORY = [
    {"entries": 1_000, "seconds": 4.1, "run": 121, "workers": 161, "results": 124, "diff": 1},
    {"entries": 100_000, "seconds": 90, "run": 127, "workers": 161, "results": 130, "diff": 2},
]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield import_module("batch")
    for name in ("batch", "_batch_speed", "_batch_memory"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("clips", "ratio", "told"), [(1000, 1.11, "1,11"), (250, 1.27, "không đạt")]
)
def test_one_table_says_what_is_met_and_on_what(
    table: Any, clips: int, ratio: float, told: str
) -> None:
    cost = {"wall": 10.0, "cpu": 9.0 if clips == 1000 else 3.0}
    speed = {
        "clips": clips, "workers": 1, "bare": cost, "batch": cost, "wall_ratio": ratio,
        "cpu_ratio": 1.09, "vosk_transcriber": None if clips == 250 else {"wall": 25, "cpu": 20},
    }  # fmt: skip
    page = io.StringIO()
    table.show(Console(file=page, width=120), speed, MEMORY)
    text = page.getvalue()
    for part in (told, "1,09", "≤ 1,15", "100.000 mục", "121 / 161 / 124 / 1", "+6 / +0 / +6 / +1"):
        assert part in text
    assert ("không đạt" in text) == (ratio > 1.15)
    assert ("Máy đang bận" in text) == (clips == 250)
    assert ("Chỉ 250 clip" in text) == (clips == 250)
    assert (f"{clips:,}".replace(",", ".") + " clip") in text
