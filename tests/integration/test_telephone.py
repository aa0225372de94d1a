"""Telephone lines against the real server: Twilio's webhook and stream, Asterisk's AudioSocket."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import socket
import struct
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from assistant.audio.mulaw import mulaw_decode
from assistant.channels.twilio import signature
from tests.serve_tools import CODE, PHONE, TURNS, Server, serving

PUBLIC, TOKEN = "https://phone.example", "0123456789abcdef0123456789abcdef"
E164 = "+84" + PHONE[1:]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("telephone")
    token = folder / "twilio-token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    # Not marked as invented: a line that vouches for its caller resets real accounts.
    with serving(
        folder,
        accounts=[(PHONE, CODE, False)],
        ASSISTANT_TELEPHONE__PUBLIC_URL=PUBLIC,
        ASSISTANT_TELEPHONE__TWILIO_TOKEN_FILE=str(token),
        ASSISTANT_TELEPHONE__AUDIOSOCKET_PORT="0",
        ASSISTANT_TELEPHONE__AGENT="19009068",
        ASSISTANT_LIVE__RING="1",
        ASSISTANT_SECURITY__RESETS_PER_ACCOUNT="9",
    ) as running:
        yield running


# --- Twilio ---------------------------------------------------------------------------------------


def webhook(server: Server, path: str, signed: bool = True, **form: str) -> httpx.Response:
    headers = {"Host": "phone.example"}
    if signed:
        headers["X-Twilio-Signature"] = signature(TOKEN, PUBLIC + path, list(form.items()))
    return httpx.post(server.url.rstrip("/") + path, data=form, headers=headers)


def ticket(server: Server, call: str, caller: str = E164) -> str:
    answer = webhook(server, "/twilio/voice", CallSid=call, From=caller)
    assert answer.status_code == 200
    stream = ET.fromstring(answer.text).find("./Connect/Stream")
    assert stream is not None
    assert stream.attrib["url"] == "wss://phone.example/twilio/media"
    parameter = stream.find("Parameter")
    assert parameter is not None
    return parameter.attrib["value"]


def stream(server: Server) -> ClientConnection:
    return connect(server.url.replace("http", "ws") + "twilio/media", proxy=None)


def begin(line: ClientConnection, call: str, parameters: dict[str, str]) -> None:
    line.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
    start = {
        "streamSid": "MZ1",
        "callSid": call,
        "tracks": ["inbound"],
        "customParameters": parameters,
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    }
    line.send(json.dumps({"event": "start", "streamSid": "MZ1", "start": start}))


def key(line: ClientConnection, digits: str) -> None:
    for digit in digits:
        line.send(json.dumps({"event": "dtmf", "streamSid": "MZ1", "dtmf": {"digit": digit}}))


def receive(line: ClientConnection, seconds: float) -> list[dict[str, Any]]:
    end, got = time.monotonic() + seconds, []
    while (left := end - time.monotonic()) > 0:
        try:
            got.append(json.loads(line.recv(timeout=left)))
        except TimeoutError:
            break
    return got


def test_a_stream_with_the_webhooks_ticket_is_a_call(server: Server) -> None:
    with stream(server) as line:
        begin(line, "CA1", {"ticket": ticket(server, "CA1")})
        sound = [json.loads(line.recv(timeout=20)) for _ in range(40)]
        assert {m["event"] for m in sound} == {"media"}
        pcm = mulaw_decode(base64.b64decode(sound[20]["media"]["payload"]))
        assert len(pcm) == 320
        assert all(m["streamSid"] == "MZ1" for m in sound)
        key(line, "8")
        while json.loads(line.recv(timeout=20))["event"] != "clear":
            pass
        line.send(json.dumps({"event": "stop", "streamSid": "MZ1", "stop": {}}))
        with pytest.raises(ConnectionClosed):
            receive(line, 5)


@pytest.mark.full
def test_a_caller_who_asks_for_an_agent_is_handed_on(server: Server) -> None:
    with stream(server) as line:
        begin(line, "CA2", {"ticket": ticket(server, "CA2")})
        receive(line, 0.3)
        key(line, "0")
        while True:
            message = json.loads(line.recv(timeout=20))
            if message["event"] == "mark":
                line.send(json.dumps({"event": "mark", "mark": message["mark"]}))
                break
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=5)
    after = webhook(server, "/twilio/after", CallSid="CA2")
    assert "<Dial>19009068</Dial>" in after.text
    assert "<Hangup/>" in webhook(server, "/twilio/after", CallSid="CA2").text


@pytest.mark.parametrize("path", ["/twilio/voice", "/twilio/after"])
def test_a_webhook_that_is_not_signed_is_refused(server: Server, path: str) -> None:
    assert webhook(server, path, signed=False, CallSid="CA3", From=E164).status_code == 403


def test_a_webhook_without_end_is_not_read_to_its_end(server: Server) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1_000):
            yield b"x" * 65_536

    headers = {"Host": "phone.example"}
    try:
        answer = httpx.post(f"{server.url}twilio/voice", content=endless(), headers=headers)
        assert answer.status_code == 403
    except httpx.WriteError:  # the connection was closed on us
        pass


def test_a_stream_without_a_ticket_is_no_call(server: Server) -> None:
    used = ticket(server, "CA4")
    with stream(server) as first:
        begin(first, "CA4", {"ticket": used})
        receive(first, 0.2)
        for call, given in (("CA4", used), ("CA5", used), ("CA5", ""), ("CA5", "x.y")):
            with stream(server) as line:
                begin(line, call, {"ticket": given})
                with pytest.raises(ConnectionClosed) as closed:
                    line.recv(timeout=5)
                assert closed.value.rcvd
                assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize("first", [b"\0", "{}", '{"event":"media","media":{"payload":""}}', "no"])
def test_a_stream_that_begins_otherwise_is_no_call(server: Server, first: str | bytes) -> None:
    with stream(server) as line:
        line.send(first)
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=5)


@pytest.mark.full
def test_rubbish_in_mid_call_ends_it(server: Server) -> None:
    for rubbish in ("{", b"\0\1", '{"event":"media","media":{"payload":"%"}}'):
        call = f"CA{uuid4().hex}"
        with stream(server) as line:
            begin(line, call, {"ticket": ticket(server, call)})
            receive(line, 0.2)
            line.send(rubbish)
            with pytest.raises(ConnectionClosed) as closed:
                receive(line, 5)
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 1008


def simulated_call(server: Server, call: str, impairments: dict[str, float], *steps: Any) -> Any:
    """A call by streamdouble, somebody else's simulator of Twilio Media Streams."""
    double = pytest.importorskip("streamdouble", reason="needs the extra `peers`")
    from streamdouble.chaos import Impairments
    from streamdouble.protocol import StreamIdentity
    from streamdouble.scenario import parse
    from streamdouble.session import Session, SessionConfig

    assert double
    config = SessionConfig(
        custom_parameters={"ticket": ticket(server, call)},
        impairments=Impairments(**impairments),
        quiet_period_s=0.5,
    )
    document = {"name": call, "steps": list(steps)}
    session = Session(
        server.url.replace("http", "ws") + "twilio/media",
        scenario=parse(document, base_dir=TURNS),
        config=config,
        identity=StreamIdentity(call_sid=call),
    )
    result = asyncio.run(session.run())
    until_ended(server)
    return result


def until_ended(server: Server) -> None:
    """The other side has hung up; what a call counts for is counted once the server knows."""
    for _ in range(50):
        if httpx.get(f"{server.url}readyz").json()["running"] == 0:
            return
        time.sleep(0.1)
    raise AssertionError("the call never ended")


def resets(server: Server) -> float:
    text = httpx.get(f"{server.url}metrics").text
    found = re.search(r'assistant_verifications_total\{outcome="reset"\} ([\d.]+)', text)
    return float(found[1]) if found else 0.0


SPOKEN = [
    {"wait": 8.3},
    {"say": "1-cap-lai-mat-khau.wav"},
    {"wait": 6.5},
    {"say": "2-ma-so.wav"},
    {"wait": 3.0},
    {"dtmf": "1"},
    {"wait": 5.0},
]


@pytest.mark.full
@pytest.mark.timeout(120)
def test_a_spoken_call_by_streamdouble(server: Server) -> None:
    before = resets(server)
    result = simulated_call(server, f"CA{uuid4().hex}", {}, *SPOKEN)
    assert result.violations == []
    assert len(result.audio_received) > 8_000
    assert resets(server) == before + 1


@pytest.mark.full
@pytest.mark.timeout(120)
def test_keys_over_a_bad_line_by_streamdouble(server: Server) -> None:
    """A tenth of the sound is lost and the rest up to 80 ms late; keys are keys."""
    before = resets(server)
    bad = {"loss": 0.1, "jitter_ms": 80.0, "latency_ms": 150.0}
    steps = [{"wait": 1.0}, {"dtmf": f"8{CODE}#"}, {"wait": 4.0}, {"dtmf": "1"}, {"wait": 5.0}]
    result = simulated_call(server, f"CA{uuid4().hex}", bad, *steps)
    assert result.violations == []
    assert resets(server) == before + 1


@pytest.mark.full
def test_a_line_cut_off_by_streamdouble(server: Server) -> None:
    """``simulated_call`` waits for the end, and fails where there is none."""
    simulated_call(server, f"CA{uuid4().hex}", {}, {"wait": 1.0}, "hangup")


# --- AudioSocket ----------------------------------------------------------------------------------


class Asterisk:
    """The other side of AudioSocket, written from its documentation."""

    def __init__(self, server: Server, uuid: UUID) -> None:
        assert server.audiosocket
        self.socket = socket.create_connection(server.audiosocket, timeout=10)
        self.send(0x01, uuid.bytes)

    def __enter__(self) -> Asterisk:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, kind: int, payload: bytes = b"") -> None:
        self.socket.sendall(struct.pack(">BH", kind, len(payload)) + payload)

    def receive(self) -> tuple[int, bytes]:
        kind, length = struct.unpack(">BH", self._exactly(3))
        return kind, self._exactly(length)

    def until(self, wanted: Callable[[int, bytes], bool], most: int = 3_000) -> tuple[int, bytes]:
        for _ in range(most):
            kind, payload = self.receive()
            if wanted(kind, payload):
                return kind, payload
        raise AssertionError("never came")

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data


def announce(server: Server, uuid: UUID, caller: str = PHONE, token: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {token or server.token}"}
    url = f"{server.url}audiosocket/{uuid}"
    return httpx.post(url, data={"caller": caller}, headers=headers).status_code


def outcome(server: Server, uuid: UUID) -> str:
    headers = {"Authorization": f"Bearer {server.token}"}
    return httpx.get(f"{server.url}audiosocket/{uuid}", headers=headers).text


def hang_up(kind: int, _: bytes) -> bool:
    return kind == 0x00


@pytest.mark.full
def test_an_announced_call_is_answered_and_may_end_with_an_agent(server: Server) -> None:
    uuid = uuid4()
    assert announce(server, uuid) == 200
    with Asterisk(server, uuid) as line:
        kind, payload = line.until(lambda _, data: any(data))
        assert (kind, len(payload)) == (0x10, 320)
        for _ in range(10):
            line.send(0x10, bytes(320))
        line.send(0x03, b"0")
        line.until(hang_up)
    assert outcome(server, uuid) == "agent 19009068"
    assert outcome(server, uuid) == "unknown\n"


@pytest.mark.full
def test_no_sink_holds_code_phone_or_password(server: Server) -> None:
    """A canary: a whole call of an account that is not test data, then every place is searched."""
    uuid = uuid4()
    announce(server, uuid)
    with Asterisk(server, uuid) as line:
        line.until(lambda _, data: any(data))
        for pressed in f"8{CODE}#":
            line.send(0x03, pressed.encode())
        for _ in range(150):  # keys before the read-back would wait for its end
            line.receive()
        line.send(0x03, b"1")
        for _ in range(400):  # "please wait", then the password is being spoken
            line.receive()
        line.send(0x00)
        line.until(hang_up)
    headers = {"Authorization": f"Bearer {server.token}"}
    answer = httpx.get(f"{server.url}operator/calls", headers=headers)
    call = answer.json()["calls"][-1]
    assert call["resets"] == 1
    prompts = " ".join(turn["prompt"] for turn in call["turns"])
    assert "••• •••" in prompts
    assert not any(c.isdigit() for c in prompts)
    folder = server.log.parent
    sinks = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    sinks |= {"metrics": httpx.get(f"{server.url}metrics").content, "operator": answer.content}
    assert {"serve.log", "a.sqlite3"} <= set(sinks)
    spoken = "bảy chín ba một không"
    for name, content in sinks.items():
        for secret in (CODE, PHONE[1:], spoken):
            assert secret.encode() not in content, name


def test_frames_of_odd_sizes_and_unknown_kinds_are_taken(server: Server) -> None:
    uuid = uuid4()
    announce(server, uuid)
    with Asterisk(server, uuid) as line:
        for size in (0, 1, 3, 319, 321, 6_400):
            line.send(0x10, bytes(size))
        line.send(0x42, b"?")
        line.send(0x03, b"")
        line.send(0x03, b"\xff")
        assert line.receive()[0] == 0x10
        line.send(0x00)
        line.until(hang_up)
    assert outcome(server, uuid) == "hangup"


def test_who_was_not_announced_hears_nothing(server: Server) -> None:
    uuid = uuid4()
    announce(server, uuid)
    with Asterisk(server, uuid) as first:
        first.receive()
        for stranger in (uuid, uuid4()):  # once is once
            with Asterisk(server, stranger) as line:
                assert line.receive()[0] == 0xFF
                assert line.receive()[0] == 0x00


def test_announcing_needs_the_token_and_a_uuid(server: Server) -> None:
    uuid = uuid4()
    assert announce(server, uuid, token="wrong") == 401
    assert announce(server, uuid) == 200
    assert announce(server, uuid) == 409
    assert announce(server, "no-uuid") == 422  # type: ignore[arg-type]
    assert announce(server, uuid4(), caller="9" * 99) == 422
    assert httpx.get(f"{server.url}audiosocket/{uuid}").status_code == 401


@pytest.mark.parametrize(
    "first", [b"", b"\x01\x00\x03abc", b"\x10\x01\x40" + bytes(320), b"\x01\xff\xff", b"GET / HTTP"]
)
def test_a_connection_that_is_no_audiosocket_is_closed(server: Server, first: bytes) -> None:
    assert server.audiosocket
    with socket.create_connection(server.audiosocket, timeout=10) as line:
        line.sendall(first)
        line.settimeout(5)
        left = b""
        while more := line.recv(4096):
            left += more
        assert left in (b"", b"\xff\x00\x01\x01\x00\x00\x00")


def test_who_connects_and_says_nothing_is_sent_away(server: Server) -> None:
    assert server.audiosocket
    with socket.create_connection(server.audiosocket, timeout=10) as line:
        assert line.makefile("rb").read() == b"\xff\x00\x01\x01\x00\x00\x00"
    assert "audiosocket-refused: line-silent" in server.log.read_text()


def test_a_sudden_end_of_the_line_ends_the_call_and_no_other(server: Server) -> None:
    good, bad = uuid4(), uuid4()
    announce(server, good)
    announce(server, bad)
    with Asterisk(server, good) as line:
        with Asterisk(server, bad) as other:
            other.receive()
            other.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.until(lambda _, data: any(data))
        for _ in range(50):
            if outcome(server, bad) == "hangup":
                break
            time.sleep(0.1)
        else:
            raise AssertionError("the call of the broken line never ended")
        assert line.receive()[0] == 0x10


CLIENT = """
import net from 'node:net';
import { FrameParser, FrameType, encodeFrame, encodeAudio } from 'asterisk-audiosocket';
const [port, uuid, keys] = process.argv.slice(2);
const socket = net.connect(Number(port), '127.0.0.1');
const parser = new FrameParser();
const seen = { audio: 0, loud: 0, hangup: false };
socket.write(encodeFrame(FrameType.UUID, Buffer.from(uuid.replaceAll('-', ''), 'hex')));
const timer = setInterval(() => socket.write(encodeAudio(Buffer.alloc(320))), 20);
let pressed = 0;
socket.on('data', (chunk) => {
  parser.push(chunk);
  for (const frame of parser.drain()) {
    if (frame.type === FrameType.AUDIO) {
      seen.audio += 1;
      if (frame.payload.some((byte) => byte !== 0)) seen.loud += 1;
      if (seen.audio % 50 === 0 && pressed < keys.length)
        socket.write(encodeFrame(3, Buffer.from(keys[pressed++])));
    } else if (frame.type === FrameType.HANGUP) seen.hangup = true;
  }
});
socket.on('close', () => { clearInterval(timer); console.log(JSON.stringify(seen)); });
"""


@pytest.mark.full
@pytest.mark.timeout(120)
def test_audiosocket_with_the_codec_of_npms_asterisk_audiosocket(
    server: Server, tmp_path: Path
) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("needs npm")
    (tmp_path / "package.json").write_text("{}")
    got = subprocess.run(
        [npm, "install", "--silent", "asterisk-audiosocket@0.1.0"], cwd=tmp_path, check=False
    )
    if got.returncode:
        pytest.skip("the npm registry cannot be reached")
    (tmp_path / "client.mjs").write_text(CLIENT)
    uuid = uuid4()
    assert announce(server, uuid) == 200
    assert server.audiosocket
    done = subprocess.run(
        [node, "client.mjs", str(server.audiosocket[1]), str(uuid), "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    seen = json.loads(done.stdout)
    assert seen["hangup"]
    assert seen["loud"] > 100
    assert outcome(server, uuid) == "agent 19009068"
