"""The wheel alone, in an empty environment and another folder, answers a call offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TURNS = sorted((ROOT / "examples" / "demo").glob("*.wav"))

# The program under a hook that lets no connection out.
OFFLINE = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise RuntimeError(event)

sys.addaudithook(refuse)
from assistant.cli import main
main()
"""

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]


class Elsewhere:
    """An environment of its own, outside the checkout; nothing of ours on its paths."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        keep = ("PATH", "HOME", "LANG", "PIP_", "SSL_", "UV_", "http", "HTTP", "no_proxy")
        self.env = {k: v for k, v in os.environ.items() if k.startswith(keep)}
        self.env["ASSISTANT_DATABASE_URL"] = f"sqlite:///{folder / 'accounts.sqlite3'}"

    def run(self, arguments: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*map(str, arguments)],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )

    def pip(self, *arguments: str | Path) -> None:
        done = self.run([self.python, "-m", "pip", "-qq", *arguments])
        assert done.returncode == 0, done.stderr

    def assistant(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run([self.python, "-c", OFFLINE, *arguments])


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    folder = tmp_path_factory.mktemp("wheel")
    place = Elsewhere(folder)
    made = place.run([sys.executable, "-m", "venv", folder / "venv"])
    assert made.returncode == 0, made.stderr
    place.pip("wheel", "--no-deps", "--wheel-dir", folder / "dist", ROOT)
    (wheel,) = (folder / "dist").glob("*.whl")
    place.pip("install", "-c", ROOT / "requirements.lock", wheel)
    return place


def test_nothing_comes_from_the_checkout(elsewhere: Elsewhere) -> None:
    script = "import assistant, assistant.settings as s; print(assistant.__file__, s.packaged('x'))"
    done = elsewhere.run([elsewhere.python, "-c", script])
    assert done.returncode == 0, done.stderr
    assert str(ROOT) not in done.stdout
    assert str(elsewhere.folder) in done.stdout


def test_the_embedded_model_is_whole(elsewhere: Elsewhere) -> None:
    done = elsewhere.assistant("models", "verify", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0, report
    assert report["checked"] > 0


def test_every_prompt_is_there(elsewhere: Elsewhere) -> None:
    # Loudness is measured with the extra "voice", which an empty environment has not.
    done = elsewhere.assistant("prompts", "list", "--json")
    prompts = json.loads(done.stdout)["prompts"]
    assert prompts
    assert all(prompt["seconds"] for prompt in prompts)


def test_a_call_resets_a_password(elsewhere: Elsewhere) -> None:
    phone, code = "0501234567", "7931025846"  # the demo's, invented
    done = elsewhere.assistant("accounts", "add", "--phone", phone, "--code", code, "--invented")
    assert done.returncode == 0, done.stderr
    done = elsewhere.assistant("call", "--json", "--from", phone, "--out", "out", *TURNS)
    report = json.loads(done.stdout)
    assert done.returncode == 0, report
    assert report["resets"] == 1
    assert (elsewhere.folder / "out" / "call.wav").stat().st_size > 100_000


def test_the_program_is_on_the_path(elsewhere: Elsewhere) -> None:
    done = elsewhere.run([elsewhere.python.parent / "assistant", "--version"])
    assert done.stdout.startswith("assistant ")
