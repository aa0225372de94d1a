"""Figures as HTML and SVG text. Pure: numbers in, markup out; the style sheet has the colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

NOTHING = "∅"
_DIGITS = (*"0123456789", NOTHING)
_PLOT, _FOOT = 300, 96  # px of a curve, and of what is below it
_TALL = 24  # px of the tallest bar below a curve
_SPREAD = 460  # px over which a histogram's columns are spread
_THIN, _WIDE = 5, 18  # px of a column
_TICK = 36  # px that a number below it takes, at most


def bars(rows: Sequence[tuple[str, int, str]], of: int) -> str:
    """Horizontal bars: (label, count, class)."""
    lines = []
    for label, count, kind in rows:
        share = 100 * count / of if of else 0.0
        lines.append(
            f'<div class="bar"><span class="label">{escape(label)}</span>'
            f'<span class="track"><span class="fill {kind}" style="width:{share:.1f}%"></span>'
            f'</span><span class="count">{count} <small>({share:.0f} %)</small></span></div>'
        )
    return "".join(lines)


def confusion(pairs: Iterable[tuple[str | None, str | None, int]]) -> str:
    """Digits said (rows) against digits heard (columns); a cell is as strong as its share of the
    row. ∅: nothing said, or nothing heard."""
    counts = {(a or NOTHING, b or NOTHING): n for a, b, n in pairs}
    head = "".join(f"<th>{heard}</th>" for heard in _DIGITS)
    rows = []
    for said in _DIGITS:
        total = sum(counts.get((said, heard), 0) for heard in _DIGITS)
        cells = "".join(
            _cell(said, heard, counts.get((said, heard), 0), total) for heard in _DIGITS
        )
        rows.append(f"<tr><th>{said}</th>{cells}</tr>")
    return (
        '<table class="confusion"><caption>hàng: đã nói (said), cột: nghe được (heard)</caption>'
        f"<tr><th></th>{head}</tr>{''.join(rows)}</table>"
    )


def _cell(said: str, heard: str, count: int, total: int) -> str:
    if not count:
        return "<td></td>"
    kind = "right" if said == heard else "wrong"
    share = count / total
    return (
        f'<td class="{kind}" style="--s:{0.15 + 0.85 * share:.2f}" '
        f'title="{said} → {heard}: {count} ({100 * share:.1f} %)">{count}</td>'
    )


def reliability(bins: Sequence[Mapping[str, Any]]) -> str:
    """Share of right words over confidence, with intervals; bars below: how many words stand
    behind each point."""
    width, height = _PLOT + 60, _PLOT + _FOOT
    left, most = 44, max((b["kept"]["total"] for b in bins), default=1)
    words = sum(b["kept"]["total"] for b in bins)

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
            text(x, y0 + 16, f"{tick:g}", "tick"),
            text(left - 18, y + 4, f"{tick:g}", "tick"),
        ]
    points = []
    for one in bins:
        x, y = place(one["promised"], one["kept"]["value"])
        low, high = (place(0, one["kept"][end])[1] for end in ("low", "high"))
        points.append(f"{x:.1f},{y:.1f}")
        count = one["kept"]["total"]
        tall, bar = _TALL * count / most, place(one["low"], 0)[0] + 2
        wide = _PLOT / 10 - 4
        parts.append(
            f'<g><title>{one["low"]:.1f}-{one["high"]:.1f}: hứa {one["promised"]:.2f}, đúng '
            f'{one["kept"]["value"]:.2f} trong {count} từ</title>'
            f'<line x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}" class="whisker"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="point"/>'
            f'<rect x="{bar:.1f}" y="{y0 + 60 - tall:.1f}" width="{wide:.1f}" '
            f'height="{tall:.1f}" class="share"/>'
            + text(bar + wide / 2, y0 + 57 - tall, _short(count), "small")
            + "</g>"
        )  # fmt: skip
    parts += [
        f'<polyline points="{" ".join(points)}" class="line"/>',
        text(left + _PLOT / 2, height - 10, f"độ tin cậy; cột: số từ, n = {words} từ", "axis"),
        "</svg>",
    ]
    return "".join(parts)


def _short(count: int) -> str:
    """A count in the room of a bar."""
    return str(count) if count < 10_000 else f"{count / 1000:.0f}k"


def text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def histogram(counts: Counter[int], width: float, unit: str, most: int = 30) -> str:
    """Counts by bin of ``width``; everything past ``most`` bins in the last one."""
    if not counts:
        return "<p>–</p>"
    folded: Counter[int] = Counter()
    for number, count in counts.items():
        folded[min(number, most)] += count
    top, last = max(folded.values()), max(folded)
    step, height = max(_THIN, min(_WIDE, _SPREAD // (last + 1))), 120
    columns = "".join(
        f'<rect x="{30 + n * step}" y="{20 + height * (1 - folded[n] / top):.1f}" '
        f'width="{step - 2}" height="{height * folded[n] / top:.1f}" class="column">'
        f"<title>{n * width:g}-{(n + 1) * width:g} {unit}: {folded[n]}</title></rect>"
        for n in range(last + 1)
        if folded[n]
    )
    every = max((last + 1) // 6, -(-_TICK // step))
    ticks = "".join(
        f'<text x="{30 + n * step}" y="{height + 36}" class="tick">{n * width:g}</text>'
        for n in range(0, last + 2, every)
    )
    total = 40 + (last + 2) * step
    middle = quantile(counts, 0.5, width)
    high = quantile(counts, 0.95, width)
    return (
        f'<svg viewBox="0 0 {total} {height + 44}" width="{total}" role="img">{columns}{ticks}'
        f'</svg><p class="note">giữa (median) {middle:g} {unit}, 95 %: {high:g} {unit}</p>'
    )


def quantile(counts: Counter[int], share: float, width: float) -> float:
    """The upper edge of the bin in which ``share`` of all values lie at or below."""
    wanted, seen = share * counts.total(), 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= wanted:
            return round((number + 1) * width, 6)
    return 0.0
