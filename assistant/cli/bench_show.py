"""What ``assistant bench calls`` measured, as a table and a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

LIMIT_MS = 300.0


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. Milliseconds after the end-of-turn decision; ``cores``: what the server's
    process used; ``per_core``: calls that one whole core carries at that cost; ``mb_per_call``:
    resident memory above the idle server's."""

    server: str
    calls: int
    seconds: float
    replies: int
    p50_ms: float | None
    p95_ms: float | None
    cores: float
    per_core: float | None  # None: it fell behind, and did not do the work
    mb_per_call: float
    slope_mb_per_min: float
    finished: int
    lost: int
    turned_away: int
    driver_late_p95_ms: float


def show(rows: list[Row]) -> None:
    """Narrow enough for a terminal of 80 columns, and for a file."""
    title = "Cuộc gọi cùng lúc, thời gian thực"
    table = Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False
    )
    table.add_column("", no_wrap=True)
    names = "Cuộc\ngọi|Lượt\nđáp|p50\nms|p95\nms|Lõi\ndùng|Cuộc\n/lõi|MB/\ncuộc|MB/\nphút|Xong|Mất"
    for name in names.split("|"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        late = f"{row.p95_ms}" if _in_time(row) else f"[red]{row.p95_ms}[/red]"
        per_core = "–" if row.per_core is None else row.per_core
        cells: list[Any] = [row.calls, row.replies, row.p50_ms, late, row.cores, per_core]
        cells += [row.mb_per_call, row.slope_mb_per_min, row.finished, row.lost]
        table.add_row(row.server, *(str(cell) for cell in cells))
    console = Console(highlight=False)
    console.print(table)
    for server in dict.fromkeys(row.server for row in rows):
        console.print(_verdict(server, [row for row in rows if row.server == server]))
    driver = max(row.driver_late_p95_ms for row in rows)
    console.print(
        f"Máy gọi thử trễ nhất {driver} ms (p95); quá 20 ms thì độ trễ đo được không đáng tin."
    )
    console.print(
        "vosk-server: bản dựng lại nhỏ của giao thức (benchmarks/_vosk_server.py), cùng mô hình, "
        "cùng âm thanh; đáp bằng chữ, không có đối thoại và giọng nói."
    )


def _in_time(row: Row) -> bool:
    return row.p95_ms is not None and row.p95_ms <= LIMIT_MS


def _verdict(server: str, rows: list[Row]) -> str:
    """The most calls, of those measured, whose replies were in time, for each core in use."""
    good = max((row for row in rows if _in_time(row)), key=lambda row: row.calls, default=None)
    bar = f"p95 ≤ {LIMIT_MS:.0f} ms"
    if good is None:
        return f"{server}: không mức nào đạt {bar}."
    per_core = "" if good.per_core is None else f", {good.per_core} cuộc/lõi tính theo CPU"
    return f"{server}: {bar} tới {good.calls} cuộc cùng lúc{per_core}."


def p95(values: Sequence[float]) -> float:
    """The 95th percentile by nearest rank: a value that was measured, never below it."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]
