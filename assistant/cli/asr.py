"""``assistant asr eval``: the recognizer measured on labelled recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from assistant.asr.engines import open_model
from assistant.batch.evaluate import Score, evaluate
from assistant.batch.speech_sets import CONDITIONS, require_folder
from assistant.cli.show import print_json, progress_bar
from assistant.errors import UsageError
from assistant.settings import load_settings


def register(app: typer.Typer) -> None:
    """Hang this group on the program."""
    group = typer.Typer(no_args_is_help=True, help="Đo bộ nhận dạng (measure the recognizer).")
    group.command("eval")(eval_command)
    app.add_typer(group, name="asr")


def eval_command(
    folder: Annotated[Path, typer.Argument(help="Thư mục chứa các bộ ghi âm có labels.csv.")],
    condition: Annotated[
        list[str] | None,
        typer.Option(help=f"Điều kiện đường truyền: {', '.join(CONDITIONS)}; mặc định tất cả."),
    ] = None,
    strings: Annotated[int, typer.Option(min=0, help="Số chuỗi 10 chữ số ghép mỗi bộ.")] = 100,
    limit: Annotated[int | None, typer.Option(min=1, help="Chỉ đo chừng này clip mỗi bộ.")] = None,
    out: Annotated[Path | None, typer.Option(help="Ghi kết quả JSON vào tệp này.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Đo trên giọng thật: chữ số, chuỗi 10 số, đúng/không, từ chối lời lạ, kèm khoảng 95 %."""
    conditions = condition or list(CONDITIONS)
    unknown = [name for name in conditions if name not in CONDITIONS]
    if unknown:
        raise UsageError(
            "eval-condition",
            f"Không có điều kiện {unknown[0]!r}.",
            f"Chọn trong: {', '.join(CONDITIONS)}.",
        )
    require_folder(folder)
    settings = load_settings()
    model = open_model(settings.model, settings.asr)
    scores: list[Score] = []
    with progress_bar(as_json) as bar:
        task = bar.add_task("…", total=None)

        def show(name: str, done: int, of: int) -> None:
            bar.update(task, description=name, completed=done, total=of)

        scores += evaluate(folder, model, conditions, strings, show, limit)
    found = [score.as_dict() for score in scores]
    if out is not None:
        out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json({"model": str(settings.model), "scores": found})
    else:
        _show(found)


def _show(scores: list[dict[str, Any]]) -> None:
    table = Table("bộ", "điều kiện", "đo gì", "kết quả", "khoảng 95 %", "lỗi từng số/từ", "nhóm")
    for s in scores:
        groups = ", ".join(f"{g} {100 * v['value']:.0f} %" for g, v in s["groups"].items())
        error = s.get("error_rate")
        table.add_row(
            s["set"], s["condition"], s["kind"],
            f"{s['hits']}/{s['total']} = {100 * (s['value'] or 0):.1f} %",
            f"{100 * s['low']:.1f}-{100 * s['high']:.1f} %",
            "" if error is None else f"{100 * error:.1f} %", groups,
        )  # fmt: skip
    Console().print(table)
