"""The real server as a process of its own, on a free port of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import soundfile

from assistant.accounts.open import open_local
from assistant.settings import load_settings
from tests.cli_tools import PROGRAM

ROOT = Path(__file__).resolve().parent.parent
TURNS = ROOT / "examples" / "demo"
ARTEFACTS = ROOT / "var" / "test-artefacts"
PHONE, CODE = "0501234567", "7931025846"  # invented; the code that the demo's caller says


@dataclass
class Server:
    url: str  # with a slash at its end
    token: str
    process: subprocess.Popen[str]
    log: Path
    audiosocket: tuple[str, int] | None = None

    def stop(self, sig: int = signal.SIGTERM) -> int:
        self.process.send_signal(sig)
        return self.process.wait(60)


@contextmanager
def serving(
    folder: Path, *arguments: str, accounts: Sequence[tuple[str, str, bool]] = (), **env: str
) -> Iterator[Server]:
    """``assistant serve`` on a free port; ``accounts``: phone, code, invented."""
    ours = {"DATABASE_URL": f"sqlite:///{folder}/a.sqlite3", "SERVE__CALLS": f"{folder}/calls"}
    environment = os.environ | {f"ASSISTANT_{k}": v for k, v in ours.items()} | env
    register(environment["ASSISTANT_DATABASE_URL"], accounts)
    log = folder / "serve.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*PROGRAM, "serve", "--port", "0", "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment,
        )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line, log.read_text()
        told = json.loads(line)
        server = Server(told["url"], told["open"].partition("token=")[2], process, log)
        if told["audiosocket"]:
            host, _, port = told["audiosocket"].rpartition(":")
            server.audiosocket = (host, int(port))
        wait_for(server.url)
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def register(url: str, accounts: Sequence[tuple[str, str, bool]]) -> None:
    settings = load_settings().model_copy(update={"database_url": url})
    with closing(open_local(settings, notice=lambda _: None)) as store:
        for phone, code, invented in accounts:
            store.add(phone, code, invented=invented)


def wait_for(url: str, limit: float = 20.0) -> None:
    end = time.monotonic() + limit
    while True:
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def turn(number: int, rate: int = 8_000) -> bytes:
    """One of the demo's caller turns as PCM."""
    path = next(TURNS.glob(f"{number}-*.wav"))
    samples, found = soundfile.read(path, dtype="int16")
    assert found == rate
    pcm: bytes = samples.tobytes()
    return pcm


def microphone(path: Path, parts: Sequence[float | int], rate: int = 8_000) -> Path:
    """A recording for a fake microphone: floats are seconds of silence, ints are demo turns.

    The silence carries a breath of noise, as every microphone's does."""
    rng = np.random.default_rng(5)
    pieces = [
        np.frombuffer(turn(part), "<i2").astype(float)
        if isinstance(part, int)
        else np.zeros(round(part * rate))
        for part in parts
    ]
    samples = np.concatenate(pieces)
    noisy = np.clip(samples + rng.normal(0, 4, len(samples)), -32768, 32767)
    soundfile.write(path, noisy.astype("int16"), rate)
    return path
