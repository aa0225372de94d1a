"""gTTS against a local stand-in of the service: real sockets, real TLS, real MP3.

gTTS knows one address, so the stand-in is an HTTPS proxy that answers for it itself: CONNECT,
then a TLS handshake with a certificate made at test time, then the service's protocol.
"""

import base64
import io
import json
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from assistant.errors import PromptError
from assistant.settings import Voice
from assistant.tts.build import build
from assistant.tts.catalogue import load_catalogue
from assistant.tts.check import check
from assistant.tts.gtts_voice import GttsSynthesizer, decode_mp3
from assistant.tts.synthesizers import cast_of
from tests.tts_tools import voiced, write_prompts

HOST = "translate.google.com"
LONG = "Mời quý khách đọc chậm từng số của mã bảo hiểm xã hội. " * 4


@dataclass
class StandIn:
    """What the service was asked, and how it shall answer."""

    texts: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    status: int = 200
    answer: bytes | None = None
    port: int = 0


def mp3(seconds: float = 0.6, rate: int = 24_000) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, voiced(seconds, rate, 200), rate, format="MP3")
    return buffer.getvalue()


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "stand-in.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def handlers(state: StandIn, tls: ssl.SSLContext) -> type[BaseHTTPRequestHandler]:
    class Service(BaseHTTPRequestHandler):
        """The service itself, behind TLS."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.path == "/_/TranslateWebserverUi/data/batchexecute"
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            ((call,),) = json.loads(urllib.parse.parse_qs(body)["f.req"][0])
            assert (call[0], call[3]) == ("jQ1olc", "generic")
            text, language, speed, _ = json.loads(call[1])
            assert (language, speed) == ("vi", None)
            state.texts.append(text)
            audio = mp3(0.02 * len(text)) if state.answer is None else state.answer
            inner = json.dumps([base64.b64encode(audio).decode()])
            line = json.dumps([["wrb.fr", "jQ1olc", inner, None, None, None, "generic"]])
            data = f")]}}'\n\n{len(line)}\n{line.replace(', ', ',')}\n".encode()
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    class Proxy(BaseHTTPRequestHandler):
        """The way there: opens the tunnel and is its other end."""

        def do_CONNECT(self) -> None:
            state.hosts.add(self.path)
            self.send_response(200)
            self.end_headers()
            with tls.wrap_socket(self.connection, server_side=True) as inside:
                Service(inside, self.client_address, self.server)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Proxy


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    state = StandIn()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handlers(state, tls))
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    use_proxy(monkeypatch, state.port)
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def use_proxy(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")


def test_a_text_of_the_catalogue_is_spoken(service: StandIn) -> None:
    samples, rate = GttsSynthesizer(frozenset({"Xin chào."})).speak("Xin chào.")
    assert (service.texts, service.hosts) == (["Xin chào."], {f"{HOST}:443"})
    assert rate == 24_000
    assert samples.dtype == np.float32
    assert np.abs(samples).max() > 0.05


def test_every_part_of_a_long_text_is_heard(service: StandIn) -> None:
    samples, rate = GttsSynthesizer(frozenset({LONG})).speak(LONG)
    assert len(service.texts) > 1
    words = " ".join(service.texts).replace(".", "").split()
    assert words == LONG.replace(".", "").split()
    wanted = sum(0.02 * len(text) + 0.2 for text in service.texts)
    assert len(samples) / rate == pytest.approx(wanted, abs=0.2 * len(service.texts))


def test_nothing_but_the_catalogue_leaves_the_machine(service: StandIn) -> None:
    digits = str(np.random.default_rng().integers(10**9, 10**10))
    engine = GttsSynthesizer(frozenset({"Mật khẩu là."}))
    for text in (digits, f"Mật khẩu là. {digits}", "Mật khẩu là", ""):
        with pytest.raises(PromptError) as caught:
            engine.speak(text)
        assert caught.value.code == "gtts-not-catalogue"
        assert digits not in str(caught.value) + repr(engine)
    assert service.texts == []
    assert service.hosts == set()


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        (429, None, "gtts-refused"),
        (503, None, "gtts-refused"),
        (200, b"this is no MP3", "mp3-broken"),
        (200, b"", "mp3-broken"),
    ],
)
def test_bad_answers_are_coded(
    service: StandIn, status: int, answer: bytes | None, code: str
) -> None:
    service.status, service.answer = status, answer
    with pytest.raises(PromptError) as caught:
        GttsSynthesizer(frozenset({"Xin chào."})).speak("Xin chào.")
    assert caught.value.code == code
    assert "espeak" in caught.value.hint


def test_no_network_is_coded(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        use_proxy(monkeypatch, closed.getsockname()[1])
        with pytest.raises(PromptError) as caught:
            GttsSynthesizer(frozenset({"Xin chào."})).speak("Xin chào.")
    assert caught.value.code == "gtts-unreachable"
    assert "Xin chào" not in str(caught.value)


def test_a_build_over_the_network_passes_the_check(service: StandIn, tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    write_prompts(folder, {"greeting": "Xin chào."})
    catalogue, voice = load_catalogue(folder), Voice()
    report = build(folder, catalogue, cast_of("gtts", voice, catalogue), voice)
    assert len(report.rendered) == 11
    assert sorted(service.texts) == sorted(p.spoken for p in catalogue.prompts.values())
    assert check(folder, catalogue, voice) == ()


def test_mp3_is_decoded_without_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # no program to call
    original = voiced(0.6, 24_000, 200)
    samples, rate = decode_mp3(mp3())
    assert rate == 24_000
    delay = int(np.argmax(np.correlate(samples, original, "full"))) - len(original) + 1
    heard = samples[delay:][: len(original)]
    assert np.corrcoef(heard, original[: len(heard)])[0, 1] > 0.99


@pytest.mark.network
def test_the_real_service_still_speaks_this_protocol() -> None:
    try:
        samples, rate = GttsSynthesizer(frozenset({"Xin chào."})).speak("Xin chào.")
    except PromptError as error:
        if error.code != "gtts-unreachable":
            raise
        pytest.skip("translate.google.com cannot be reached from here")
    assert 0.4 < len(samples) / rate < 3
    assert np.abs(samples).max() > 0.05
