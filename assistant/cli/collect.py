"""``assistant train collect``: recordings to train on, read aloud by people who agreed to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from assistant.audio import AudioChunk
from assistant.cli.show import print_json
from assistant.collect.booth import Microphone, numbered_files, read_file
from assistant.collect.consent import (
    AGREED,
    FOLDER,
    Scope,
    consent_text,
    require_agreement,
    require_scope,
)
from assistant.collect.script import Line, script
from assistant.collect.session import Next, Outcome, Problem, Reader, sit
from assistant.collect.store import Collection, require_speaker
from assistant.errors import UsageError
from assistant.settings import Settings, load_settings

_CHOICES = {"": Next.KEEP, "l": Next.AGAIN, "b": Next.SKIP, "q": Next.STOP}


def collect_command(
    speaker: Annotated[
        str | None, typer.Option(help="Mã người đọc, ví dụ nu-hue-01; không phải tên thật.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Thư mục bản ghi âm, có labels.csv.")] = FOLDER,
    from_files: Annotated[
        Path | None,
        typer.Option(
            help="Nhập các tệp WAV đã ghi ở nơi khác: 0001.wav là dòng 1 của bài đọc; không tên "
            "nào có số thì theo thứ tự tên."
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Chỉ in bài đọc, có số dòng.")] = False,
    delete: Annotated[
        str | None, typer.Option(help="Xóa mọi bản ghi âm và nhãn của người đọc này.")
    ] = None,
    scope: Annotated[
        Scope, typer.Option(help="Người đọc cho dùng vào việc gì: huấn luyện, hay cả công bố.")
    ] = Scope.TRAIN,
    lines: Annotated[int | None, typer.Option(min=1, max=9999, help="Số dòng của bài đọc.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Số khác cho một bài đọc khác.")] = 1,
    input_: Annotated[str | None, typer.Option("--input", help="Micro: số hoặc tên.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Thu giọng đọc mã số, câu trả lời, lời yêu cầu để huấn luyện, có sự đồng ý (collect).

    Bản ghi quá nhỏ, vỡ tiếng, ồn hay cụt thì đọc lại ngay; dừng lúc nào cũng được, lần sau tiếp
    tục từ đó. Bản ghi và labels.csv dùng được cho assistant train adapt và assistant asr eval.
    """
    collection = Collection(out)
    if delete is not None:
        _delete(collection, delete, as_json)
        return
    if speaker is None:
        raise UsageError(
            "collect-speaker", "Thiếu mã người đọc.", "Thêm --speaker, ví dụ --speaker nu-hue-01."
        )
    require_speaker(speaker)
    settings = load_settings()
    text = script(lines or settings.collect.lines, f"{seed}:{speaker}")
    if list_:
        _list(text, as_json)
        return
    files = None if from_files is None else numbered_files(from_files, len(text))
    booth = None if files is not None else _microphone(settings, input_)
    _ask_consent(collection, speaker, scope)
    if booth is None:
        reader = _from_files(speaker, seed, files or {}, settings)
    else:
        reader = _at_microphone(speaker, seed, len(text), booth)
    outcome = sit(collection, text, reader, settings.collect)
    _report(outcome, len(text) - len(collection.done(speaker, seed)), out, as_json)
    if outcome.problems:
        raise typer.Exit(1)


def _delete(collection: Collection, speaker: str, as_json: bool) -> None:
    require_speaker(speaker)
    count = collection.delete(speaker)
    if as_json:
        print_json({"deleted": speaker, "clips": count})
    else:
        typer.echo(f"Đã xóa {count} bản ghi của {speaker}; chỉ còn lại một dòng ghi việc xóa.")


def _list(text: Sequence[Line], as_json: bool) -> None:
    if as_json:
        rows = [{"number": n, "shown": ln.shown, "text": ln.text} for n, ln in enumerate(text, 1)]
        print_json({"lines": rows})
        return
    for number, line in enumerate(text, 1):
        typer.echo(f"{number:4d}  {line.shown}")


def _microphone(settings: Settings, device: str | None) -> Microphone:
    named = int(device) if device is not None and device.isdecimal() else device
    return Microphone(settings.collect.rate, settings.collect.most_seconds, named)


def _ask_consent(collection: Collection, speaker: str, scope: Scope) -> None:
    """Before anything is recorded; a speaker who agreed once is not asked again."""
    given = collection.consent(speaker)
    if given is not None:
        require_scope(given, scope)
        return
    typer.echo(consent_text(speaker, scope, collection.folder), err=True)
    typer.echo(f'Gõ "{AGREED}" để bắt đầu, phím Enter để thôi: ', err=True, nl=False)
    try:
        answer = input()
    except EOFError:
        answer = ""
    require_agreement(answer)
    collection.agree(speaker, scope)


def _from_files(speaker: str, seed: int, files: dict[int, Path], settings: Settings) -> Reader:
    def record(number: int, line: Line) -> AudioChunk | Next:
        return read_file(files[number], settings.audio) if number in files else Next.SKIP

    def judge(number: int, audio: AudioChunk, problem: Problem | None) -> Next:
        return Next.KEEP if problem is None else Next.SKIP

    return Reader(speaker, seed, record, judge)


def _at_microphone(speaker: str, seed: int, count: int, booth: Microphone) -> Reader:
    console = Console(stderr=True, highlight=False)
    console.print("Để im một chút trước và sau mỗi câu.")

    def record(number: int, line: Line) -> AudioChunk | Next:
        console.print(f"\n[dim]{number}/{count}[/]  [bold]{escape(line.shown)}[/]")
        answer = _answer(console, "Enter: bắt đầu ghi, b: bỏ qua, q: dừng ")
        if answer in ("b", "q"):
            return _CHOICES[answer]
        return booth.record(lambda: _answer(console, "● Đang ghi… đọc xong bấm Enter "))

    def judge(number: int, audio: AudioChunk, problem: Problem | None) -> Next:
        if problem is not None:
            console.print(problem.message, style="yellow")
            return Next.AGAIN
        while True:
            answer = _answer(
                console, "Enter: giữ, n: nghe lại, l: đọc lại, b: bỏ qua, q: bỏ và dừng "
            )
            if answer == "n":
                booth.play(audio)
            elif answer in _CHOICES:
                return _CHOICES[answer]

    return Reader(speaker, seed, record, judge)


def _answer(console: Console, question: str) -> str:
    console.print(question, end="", style="dim")
    try:
        return input().strip().lower()
    except EOFError:
        return "q"


def _report(outcome: Outcome, left: int, out: Path, as_json: bool) -> None:
    if as_json:
        problems = [
            {"line": p.number, "code": p.code, "message": p.message} for p in outcome.problems
        ]
        kept = len(outcome.kept)
        print_json({"folder": str(out), "kept": kept, "left": left, "problems": problems})
        return
    for problem in outcome.problems:
        typer.echo(f"Dòng {problem.number}: {problem.message}", err=True)
    typer.echo(f"Đã giữ {len(outcome.kept)} bản ghi trong {out}; còn {left} dòng chưa đọc.")
