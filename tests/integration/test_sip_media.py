"""What strangers and changing calls do to a SIP line: "RTP bleed", re-INVITEs, INVITEs sent again,
SDP that nothing can be sent to. The machine's loopback addresses are the different hosts."""

from __future__ import annotations

import itertools
import re
import struct
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from assistant.audio.mulaw import mulaw_encode
from tests.serve_tools import CODE, PHONE, Caller, Server, free_udp_port, heard, serving, turn, udp

pytestmark = pytest.mark.full  # half a minute of real time

SILENCE = b"\xff" * 160
STRANGER, DIRECT, MOVED, GATEWAY = (f"127.0.0.{n}" for n in (9, 5, 6, 77))
names = (f"call-{n}" for n in itertools.count())


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    port = free_udp_port()
    with serving(
        tmp_path_factory.mktemp("line"),
        accounts=[(PHONE, CODE, False)],
        ASSISTANT_TELEPHONE__SIP_PORT=str(port),
        ASSISTANT_TELEPHONE__SIP_MEDIA='["127.0.0.64/27"]',
    ) as server:
        yield server, port


@pytest.fixture
def caller(line: tuple[Server, int]) -> Iterator[Caller]:
    one = Caller(line[1], next(names))
    yield one
    one.bye()
    one.close()


def records(server: Server) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {server.token}"}
    answer = httpx.get(f"{server.url}operator/calls", headers=headers)
    found: list[dict[str, Any]] = answer.json()["calls"]
    return found


def running(server: Server) -> int:
    return int(httpx.get(f"{server.url}readyz").json()["running"])


def quiet(server: Server) -> None:
    """Once the calls of the tests before are over."""
    for _ in range(100):
        if running(server) == 0:
            return
        time.sleep(0.05)
    raise AssertionError("a call that does not end")


def after(server: Server, calls: int) -> dict[str, Any]:
    """The record of the call that has just ended."""
    for _ in range(100):
        if len(found := records(server)) > calls:
            return found[-1]
        time.sleep(0.1)
    raise AssertionError("no record of the call")


def answered(record: dict[str, Any]) -> bool:
    """Whether anything that was said or pressed came in."""
    return any(turn["said"] or turn["by_keys"] for turn in record["turns"])


# --- whose packets count ------------------------------------------------------------------------


def test_our_voice_stays_with_the_caller(caller: Caller) -> None:
    """The stranger sends first, and as often as the caller."""
    with udp(STRANGER) as stranger:
        assert heard(caller.rtp) > 10
        for kind in (0, 200, 201):  # sound, and RTCP that looks like a sender's report
            caller.send([caller.packet(SILENCE, kind)] * 5, by=stranger)
        stranger.sendto(struct.pack(">HHI12s", 1, 0, 0x2112A442, bytes(12)), caller.media)  # STUN
        assert heard(stranger) == 0
        assert heard(caller.rtp) > 10
        caller.send([caller.packet(SILENCE)] * 5)
        caller.send([caller.packet(SILENCE)] * 5, by=stranger)
        assert heard(caller.rtp) > 10


def test_a_stranger_cannot_speak_nor_press(line: tuple[Server, int]) -> None:
    server, port = line
    for who, counts in ((STRANGER, False), ("127.0.0.1", True)):
        before, caller = len(records(server)), Caller(port, next(names))
        sound = mulaw_encode(bytes(8_000) + turn(1) + bytes(16_000))
        with udp(who) as sender:
            spoken = [caller.packet(sound[i : i + 160]) for i in range(0, len(sound), 160)]
            caller.send(spoken + caller.key("8") + [caller.packet(SILENCE)] * 25, by=sender)
        caller.bye()
        caller.close()
        record = after(server, before)
        assert answered(record) == counts, record["turns"]
    assert "sip-media-stranger" in server.log.read_text()


@pytest.mark.parametrize("host", [DIRECT, GATEWAY], ids=["named in the SDP", "of a media network"])
def test_sound_that_does_not_come_from_the_trunk(line: tuple[Server, int], host: str) -> None:
    """SIP from the trunk; the caller's telephone sends its sound itself, by another port too."""
    server, port = line
    before = len(records(server))
    named = DIRECT if host == DIRECT else "127.0.0.1"
    caller = Caller(port, next(names), media_host=named)
    assert heard(caller.rtp) > 10
    with udp(host) as telephone:
        for key in f"8{CODE}#":
            caller.send(caller.key(key), by=telephone)
        assert heard(telephone) > 10
        assert heard(caller.rtp) == 0
    caller.bye()
    caller.close()
    assert answered(after(server, before))


# --- calls that change --------------------------------------------------------------------------


def test_a_reinvite_is_answered(caller: Caller) -> None:
    """Three times, as session timers do; the answer is the same, and the voice goes on."""
    first = caller.answer.partition("\r\n\r\n")[2]
    for _ in range(3):
        again = caller.invite(caller.sdp)
        assert again.startswith("SIP/2.0 200")
        assert again.partition("\r\n\r\n")[2] == first
        assert again.lower().count("tag=") == 2
    assert heard(caller.rtp) > 10


def test_sound_moves_with_a_reinvite(caller: Caller) -> None:
    with udp(MOVED) as moved:
        port = moved.getsockname()[1]
        caller.send([caller.packet(SILENCE)] * 5, by=moved)
        assert heard(moved) == 0
        answer = caller.invite(caller.sdp.replace("c=IN IP4 127.0.0.1", f"c=IN IP4 {MOVED}"))
        assert answer.startswith("SIP/2.0 200")
        caller.send([caller.packet(SILENCE)] * 5, by=moved)
        assert heard(moved) > 10
        assert heard(caller.rtp) == 0
    # and back: a re-INVITE without an offer, whose answer comes with the ACK
    offer = caller.invite("", ack=caller.sdp)
    assert "m=audio" in offer
    assert port != caller.rtp.getsockname()[1]
    assert heard(caller.rtp) > 10


def test_only_the_trunk_moves_a_call(caller: Caller) -> None:
    with udp(STRANGER) as stranger:
        sdp = caller.sdp.replace("c=IN IP4 127.0.0.1", f"c=IN IP4 {STRANGER}")
        for method in ("INVITE", "UPDATE", "BYE"):
            stranger.sendto(caller.request(method, sdp, CSeq=f"9 {method}").encode(), caller.server)
        assert heard(stranger) == 0
        assert heard(caller.rtp) > 10


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [
        ("t=0 0\n", "t=0 0\na=sendonly\n", "recvonly"),
        ("telephone-event/8000\n", "telephone-event/8000\na=inactive\n", "inactive"),
        ("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", "sendrecv"),
    ],
)
def test_a_held_line_hears_nothing(caller: Caller, old: str, new: str, direction: str) -> None:
    assert heard(caller.rtp) > 10
    answer = caller.invite(caller.sdp.replace(old, new))
    assert answer.startswith("SIP/2.0 200")
    assert f"a={direction}\r\n" in answer
    assert heard(caller.rtp) == 0
    assert f"o=- {version(answer)[0]} " in (back := caller.invite(caller.sdp))
    assert version(back)[1] >= version(answer)[1]
    assert heard(caller.rtp) > 10


def version(answer: str) -> tuple[str, int]:
    found = re.search(r"o=\S+ (\d+) (\d+) ", answer)
    assert found
    return found[1], int(found[2])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c=IN IP4 127.0.0.1", "c=IN IP4 999.1.1.1"),
        ("AVP 0 101", "AVP 8 101"),  # another codec than the call's
        ("m=audio", "m=image"),
        ("m=audio", "m=audio x"),
        ("t=0 0", "t=x y"),
    ],
)
def test_what_cannot_be_done_leaves_the_call_as_it_was(caller: Caller, old: str, new: str) -> None:
    answer = caller.invite(caller.sdp.replace(old, new))
    assert answer.startswith(("SIP/2.0 488", "SIP/2.0 400"))
    assert heard(caller.rtp) > 10


# --- the same again -----------------------------------------------------------------------------


def test_an_invite_sent_again_is_one_call(line: tuple[Server, int]) -> None:
    server, port = line
    quiet(server)
    caller = Caller(port, next(names), dial=False)
    invite = caller.request("INVITE", caller.sdp, CSeq="0 INVITE")
    for _ in range(3):
        caller.tell(invite)
    answer = caller.final()
    assert answer.startswith("SIP/2.0 200")
    to = re.search(r"^To: *(.+)\r$", answer, re.MULTILINE)
    media = re.search(r"m=audio (\d+)", answer)
    assert to
    assert media
    caller.to, caller.media = to[1], ("127.0.0.1", int(media[1]))
    caller.tell(caller.request("ACK"))
    for _ in range(3):  # late ones, after the ACK
        caller.tell(invite)
    said = {answer}
    caller.sip.settimeout(1)
    try:
        while True:
            said.add(caller.sip.recv(4096).decode())
    except TimeoutError:
        caller.sip.settimeout(5)
    assert {one.partition("\r\n")[0] for one in said} <= {"SIP/2.0 100 Trying", "SIP/2.0 200 OK"}
    assert len({one for one in said if " 200 " in one}) == 1
    assert running(server) == 1
    assert heard(caller.rtp) > 10
    caller._cseq += 1
    bye = caller.request("BYE")
    for _ in range(2):  # the answer to the first was lost
        caller.tell(bye)
        assert caller.final().startswith("SIP/2.0 200")
    caller.close()


def test_an_invite_that_came_another_way_is_no_second_call(
    line: tuple[Server, int], caller: Caller
) -> None:
    to, caller.to = caller.to, "<sip:1900@127.0.0.1>"
    caller.tell(caller.request("INVITE", caller.sdp, branch="other"))
    assert caller.final().startswith("SIP/2.0 482")
    caller.to = to
    assert heard(caller.rtp) > 10


def test_a_reinvite_of_a_call_that_is_over_is_no_new_call(line: tuple[Server, int]) -> None:
    caller = Caller(line[1], next(names))
    caller.bye()
    assert caller.invite(caller.sdp).startswith("SIP/2.0 481")
    caller.close()


# --- what nothing can be sent to ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c=IN IP4 127.0.0.1", "c=IN IP4 999.1.1.1"),
        ("c=IN IP4 127.0.0.1", "c=IN IP4 phone.example"),
        ("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
        ("c=IN IP4 127.0.0.1", "c=IN IP4 224.0.0.1"),
        ("c=IN IP4 127.0.0.1", "c=IN IP6 ::1"),
        ("c=IN IP4 127.0.0.1\n", ""),
        ("m=audio", "m=audio 0 RTP/AVP 0\na=x:"),
        ("m=audio", "m=audio 70000 RTP/AVP 0\na=x:"),
    ],
)
def test_an_address_that_is_none(line: tuple[Server, int], old: str, new: str) -> None:
    server, port = line
    quiet(server)
    before = len(server.log.read_text())
    one = Caller(port, next(names), dial=False)
    answer = one.invite(one.sdp.replace(old, new))
    one.close()
    assert answer.startswith("SIP/2.0 488")
    time.sleep(0.1)
    assert running(server) == 0
    assert len(server.log.read_text()) == before


def test_rubbish_does_not_fill_the_log(line: tuple[Server, int], caller: Caller) -> None:
    server, port = line
    before = server.log.read_text()
    head = struct.pack(">BBHII", 0x80, 101, 1, 1, 1)
    for junk in (b"", b"\x80", b"\xff" * 1_400, head, head + b"\x01", b"\x80\xc8" + b"\xff" * 9):
        caller.send([junk] * 5)
    with udp(STRANGER) as stranger:
        for text in ("INVITE", "OPTIONS", "INVITE sip:x SIP/2.0\r\nVia: x\r\n\r\n"):
            for _ in range(20):
                stranger.sendto(text.encode(), ("127.0.0.1", port))
    for bad in ({"CSeq": "x INVITE"}, {"Via": "SIP/2.0/UDP 127.0.0.1:99999;branch=z9hG4bKx"}):
        for _ in range(20):
            caller.tell(caller.request("INVITE", "m=audio x y z", **bad))
    assert heard(caller.rtp) > 10
    assert len(server.log.read_text()) - len(before) < 2_000
    caller.invite(caller.sdp)  # the socket still is there
