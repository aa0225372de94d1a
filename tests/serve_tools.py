"""The real server as a process of its own, on a free port of this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import soundfile

from assistant.accounts.open import open_local
from assistant.settings import load_settings
from tests.cli_tools import PROGRAM

ROOT = Path(__file__).resolve().parent.parent
TURNS = ROOT / "examples" / "demo"
ARTEFACTS = ROOT / "var" / "test-artefacts"
PHONE, CODE = "0501234567", "7931025846"  # invented; the code that the demo's caller says


@dataclass
class Server:
    url: str  # with a slash at its end
    token: str
    process: subprocess.Popen[str]
    log: Path
    audiosocket: tuple[str, int] | None = None

    def stop(self, sig: int = signal.SIGTERM) -> int:
        self.process.send_signal(sig)
        return self.process.wait(60)


@contextmanager
def serving(
    folder: Path, *arguments: str, accounts: Sequence[tuple[str, str, bool]] = (), **env: str
) -> Iterator[Server]:
    """``assistant serve`` on a free port; ``accounts``: phone, code, invented."""
    ours = {"DATABASE_URL": f"sqlite:///{folder}/a.sqlite3", "SERVE__CALLS": f"{folder}/calls"}
    environment = os.environ | {f"ASSISTANT_{k}": v for k, v in ours.items()} | env
    register(environment["ASSISTANT_DATABASE_URL"], accounts)
    log = folder / "serve.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*PROGRAM, "serve", "--port", "0", "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment,
        )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line, log.read_text()
        told = json.loads(line)
        server = Server(told["url"], told["open"].partition("token=")[2], process, log)
        if told["audiosocket"]:
            host, _, port = told["audiosocket"].rpartition(":")
            server.audiosocket = (host, int(port))
        wait_for(server.url)
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def free_udp_port(host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((host, 0))
        return int(one.getsockname()[1])


def register(url: str, accounts: Sequence[tuple[str, str, bool]]) -> None:
    settings = load_settings().model_copy(update={"database_url": url})
    with closing(open_local(settings, notice=lambda _: None)) as store:
        for phone, code, invented in accounts:
            store.add(phone, code, invented=invented)


def wait_for(url: str, limit: float = 20.0) -> None:
    end = time.monotonic() + limit
    while True:
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def turn(number: int, rate: int = 8_000) -> bytes:
    """One of the demo's caller turns as PCM."""
    path = next(TURNS.glob(f"{number}-*.wav"))
    samples, found = soundfile.read(path, dtype="int16")
    assert found == rate
    pcm: bytes = samples.tobytes()
    return pcm


def microphone(path: Path, parts: Sequence[float | int], rate: int = 8_000) -> Path:
    """A recording for a fake microphone: floats are seconds of silence, ints are demo turns.

    The silence carries a breath of noise, as every microphone's does."""
    rng = np.random.default_rng(5)
    pieces = [
        np.frombuffer(turn(part), "<i2").astype(float)
        if isinstance(part, int)
        else np.zeros(round(part * rate))
        for part in parts
    ]
    samples = np.concatenate(pieces)
    noisy = np.clip(samples + rng.normal(0, 4, len(samples)), -32768, 32767)
    soundfile.write(path, noisy.astype("int16"), rate)
    return path


SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 {host}
t=0 0
m=audio {port} RTP/AVP {codecs}
a=rtpmap:101 telephone-event/8000
"""
KEYS = "0123456789*#"


class Caller:
    """One call over SIP, from the RFCs (3261, 3550, 4733): dialled, then packets by hand.

    ``sdp``: of the INVITE, instead of one that says where ``media_host`` is."""

    def __init__(
        self,
        port: int,
        call: str,
        codecs: str = "0 101",
        *,
        media_host: str = "127.0.0.1",
        sdp: str | None = None,
        dial: bool = True,
    ) -> None:
        self.sip, self.rtp = udp(), udp(media_host)
        self.server, self.call, self.to = ("127.0.0.1", port), call, "<sip:1900@127.0.0.1>"
        self.media = ("127.0.0.1", 0)
        self._number = self._cseq = 0
        self.sdp = SDP.format(host=media_host, port=self.rtp.getsockname()[1], codecs=codecs)
        if dial:
            self.answer = self.invite(self.sdp if sdp is None else sdp)

    def close(self) -> None:
        self.sip.close()
        self.rtp.close()

    def request(self, method: str, body: str = "", branch: str = "", **extra: str) -> str:
        own = f"sip:{PHONE}@127.0.0.1"
        contact = f"<{own}:{self.sip.getsockname()[1]}>"
        headers = {
            "Via": f"SIP/2.0/UDP 127.0.0.1:{self.sip.getsockname()[1]}"
            f";branch=z9hG4bK{self.call}{branch or f'{method}{self._cseq}'}",
            "From": f"<{own}>;tag={self.call}",
            "To": self.to,
            "Call-ID": self.call,
            "CSeq": f"{self._cseq} {method}",
            "Contact": contact,
            "Max-Forwards": "70",
        } | {name.replace("_", "-"): value for name, value in extra.items()}
        body = body.replace("\n", "\r\n")
        if body:
            headers["Content-Type"] = "application/sdp"
        headers["Content-Length"] = str(len(body))
        lines = [f"{method} sip:1900@127.0.0.1 SIP/2.0", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def tell(self, message: str) -> None:
        self.sip.sendto(message.encode(), self.server)

    def invite(self, sdp: str, ack: str = "") -> str:
        """The final answer to an INVITE; the first is the call, the others change it."""
        self._cseq += 1
        self.tell(self.request("INVITE", sdp))
        answer = self.final()
        if answer.startswith("SIP/2.0 200"):
            to = re.search(r"^To: *(.+)\r$", answer, re.MULTILINE | re.IGNORECASE)
            media = re.search(r"m=audio (\d+)", answer)
            assert to
            assert media
            self.to, self.media = to[1], ("127.0.0.1", int(media[1]))
            self.tell(self.request("ACK", ack))
        return answer

    def bye(self) -> str:
        self._cseq += 1
        self.tell(self.request("BYE"))
        return self.final()

    def final(self) -> str:
        """The next final answer to the last request."""
        while True:
            answer = self.sip.recv(4096).decode()
            ours = re.search(rf"^CSeq: *{self._cseq} ", answer, re.MULTILINE | re.IGNORECASE)
            if ours and not answer.startswith("SIP/2.0 1"):
                return answer

    def packet(self, mulaw: bytes, kind: int = 0) -> bytes:
        self._number += 1
        at = self._number * 160
        return struct.pack(">BBHII", 0x80, kind, self._number, at, 99) + mulaw

    def key(self, key: str) -> list[bytes]:
        """A key as telephone-events: its start, and its end three times."""
        first = self.packet(struct.pack(">BBH", KEYS.index(key), 10, 160), 101)
        end = struct.pack(">BBH", KEYS.index(key), 0x80 | 10, 800)
        ends = [self.packet(end, 101) for _ in range(3)]
        return [first, *(one[:4] + first[4:8] + one[8:] for one in ends)]  # of one timestamp

    def send(self, packets: Sequence[bytes], by: socket.socket | None = None) -> None:
        """One every 20 ms."""
        due = time.monotonic()
        for packet in packets:
            (by or self.rtp).sendto(packet, self.media)
            due += 0.02
            time.sleep(max(0.0, due - time.monotonic()))


def udp(host: str = "127.0.0.1") -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((host, 0))
    one.settimeout(5)
    return one


def heard(line: socket.socket, seconds: float = 0.5) -> int:
    """How many RTP packets come in from now on; what waited before is thrown away."""
    packets, end = 0, time.monotonic() + seconds
    line.setblocking(False)
    try:
        while True:
            line.recv(4096)
    except BlockingIOError:
        pass
    while (left := end - time.monotonic()) > 0:
        line.settimeout(left)
        try:
            packets += line.recv(4096)[1] & 0x7F == 0
        except TimeoutError:
            break
    line.settimeout(5)
    return packets
