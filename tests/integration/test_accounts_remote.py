"""The HTTP client against a real server on this machine that plays the integrator's part."""

from __future__ import annotations

import json
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assistant.accounts.remote import RemoteAccounts, parse_answer
from assistant.accounts.signing import (
    IDEMPOTENCY_KEY,
    SIGNATURE,
    TIMESTAMP,
    Direction,
    sign,
    verify,
)
from assistant.dialogue.types import Failed, Refused, ResetDone
from assistant.settings import Remote, Security

Behave = Callable[["System", "Handler", dict[str, Any]], None]


@dataclass
class System:
    """An account system that follows docs/account-protocol.md, and remembers its keys."""

    secret: bytes
    registered: tuple[str, str]
    url: str = ""
    behave: list[Behave] = field(default_factory=list)  # for the next requests, in order
    answers: dict[str, bytes] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)  # of every request, in order
    bodies: list[dict[str, Any]] = field(default_factory=list)
    resets: int = 0
    head: int = 405  # the answer to HEAD
    headers: dict[str, str] = field(default_factory=dict)  # of the last HEAD

    def answer(self, key: str, request: dict[str, Any]) -> bytes:
        if key not in self.answers:
            matches = (request["phone"], request["code"]) == self.registered
            self.resets += matches
            password = "".join(secrets.choice("0123456789") for _ in range(6))
            outcome = {"outcome": "reset", "password": password} if matches else {}
            content = {"version": 1, "idempotency_key": key, "outcome": "refused"} | outcome
            self.answers[key] = json.dumps(content).encode()
        return self.answers[key]


class Handler(BaseHTTPRequestHandler):
    system: System

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key, stamp = self.headers[IDEMPOTENCY_KEY], self.headers[TIMESTAMP]
        signature = self.headers[SIGNATURE]
        genuine = verify(
            self.system.secret, Direction.REQUEST, stamp, key, body, signature, time.time(), 300
        )
        if not genuine:
            self.reply(key, b"{}", status=401)
            return
        self.system.keys.append(key)
        self.system.bodies.append(json.loads(body))
        behave = self.system.behave.pop(0) if self.system.behave else well
        behave(self.system, self, self.system.bodies[-1])

    def do_HEAD(self) -> None:
        self.system.headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(self.system.head)
        self.end_headers()

    @property
    def key(self) -> str:
        return self.headers[IDEMPOTENCY_KEY]

    def reply(
        self,
        key: str,
        body: bytes,
        *,
        status: int = 200,
        secret: bytes | None = None,
        age: float = 0,
        direction: Direction = Direction.RESPONSE,
    ) -> None:
        stamp = str(int(time.time() - age))
        self.send_response(status)
        self.send_header(TIMESTAMP, stamp)
        signature = sign(secret or self.system.secret, direction, stamp, key, body)
        self.send_header(SIGNATURE, signature)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def well(system: System, handler: Handler, request: dict[str, Any]) -> None:
    handler.reply(handler.key, system.answer(handler.key, request))


@pytest.fixture
def system() -> Iterator[System]:
    phone = "+8453" + "".join(secrets.choice("0123456789") for _ in range(7))
    code = "".join(secrets.choice("0123456789") for _ in range(10))
    system = System(secrets.token_hex(32).encode(), (phone, code))
    handler = type("Bound", (Handler,), {"system": system})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    system.url = f"http://127.0.0.1:{server.server_address[1]}/v1/resets"
    yield system
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(system: System, tmp_path: Path) -> Iterator[RemoteAccounts]:
    yield from _client(system, tmp_path)


def _client(system: System, tmp_path: Path, **changes: object) -> Iterator[RemoteAccounts]:
    path = tmp_path / "remote.secret"
    path.write_bytes(b"\n " + system.secret + b"\n")
    path.chmod(0o600)
    values = {"url": system.url, "secret_file": path, "timeout": 0.3, "deadline": 3.0}
    remote = Remote.model_validate(values | changes)
    client = RemoteAccounts.open(remote, Security())
    yield client
    client.close()


def test_a_reset_and_a_refusal(system: System, client: RemoteAccounts) -> None:
    phone, code = system.registered
    done = client.verify_and_reset("0" + phone[3:], code, "call-1")
    assert isinstance(done, ResetDone)
    assert len(done.password) == 6
    assert client.verify_and_reset(phone, code[::-1] + "0", "call-1") == Refused()
    assert client.verify_and_reset(None, code, "call-2") == Refused()
    assert [set(body) for body in system.bodies] == [{"version", "phone", "code", "call_id"}] * 3
    assert [body["phone"] for body in system.bodies] == [phone, phone, None]
    assert [body["call_id"] for body in system.bodies] == ["call-1", "call-1", "call-2"]
    assert len(set(system.keys)) == 3


def silent(system: System, handler: Handler, request: dict[str, Any]) -> None:
    """Does the reset, but the answer is lost: the caller must not lose the password."""
    system.answer(handler.key, request)
    time.sleep(0.5)


def hangs_up(system: System, handler: Handler, request: dict[str, Any]) -> None:
    system.answer(handler.key, request)
    handler.connection.close()


def half(system: System, handler: Handler, request: dict[str, Any]) -> None:
    system.answer(handler.key, request)
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"version"')
    handler.connection.close()


def unavailable(system: System, handler: Handler, request: dict[str, Any]) -> None:
    handler.reply(handler.key, b"<html>try later</html>", status=503)


def trickles(system: System, handler: Handler, request: dict[str, Any]) -> None:
    """A byte now and then, each within the time-out of one read."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(8):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize("trouble", [silent, hangs_up, half, unavailable, trickles])
def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    system: System, client: RemoteAccounts, trouble: Behave
) -> None:
    system.behave = [trouble, trouble]
    phone, code = system.registered
    done = client.verify_and_reset(phone, code, "call")
    assert isinstance(done, ResetDone)
    assert json.loads(system.answers[system.keys[0]])["password"] == done.password
    assert len(system.keys) == 3
    assert len(set(system.keys)) == 1
    assert system.resets == 1


def test_retries_are_bounded(system: System, client: RemoteAccounts) -> None:
    system.behave = [unavailable] * 9
    assert client.verify_and_reset(*system.registered, "call") == Failed()
    assert len(system.keys) == 3


def test_the_deadline_holds(system: System, tmp_path: Path) -> None:
    system.behave = [silent] * 60
    for client in _client(system, tmp_path, retries=50, deadline=0.8):
        started = time.monotonic()
        assert client.verify_and_reset(*system.registered, "call") == Failed()
        assert time.monotonic() - started < 1.6


def test_a_system_that_is_away(system: System, tmp_path: Path) -> None:
    for client in _client(system, tmp_path, url="http://127.0.0.1:1/"):
        assert client.verify_and_reset(*system.registered, "call") == Failed()


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(200, None), (401, None), (405, None), (404, None), (500, None), (503, "status 503")],
)
def test_any_answer_says_that_the_system_is_there(
    system: System, client: RemoteAccounts, status: int, trouble: str | None
) -> None:
    system.head = status
    assert client.trouble() == trouble
    sent = system.headers
    assert not {name.lower() for name in (SIGNATURE, TIMESTAMP, IDEMPOTENCY_KEY)} & set(sent)
    assert system.keys == []


def test_no_answer_is_trouble(system: System, tmp_path: Path) -> None:
    for client in _client(system, tmp_path, url="http://127.0.0.1:1/"):
        assert client.trouble() == "ConnectError"
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes calls, says nothing
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        for client in _client(system, tmp_path, url=url):
            assert client.trouble() == "ReadTimeout"


def _body(**changes: object) -> Behave:
    def behave(system: System, handler: Handler, request: dict[str, Any]) -> None:
        content = json.loads(system.answer(handler.key, request)) | changes
        handler.reply(handler.key, json.dumps(content).encode())

    return behave


def _raw(body: bytes, **options: Any) -> Behave:
    def behave(system: System, handler: Handler, request: dict[str, Any]) -> None:
        handler.reply(handler.key, body or system.answer(handler.key, request), **options)

    return behave


def unsigned(system: System, handler: Handler, request: dict[str, Any]) -> None:
    body = system.answer(handler.key, request)
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def replayed(system: System, handler: Handler, request: dict[str, Any]) -> None:
    """An answer of another verification, in its own genuine signature."""
    handler.reply("another-key", system.answer("another-key", request))


def redirect(system: System, handler: Handler, request: dict[str, Any]) -> None:
    handler.send_response(307)
    handler.send_header("Location", "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def endless(system: System, handler: Handler, request: dict[str, Any]) -> None:
    """Fast enough for any time-out, until the client hangs up."""
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        while True:
            handler.wfile.write(b"x" * 65_536)


ODD: dict[str, Behave] = {
    "status 500": _raw(b"oops", status=500),
    "status 404": _raw(b"", status=404),
    "status 201": _raw(b"", status=201),
    "garbage": _raw(b"\x00\xffnot json"),
    "half json": _raw(b'{"version": 1, "outcome"'),
    "deep json": _raw(b"[" * 10_000),
    "json null": _raw(b"null"),
    "json list": _raw(b'["reset", "123456"]'),
    "too long": _raw(b" " * 20_000 + b"{}"),
    "endless": endless,
    "wrong secret": _raw(b"", secret=b"y" * 32),
    "signed as a request": _raw(b"", direction=Direction.REQUEST),
    "old": _raw(b"", age=900),
    "of the future": _raw(b"", age=-900),
    "unsigned": unsigned,
    "replayed": replayed,
    "redirect": redirect,
    "unknown outcome": _body(outcome="maybe"),
    "no outcome": _body(outcome=None),
    "other version": _body(version=2),
    "other key": _body(idempotency_key="x"),
    "no password": _body(password=None),
    "short password": _body(password="12345"),
    "long password": _body(password="1" * 13),
    "letters": _body(password="abc123"),
    "number": _body(password=123456),
    "other digits": _body(password="١٢٣٤٥٦"),
}


@pytest.mark.parametrize("odd", list(ODD))
def test_anything_odd_is_a_failure_and_is_not_repeated(
    system: System, client: RemoteAccounts, odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    system.behave = [ODD[odd]]
    phone, code = system.registered
    assert client.verify_and_reset(phone, code, "call") == Failed()
    assert len(system.keys) == 1
    assert "accounts-remote-odd" in caplog.text
    passwords = [json.loads(body)["password"] for body in system.answers.values()]
    for secret in (phone[3:], code, *passwords):
        assert secret not in caplog.text


def test_a_client_with_another_secret_is_turned_away(system: System, tmp_path: Path) -> None:
    other = System(secrets.token_hex(32).encode(), system.registered)
    other.url = system.url
    for client in _client(other, tmp_path):
        assert client.verify_and_reset(*system.registered, "call") == Failed()
    assert system.keys == []


def test_a_request_cannot_be_kept_and_sent_later(system: System, tmp_path: Path) -> None:
    for client in _client(system, tmp_path):
        client._clock = lambda: datetime(2020, 1, 1, tzinfo=UTC)
        assert client.verify_and_reset(*system.registered, "call") == Failed()
    assert system.keys == []


def test_answers_by_themselves() -> None:
    good = {"version": 1, "idempotency_key": "k", "outcome": "reset", "password": "0" * 8}
    assert parse_answer(json.dumps(good).encode(), "k", 6) == ResetDone("0" * 8)
    assert parse_answer(json.dumps(good).encode(), "k", 9) is None
    assert parse_answer(json.dumps(good).encode(), "j", 6) is None
