"""``assistant talk`` at a virtual sound card, ALSA's or PulseAudio's, that plays a recording."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from glob import glob
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.card_tools import paced_card
from tests.cli_tools import PROGRAM
from tests.serve_tools import CODE, PHONE, ROOT, microphone, register

pytestmark = [pytest.mark.full, pytest.mark.timeout(120)]
PULSE = """
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
"""
CALLER = [8.2, 1, 7.0, 2, 90.0]


@pytest.fixture
def card(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which the only sound card plays ``CALLER`` into the microphone."""
    samples, _ = soundfile.read(microphone(tmp_path / "caller.wav", CALLER), dtype="int16")
    url = f"sqlite:///{tmp_path}/a.sqlite3"
    register(url, [(PHONE, CODE, True)])
    with paced_card(tmp_path, samples.tobytes()) as environment:
        yield os.environ | environment | {"ASSISTANT_DATABASE_URL": url}


def command(*arguments: str) -> list[str]:
    return [*PROGRAM, "talk", *arguments]


class Talker:
    """``assistant talk`` at a terminal; what it tells, and the keys pressed at certain prompts."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.heard: list[str] = []
        self.prompts: list[str] = []

    def call(self, keys: dict[str, bytes], begun: Callable[[], None] = lambda: None) -> int:
        """``keys`` by words of the prompt at which they are pressed; the resets there were."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            command("--from", PHONE, "--json"),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.env,
            cwd=ROOT,
        ) as process:
            assert process.stdout
            resets = -1
            for line in process.stdout:
                news = json.loads(line)
                if news["type"] == "heard":
                    self.heard.append(news["text"])
                elif news["type"] == "ended":
                    resets = news["resets"]
                elif news["type"] == "prompt":
                    if not self.prompts:
                        begun()
                    self.prompts.append(news["text"])
                    for words, pressed in keys.items():
                        if words in news["text"]:
                            os.write(ours, pressed)
        os.close(ours)
        os.close(theirs)
        assert process.returncode == 0
        assert not any(c.isdigit() for c in "".join(self.prompts))
        return resets


SPOKEN = {"đọc lại mã số": b"1", "mật khẩu mới": b"#", "mật khẩu tạm": b"q"}


def test_a_whole_call_at_the_sound_card(card: dict[str, str], tmp_path: Path) -> None:
    talker = Talker(card)
    assert talker.call(SPOKEN) == 1, (talker.heard, talker.prompts)
    assert "cấp lại mật khẩu" in talker.heard[0]
    speaker = np.fromfile(tmp_path / "speaker.raw", "<i2")
    assert np.abs(speaker).max() > 3_000  # our voice came out of the loudspeaker


def test_a_call_by_keys_typed_at_once(card: dict[str, str]) -> None:
    """An arrow key is no Esc, which hangs up; a pasted code comes whole."""
    keys = {"trợ lý VssID": b"\x1b[A8", "đọc chậm từng số": CODE.encode() + b"#"}
    talker = Talker(card)
    assert talker.call(keys | SPOKEN | {"mật khẩu mới": b"\x1b"}) == 1


@contextmanager
def pulse_audio(folder: Path) -> Iterator[dict[str, str]]:
    """A PulseAudio server of our own with two null sinks: what is played to ``caller`` comes out
    of the microphone, and ``speaker`` is our loudspeaker."""
    socket = folder / "native"
    home = {name: str(folder) for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH")}
    loads = [f"module-native-protocol-unix auth-anonymous=1 socket={socket}"]
    loads += [f"module-null-sink sink_name={name} rate=8000" for name in ("caller", "speaker")]
    quiet = ["--daemonize=no", "--exit-idle-time=-1", "--disable-shm", "--use-pid-file=no"]
    server = subprocess.Popen(
        ["pulseaudio", "-n", *quiet, *(f"--load={load}" for load in loads)],
        env=os.environ | home,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            if socket.exists():
                break
            time.sleep(0.05)
        used = {"PULSE_SERVER": f"unix:{socket}", "PULSE_SOURCE": "caller.monitor"}
        yield home | used | {"PULSE_SINK": "speaker"}
    finally:
        server.terminate()
        server.wait(10)


def test_a_whole_call_through_pulse_audio(card: dict[str, str], tmp_path: Path) -> None:
    tools = all(map(shutil.which, ("pulseaudio", "paplay", "parecord")))
    if not tools or not glob("/usr/lib/*/alsa-lib/*pulse.so"):
        pytest.skip("needs Debian's pulseaudio, pulseaudio-utils and libasound2-plugins")
    config = tmp_path / "pulse.conf"
    config.write_text(PULSE)
    with pulse_audio(tmp_path) as pulse, ExitStack() as others:
        env = card | pulse | {"ALSA_CONFIG_PATH": str(config)}
        heard = tmp_path / "heard.wav"

        def begun() -> None:
            recorder = ["parecord", "--device=speaker.monitor", "--file-format=wav", str(heard)]
            for tool in (["paplay", "--device=caller", str(tmp_path / "caller.wav")], recorder):
                process = others.enter_context(subprocess.Popen(tool, env=env))
                others.callback(process.terminate)

        talker = Talker(env)
        assert talker.call(SPOKEN, begun) == 1, (talker.heard, talker.prompts)
        assert "cấp lại mật khẩu" in talker.heard[0]
        others.close()
        time.sleep(0.5)
        samples, _ = soundfile.read(heard, dtype="int16")
        assert np.abs(samples).max() > 3_000


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
