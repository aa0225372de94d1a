"""``assistant asr``: the recognizer measured on labelled recordings, and models side by side."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from assistant import __version__
from assistant.asr.registry import find
from assistant.batch import bars
from assistant.batch.compare import Job, compared, outcomes_of
from assistant.batch.conditions import ALIASES, CONDITIONS
from assistant.batch.cost import cost_of, open_model
from assistant.batch.earlier import against as beside
from assistant.batch.earlier import load_run
from assistant.batch.evaluate import Progress, evaluate
from assistant.batch.report import chosen, page
from assistant.batch.runs import Run, Setup, label_report, sample_of_cost, sounds_of
from assistant.batch.speech_sets import check_sets
from assistant.cli import asr_show
from assistant.cli.asr_calibrate import calibrate_command
from assistant.cli.outputs import require_apart, require_writable, write
from assistant.cli.show import print_json, progress_bar
from assistant.errors import AssistantError, UsageError
from assistant.settings import load_settings

_DEFAULT = ("clean", "mulaw-15")
_GRID_LIMIT, _GRID_STRINGS, _STRINGS = 60, 20, 100  # a whole grid of a minute per condition

Folder = Annotated[Path, typer.Argument(help="Thư mục chứa các bộ có labels.csv, hoặc một bộ.")]
Conditions = Annotated[
    list[str] | None,
    typer.Option(
        "--condition", "-c",
        help="Điều kiện đường truyền, lặp lại được; grid (hoặc all): cả lưới; list: liệt kê.",
    ),
]  # fmt: skip
Strings = Annotated[
    int | None,
    typer.Option(min=0, help=f"Số chuỗi ghép mỗi loại; mặc định {_STRINGS}, lưới {_GRID_STRINGS}."),
]
Limit = Annotated[
    int | None,
    typer.Option(
        min=0, help=f"Nhiều nhất chừng này clip mỗi phép đo; 0: mọi clip. Lưới: {_GRID_LIMIT}."
    ),
]
Threads = Annotated[int | None, typer.Option(min=1, help="Số luồng; mặc định: số lõi.")]
AsJson = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")]


def register(app: typer.Typer) -> None:
    """Hang this group on the program."""
    group = typer.Typer(no_args_is_help=True, help="Đo bộ nhận dạng (measure the recognizer).")
    group.command("eval")(eval_command)
    group.command("compare")(compare_command)
    group.command("labels")(labels_command)
    group.command("calibrate")(calibrate_command)
    app.add_typer(group, name="asr")


def eval_command(
    folder: Folder,
    condition: Conditions = None,
    strings: Strings = None,
    limit: Limit = None,
    threads: Threads = None,
    model: Annotated[str | None, typer.Option(help="Mô hình, theo tên hay thư mục.")] = None,
    with_bars: Annotated[
        bool, typer.Option("--bars", help="Đối chiếu với mục tiêu, kể cả tốc độ và bộ nhớ.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Lưu kết quả (JSON) vào tệp này.")] = None,
    report: Annotated[Path | None, typer.Option(help="Ghi báo cáo HTML, một tệp.")] = None,
    against: Annotated[
        Path | None, typer.Option(help="Kết quả đã lưu của lần trước, để so sánh.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Đo trên giọng thật: chữ số, mã số, đúng/không, lỗi từ, từ chối lời lạ, độ tin cậy."""
    if condition and "list" in condition:
        asr_show.conditions(as_json)
        return
    names = _conditions(condition, (*bars.conditions(), "mulaw-15") if with_bars else _DEFAULT)
    earlier = None if against is None else load_run(against)
    require_apart("eval-out", out, report)
    for written in (out, report):
        if written is not None:
            require_writable(written, "eval-out")
    check_sets(folder)
    path = find(model, load_settings())
    job = _job(folder, names, strings, limit, threads)
    run = _run(path, job, with_bars or report is not None, as_json)
    found = run.as_dict()
    files, unwritten = _write(found, earlier, job, out, report)
    if as_json:
        compared_with = {"against": beside(found, earlier)} if earlier else {}
        error = {"error": unwritten.as_dict()} if unwritten else {}
        print_json(found | compared_with | error)
    else:
        asr_show.run(found, earlier, with_bars)
        for file in files:
            asr_show.line(f"Đã ghi {file}")
        if unwritten is not None:
            Console(stderr=True).print(f"Lỗi {unwritten}", markup=False, highlight=False)
    if unwritten is not None:
        raise typer.Exit(1)


def compare_command(
    folder: Folder,
    model: Annotated[
        list[str], typer.Option(help="Mô hình, theo tên hay thư mục; lặp lại, cái đầu là mốc.")
    ],
    condition: Conditions = None,
    strings: Strings = None,
    limit: Limit = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """So các mô hình trên cùng clip: McNemar từng cặp, tốc độ, thời gian nạp, bộ nhớ."""
    if len(model) < 2:
        raise UsageError(
            "compare-models",
            "Cần ít nhất hai mô hình để so.",
            "Ví dụ: assistant asr compare --model vi-telephone --model THƯ-MỤC BẢN-GHI.",
        )
    check_sets(folder)
    settings = load_settings()
    paths = [find(name, settings) for name in model]
    names = _conditions(condition, _DEFAULT[:1])
    job = _job(folder, names, strings, limit, threads)
    sample = sample_of_cost(folder, job.strings, job.limit)
    costs = [cost_of(path, sample) for path in paths]  # first: a broken model ends it here
    heard = []
    with progress_bar(as_json) as bar:
        for path in paths:
            task = bar.add_task(path.name, total=None)
            heard.append(outcomes_of(path, job, _shown(bar, task, path.name)))
    pairs = [compared(heard[0], other) for other in heard[1:]]
    content = {
        "models": [{"path": str(p), "cost": c} for p, c in zip(paths, costs, strict=True)],
        "against_first": [[pair.as_dict() for pair in found] for found in pairs],
    }
    if as_json:
        print_json(content)
    else:
        asr_show.comparison([str(path) for path in paths], costs, pairs)


def labels_command(folder: Folder, as_json: AsJson = False) -> None:
    """Liệt kê những nhãn mà lời đọc không khớp con số trong ghi chú."""
    found = label_report(folder)
    if as_json:
        print_json(found)
    else:
        asr_show.labels(found)


def _conditions(asked: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    names: list[str] = []
    for name in asked or default:
        names += ALIASES.get(name, (name,))
    unknown = [name for name in names if name not in CONDITIONS]
    if unknown:
        raise UsageError(
            "eval-condition",
            f"Không có điều kiện {unknown[0]!r}.",
            f"Chọn trong: {', '.join((*CONDITIONS, *ALIASES))}.",
        )
    return tuple(dict.fromkeys(names))


def _job(
    folder: Path,
    names: tuple[str, ...],
    strings: int | None,
    limit: int | None,
    threads: int | None,
) -> Job:
    """Of the whole grid a sample of the clips is heard unless told else."""
    sampled = set(names) == set(CONDITIONS)
    if limit is None and sampled:
        limit = _GRID_LIMIT
    if strings is None:
        strings = _GRID_STRINGS if sampled else _STRINGS
    return Job(folder, names, strings, limit or None, threads or os.cpu_count() or 1)


def _run(path: Path, job: Job, costed: bool, hidden: bool) -> Run:
    """Measure; what it costs first, while nothing else runs."""
    model = open_model(path, repeatable=True)
    sample = sample_of_cost(job.folder, job.strings, job.limit) if costed else []
    cost = cost_of(path, sample) if sample else {}
    start = time.monotonic()
    with progress_bar(hidden) as bar:
        show = _shown(bar, bar.add_task("…", total=None))
        outcomes = list(
            evaluate(job.folder, model, job.conditions, job.strings, job.limit, job.threads, show)
        )
    setup = Setup(
        model=str(path),
        folder=str(job.folder),
        conditions=job.conditions,
        strings=job.strings,
        limit=job.limit,
        made=datetime.now().astimezone().isoformat(timespec="seconds"),
        version=__version__,
        seconds=round(time.monotonic() - start, 1),
    )
    return Run(setup, outcomes, cost, label_report(job.folder))


def _shown(bar: Any, task: Any, prefix: str = "") -> Progress:
    def show(name: str, done: int, of: int) -> None:
        title = f"{prefix}: {name}" if prefix else name
        bar.update(task, description=title, completed=done, total=of)

    return show


def _write(
    found: dict[str, Any],
    earlier: dict[str, Any] | None,
    job: Job,
    out: Path | None,
    report: Path | None,
) -> tuple[list[Path], AssistantError | None]:
    """The files that were written, and why one was not: the figures are shown all the same."""
    written: list[Path] = []
    try:
        if out is not None:
            write(out, json.dumps(found, ensure_ascii=False, indent=1) + "\n", "eval-out")
            written.append(out)
        if report is not None:
            sounds = sounds_of(job.folder, chosen(found["wrong"]), job.strings, job.limit)
            heard = {key: sound for key, (_, sound) in sounds.items()}
            write(report, page(found, earlier, heard), "eval-out")
            written.append(report)
    except AssistantError as error:
        return written, error
    return written, None
