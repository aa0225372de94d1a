"""The README's first command, by its own recipe; and that its caller is what it is said to be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.nlu import interpret_text
from assistant.nlu.types import Expect, Intent

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "demo"
TURNS = sorted(DEMO.glob("*.wav"))
BIN = Path(sys.executable).parent

sys.path.insert(0, str(DEMO))
from make_turns import TURNS as SAID  # noqa: E402


def makefile(name: str) -> str:
    found = re.search(rf"^{name}\s*:=\s*(\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found
    return found[1]


def test_the_caller_says_the_code_of_the_demo_account() -> None:
    assert [path.stem for path in TURNS] == sorted(SAID)
    request, code, right, written, no_more = (" ".join(SAID[path.stem]) for path in TURNS)
    assert interpret_text(request, Expect.MENU).intent is Intent.RESET
    digits = interpret_text(code, Expect.CODE).digits
    assert digits
    assert digits.digits == makefile("DEMO_CODE")
    assert interpret_text(right, Expect.CONFIRM).yes_no is True
    assert interpret_text(written, Expect.SECRET).yes_no is True
    assert interpret_text(no_more, Expect.MORE).yes_no is False


def test_the_committed_turns_are_what_the_script_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DEMO / "make_turns.py", tmp_path], check=True)
    for path in TURNS:
        kept, rate = soundfile.read(path)
        made, _ = soundfile.read(tmp_path / path.name)
        assert rate == 8_000
        assert len(kept) == len(made)
        assert np.abs(kept - made).max() < 0.01  # the same but for a processor's rounding


def test_an_unseen_voice_is_demanded() -> None:
    script = (
        "import make_turns as m, numpy as n; m.speak(('một',), m.Caller(variant='m1'), n.random)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=DEMO, capture_output=True, text=True, check=False
    )
    assert "ValueError: m1 has trained the model" in done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_demo_gives_a_password(tmp_path: Path) -> None:
    stamp = tmp_path / "installed"  # the environment of these tests is the installation
    stamp.touch()
    variables = {"BIN": BIN, "RUN": stamp, "DEMO": tmp_path / "demo"}
    assignments = [f"{name}={value}" for name, value in variables.items()]
    inherited = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ASSISTANT_")
    env = {k: v for k, v in os.environ.items() if not k.startswith(inherited)}
    done = subprocess.run(
        ["make", "-C", ROOT, "demo", *assignments],
        env=env | {"COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Đã cấp mật khẩu: 1 lần" in done.stdout
    passwords = re.findall(r"Mật khẩu là\.? ((?:\d[ ,.-]*){6})", done.stdout)
    assert passwords
    assert soundfile.info(tmp_path / "demo" / "call.wav").duration > 30
