"""The dialplan of docs/live-calls.md in a real Asterisk, whose caller is a second dialplan.

Needs ``asterisk`` (20 or later), or the root of a Debian that has it in ``ASTERISK_ROOT``:
``debootstrap --variant=minbase --include=asterisk sid FOLDER`` makes one, as root.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import pytest
import soundfile

from tests.serve_tools import CODE, PHONE, ROOT, TURNS, Server, serving

JAIL = os.environ.get("ASTERISK_ROOT")
pytestmark = [pytest.mark.full, pytest.mark.timeout(180)]
if JAIL is None and shutil.which("asterisk") is None:
    pytest.skip("needs asterisk, or ASTERISK_ROOT", allow_module_level=True)

FOLDERS = "etc db spool run log"
MODULES = """
pbx_config pbx_spool app_audiosocket app_dial app_mixmonitor app_playback app_senddtmf
res_audiosocket res_curl res_timing_timerfd func_callerid func_curl func_env func_uri func_uuid
codec_ulaw format_wav chan_audiosocket bridge_simple
"""
CALLER = """
[agents]
exten => _X.,1,Set(FILE({home}/agent)=${{EXTEN}})
 same => n,Hangup()

[caller]
exten => _X,1,Answer()
 same => n,MixMonitor({home}/heard.wav)
 same => n,Goto(caller-${{EXTEN}},s,1)

[caller-1]
exten => s,1,Wait(8.3)
 same => n,Playback({home}/1)
 same => n,Wait(6.5)
 same => n,Playback({home}/2)
 same => n,Wait(3)
 same => n,SendDTMF(1)
 same => n,Wait(8)
 same => n,Hangup()

[caller-2]
exten => s,1,Wait(1)
 same => n,SendDTMF(8{code}#)
 same => n,Wait(2)
 same => n,SendDTMF(1)
 same => n,Wait(8)
 same => n,Hangup()

[caller-3]
exten => s,1,Wait(1)
 same => n,SendDTMF(0)
 same => n,Wait(20)
 same => n,Hangup()
"""


@dataclass
class Asterisk:
    home: Path  # as we see it
    inside: str  # as Asterisk does

    def call(self, caller: str, phone: str) -> None:
        """Let a caller of ``CALLER`` dial 8."""
        lines = [
            "Channel: Local/8@assistant",
            f"CallerID: <{phone}>",
            "Context: caller",
            f"Extension: {caller}",
            "MaxRetries: 0",
        ]
        new = self.home / f"{caller}.call"
        new.write_text("\n".join(lines) + "\n")
        new.rename(self.home / "spool" / "outgoing" / new.name)


def dialplan() -> str:
    """The one that integrators copy."""
    text = (ROOT / "docs" / "live-calls.md").read_text("utf-8")
    found = re.search(r"```\n(; extensions\.conf.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def set_up(home: Path, inside: str, server: Server) -> None:
    assert server.audiosocket
    for name in FOLDERS.split():
        (home / name).mkdir(parents=True, exist_ok=True)
    (home / "spool" / "outgoing").mkdir(exist_ok=True)
    modules = "/usr/lib/x86_64-linux-gnu/asterisk/modules"
    places = "".join(f"ast{name}dir => {inside}/{name}\n" for name in FOLDERS.split())
    (home / "asterisk.conf").write_text(f"[directories]\nastmoddir => {modules}\n{places}")
    loads = "".join(f"load => {name}.so\n" for name in MODULES.split())
    (home / "etc" / "modules.conf").write_text(f"[modules]\nautoload=no\n{loads}")
    (home / "etc" / "logger.conf").write_text("[logfiles]\nfull => notice,warning,error,verbose\n")
    port = server.url.rstrip("/").rpartition(":")[2]
    ours = dialplan().replace("127.0.0.1:8008", f"127.0.0.1:{port}")
    ours = ours.replace(":9092", f":{server.audiosocket[1]}")
    ours = ours.replace("PJSIP/${NEXT:6}@trunk", "Local/${NEXT:6}@agents")
    assert "Local/" in ours
    caller = CALLER.format(home=inside, code=CODE)
    (home / "etc" / "extensions.conf").write_text(f"[assistant]\n{ours}{caller}")
    for number in (1, 2):
        shutil.copy(next(TURNS.glob(f"{number}-*.wav")), home / f"{number}.wav")


@contextmanager
def asterisk(server: Server) -> Iterator[Asterisk]:
    with TemporaryDirectory(dir=f"{JAIL}/tmp" if JAIL else None) as name:
        home = Path(name)
        inside = "/" + str(home.relative_to(JAIL)) if JAIL else str(home)
        set_up(home, inside, server)
        jail = ["chroot", JAIL] if JAIL else []
        process = subprocess.Popen(
            [*jail, "asterisk", "-f", "-vv", "-C", f"{inside}/asterisk.conf"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"ASSISTANT_TOKEN": server.token},
        )
        try:
            yield Asterisk(home, inside)
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("asterisk"),
        accounts=[(PHONE, CODE, False)],
        ASSISTANT_TELEPHONE__AUDIOSOCKET_PORT="0",
        ASSISTANT_TELEPHONE__AGENT="19009068",
        ASSISTANT_SECURITY__RESETS_PER_ACCOUNT="9",
    ) as running:
        yield running


def the_call(server: Server, limit: float) -> dict[str, object]:
    """The record of the next call that ends."""
    headers = {"Authorization": f"Bearer {server.token}"}
    url = f"{server.url}operator/calls"
    before = len(httpx.get(url, headers=headers).json()["calls"])
    end = time.monotonic() + limit
    while time.monotonic() < end:
        calls = httpx.get(url, headers=headers).json()["calls"]
        if len(calls) > before:
            found: dict[str, object] = calls[-1]
            return found
        time.sleep(0.2)
    raise AssertionError("the call never ended")


@pytest.mark.parametrize("caller", ["1", "2"], ids=["speaks", "presses keys"])
def test_a_caller_gets_a_password(server: Server, caller: str) -> None:
    with asterisk(server) as peer:
        peer.call(caller, PHONE)
        call = the_call(server, 60)
        log = (peer.home / "log" / "full").read_text()
        assert (call["channel"], call["resets"]) == ("audiosocket", 1), log
        assert server.token not in log  # at this verbosity
        heard, rate = soundfile.read(peer.home / "heard.wav", dtype="int16")
        assert rate == 8_000
        assert np.abs(heard).max() > 3_000


def test_a_caller_who_asks_for_an_agent_is_handed_on(server: Server) -> None:
    with asterisk(server) as peer:
        peer.call("3", PHONE)
        assert the_call(server, 40)["ended"] == "agent"
        for _ in range(50):
            if (peer.home / "agent").exists():
                break
            time.sleep(0.1)
        assert (peer.home / "agent").read_text().strip() == "19009068"
