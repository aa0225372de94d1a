"""Sound as SVG text, and over it the words that were heard where they lie: one clip, or both
sides of a call. Pure: numbers in, markup out; the style sheets have the colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.batch.charts import text
from assistant.batch.work import PEAK

_WIDE, _HIGH = 1100, 100  # px of a clip
_STEPS = 440  # columns of a clip
_PX = 72  # of a second of a call
_LANE = 44  # px of a side's half height
_ROWS, _ROW = 3, 15  # of words, and px between them
_LETTER = 7.5  # px that a letter of a word takes, at most


def of_clip(samples: npt.NDArray[np.float32], rate: int, words: Sequence[Mapping[str, Any]]) -> str:
    """Envelope of a clip and over it the words that were heard, each where it was heard."""
    seconds = max(len(samples) / rate, 0.001)
    peak = float(np.max(np.abs(samples), initial=0)) or 1.0
    edges = np.linspace(0, len(samples), _STEPS + 1).astype(int)
    middle, top = _HIGH / 2 + 31, (_HIGH - 14) / 2
    columns = []
    for i in range(_STEPS):
        part = samples[edges[i] : max(edges[i + 1], edges[i] + 1)]
        low, high = float(part.min(initial=0)) / peak, float(part.max(initial=0)) / peak
        x = _WIDE * (i + 0.5) / _STEPS
        columns.append(f"M{x:.0f} {middle - high * top:.1f}V{middle - low * top + 0.6:.1f}")
    marks = "".join(_mark(word, seconds, 14 * (i % 2)) for i, word in enumerate(words))
    return (
        f'<svg viewBox="0 0 {_WIDE} {_HIGH + 46}" role="img" class="wave"><title>Dạng sóng, '
        f'{seconds:.2f} s</title><path d="{"".join(columns)}" class="wave"/>{marks}'
        + text(4, _HIGH + 42, "0 s", "tick start")
        + text(_WIDE - 4, _HIGH + 42, f"{seconds:.2f} s", "tick end")
        + "</svg>"
    )


def _mark(word: Mapping[str, Any], seconds: float, down: int) -> str:
    """``down``: px; every other word is written lower, for short ones stand close."""
    x0, x1 = (_WIDE * min(word[end] / seconds, 1) for end in ("start", "end"))
    kind = "right" if word["right"] else "wrong"
    sure = "" if word["confidence"] is None else f" {word['confidence']:.2f}"
    return (
        f'<g class="mark {kind}"><title>{escape(word["text"])}{sure}, '
        f"{word['start']:.2f}-{word['end']:.2f} s</title>"
        f'<rect x="{x0:.1f}" y="34" width="{max(x1 - x0 - 1, 2):.1f}" height="{_HIGH - 6}"/>'
        + text((x0 + x1) / 2, 13 + down, word["text"], "word")
        + "</g>"
    )


# --- a call ---------------------------------------------------------------------------


def of_call(record: Mapping[str, Any]) -> str:
    """Both sides of a call over time, with every word the recognizer heard where it lies."""
    peaks = record.get("peaks") or {}
    seconds = max(record["seconds"], 0.1)
    width = round(seconds * _PX)
    lanes = "".join(
        _lane(peaks.get(side, []), middle, side)
        for side, middle in (("assistant", _LANE + 4), ("caller", 3 * _LANE + 12))
    )
    first = 4 * _LANE + 28
    bottom = first + _ROW * (_ROWS - 1) + 12
    listened = "".join(
        f'<rect x="{turn["listened"] * _PX:.0f}" y="0" class="listening" '
        f'width="{max(1, (turn["ended"] - turn["listened"]) * _PX):.0f}" height="{bottom}"/>'
        for turn in record.get("turns", ())
        if turn["listened"] is not None and turn["ended"] is not None
    )
    heard = [word for turn in record.get("turns", ()) for word in turn.get("words", ())]
    words = "".join(_heard(word, first, row) for word, row in zip(heard, _rows(heard), strict=True))
    marks = "".join(
        f'<text x="{s * _PX}" y="{bottom + 12}" class="tick{"" if s else " start"}">{s} s</text>'
        for s in range(0, int(seconds) + 1, 5)
    )
    return (
        f'<svg class="wave" width="{width}" height="{bottom + 16}" data-px="{_PX}">{listened}'
        f'{lanes}{words}{marks}<line class="playhead" y1="0" y2="{bottom}" x1="0" x2="0"/></svg>'
    )


def _lane(points: Sequence[int], middle: int, side: str) -> str:
    if not points:
        return ""
    step = PEAK * _PX
    upper = [f"{i * step:.0f},{middle - p * _LANE / 100:.0f}" for i, p in enumerate(points)]
    lower = [f"{i * step:.0f},{middle + p * _LANE / 100:.0f}" for i, p in enumerate(points)]
    return f'<polygon points="{" ".join([*upper, *reversed(lower)])}" class="{side}"/>'


def _rows(words: Sequence[Sequence[Any]]) -> list[int]:
    """The row of each word: the first in which it does not touch the word before it."""
    ends, rows = [0.0] * _ROWS, []
    for name, start, end, _ in words:
        middle, half = (start + end) / 2 * _PX, len(name) * _LETTER / 2
        free = (row for row in range(_ROWS) if ends[row] <= middle - half)
        row = next(free, min(range(_ROWS), key=ends.__getitem__))
        ends[row] = middle + half
        rows.append(row)
    return rows


def _heard(word: Sequence[Any], first: int, row: int) -> str:
    """A line where the word was heard, ``first`` px down; the word below it, in its row."""
    name, start, end, sure = word
    opacity = 1.0 if sure is None else 0.35 + 0.65 * sure
    title = "" if sure is None else f"<title>{escape(name)}: {sure:.2f}</title>"
    y = first + row * _ROW
    return (
        f'<line x1="{start * _PX:.0f}" x2="{end * _PX:.0f}" y1="{first - 14}" y2="{first - 14}" '
        f'class="span"/><text x="{(start + end) / 2 * _PX:.0f}" y="{y}" class="word" '
        f'opacity="{opacity:.2f}">{escape(name)}{title}</text>'
    )
