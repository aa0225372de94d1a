"""``assistant label`` and ``assistant captures``: what callers allowed to be kept becomes tests."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
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
_SKIP, _NOISE, _QUIT, _ELSEWHERE = "-", "!", "q", "="
_SHORTEST = 0.8  # of a sound's length: a player that ends sooner has played nothing
_NAMED = 10  # files that are named one by one


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
    silent: Annotated[
        bool, typer.Option("--silent", help="Không phát âm thanh; Enter không là nhãn.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Nghe từng lượt đã giữ và ghi lại đúng lời đã nói (listen and correct).

    Enter: nghe đúng rồi; gõ lời đúng; ! không phải lời nói; - bỏ qua; q hoặc Ctrl-D thôi. Lượt
    nào không phát ra tiếng (hay --silent) thì Enter không ghi gì: gõ = nếu đã nghe ở nơi khác và
    máy nghe đúng. Với --json, câu hỏi hiện ở luồng lỗi chuẩn.
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
        answer = _ask(console, not silent and _play(one, console), as_json)
        if answer == _QUIT:
            break
        done += 1
        if answer != _SKIP:
            captures.label(one, label_of(answer, one.heard))
            labelled += 1
    unreadable = _tell_unreadable(captures)
    if as_json:
        counts = {"waiting": len(waiting), "done": done, "labelled": labelled}
        print_json(counts | {"unreadable": unreadable})
        return
    console.print(
        f"Xong {done}/{len(waiting)} lượt, ghi {labelled} nhãn. "
        "Xuất ra: assistant captures export THƯ_MỤC"
    )


def _ask(console: Console, played: bool, on_stderr: bool) -> str:
    """What a person answers; without a sound an empty answer is none."""
    while True:
        try:
            answer = typer.prompt("lời đúng", default="", show_default=False, err=on_stderr)
        except typer.Abort:  # the end of the input, or Ctrl-C
            console.print()
            return _QUIT
        if answer.strip() or played:
            return str(answer.strip())
        console.print(
            f"Lượt này chưa phát ra tiếng nên Enter chưa là nhãn. Gõ {_ELSEWHERE} nếu đã nghe ở "
            f"nơi khác và máy nghe đúng; hoặc gõ lời đúng, {_NOISE}, {_SKIP}, {_QUIT}."
        )


def label_of(answer: str, heard: str) -> str:
    """What a person's answer says about a turn."""
    if answer == _NOISE:
        return ""
    return heard if answer in ("", _ELSEWHERE) else clean(answer)


def _play(one: Captured, console: Console) -> bool:
    """Whether somebody could hear it: the first player that works plays it."""
    players = [player for player in _PLAYERS if shutil.which(player[0])]
    with tempfile.TemporaryDirectory(prefix="assistant-label-") as folder:  # mode 0700
        path = Path(folder) / "turn.wav"
        write_wav(path, one.pcm, one.rate, private=True)
        if any(_played(player, path, one.seconds) for player in players):
            return True
    if players:
        names = ", ".join(player[0] for player in players)
        console.print(
            f"Không phát được âm thanh ({names}): kiểm tra loa, thiết bị âm thanh và quyền dùng "
            "nó (nhóm audio); máy không có loa thì dùng --silent."
        )
    else:
        console.print("Không có chương trình phát âm thanh: cài alsa-utils, hoặc dùng --silent.")
    return False


def _played(player: tuple[str, ...], path: Path, seconds: float) -> bool:
    """ffplay says 0 where there is no sound device, too: then it is over at once."""
    start = time.monotonic()
    unheard = subprocess.DEVNULL
    done = subprocess.run([*player, path], check=False, stdout=unheard, stderr=unheard)  # noqa: S603
    return done.returncode == 0 and time.monotonic() - start >= _SHORTEST * seconds


def _tell_unreadable(captures: Captures) -> list[str]:
    """Names, on standard error, the files that were passed over; gives all their names."""
    names = captures.unreadable
    if names:
        shown = ", ".join(names[:_NAMED])
        more = f" và {len(names) - _NAMED} tệp nữa" if len(names) > _NAMED else ""
        typer.echo(
            f"Bỏ qua {len(names)} tệp không giải mã được: {shown}{more}. Tệp bị sửa, cắt cụt, đổi "
            "tên, hoặc của khóa khác: chép lại từ bản sao lưu, hoặc xóa đi.",
            err=True,
        )
    return names


def list_command(as_json: AsJson = False) -> None:
    """Những lượt đang giữ, và còn giữ mấy ngày (what is kept, and for how long)."""
    settings = load_settings().capture
    captures, now = Captures(settings), datetime.now(UTC)
    rows = [
        {
            "id": one.id,
            "state": one.expect.value,
            "seconds": round(one.seconds, 2),
            "labelled": one.label is not None,
            "days_left": settings.days - (now - one.at).days,
        }
        for one in captures
    ]
    unreadable = _tell_unreadable(captures)
    if as_json:
        print_json({"captures": rows, "unreadable": unreadable})
        return
    if not rows:
        typer.echo("Chưa giữ lượt nào.")
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
    captures = Captures(load_settings().capture)
    count = captures.export(folder)
    unreadable = _tell_unreadable(captures)
    if as_json:
        print_json({"exported": count, "folder": str(folder), "unreadable": unreadable})
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
