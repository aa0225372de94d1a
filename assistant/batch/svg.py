"""Pictures of a report as inline SVG: confusion matrix, reliability curve, waveform. Pure.

Colours are classes of the report's style sheet, so that a dark page is dark all over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

NOTHING = "∅"
_DIGITS = (*"0123456789", NOTHING)
_CELL, _EDGE = 40, 56  # px
_STRONG = 0.6  # of a cell's colour: its number is light
_PLOT, _FOOT = 300, 40  # px
_WIDE, _HIGH = 1100, 100  # px of a waveform
_STEPS = 440  # columns of a waveform


def confusion_matrix(pairs: Sequence[tuple[str | None, str | None, int]]) -> str:
    """Rows: what was said; columns: what was heard; a cell is as strong as its share of the
    row. ∅: nothing said, or nothing heard."""
    counts = {(a or NOTHING, b or NOTHING): n for a, b, n in pairs}
    size = _EDGE + _CELL * len(_DIGITS) + 8
    parts = [
        f'<svg viewBox="0 0 {size} {size}" width="{size}" height="{size}" role="img" '
        'class="matrix"><title>Ma trận nhầm lẫn: hàng là số đã nói, cột là số nghe được</title>',
        _text(_EDGE + _CELL * len(_DIGITS) / 2, 14, "nghe được (heard)", "axis"),
        f'<text x="12" y="{size / 2:.0f}" class="axis middle" '
        f'transform="rotate(-90 12 {size / 2:.0f})">đã nói (said)</text>',
    ]
    for i, said in enumerate(_DIGITS):
        middle = _EDGE + _CELL * (i + 0.5)
        parts += [_text(middle, _EDGE - 10, said, "head"), _text(36, middle + 5, said, "head")]
        row = sum(counts.get((said, other), 0) for other in _DIGITS)
        for j, heard in enumerate(_DIGITS):
            count = counts.get((said, heard), 0)
            parts.append(_cell(i, j, count, count / row if row else 0.0, f"{said} → {heard}"))
    return "".join([*parts, "</svg>"])


def _cell(i: int, j: int, count: int, share: float, name: str) -> str:
    x, y = _EDGE + j * _CELL, _EDGE + i * _CELL
    kind = "right" if i == j else "wrong"
    strength = 0.0 if not count else max(0.1, share**0.5)
    strong = " strong" if strength > _STRONG else ""
    place = x + _CELL / 2, y + _CELL / 2 + 5
    shown = "" if not count else _text(*place, str(count), f"count{strong}")
    return (
        f'<g><title>{escape(name)}: {count} ({100 * share:.1f} %)</title>'
        f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}" rx="3" class="empty"/>'
        f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}" rx="3" class="{kind}" '
        f'fill-opacity="{strength:.2f}"/>{shown}</g>'
    )  # fmt: skip


def reliability(found: Mapping[str, Any]) -> str:
    """Share of right words over confidence, with intervals; bars below: where the words are."""
    width, height = _PLOT + 60, _PLOT + 2 * _FOOT
    left, most = 44, max((b["kept"]["total"] for b in found["bins"]), default=1)

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x * _PLOT, 8 + (1 - y) * _PLOT

    (x0, y0), (x1, y1) = place(0, 0), place(1, 1)
    parts = [
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        'class="curve"><title>Độ tin cậy so với tỉ lệ đúng thật</title>',
        f'<rect x="{x0}" y="{y1}" width="{_PLOT}" height="{_PLOT}" class="empty"/>',
        f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" class="ideal"/>',
    ]
    for tick in (0, 0.5, 1):
        x, y = place(tick, tick)
        parts += [
            _text(x, y0 + 16, f"{tick:g}", "tick"),
            _text(left - 18, y + 4, f"{tick:g}", "tick"),
        ]
    points = []
    for one in found["bins"]:
        x, y = place(one["promised"], one["kept"]["value"])
        low, high = (place(0, one["kept"][end])[1] for end in ("low", "high"))
        points.append(f"{x:.1f},{y:.1f}")
        tall = 24 * one["kept"]["total"] / most
        parts.append(
            f'<g><title>{one["low"]:.1f}-{one["high"]:.1f}: hứa {one["promised"]:.2f}, đúng '
            f'{one["kept"]["value"]:.2f} trong {one["kept"]["total"]} từ</title>'
            f'<line x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}" class="whisker"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="point"/>'
            f'<rect x="{place(one["low"], 0)[0] + 2:.1f}" y="{y0 + 48 - tall:.1f}" '
            f'width="{_PLOT / 10 - 4:.1f}" height="{tall:.1f}" class="share"/></g>'
        )  # fmt: skip
    parts += [
        f'<polyline points="{" ".join(points)}" class="line"/>',
        _text(
            left + _PLOT / 2, height - 8, "độ tin cậy; cột: số từ (confidence; bars: words)", "axis"
        ),
        "</svg>",
    ]
    return "".join(parts)


def waveform(
    samples: npt.NDArray[np.float32], rate: int, words: Sequence[Mapping[str, Any]]
) -> str:
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
        + _text(4, _HIGH + 42, "0 s", "tick left")
        + _text(_WIDE - 4, _HIGH + 42, f"{seconds:.2f} s", "tick end")
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
        + _text((x0 + x1) / 2, 13 + down, word["text"], "word")
        + "</g>"
    )


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'
