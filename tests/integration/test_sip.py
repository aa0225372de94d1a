"""SIP and RTP against peers that are not ours: sipp with recorded keys, baresip with a voice."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serve_tools import CODE, PHONE, Server, free_udp_port, microphone, serving

pytestmark = [pytest.mark.full, pytest.mark.timeout(120)]
KEYS = Path("/usr/share/sip-tester")
NAMES = {"#": "pound", "*": "star"}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    port = free_udp_port()
    with serving(
        tmp_path_factory.mktemp("sip"),
        accounts=[(PHONE, CODE, False)],
        ASSISTANT_TELEPHONE__SIP_PORT=str(port),
    ) as server:
        yield server, port


def calls(server: Server) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {server.token}"}
    found: list[dict[str, Any]] = httpx.get(f"{server.url}operator/calls", headers=headers).json()[
        "calls"
    ]
    return found


def last_call(server: Server, count: int) -> dict[str, Any]:
    """The newest record, once there are ``count``."""
    for _ in range(100):
        if len(found := calls(server)) >= count:
            return found[-1]
        time.sleep(0.1)
    raise AssertionError("no record of the call")


def scenario(steps: str, caller: str = PHONE) -> str:
    sdp = """v=0
      o=user1 53655765 2353687637 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [auto_media_port] RTP/AVP 8 101
      a=rtpmap:8 PCMA/8000
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15"""
    head = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:{caller}@[local_ip]:[local_port]>;tag=[call_number]
      To: <sip:19009068@[remote_ip]:[remote_port]>{tag}
      Call-ID: [call_id]
      CSeq: {number} {method}
      Contact: <sip:{caller}@[local_ip]:[local_port]>
      Max-Forwards: 70"""

    def message(method: str, number: int, tag: str, body: str = "") -> str:
        lines = head.format(caller=caller, number=number, method=method, tag=tag)
        kind = "Content-Type: application/sdp\n      " if body else ""
        start = f"{method} sip:19009068@[remote_ip]:[remote_port] SIP/2.0"
        text = f"{start}\n      {lines}\n      {kind}Content-Length: [len]\n\n      {body}"
        return f'<send retrans="500"><![CDATA[\n      {text}\n]]></send>'

    ack = message("ACK", 1, "[peer_tag_param]").replace(' retrans="500"', "")
    return f"""<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="caller">
  {message("INVITE", 1, "", sdp)}
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rtd="true"/>
  {ack}
  {steps}
  {message("BYE", 2, "[peer_tag_param]")}
  <recv response="200"/>
</scenario>
"""


def press(keys: str) -> str:
    plays = (
        f'<nop><action><exec play_pcap_audio="{KEYS}/dtmf_2833_{NAMES.get(key, key)}.pcap"/>'
        '</action></nop><pause milliseconds="400"/>'
        for key in keys
    )
    return "".join(plays)


def pause(seconds: float) -> str:
    return f'<pause milliseconds="{round(1_000 * seconds)}"/>'


def sipp(folder: Path, port: int, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("sipp") is None:
        pytest.skip("needs Debian's sip-tester")
    (folder / "caller.xml").write_text(text)
    command = ["sipp", f"127.0.0.1:{port}", "-sf", "caller.xml", "-m", "1", "-nostdin"]
    command += ["-i", "127.0.0.1", "-p", str(free_udp_port()), "-timeout", "60", *options]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=100
    )


def test_a_whole_call_by_keys_over_rtp(line: tuple[Server, int], tmp_path: Path) -> None:
    """sipp plays RFC 2833 key events from recordings of its own."""
    server, port = line
    steps = pause(1) + press("8") + pause(1) + press(CODE + "#") + pause(1) + press("1") + pause(5)
    before = len(calls(server))
    done = sipp(tmp_path, port, scenario(steps))
    assert done.returncode == 0, done.stdout[-2_000:]
    call = last_call(server, before + 1)
    assert (call["channel"], call["resets"], call["ended"]) == ("sip", 1, "caller_hung_up")


def test_sudden_cancel_and_calls_without_sound(line: tuple[Server, int], tmp_path: Path) -> None:
    """Many short calls one after the other; the line still answers."""
    server, port = line
    done = sipp(tmp_path, port, scenario(pause(0.2)), "-m", "20", "-r", "10")
    assert done.returncode == 0, done.stdout[-2_000:]
    assert httpx.get(f"{server.url}readyz").json()["ready"] is True


def test_a_stranger_is_not_answered(tmp_path: Path) -> None:
    port = free_udp_port()
    with serving(
        tmp_path,
        ASSISTANT_TELEPHONE__SIP_PORT=str(port),
        ASSISTANT_TELEPHONE__SIP_TRUNKS='["192.0.2.1"]',
    ):
        assert sipp(tmp_path, port, scenario(pause(0.2))).returncode != 0


@pytest.mark.parametrize(
    "datagram", [b"", b"\0" * 2_000, b"INVITE", b"INVITE sip:x SIP/2.0\r\n\r\n"]
)
def test_rubbish_on_the_sip_port(line: tuple[Server, int], datagram: bytes) -> None:
    server, port = line
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        for _ in range(20):
            one.sendto(datagram, ("127.0.0.1", port))
    assert httpx.get(f"{server.url}healthz").text == "ok\n"


CONFIG = """
sip_listen 127.0.0.1:{sip}
audio_player aufile,{folder}/heard.wav
audio_source aufile,{folder}/caller.wav
audio_alert aufile,{folder}/alert.wav
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path {modules}
module g711.so
module aufile.so
module_app account.so
module_app menu.so
"""


def test_a_voice_over_baresip(line: tuple[Server, int], tmp_path: Path) -> None:
    """baresip speaks the demo's first turns; the assistant understands them."""
    baresip = shutil.which("baresip")
    modules = next(iter(Path("/usr/lib").glob("**/baresip/modules")), None)
    if baresip is None or modules is None:
        pytest.skip("needs Debian's baresip")
    server, port = line
    microphone(tmp_path / "caller.wav", [8.5, 1, 60.0])
    config = CONFIG.format(sip=free_udp_port(), folder=tmp_path, modules=modules)
    (tmp_path / "config").write_text(config)
    account = f"<sip:{PHONE}@127.0.0.1>;regint=0;audio_codecs=PCMU/8000/1\n"
    (tmp_path / "accounts").write_text(account)
    (tmp_path / "contacts").write_text("")
    before = len(calls(server))
    command = [baresip, "-f", str(tmp_path), "-t", "16", "-e", f"/dial sip:1900@127.0.0.1:{port}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    call = last_call(server, before + 1)
    said = [turn["said"] for turn in call["turns"]]
    assert "mật khẩu" in " ".join(said), done.stdout[-2_000:]
