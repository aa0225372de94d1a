"""What a bad line does to RTP: loss, wrong order, wrong sizes, strangers' packets, a sudden end.

The caller here is written from the RFCs (3261, 3550); test_sip.py has the foreign peers.
"""

from __future__ import annotations

import random
import re
import signal
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.audio.mulaw import mulaw_encode
from tests.serve_tools import PHONE, Server, serving, turn

INVITE = """INVITE sip:1900@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:{sip};branch=z9hG4bK{call}
From: <sip:{caller}@127.0.0.1>;tag={call}
To: <sip:1900@127.0.0.1>
Call-ID: {call}
CSeq: 1 INVITE
Contact: <sip:{caller}@127.0.0.1:{sip}>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: {length}

{sdp}"""
ACK = """ACK sip:1900@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:{sip};branch=z9hG4bK{call}a
From: <sip:{caller}@127.0.0.1>;tag={call}
To: {to}
Call-ID: {call}
CSeq: 1 ACK
Content-Length: 0

"""
SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio {rtp} RTP/AVP {codecs}
"""


class Caller:
    """One call: dialled, then packets by hand."""

    def __init__(self, port: int, call: str, codecs: str = "0 101") -> None:
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for one in (self.sip, self.rtp):
            one.bind(("127.0.0.1", 0))
            one.settimeout(5)
        self._number = 0
        names = {"call": call, "caller": PHONE, "sip": self.sip.getsockname()[1]}
        sdp = SDP.format(rtp=self.rtp.getsockname()[1], codecs=codecs).replace("\n", "\r\n")
        invite = INVITE.format(**names, length=len(sdp), sdp="").replace("\n", "\r\n") + sdp
        self.sip.sendto(invite.encode(), ("127.0.0.1", port))
        self.answer = self._final()
        if self.answer.startswith("SIP/2.0 200"):
            to = re.search(r"^To: *(.+)\r$", self.answer, re.MULTILINE | re.IGNORECASE)
            media = re.search(r"m=audio (\d+)", self.answer)
            assert to
            assert media
            ack = ACK.format(**names, to=to[1]).replace("\n", "\r\n")
            self.sip.sendto(ack.encode(), ("127.0.0.1", port))
            self.media = ("127.0.0.1", int(media[1]))

    def close(self) -> None:
        self.sip.close()
        self.rtp.close()

    def packet(self, mulaw: bytes) -> bytes:
        self._number += 1
        return struct.pack(">BBHII", 0x80, 0, self._number, self._number * 160, 99) + mulaw

    def send(self, packets: Sequence[bytes]) -> None:
        """One every 20 ms."""
        due = time.monotonic()
        for packet in packets:
            self.rtp.sendto(packet, self.media)
            due += 0.02
            time.sleep(max(0.0, due - time.monotonic()))

    def _final(self) -> str:
        while True:
            answer = self.sip.recv(4096).decode()
            if not answer.startswith("SIP/2.0 1"):
                return answer


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    folder: Path = tmp_path_factory.mktemp("line")
    with serving(
        folder, ASSISTANT_TELEPHONE__SIP_PORT=str(port), ASSISTANT_LIVE__LINE_DEAD="2"
    ) as server:
        yield server, port


def records(server: Server) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {server.token}"}
    answer = httpx.get(f"{server.url}operator/calls", headers=headers)
    found: list[dict[str, Any]] = answer.json()["calls"]
    return found


@pytest.mark.full
def test_a_voice_over_a_bad_line(line: tuple[Server, int]) -> None:
    """2 % of the packets are lost, the others leave in the wrong order, some are no RTP at all;
    the caller speaks over the greeting, is understood, and vanishes without a BYE."""
    server, port = line
    rng = random.Random(2)
    caller = Caller(port, "bad-line")
    sound = mulaw_encode(bytes(16_000) + turn(1) + bytes(40_000))
    packets = [caller.packet(sound[i : i + 160]) for i in range(0, len(sound), 160)]
    for i in range(0, len(packets) - 3, 3):
        packets[i : i + 3] = rng.sample(packets[i : i + 3], 3)
    packets = [packet for packet in packets if rng.random() > 0.02]
    for _ in range(20):
        rubbish = rng.choice([b"", b"\x80", b"\0" * 12, b"\xff" * 1_400, rng.randbytes(40)])
        packets.insert(rng.randrange(len(packets)), rubbish)
    caller.send(packets)
    caller.close()
    for _ in range(100):
        if found := records(server):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the call of the dead line never ended")
    assert found[-1]["ended"] == "caller_hung_up"
    assert "cấp lại" in " ".join(part["said"] for part in found[-1]["turns"])


def test_a_caller_without_a_codec_of_ours_is_told(line: tuple[Server, int]) -> None:
    caller = Caller(line[1], "no-codec", codecs="96")
    caller.close()
    assert caller.answer.startswith("SIP/2.0 488")


def test_two_signals_end_the_server_in_mid_call(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    with serving(tmp_path, ASSISTANT_TELEPHONE__SIP_PORT=str(port)) as server:
        caller = Caller(port, "in-mid-call")
        caller.send([caller.packet(b"\xff" * 160)] * 10)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert server.process.poll() is None  # it waits for the call
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) in (0, -signal.SIGTERM)  # uvicorn hands the second one on
        caller.close()
