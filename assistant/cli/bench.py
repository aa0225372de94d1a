"""``assistant bench calls``: how many live calls one core carries, and how fast it answers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from assistant.accounts.open import open_local
from assistant.audio.reading import open_audio
from assistant.audio.resampling import Resampler
from assistant.batch.load import FRAME, Caller, Load, PlainCaller, Turn, drive
from assistant.cli.bench_show import LIMIT_MS, Row, p95, show
from assistant.cli.show import print_json
from assistant.errors import DependencyError, UsageError
from assistant.nlu import phrases
from assistant.nlu.types import Expect
from assistant.settings import ROOT, Settings, load_settings

_DEMO = ROOT / "examples" / "demo"
_REPLICA = ROOT / "benchmarks" / "_vosk_server.py"
_RATE = 8_000
_SPREAD = 20.0  # s over which calls begin: about one script, so that the load is even
_BEHIND_MS = 5_000.0  # a reply later than this: the server cannot keep up
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def register(app: typer.Typer) -> None:
    """Hang this group on the program."""
    group = typer.Typer(help="Đo sức chịu tải (benchmarks).", no_args_is_help=True)
    group.command("calls")(calls_command)
    group.callback()(lambda: None)
    app.add_typer(group, name="bench")


def calls_command(
    calls: Annotated[str, typer.Option(help="Số cuộc gọi cùng lúc, ví dụ 10,20,40.")] = "10,20,40",
    seconds: Annotated[float, typer.Option(help="Mỗi mức đo bao lâu (giây).")] = 60.0,
    peers: Annotated[
        str, typer.Option(help="So với: vosk-server (bản dựng lại nhỏ), hoặc none.")
    ] = "vosk-server",
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Gọi nhiều cuộc cùng lúc, theo thời gian thực, qua WebSocket trên máy này.

    Đo từ lúc âm thanh quyết định hết lượt đã gửi đi tới tiếng trả lời đầu tiên. Chạy bền (soak):
    --calls 20 --seconds 1800 --peers none.
    """
    settings = load_settings()
    levels = _levels(calls)
    if peers not in ("vosk-server", "none"):
        raise UsageError("bench-peer", f"Không biết {peers}.", "Dùng: --peers vosk-server.")
    if not _DEMO.is_dir():
        raise DependencyError(
            "bench-checkout", "Phép đo cần thư mục examples/demo.", "Chạy trong bản mã nguồn."
        )
    turns = [_read_turn(path, settings) for path in sorted(_DEMO.glob("[12]-*.wav"))]
    rows = [_measure("assistant", level, seconds, turns, settings) for level in levels]
    if peers != "none":
        rows += [_measure("vosk-server*", level, seconds, turns, settings) for level in levels]
    if as_json:
        print_json({"limit_ms": LIMIT_MS, "rows": [asdict(row) for row in rows]})
    else:
        show(rows)


def _levels(text: str) -> list[int]:
    try:
        levels = [int(part) for part in text.split(",")]
    except ValueError:
        levels = []
    if not levels or min(levels) < 1:
        raise UsageError("bench-calls", "Số cuộc gọi phải là số dương.", "Ví dụ: --calls 10,20,40")
    return levels


def _read_turn(path: Path, settings: Settings) -> Turn:
    """A demo turn in frames of 20 ms."""
    with open_audio(path, settings.audio) as file:
        resampler = Resampler(file.rate, _RATE)
        pcm = b"".join(resampler.feed(chunk.pcm) for chunk in file) + resampler.feed(b"", True)
    size = round(2 * _RATE * FRAME)
    return tuple(pcm[i : i + size].ljust(size, b"\0") for i in range(0, len(pcm), size))


def _measure(name: str, calls: int, seconds: float, turns: list[Turn], settings: Settings) -> Row:
    ours = name == "assistant"
    load = Load()
    with tempfile.TemporaryDirectory() as folder, _server(ours, folder, calls, settings) as started:
        url, pid = started
        callers: list[Caller | PlainCaller] = [
            Caller(url, turns, load) if ours else PlainCaller(url, turns, _all_phrases(), load)
            for _ in range(calls)
        ]
        idle, cpu = _memory(pid), _cpu(pid)
        began = time.monotonic()
        memory = asyncio.run(_drive(callers, seconds, load, pid))
        took = time.monotonic() - began
        cores = (_cpu(pid) - cpu) / took
    replies = sorted(1_000 * reply for reply in load.replies)
    settled = memory[len(memory) // 3 :] or [idle]
    return Row(
        server=name,
        calls=calls,
        seconds=round(took, 1),
        replies=len(replies),
        p50_ms=round(statistics.median(replies), 1) if replies else None,
        p95_ms=round(p95(replies), 1) if replies else None,
        cores=round(cores, 3),
        per_core=round(calls / cores, 1) if replies and replies[-1] < _BEHIND_MS else None,
        mb_per_call=round((max(settled) - idle) / calls, 2),
        slope_mb_per_min=round(_slope(settled), 3),
        finished=load.calls,
        lost=load.lost,
        turned_away=load.turned_away,
        driver_late_p95_ms=round(1_000 * p95(load.late), 1) if load.late else 0.0,
    )


def _all_phrases() -> list[str]:
    """What a plain server would be given: it does not know which question is open."""
    return list(
        dict.fromkeys(phrase for e in (Expect.MENU, Expect.CODE) for phrase in phrases(e) or ())
    )


async def _drive(
    callers: list[Caller | PlainCaller], seconds: float, load: Load, pid: int
) -> list[float]:
    memory: list[float] = []

    async def watch() -> None:
        while True:
            await asyncio.sleep(1.0)
            memory.append(_memory(pid))

    watching = asyncio.ensure_future(watch())
    await drive(callers, seconds, load, min(_SPREAD, seconds / 2))
    watching.cancel()
    return memory


@contextmanager
def _server(ours: bool, folder: str, calls: int, settings: Settings) -> Iterator[tuple[str, int]]:
    """A fresh server process: its WebSocket's address and its pid."""
    environment = os.environ | {
        "ASSISTANT_DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
        "ASSISTANT_SERVE__CALLS": f"{folder}/calls",
        "ASSISTANT_LIVE__MAX_CALLS": str(calls + 1),
    }
    port = _free_port()
    if ours:
        with closing(
            open_local(
                load_settings().model_copy(
                    update={"database_url": environment["ASSISTANT_DATABASE_URL"]}
                ),
                notice=lambda _: None,
            )
        ):
            pass
        run = "from assistant.cli import main; main()"
        command = [sys.executable, "-c", run, "serve", "--port", str(port), "--json"]
    else:
        model = _plain_model(settings.model, Path(folder, "model"))
        command = [sys.executable, str(_REPLICA), str(model), str(port)]
    with Path(folder, "log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - a command of our own
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=ROOT
        )
    try:
        assert process.stdout
        _check_started(process.stdout.readline())
        _wait_for(port)
        yield f"ws://127.0.0.1:{port}/phone", process.pid
    finally:
        process.kill()
        process.communicate()


def _check_started(line: str) -> None:
    """``line``: the first that a server printed; its error, as JSON, is raised as ours."""
    if not line:
        raise DependencyError(
            "bench-server", "Máy chủ để đo không khởi động được.", "Thử: assistant serve."
        )
    told = json.loads(line) if line.startswith("{") else {}  # the replica prints a word
    if "error" in told:
        raise DependencyError(**told["error"])


def _plain_model(model: Path, copy: Path) -> Path:
    """The same model with Kaldi's own rules for the end of a turn: ours switches them off."""
    shutil.copytree(model, copy, copy_function=os.symlink)
    config = copy / "conf" / "model.conf"
    lines = config.read_text().splitlines(keepends=True)
    config.unlink()
    config.write_text("".join(line for line in lines if ".rule" not in line))
    return copy


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)


def _memory(pid: int) -> float:
    """Resident megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _cpu(pid: int) -> float:
    """Seconds of CPU so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _slope(memory: list[float]) -> float:
    """Megabytes a minute, of one value a second."""
    if len(memory) < 2:
        return 0.0
    seconds = [float(i) for i in range(len(memory))]
    return 60 * statistics.linear_regression(seconds, memory).slope
