"""``assistant prompts``: build, check, list and try out what callers hear."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from assistant.dialogue.types import Reply, Say, SayDigits, Spoken
from assistant.errors import UsageError
from assistant.settings import load_settings
from assistant.tts import clips
from assistant.tts.build import BuildReport, build
from assistant.tts.catalogue import Catalogue, load_catalogue
from assistant.tts.check import Problem, check
from assistant.tts.renderer import Renderer
from assistant.tts.synthesizers import ENGINES, cast_of

app = typer.Typer(
    no_args_is_help=True,
    help="Các câu thoại: dựng âm thanh, kiểm tra, liệt kê (what callers hear).",
)

Folder = Annotated[
    Path | None,
    typer.Option("--dir", help="Thư mục có prompts.yaml (mặc định: ASSISTANT_PROMPTS)."),
]
Json = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")]


def register(app_: typer.Typer) -> None:
    """Add this group to the program."""
    app_.add_typer(app, name="prompts")


@app.command("build")
def build_command(
    engine: Annotated[
        str | None, typer.Option(help=f"Bộ đọc: {', '.join(ENGINES)} (gtts cần mạng).")
    ] = None,
    folder: Folder = None,
    force: Annotated[bool, typer.Option("--force", help="Dựng lại cả câu không đổi.")] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="Khóa của câu có bản thu vẫn đúng, dù câu chữ đã đổi (nhiều lần được)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Dựng âm thanh cho những câu mới hoặc đã đổi; bản thu trong studio/ luôn được ưu tiên."""
    settings = load_settings()
    folder = folder or settings.prompts
    catalogue = load_catalogue(folder)
    cast = cast_of(engine or settings.voice.engine, settings.voice, catalogue)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), disable=as_json)
    with bar:
        task = bar.add_task("Dựng câu thoại", total=None)

        def show(done: int, total: int, key: str) -> None:
            bar.update(task, completed=done, total=total, description=key or "Xong")

        report = build(folder, catalogue, cast, settings.voice, show, force, accept or ())
    if as_json:
        _print_json(asdict(report))
    else:
        Console().print(_summary(report))


def _summary(report: BuildReport) -> str:
    lines = [
        f"Đã đọc bằng máy: {len(report.rendered)} câu",
        f"Từ bản thu studio: {len(report.studio)} câu",
        f"Giữ nguyên: {len(report.kept)} câu",
    ]
    if report.removed:
        lines.append(f"Đã bỏ tệp thừa: {', '.join(report.removed)}")
    return "\n".join(lines)


@app.command("check")
def check_command(folder: Folder = None, as_json: Json = False) -> None:
    """Tìm câu thiếu, cũ, im lặng, vỡ tiếng, sai mức âm, tệp thừa; mã thoát 1 nếu có lỗi."""
    settings = load_settings()
    folder = folder or settings.prompts
    catalogue = load_catalogue(folder)
    problems = check(folder, catalogue, settings.voice)
    if as_json:
        _print_json({"ok": not problems, "problems": [asdict(problem) for problem in problems]})
    elif problems:
        Console().print(_problem_table(problems))
        Console().print("Sửa bằng: assistant prompts build")
    else:
        Console().print(f"Cả {len(catalogue.prompts)} câu đều tốt.")
    if problems:
        raise typer.Exit(1)


def _problem_table(problems: tuple[Problem, ...]) -> Table:
    table = Table("Câu", "Lỗi", "Chi tiết")
    for problem in problems:
        table.add_row(problem.key, problem.kind.value, problem.detail)
    return table


@app.command("list")
def list_command(folder: Folder = None, as_json: Json = False) -> None:
    """Liệt kê các câu: khóa, nguồn âm thanh, độ dài, câu chữ."""
    folder = folder or load_settings().prompts
    rows = _rows(folder, load_catalogue(folder))
    if as_json:
        _print_json({"prompts": rows})
        return
    table = Table("Khóa", "Nguồn", "Giây", "Câu")
    for row in rows:
        seconds = "-" if row["seconds"] is None else f"{row['seconds']:.1f}"
        table.add_row(row["key"], row["engine"] or "-", seconds, row["text"])
    Console().print(table)


def _rows(folder: Path, catalogue: Catalogue) -> list[dict[str, Any]]:
    manifest = clips.read_manifest(folder)
    rows: list[dict[str, Any]] = []
    for key, prompt in catalogue.prompts.items():
        path = clips.clip_path(folder, key)
        seconds = clips.clip_seconds(path) if path.is_file() else None
        entry = manifest.get(key)
        rows.append(
            {
                "key": key,
                "engine": entry.engine if entry else None,
                "seconds": seconds,
                "text": prompt.text,
                "speak": prompt.speak,
                "when": prompt.when,
            }
        )
    return rows


@app.command("render")
def render_command(
    parts: Annotated[list[str], typer.Argument(help="Khóa của câu, hoặc dãy số như 0123-456-789.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Tệp WAV để ghi.")],
    rate: Annotated[int, typer.Option(help="Hz; điện thoại là 8000.")] = 16_000,
    slow: Annotated[bool, typer.Option("--slow", help="Nói chậm lại.")] = False,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Ghép câu và dãy số như trong cuộc gọi rồi ghi ra WAV để nghe thử."""
    if not 8_000 <= rate <= 48_000:
        raise UsageError("rate-range", "Tần số phải từ 8000 đến 48000 Hz.", "Ví dụ: --rate 8000.")
    settings = load_settings()
    renderer = Renderer.open(folder or settings.prompts, rate, settings.voice)
    rendered = renderer.render(Reply(tuple(_spoken(part) for part in parts), slow))
    clips.write_wav(out, rendered.pcm, rate)
    if as_json:
        _print_json({"file": str(out), "seconds": rendered.seconds, "text": rendered.text})
    else:
        Console().print(f"{out}: {rendered.seconds:.1f} giây: {rendered.text}")


def _spoken(part: str) -> Spoken:
    groups = part.split("-")
    if part.replace("-", "").isdigit():
        return SayDigits("".join(groups), tuple(len(group) for group in groups))
    return Say(part)


def _print_json(data: object) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
