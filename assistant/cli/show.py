"""What the commands of a call have in common: JSON, progress bars, a call as people read it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from assistant.asr.types import EndReason
from assistant.audio import AudioWarning
from assistant.call import Call, Turn

_STAGES = (
    ("waited", "Chờ", 2),
    ("decode", "Nghe", 1),
    ("understand", "Hiểu", 1),
    ("dialogue", "Đáp", 1),
    ("account", "Tài khoản", 1),
    ("render", "Tiếng", 1),
)
_END_REASONS = {
    EndReason.SILENCE: "nói xong",
    EndReason.COMPLETE: "đủ số",
    EndReason.NO_INPUT: "im lặng",
    EndReason.TOO_LONG: "quá dài",
    EndReason.INTERRUPTED: "bấm phím",
}
# What was wrong with a file that could be used all the same, and what to do about it.
WARNINGS: Mapping[str, str] = {
    AudioWarning.TRUNCATED: "tệp bị cụt, chỉ dùng được phần đầu; hãy chép lại tệp",
    AudioWarning.NON_FINITE: "có mẫu không phải là số (NaN, vô hạn), coi là im lặng",
    AudioWarning.CLIPPED: "vỡ tiếng vì quá to; hãy thu lại nhỏ hơn",
    AudioWarning.QUIET: "quá nhỏ, dễ mất lời; hãy thu lại gần micro hơn",
}


def print_json(content: object) -> None:
    sys.stdout.write(json.dumps(content, ensure_ascii=False, default=str) + "\n")


@contextmanager
def progress_bar(hidden: bool, bytes_: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error; ``bytes_``: it counts bytes."""
    columns: list[ProgressColumn] = [TextColumn("{task.description}"), BarColumn()]
    columns += [DownloadColumn(), TransferSpeedColumn()] if bytes_ else [TaskProgressColumn()]
    columns.append(TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=hidden, transient=True) as bar:
        yield bar


def conversation(turns: list[Turn], reveal: bool) -> Iterator[Text]:
    """The call as lines: who said what, digits masked unless ``reveal``."""
    for turn in turns:
        if turn.prompt:
            yield Text.assemble(_clock(turn.asked), (" Trợ lý   ", "bold cyan"), turn.prompt)
        if turn.ended is None:
            continue
        at = turn.listened if turn.listened is not None else turn.asked
        yield Text.assemble(_clock(at), (" Người gọi ", "bold green"), _caller_line(turn, reveal))


def _caller_line(turn: Turn, reveal: bool) -> Text:
    if turn.keys:
        return Text(f"[phím {' '.join(turn.said(reveal))}]", style="yellow")
    said = turn.said(reveal)
    return Text(said) if said else Text("(im lặng)", style="dim")


def _clock(seconds: float) -> tuple[str, str]:
    return f"{int(seconds) // 60:02d}:{seconds % 60:04.1f}", "dim"


def timing_table(turns: list[Turn]) -> Table:
    """Where the time of every turn went."""
    title = "Thời gian từng lượt: chờ tính bằng giây, các chặng sau bằng mili giây"
    table = Table(title=title, title_justify="left")
    table.add_column("Lượt", justify="right")
    table.add_column("Kết thúc")
    for _, name, _ in _STAGES:
        table.add_column(name, justify="right")
    table.add_column("Tổng", justify="right")
    for number, turn in enumerate(turns, 1):
        timings = turn.timings.as_dict()
        cells = [
            "" if timings[name] is None else f"{timings[name]:.{digits}f}"
            for name, _, digits in _STAGES
        ]
        reason = _END_REASONS[turn.end_reason] if turn.end_reason else ""
        table.add_row(str(number), reason, *cells, f"{turn.timings.computing:.1f}")
    return table


def notes_table(call: Call) -> Table:
    """Everything that happened, in order."""
    table = Table("Giây", "Sự kiện", title="Diễn biến", title_justify="left")
    for note in call.notes:
        table.add_row(f"{note.at:.2f}", note.what)
    return table


def money(dong: int) -> str:
    return f"{dong:,}".replace(",", ".") + " đồng"
