"""``assistant batch``: scenarios and recordings as a regression suite."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from assistant.batch import journal as journals
from assistant.batch.diff import Diff, compare
from assistant.batch.junit import write_junit
from assistant.batch.pool import Pool
from assistant.batch.ray_cluster import check_address
from assistant.batch.run import Engine, Plan, Stop, check_voice, execute
from assistant.batch.scenario import json_schema
from assistant.batch.scenario_files import fingerprint, read_entries
from assistant.batch.starter import write_starter
from assistant.batch.summary import Summary, summarise
from assistant.batch.work import Done, Status
from assistant.cli import batch_options as options
from assistant.cli.batch_show import Progress, show_diff, show_entries, show_summary
from assistant.cli.outputs import require_apart, require_writable
from assistant.cli.show import print_json
from assistant.cli.wiring import open_stage
from assistant.errors import AssistantError, UsageError
from assistant.settings import Settings, load_settings

RUNS = Path("var/batch")
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def register(app: typer.Typer) -> None:
    """Hang this group on the program."""
    group = typer.Typer(no_args_is_help=True, help="Chạy hàng loạt kịch bản (scenario suites).")
    group.command("run")(run_command)
    group.command("list")(list_command)
    group.command("init")(init_command)
    group.command("report")(report_command)
    group.command("diff")(diff_command)
    group.command("schema")(schema_command)
    app.add_typer(group, name="batch")


def run_command(
    place: options.Place,
    out: options.Out = None,
    resume: options.Resume = False,
    workers: options.Workers = None,
    text_filter: options.Filter = "",
    repeat: options.Repeat = 1,
    seed: options.Seed = 0,
    fail_fast: options.FailFast = False,
    audio: options.Audio = "failed",
    report: options.Report = None,
    junit: options.Junit = None,
    against: options.Against = None,
    engine: options.EngineName = "local",
    address: options.Address = None,
    parquet: options.Parquet = None,
    timeout: options.Timeout = 120.0,
    as_json: options.AsJson = False,
) -> None:
    """Chạy mọi kịch bản, mỗi kịch bản trên một cơ sở dữ liệu dùng một lần (run scenarios).

    Mã thoát: 0 đạt cả (lỗi đã biết không tính); 1 có lỗi; 2 không chạy được (lệnh, tệp hay
    thiết lập sai); 130 bị dừng, chạy tiếp bằng --resume.
    """
    with _no_verdict():
        _one_of("--audio", audio, options.AUDIO)
        _one_of("--engine", engine, options.ENGINES)
        check_address(engine, address)
        if against:
            journals.read_run(against)
        require_apart("batch-write", report, junit)
        for written in (report, junit):
            if written is not None:
                require_writable(written, "batch-write", make_folder=True)
        settings = load_settings()
        plan = Plan(place, text_filter, repeat, seed, fail_fast)
        facts = _facts(plan, settings)
        if not resume:  # a run that is resumed may have spoken all of them
            check_voice(plan.jobs(lambda _: False))
        folder = out or (_latest() if resume else _new_folder())
        stop = Stop()
        count = workers or os.cpu_count() or 1
        chosen = _engine(engine, settings, count, audio, address, stop, timeout)
        with closing(journals.Journal.open(folder, facts, resume)) as journal:
            _execute(plan, journal, chosen, stop, folder, as_json, parquet)
    summary = summarise(journals.read_records(folder), repeat > 1, facts["total"])
    diff = _diff(against, folder) if against else None
    _tell(folder, summary, diff, stop, as_json)
    if junit:
        write_junit(junit, summary, journals.read_records(folder), plan.jobs(journal.has))
    if report:
        _write_report(report, folder, diff)
    for written in (report, junit):
        if written is not None and not as_json:
            typer.echo(f"Đã ghi {written}")
    raise typer.Exit(_exit_code(summary, stop))


def list_command(
    place: options.Place, text_filter: options.Filter = "", as_json: options.AsJson = False
) -> None:
    """Liệt kê và đếm kịch bản, không chạy (list and count, run nothing)."""
    entries = read_entries(place, text_filter)
    if not as_json:
        show_entries(Console(soft_wrap=True), entries)
        return
    rows = [
        {
            "id": one.id,
            "tags": one.tags,
            "known_failure": one.scenario.known_failure if one.scenario else None,
        }
        for one in entries
    ]
    print_json({"total": len(rows), "entries": rows})


def init_command(
    folder: Annotated[Path, typer.Argument(help="Thư mục mới cho các kịch bản.")],
    as_json: options.AsJson = False,
) -> None:
    """Viết một bộ kịch bản mẫu để sửa theo ý mình (a starter set)."""
    written = write_starter(folder)
    if as_json:
        print_json({"files": [str(path) for path in written]})
        return
    for path in written:
        typer.echo(f"Đã ghi {path}")
    typer.echo(f"Chạy: assistant batch run {folder} --report report.html")


def report_command(
    run: Annotated[Path, typer.Argument(help="Thư mục của lượt chạy.")],
    out: Annotated[Path, typer.Option(help="Tệp HTML.")] = Path("report.html"),
    against: Annotated[Path | None, typer.Option(help="So với lượt chạy cũ này.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Viết báo cáo HTML của một lượt đã chạy (a report of a finished run)."""
    require_writable(out, "batch-write", make_folder=True)
    _write_report(out, run, _diff(against, run) if against else None)
    if as_json:
        print_json({"report": str(out)})
    else:
        typer.echo(f"Đã ghi {out}")


def diff_command(
    before: Annotated[Path, typer.Argument(help="Thư mục của lượt chạy cũ.")],
    after: Annotated[Path, typer.Argument(help="Thư mục của lượt chạy mới.")],
    as_json: options.AsJson = False,
) -> None:
    """So hai lượt chạy: hỏng thêm gì, lành gì (what broke, what healed). Mã thoát 1: có hỏng."""
    diff = _diff(before, after)
    if as_json:
        print_json(diff.as_dict())
    else:
        show_diff(Console(), diff)
    raise typer.Exit(1 if diff.broke else 0)


def schema_command(as_json: options.AsJson = False) -> None:
    """In JSON Schema của tệp kịch bản, cho trình soạn thảo (the schema for editors)."""
    del as_json  # taken as every command takes it: this one prints nothing else
    sys.stdout.write(json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n")


# --- the parts of a run -------------------------------------------------------------------


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(
            "batch-option", f"{option} không nhận {value!r}.", f"Chọn: {', '.join(allowed)}."
        )


@contextmanager
def _no_verdict() -> Iterator[None]:
    """What keeps a run from being made must not look like a run with failures (1)."""
    try:
        yield
    except AssistantError as error:
        error.exit_code = 2
        raise


def _facts(plan: Plan, settings: Settings) -> dict[str, Any]:
    """What a resumed run must have in common with the one that was stopped."""
    return {
        "place": plan.place,
        "fingerprint": fingerprint(plan.place),
        "filter": plan.text_filter,
        "repeat": plan.repeat,
        "seed": plan.seed,
        "model": journals.model_id(settings.model),
        "total": plan.count(),
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def _new_folder() -> Path:
    return RUNS / datetime.now().strftime("%Y%m%d-%H%M%S")


def _latest() -> Path:
    runs = sorted(path for path in RUNS.glob("*") if (path / journals.RUN).exists())
    if not runs:
        raise UsageError(
            "batch-run-missing", f"Chưa có lượt chạy nào trong {RUNS}.", "Bỏ --resume để chạy mới."
        )
    return runs[-1]


def _engine(
    name: str,
    settings: Settings,
    workers: int,
    audio: str,
    address: str | None,
    stop: Stop,
    timeout: float,
) -> Engine:
    make_stage = partial(open_stage, settings)
    if name == "ray":
        from assistant.batch.ray_engine import RayEngine

        return RayEngine(make_stage, workers, address, audio, stop, timeout)
    return Pool(make_stage, workers, audio, stop, timeout)


def _execute(
    plan: Plan,
    journal: journals.Journal,
    engine: Engine,
    stop: Stop,
    folder: Path,
    hidden: bool,
    parquet: str | None,
) -> None:
    total = plan.count()
    finished = sum(journal.has(ordinal) for ordinal in range(total))
    with (
        closing(engine),
        _signals(stop, folder),
        closing(Progress(total, finished, hidden)) as progress,
        _table(parquet) as table,
    ):

        def seen(done: Done) -> None:
            progress.seen(done)
            if table is not None:
                table.add(done.record)

        execute(plan, journal, engine, stop, seen)


def _table(place: str | None) -> AbstractContextManager[Any]:
    if place is None:
        return nullcontext()
    from assistant.batch.parquet import ParquetSink

    return closing(ParquetSink(place))


@contextmanager
def _signals(stop: Stop, folder: Path) -> Iterator[None]:
    """The first Ctrl-C or TERM asks to stop; a second Ctrl-C ends at once."""

    def ask(number: int, frame: object) -> None:
        if stop.asked and number == signal.SIGINT:
            sys.stderr.write(f"\nDừng ngay. Chạy tiếp: thêm --resume --out {folder}\n")
            raise KeyboardInterrupt
        stop.interrupt()
        sys.stderr.write("\nĐang dừng: chờ những kịch bản đang chạy…\n")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _diff(before: Path, after: Path) -> Diff:
    for folder in (before, after):
        journals.read_run(folder)
    return compare(journals.read_records(before), journals.read_records(after))


def _write_report(path: Path, folder: Path, diff: Diff | None) -> None:
    from assistant.batch.suite_report import write_report

    write_report(path, folder, diff)


def _tell(folder: Path, summary: Summary, diff: Diff | None, stop: Stop, as_json: bool) -> None:
    if as_json:
        found = {"run": str(folder), **summary.as_dict(), "interrupted": stop.interrupted}
        found["failures"] = [
            {"id": record["id"], "status": record["status"], "failures": record["failures"]}
            for status in Status.BAD
            for record in summary.kept.get(status, ())
        ]
        print_json(found | ({"diff": diff.as_dict()} if diff else {}))
        return
    console = Console()
    if diff is not None:
        show_diff(console, diff)
    show_summary(console, summary)
    console.print(f"Lượt chạy: {folder}", markup=False)
    if stop.interrupted:
        console.print(f"Bị dừng giữa chừng. Chạy tiếp: thêm --resume --out {folder}", markup=False)


def _exit_code(summary: Summary, stop: Stop) -> int:
    if stop.interrupted:
        return _INTERRUPTED
    return 1 if summary.bad else 0
