"""``assistant call``: a whole call from files, through the loop of a live one."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from assistant.audio import write_wav
from assistant.call import Call, call_cost
from assistant.call.endings import ENDINGS
from assistant.call.recording import caller_spans, mix, redact_assistant, redact_caller
from assistant.channels.wav import Tape, WavCaller, read_turns
from assistant.cli.show import (
    WARNINGS,
    conversation,
    money,
    notes_table,
    print_json,
    progress_bar,
    timing_table,
)
from assistant.cli.wiring import new_call, open_parts
from assistant.dialogue.types import EndOfCall
from assistant.errors import AudioError, UsageError
from assistant.settings import Settings, load_settings

_KEYS = set("0123456789*#")
_ASSISTANT_FILE, _MIXED_FILE = "assistant.wav", "call.wav"


class Exit(IntEnum):
    """Exit codes of a call that was had; 1 and 2 are errors before it."""

    WELL = 0  # a password was given, or the caller got what was asked for
    REFUSED = 3
    NO_INPUT = 4
    NOT_UNDERSTOOD = 5
    FAILED = 6
    HUNG_UP = 7  # the turns ran out and the call was still waiting
    BUSY = 8  # never of a file's call: it has no others beside it


_EXITS = {
    EndOfCall.DONE: Exit.WELL,
    EndOfCall.CALLER_STOPPED: Exit.WELL,
    EndOfCall.AGENT: Exit.WELL,
    EndOfCall.REFUSED: Exit.REFUSED,
    EndOfCall.NO_INPUT: Exit.NO_INPUT,
    EndOfCall.NOT_UNDERSTOOD: Exit.NOT_UNDERSTOOD,
    EndOfCall.FAILED: Exit.FAILED,
    EndOfCall.CALLER_HUNG_UP: Exit.HUNG_UP,
    EndOfCall.BUSY: Exit.BUSY,
}


def register(app: typer.Typer) -> None:
    """Hang this command on the program."""
    app.command("call")(call_command)


def call_command(
    turns: Annotated[
        list[str] | None,
        typer.Argument(
            help="Lời người gọi theo thứ tự: tệp âm thanh (một hay nhiều tệp), "
            "hoặc keys:0123# để bấm phím.",
            metavar="LƯỢT…",
        ),
    ] = None,
    phone: Annotated[
        str | None, typer.Option("--from", help="Số điện thoại gọi đến; bỏ trống: ẩn số.")
    ] = None,
    keys: Annotated[str | None, typer.Option(help="Phím bấm ở lượt đầu, ví dụ 8.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Thư mục để ghi assistant.wav và call.wav (số và mật khẩu bị che)."),
    ] = None,
    trace: Annotated[bool, typer.Option("--trace", help="In diễn biến từng sự kiện.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Gọi thử bằng tệp âm thanh, qua đúng vòng lặp của cuộc gọi thật (a whole call).

    Mã thoát: 0 tốt đẹp; 3 bị từ chối; 4 im lặng; 5 không hiểu; 6 trục trặc; 7 gác máy giữa
    chừng; 1 và 2 là lỗi trước cuộc gọi.
    """
    settings = load_settings()
    names = list(turns or ())
    _check(names, keys)
    if out is not None:
        _require_writable(out)
    wired = open_parts(settings)
    with closing(wired):
        call = new_call(wired, settings, phone)
        caller = WavCaller(
            call, read_turns(names, keys), settings.audio, settings.turns, settings.vad
        )
        started = time.perf_counter()
        tape = _play(caller, as_json)
        elapsed = time.perf_counter() - started
    files, unwritten = _write(out, call, tape, settings) if out else ({}, None)
    if as_json:
        error = {"error": unwritten.as_dict()} if unwritten else {}
        print_json(_report(call, tape, files, elapsed, settings, trace) | error)
    else:
        _show(call, tape, files, elapsed, settings, trace)
        if unwritten:
            Console(stderr=True).print(f"Lỗi {unwritten}", markup=False)
    raise typer.Exit(_exit_code(call))


def _check(names: list[str], keys: str | None) -> None:
    pressed = [name.removeprefix("keys:") for name in names if name.startswith("keys:")]
    for some in [*pressed, *([keys] if keys is not None else [])]:
        if not some or not set(some) <= _KEYS:
            raise UsageError(
                "keys-invalid", "Phím phải là các chữ số, * hoặc #.", "Ví dụ: --keys 8"
            )
    if not names and keys is None:
        raise UsageError(
            "turns-missing",
            "Chưa có lời nào của người gọi.",
            "Ví dụ: assistant call --from 0912345678 luot1.wav luot2.wav",
        )


def _require_writable(out: Path) -> None:
    """Before the call: one that has reset a password must not fail over a folder afterwards."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
        taken = [name for name in (_ASSISTANT_FILE, _MIXED_FILE) if (out / name).is_dir()]
        reason = f"{taken[0]} là một thư mục" if taken else None
    except FileExistsError:
        reason = "đã có một tệp mang tên này"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason is not None:
        raise AudioError(
            "audio-write",
            f"Không ghi được vào {out}: {reason}. Cuộc gọi chưa bắt đầu.",
            "Chọn một thư mục ghi được với --out.",
        )


def _play(caller: WavCaller, hidden: bool) -> Tape:
    with progress_bar(hidden) as bar:
        task = bar.add_task("Đang gọi", total=None)

        def show(seconds: float, left: int) -> None:
            if round(seconds * 50) % 50 == 0:  # once a second of audio is enough
                bar.update(task, description=f"Đang gọi {seconds:.0f} s, còn {left} lượt")

        return caller.run(show)


def _write(
    out: Path, call: Call, tape: Tape, settings: Settings
) -> tuple[dict[str, str], AudioError | None]:
    """The recordings; digits become tones unless every account of the call is invented. A disk
    that is full by now is told beside the call's outcome, which nobody could ask for again."""
    caller, assistant = tape.caller, tape.assistant
    if not call.reveal:
        keep, tone = caller_spans(call.turns, settings.turns.pre_roll)
        caller = redact_caller(caller, tape.rate, keep, tone)
        assistant = redact_assistant(assistant, tape.rate, call.spoken_digits)
    try:
        write_wav(out / _ASSISTANT_FILE, assistant, tape.rate, private=True)
        write_wav(out / _MIXED_FILE, mix(caller, assistant), tape.rate, private=True)
    except AudioError as error:
        return {}, error
    return {"assistant": str(out / _ASSISTANT_FILE), "call": str(out / _MIXED_FILE)}, None


def _exit_code(call: Call) -> Exit:
    return Exit.WELL if call.resets else _EXITS[call.ended or EndOfCall.FAILED]


def _report(
    call: Call,
    tape: Tape,
    files: dict[str, str],
    elapsed: float,
    settings: Settings,
    trace: bool,
) -> dict[str, Any]:
    report: dict[str, Any] = {
        "ended": call.ended.value if call.ended else None,
        "resets": call.resets,
        "masked": not call.reveal,
        "seconds": round(call.now, 2),
        "cost": call_cost(call.now, settings.fee_per_minute),
        "computed_in": round(elapsed, 3),
        "turns": [turn.as_dict(call.reveal) for turn in call.turns],
        "warnings": [{"file": name, "warning": what.value} for name, what in tape.warnings],
        "files": files,
    }
    if trace:
        report["trace"] = [{"at": note.at, "what": note.what} for note in call.notes]
    return report


def _show(
    call: Call,
    tape: Tape,
    files: dict[str, str],
    elapsed: float,
    settings: Settings,
    trace: bool,
) -> None:
    console = Console()
    for line in conversation(call.turns, call.reveal):
        console.print(line)
    console.print()
    console.print(timing_table(call.turns))
    if trace:
        console.print(notes_table(call))
    for name, what in tape.warnings:
        console.print(f"Chú ý: tệp {name}: {WARNINGS[what]}", style="yellow")
    ended = ENDINGS[call.ended or EndOfCall.FAILED]
    cost = money(call_cost(call.now, settings.fee_per_minute))
    console.print(
        f"Kết thúc: {ended}. Đã cấp mật khẩu: {call.resets} lần. Thời lượng {call.now:.1f} s, "
        f"cước {cost}; tính trong {elapsed:.1f} s."
    )
    for file in files.values():
        console.print(f"Đã ghi {file}")
