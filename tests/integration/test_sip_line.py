"""What a bad line does to RTP: loss, wrong order, wrong sizes, strangers' packets, a sudden end.

The caller here is written from the RFCs (3261, 3550); test_sip.py has the foreign peers.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.audio.mulaw import mulaw_encode
from tests.serve_tools import Caller, Server, free_udp_port, serving, turn


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    port = free_udp_port()
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
    port = free_udp_port()
    with serving(tmp_path, ASSISTANT_TELEPHONE__SIP_PORT=str(port)) as server:
        caller = Caller(port, "in-mid-call")
        caller.send([caller.packet(b"\xff" * 160)] * 10)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert server.process.poll() is None  # it waits for the call
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) in (0, -signal.SIGTERM)  # uvicorn hands the second one on
        caller.close()
