"""What a batch costs, in one table: wall time against a bare ``KaldiRecognizer`` loop per core,
``vosk-transcriber`` on the same files, and memory at a thousand and a hundred thousand entries.

    python benchmarks/batch.py [--clips 1000] [--entries 1000 100000] [--workers 1] [--json]

How each is measured: ``_batch_speed.py``, ``_batch_memory.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from _batch_memory import in_process
from _batch_speed import make_clips, measure_speed
from rich.console import Console
from rich.table import Table

AIM = 1.15  # times the wall time of the bare loop, per core
BUSY = 1.3  # s of the bare loop for a second of CPU: others use the machine
ENOUGH = 1_000  # clips; with fewer the start weighs more than the decoding
SIZES = (1_000, 100_000)
COLUMNS = ("đo gì", "trên", "giây", "CPU", "× giây", "× CPU", "MB", "mục tiêu")
NOTES = (
    "×: so với KaldiRecognizer trần, giây tính mỗi lõi. vosk-transcriber: mỗi tệp một "
    "ffmpeg, ép 16 kHz, không ngữ pháp.",
    "MB: nhiều nhất, của lượt chạy / các tiến trình / báo cáo / so hai lượt; máy nghe câm, nên "
    "chỉ còn phần của lượt chạy.",
)


def verdict(ratio: float) -> str:
    return "đạt" if ratio <= AIM else "không đạt"


def number(value: float, digits: int = 0) -> str:
    """As Vietnamese writes it: 1.000,5."""
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def speed_rows(speed: dict[str, Any]) -> list[tuple[str, ...]]:
    clips, workers = f"{number(speed['clips'])} clip", speed["workers"]
    over = clips if workers == 1 else f"{clips}, {workers} tiến trình"
    bare, other, ratio = speed["bare"], speed["vosk_transcriber"], speed["wall_ratio"]
    aim = f"≤ {number(AIM, 2)}: {verdict(ratio)}"
    if other is None:
        third: tuple[str, ...] = ("thiếu ffmpeg", "", "", "")
    else:
        third = (*times(other), *(number(other[name] / bare[name], 2) for name in ("wall", "cpu")))
    return [
        ("KaldiRecognizer trần", clips, *times(bare), number(1, 2), number(1, 2), "", ""),
        (
            "assistant batch run", over, *times(speed["batch"]),
            number(ratio, 2), number(speed["cpu_ratio"], 2), "", aim,
        ),
        ("vosk-transcriber", clips, *third, "", ""),
    ]  # fmt: skip


def times(cost: dict[str, float]) -> tuple[str, str]:
    return number(cost["wall"], 1), number(cost["cpu"], 1)


def memory_rows(found: list[dict[str, float]]) -> list[tuple[str, ...]]:
    """Each size, then what the last takes more than the first."""
    names = ("run", "workers", "results", "diff")

    def row(name: str, over: str, seconds: str, told: Iterable[str]) -> tuple[str, ...]:
        return (name, over, seconds, "", "", "", " / ".join(told), "")

    rows = []
    for one in found:
        over, seconds = f"{number(one['entries'])} mục", number(one["seconds"], 1)
        rows.append(row("bộ nhớ", over, seconds, (number(one[name]) for name in names)))
    first, last = found[0], found[-1]
    if last is not first:
        more = (f"{last[name] - first[name]:+.0f}" for name in names)
        rows.append(row("tăng thêm", f"× {number(last['entries'] / first['entries'])}", "", more))
    return rows


def show(console: Console, speed: dict[str, Any], memory: list[dict[str, float]]) -> None:
    table = Table(title="Một lượt chạy hàng loạt tốn gì", title_justify="left")
    for at, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if at < 2 else "right", no_wrap=at == 0)
    for row in (*speed_rows(speed), *memory_rows(memory)):
        table.add_row(*row)
    console.print(table)
    for note in NOTES:
        console.print(note, highlight=False)
    if speed["bare"]["wall"] > BUSY * speed["bare"]["cpu"]:
        console.print(
            "Máy đang bận việc khác: con số đáng tin là × CPU; đo lại lúc máy rảnh.",
            highlight=False,
        )
    if speed["clips"] < ENOUGH:
        console.print(
            f"Chỉ {speed['clips']} clip: thời gian khởi động nặng hơn thời gian nghe; để so với "
            f"mục tiêu, dùng ít nhất {number(ENOUGH)} clip.",
            highlight=False,
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Một lượt assistant batch run tốn bao nhiêu thời gian (so với vòng lặp "
        "KaldiRecognizer trần và vosk-transcriber) và bộ nhớ (time and memory of a batch).",
    )
    parser.add_argument("--clips", type=int, default=1000, help="số clip (clips)")
    parser.add_argument("--folder", type=Path, help="dùng bản ghi có labels.csv ở đây (own set)")
    parser.add_argument("--entries", type=int, nargs="+", default=SIZES, help="cỡ bộ, đo bộ nhớ")
    parser.add_argument("--workers", type=int, default=1, help="số tiến trình (processes)")
    parser.add_argument("--rounds", type=int, default=2, help="số vòng, lấy vòng tốt nhất (best)")
    parser.add_argument("--json", action="store_true", help="in JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name) / "clips"
        if arguments.folder is None:
            make_clips(folder, arguments.clips)
        speed = measure_speed(folder, arguments.workers, arguments.rounds)
    memory = [in_process(entries, arguments.workers) for entries in arguments.entries]
    if arguments.json:
        figures = {"speed": speed, "aim": AIM, "met": speed["wall_ratio"] <= AIM, "memory": memory}
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        show(Console(), speed, memory)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
