"""``assistant talk`` at a virtual ALSA sound card whose microphone is a recording."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.serve_tools import CODE, PHONE, ROOT, microphone, register

pytestmark = [pytest.mark.full, pytest.mark.timeout(120)]
ASOUNDRC = """
</usr/share/alsa/alsa.conf>
pcm.caller {{
  type file
  slave.pcm null
  file "{out}"
  infile "{mic}"
  format raw
}}
pcm.!default {{ type plug slave.pcm caller }}
ctl.!default {{ type null }}
"""
CALLER = [8.2, 1, 7.0, 2, 90.0]


@pytest.fixture
def card(tmp_path: Path) -> dict[str, str]:
    """The environment in which the only sound card plays ``CALLER`` into the microphone."""
    try:
        __import__("sounddevice")
    except (ImportError, OSError):
        pytest.skip("needs the extra `mic` and Debian's libportaudio2")
    if not Path("/usr/share/alsa/alsa.conf").exists():
        pytest.skip("needs Debian's libasound2-data")
    samples, _ = soundfile.read(microphone(tmp_path / "caller.wav", CALLER), dtype="int16")
    samples.tofile(tmp_path / "mic.raw")
    rc = tmp_path / "asoundrc"
    rc.write_text(ASOUNDRC.format(out=tmp_path / "speaker.raw", mic=tmp_path / "mic.raw"))
    url = f"sqlite:///{tmp_path}/a.sqlite3"
    register(url, [(PHONE, CODE, True)])
    return os.environ | {"ALSA_CONFIG_PATH": str(rc), "ASSISTANT_DATABASE_URL": url}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from assistant.cli import main; main()", "talk", *arguments]


def test_a_whole_call_at_the_sound_card(card: dict[str, str], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command("--from", PHONE, "--json"),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=card,
        cwd=ROOT,
    ) as process:
        assert process.stdout
        heard, prompts = [], []
        for line in process.stdout:
            news = json.loads(line)
            if news["type"] == "heard":
                heard.append(news["text"])
            if news["type"] == "prompt":
                prompts.append(news["text"])
                if "đọc lại mã số" in news["text"]:
                    os.write(ours, b"1")
                if "mật khẩu mới" in news["text"]:
                    os.write(ours, b"#")
                if "mật khẩu tạm" in news["text"]:
                    os.write(ours, b"q")
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0
    assert "cấp lại mật khẩu" in heard[0]
    assert any("mật khẩu mới" in text for text in prompts), prompts
    assert not any(c.isdigit() for c in "".join(prompts))
    speaker = np.fromfile(tmp_path / "speaker.raw", "<i2")
    assert np.abs(speaker).max() > 3_000  # our voice came out of the loudspeaker


def test_devices_are_listed(card: dict[str, str]) -> None:
    done = subprocess.run(
        command("--devices", "--json"), capture_output=True, text=True, env=card, check=True
    )
    assert "caller" in {one["name"] for one in json.loads(done.stdout)}


def test_a_device_that_is_not_there(card: dict[str, str]) -> None:
    done = subprocess.run(
        command("--input", "nothing", "--json"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=card,
        check=False,
    )
    assert json.loads(done.stdout.splitlines()[-1])["error"]["code"] == "mic-device"
