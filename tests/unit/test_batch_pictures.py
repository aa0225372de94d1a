"""What the reports draw: words that can be read, counts that are named, readable times."""

from __future__ import annotations

import re
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from assistant.batch import charts, waves
from assistant.batch.calibration import Bin
from assistant.batch.page import when
from assistant.batch.scoring import Rate

QUICK = ("tôi", "quên", "mật", "khẩu", "không", "nghiêng", "chín", "một")


def call(words: list[list[Any]]) -> dict[str, Any]:
    turn = {"listened": 0.0, "ended": 3.0, "words": words}
    return {"seconds": 3.0, "peaks": {"caller": [9] * 60}, "turns": [turn]}


def test_words_said_quickly_do_not_lie_over_each_other() -> None:
    """Four syllables a second, as quick callers speak."""
    words = [[text, 0.25 * n, 0.25 * n + 0.25, 0.9] for n, text in enumerate(QUICK)]
    drawn = re.findall(
        r'<text x="([\d.]+)" y="([\d.]+)" class="word"[^>]*>(\w+)', waves.of_call(call(words))
    )
    assert [text for *_, text in drawn] == list(QUICK)
    rows: dict[str, list[tuple[float, float]]] = {}
    for x, y, text in drawn:
        half = 3.4 * len(text)  # px: half of a word of 12 px letters
        rows.setdefault(y, []).append((float(x) - half, float(x) + half))
    assert len(rows) > 1
    for spans in rows.values():
        assert all(end < start for (_, end), (start, _) in pairwise(spans))


def test_a_slow_caller_s_words_stay_in_one_row() -> None:
    words = [[text, 1.0 * n, 1.0 * n + 0.3, None] for n, text in enumerate(QUICK[:3])]
    assert len(set(re.findall(r'y="(\d+)" class="word"', waves.of_call(call(words))))) == 1


def test_calibration_says_how_many_words_stand_behind_a_point() -> None:
    bins = [Bin(0.5, 0.6, 0.55, Rate(3, 3)), Bin(0.9, 1.0, 0.97, Rate(12_100, 12_345))]
    drawn = charts.reliability([one.as_dict() for one in bins])
    assert re.findall(r'class="small">([^<]+)', drawn) == ["3", "12k"]
    assert "n = 12348 từ" in drawn


def test_the_numbers_below_a_histogram_have_room() -> None:
    drawn = charts.histogram(Counter(range(8)), 0.1, "s")
    ticks = [int(x) for x in re.findall(r'<text x="(\d+)"', drawn)]
    assert all(after - before >= 30 for before, after in pairwise(ticks))


def test_a_time_is_local_and_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    time.tzset()
    try:
        shown = when("2026-03-01T11:18:05+00:00")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert shown == '<time datetime="2026-03-01T11:18:05+00:00">18:18:05 1/3/2026 (+07)</time>'
    assert when("<hôm qua>") == "&lt;hôm qua&gt;"
