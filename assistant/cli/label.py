"""``assistant label`` and ``assistant captures``: what callers allowed to be kept becomes tests."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assistant.audio import write_wav
from assistant.batch.captures import Captured, Captures
from assistant.cli.batch_options import AsJson
from assistant.cli.show import print_json
from assistant.nlu.normal import clean
from assistant.settings import load_settings

_PLAYERS = (
    ("pw-play",), ("paplay",), ("aplay", "-q"), ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
)  # fmt: skip
_SKIP, _NOISE, _QUIT = "-", "!", "q"


def register(app: typer.Typer) -> None:
    """Hang these commands on the program."""
    app.command("label")(label_command)
    group = typer.Typer(
        no_args_is_help=True, help="Lượt nói đã được phép giữ lại (captured turns)."
    )
    group.command("list")(list_command)
    group.command("export")(export_command)
    group.command("purge")(purge_command)
    app.add_typer(group, name="captures")


def label_command(
    everything: Annotated[
        bool, typer.Option("--all", help="Nghe lại cả những lượt đã có nhãn.")
    ] = False,
    silent: Annotated[bool, typer.Option("--silent", help="Không phát âm thanh.")] = False,
    as_json: AsJson = False,
) -> None:
    """Nghe từng lượt đã giữ và ghi lại đúng lời đã nói (listen and correct).

    Enter: nghe đúng rồi; gõ lời đúng; ! không phải lời nói; - bỏ qua; q thôi. Với --json, câu
    hỏi hiện ở luồng lỗi chuẩn.
    """
    captures = Captures(load_settings().capture)
    captures.purge(datetime.now(UTC))
    console = Console(stderr=as_json)
    waiting = [one.id for one in captures if everything or one.label is None]
    wanted = set(waiting)
    done = labelled = 0
    for one in captures:
        if one.id not in wanted:
            continue
        console.print(f"[{done + 1}/{len(waiting)}] {one.expect.value}: ", one.heard, markup=False)
        if not silent:
            _play(one, console)
        answer = typer.prompt("lời đúng", default="", show_default=False, err=as_json).strip()
        if answer == _QUIT:
            break
        done += 1
        if answer != _SKIP:
            captures.label(one, label_of(answer, one.heard))
            labelled += 1
    if as_json:
        print_json({"waiting": len(waiting), "done": done, "labelled": labelled})
        return
    console.print(f"Xong {done}/{len(waiting)} lượt. Xuất ra: assistant captures export THƯ_MỤC")


def label_of(answer: str, heard: str) -> str:
    """What a person's answer says about a turn."""
    if answer == _NOISE:
        return ""
    return clean(answer) if answer else heard


def _play(one: Captured, console: Console) -> None:
    player = next((p for p in _PLAYERS if shutil.which(p[0])), None)
    if player is None:
        console.print("Không có chương trình phát âm thanh (aplay, ffplay…); dùng --silent.")
        return
    with tempfile.TemporaryDirectory(prefix="assistant-label-") as folder:  # mode 0700
        path = Path(folder) / "turn.wav"
        write_wav(path, one.pcm, one.rate, private=True)
        subprocess.run([*player, str(path)], check=False, stderr=subprocess.DEVNULL)  # noqa: S603


def list_command(as_json: AsJson = False) -> None:
    """Những lượt đang giữ, và còn giữ mấy ngày (what is kept, and for how long)."""
    settings = load_settings().capture
    now = datetime.now(UTC)
    rows = [
        {
            "id": one.id,
            "state": one.expect.value,
            "seconds": round(one.seconds, 2),
            "labelled": one.label is not None,
            "days_left": settings.days - (now - one.at).days,
        }
        for one in Captures(settings)
    ]
    if as_json:
        print_json({"captures": rows})
        return
    table = Table("lượt", "đợi", "giây", "có nhãn", "còn (ngày)")
    for row in rows:
        labelled = "có" if row["labelled"] else ""
        table.add_row(
            str(row["id"]), str(row["state"]), str(row["seconds"]), labelled, str(row["days_left"])
        )
    Console().print(table)


def export_command(
    folder: Annotated[Path, typer.Argument(help="Thư mục mới cho WAV và labels.csv.")],
    as_json: AsJson = False,
) -> None:
    """Xuất các lượt có nhãn, không còn mã hóa (export labelled turns, no longer encrypted)."""
    count = Captures(load_settings().capture).export(folder)
    if as_json:
        print_json({"exported": count, "folder": str(folder)})
    else:
        typer.echo(f"Đã xuất {count} lượt. Chạy: assistant batch run {folder}")


def purge_command(
    everything: Annotated[bool, typer.Option("--all", help="Xóa hết, không chỉ cái cũ.")] = False,
    as_json: AsJson = False,
) -> None:
    """Xóa những lượt quá hạn (remove what is too old)."""
    removed = Captures(load_settings().capture).purge(datetime.now(UTC), everything)
    if as_json:
        print_json({"removed": removed})
    else:
        typer.echo(f"Đã xóa {removed} lượt.")
