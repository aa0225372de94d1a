"""Pictures of a report as SVG text. Pure: numbers in, markup out; the CSS has the colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from assistant.batch.work import PEAK

_PX = 72  # of a second of waveform
_LANE = 44  # px of a side's half height
_PLOT = 460  # px over which a histogram's columns are spread
_THIN, _WIDE = 5, 18  # px of a column
_DIGITS = "0123456789"


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


def confusion(pairs: Mapping[tuple[str | None, str | None], int]) -> str:
    """Digits said (rows) against digits heard (columns); the last column: nothing heard."""
    columns = [*_DIGITS, None]
    head = "".join(f"<th>{'∅' if c is None else c}</th>" for c in columns)
    rows = []
    for said in [*_DIGITS, None]:
        total = sum(n for (a, _), n in pairs.items() if a == said)
        cells = "".join(_cell(said, heard, pairs, total) for heard in columns)
        rows.append(f"<tr><th>{'thêm' if said is None else said}</th>{cells}</tr>")
    return f'<table class="confusion"><tr><th></th>{head}</tr>{"".join(rows)}</table>'


def _cell(
    said: str | None,
    heard: str | None,
    pairs: Mapping[tuple[str | None, str | None], int],
    total: int,
) -> str:
    count = pairs.get((said, heard), 0)
    if said is None and heard is None:
        return "<td></td>"
    share = count / total if total else 0.0
    kind = "right" if said == heard else "wrong"
    strength = (0.15 + 0.85 * share) if count else 0.0
    return f'<td class="{kind}" style="--s:{strength:.2f}">{count or ""}</td>'


def calibration(bins: Mapping[int, Sequence[int]], of: int = 10) -> str:
    """How often a digit heard with a confidence was right; on the diagonal it is honest."""
    size, pad = 260, 34
    points = []
    for number in sorted(bins):
        right, total = bins[number]
        x = pad + (number + 0.5) / of * size
        y = pad + (1 - right / total) * size
        radius = 3 + min(9.0, total**0.5 / 2)
        points.append((x, y, radius, f"{right}/{total}"))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" class="dot"><title>{t}</title></circle>'
        for x, y, r, t in points
    )
    end = pad + size
    ticks = "".join(
        f'<text x="{pad + f * size}" y="{end + 16}" class="tick">{f:.1f}</text>'
        f'<text x="{pad - 8}" y="{end - f * size + 4}" class="tick end">{f:.1f}</text>'
        for f in (0.0, 0.5, 1.0)
    )
    return (
        f'<svg viewBox="0 0 {end + 20} {end + 36}" width="{end + 20}" role="img">'
        f'<rect x="{pad}" y="{pad}" width="{size}" height="{size}" class="frame"/>'
        f'<line x1="{pad}" y1="{end}" x2="{end}" y2="{pad}" class="ideal"/>'
        f'<polyline points="{line}" class="curve"/>{dots}{ticks}'
        f'<text x="{pad + size / 2}" y="{end + 32}" class="tick">độ tin cậy (confidence)</text>'
        f'<text x="{pad}" y="{pad - 12}" class="tick start">phần đúng (share right)</text></svg>'
    )


def histogram(counts: Counter[int], width: float, unit: str, most: int = 30) -> str:
    """Counts by bin of ``width``; everything past ``most`` bins in the last one."""
    if not counts:
        return "<p>–</p>"
    folded: Counter[int] = Counter()
    for number, count in counts.items():
        folded[min(number, most)] += count
    top, last = max(folded.values()), max(folded)
    step, height = max(_THIN, min(_WIDE, _PLOT // (last + 1))), 120
    columns = "".join(
        f'<rect x="{30 + n * step}" y="{20 + height * (1 - folded[n] / top):.1f}" '
        f'width="{step - 2}" height="{height * folded[n] / top:.1f}" class="column">'
        f"<title>{n * width:g}-{(n + 1) * width:g} {unit}: {folded[n]}</title></rect>"
        for n in range(last + 1)
        if folded[n]
    )
    every = max(1, (last + 1) // 6)
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


def waveform(record: Mapping[str, Any]) -> str:
    """Both sides of a call over time, with every word the recognizer heard where it lies."""
    peaks = record.get("peaks") or {}
    seconds = max(record["seconds"], 0.1)
    width = round(seconds * _PX)
    lanes = "".join(
        _lane(peaks.get(side, []), middle, side)
        for side, middle in (("assistant", _LANE + 4), ("caller", 3 * _LANE + 12))
    )
    bottom = 4 * _LANE + 40
    listened = "".join(
        f'<rect x="{turn["listened"] * _PX:.0f}" y="0" class="listening" '
        f'width="{max(1, (turn["ended"] - turn["listened"]) * _PX):.0f}" height="{bottom}"/>'
        for turn in record.get("turns", ())
        if turn["listened"] is not None and turn["ended"] is not None
    )
    words = "".join(
        _word(word, 4 * _LANE + 28)
        for turn in record.get("turns", ())
        for word in turn.get("words", ())
    )
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


def _word(word: Sequence[Any], y: int) -> str:
    text, start, end, sure = word
    opacity = 1.0 if sure is None else 0.35 + 0.65 * sure
    title = "" if sure is None else f"<title>{escape(text)}: {sure:.2f}</title>"
    return (
        f'<line x1="{start * _PX:.0f}" x2="{end * _PX:.0f}" y1="{y - 14}" y2="{y - 14}" '
        f'class="span"/><text x="{(start + end) / 2 * _PX:.0f}" y="{y}" class="word" '
        f'opacity="{opacity:.2f}">{escape(text)}{title}</text>'
    )
