"""``assistant bench calls`` and what the live commands say when their extra is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.cli.bench_show import Row, p95, show
from tests.cli_tools import SCRIPT
from tests.serve_tools import ROOT

WITHOUT = "import sys; sys.modules.update(dict.fromkeys({names}, None)); "


def assistant(
    tmp_path: Path, *arguments: str, before: str = "", limit: float = 60
) -> dict[str, object]:
    """What a command prints with --json."""
    environment = os.environ | {"ASSISTANT_DATABASE_URL": f"sqlite:///{tmp_path}/a.sqlite3"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", before + SCRIPT, *arguments, "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
        timeout=limit,
    )
    assert "Traceback" not in done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--calls", "0"), "bench-calls"),
        (("--calls", "viele"), "bench-calls"),
        (("--peers", "other"), "bench-peer"),
    ],
)
def test_what_cannot_be_measured_is_said(
    tmp_path: Path, arguments: tuple[str, ...], code: str
) -> None:
    answer = assistant(tmp_path, "bench", "calls", *arguments)
    assert answer["error"]["code"] == code  # type: ignore[index]


@pytest.mark.parametrize(
    ("command", "missing", "code"),
    [
        (("serve",), ("fastapi",), "serve-missing"),
        (("talk",), ("sounddevice",), "mic-missing"),
    ],
)
def test_a_missing_extra_is_named(
    tmp_path: Path, command: tuple[str, ...], missing: tuple[str, ...], code: str
) -> None:
    answer = assistant(tmp_path, *command, before=WITHOUT.format(names=missing))
    assert answer["error"]["code"] == code  # type: ignore[index]
    assert "pip install" in answer["error"]["hint"]  # type: ignore[index]


def test_a_server_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is missing in the server's process, which is not this one."""
    missing = "raise ModuleNotFoundError('no fastapi', name='fastapi')"
    (tmp_path / "fastapi.py").write_text(missing)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    answer = assistant(tmp_path, "bench", "calls", "--calls", "1", "--seconds", "2")
    assert answer["error"]["code"] == "serve-missing"  # type: ignore[index]
    assert "pip install" in answer["error"]["hint"]  # type: ignore[index]


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_port_that_is_none_is_said(tmp_path: Path, port: str) -> None:
    answer = assistant(tmp_path, "serve", "--port", port)
    assert answer["error"]["code"] == "usage"  # type: ignore[index]


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = assistant(tmp_path, "serve", "--port", str(port))
    assert answer["error"]["code"] == "serve-address"  # type: ignore[index]


@pytest.mark.full
@pytest.mark.timeout(180)
def test_both_servers_are_measured(tmp_path: Path) -> None:
    answer = assistant(tmp_path, "bench", "calls", "--calls", "2", "--seconds", "24", limit=170)
    ours, theirs = answer["rows"]  # type: ignore[misc]
    assert (ours["server"], theirs["server"]) == ("assistant", "vosk-server*")
    for row in (ours, theirs):
        assert row["replies"] >= 2
        assert row["lost"] == 0
        assert row["cores"] > 0


@pytest.mark.parametrize(
    ("values", "high"),
    [([7.0], 7.0), ([1.0, 9.0], 9.0), (list(range(1, 21)), 19), (list(range(100, 0, -1)), 95)],
)
def test_the_95th_percentile_is_never_flattered(values: list[float], high: float) -> None:
    assert p95(values) == high


def test_the_table_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    row = Row("assistant", 40, 60.0, 800, 21.4, 148.2, 0.317, 126.2, 4.51, 0.012, 120, 0, 0, 3.1)
    slow = replace(row, server="vosk-server*", p50_ms=1290.1, p95_ms=4821.7, per_core=None)
    show([row, slow, replace(slow, calls=20)])
    told = capsys.readouterr().out
    assert "…" not in told
    for figure in ("4821.7", "126.2", "4.51", "0.317"):
        assert figure in told
    assert "assistant: p95 ≤ 300 ms tới 40 cuộc cùng lúc, 126.2 cuộc/lõi" in told
    assert "vosk-server*: không mức nào đạt" in told
