"""``assistant serve`` as a process, with a WebSocket client that is not ours (websockets)."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from assistant.errors import SettingsError
from assistant.server.door import Door, is_loopback, open_door
from assistant.settings import Serve
from tests.serve_tools import CODE, PHONE, Server, serving

REAL_PHONE, REAL_CODE = "0507654321", "9876543210"  # invented too, but not marked as such


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("serve")
    accounts = [(PHONE, CODE, True), (REAL_PHONE, REAL_CODE, False)]
    with serving(folder, accounts=accounts, ASSISTANT_LIVE__RING="1") as running:
        yield running


def phone(server: Server, **options: Any) -> ClientConnection:
    return connect(server.url.replace("http", "ws") + "phone", proxy=None, **options)


def start(socket: ClientConnection, caller: str = PHONE, rate: int = 8_000) -> None:
    socket.send(json.dumps({"type": "start", "caller": caller, "rate": rate}))


def press(socket: ClientConnection, keys: str) -> None:
    for key in keys:
        socket.send(json.dumps({"type": "key", "key": key}))


def until(socket: ClientConnection, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The next message that fits; sound is passed over."""
    while True:
        message = socket.recv(timeout=20)
        if isinstance(message, str) and wanted(json.loads(message)):
            found: dict[str, Any] = json.loads(message)
            return found


def prompt(words: str) -> Callable[[dict[str, Any]], bool]:
    return lambda news: news["type"] == "prompt" and words in news["text"]


def through_the_call(socket: ClientConnection, code: str) -> None:
    until(socket, prompt("trợ lý VssID"))
    press(socket, f"8{code}#")
    until(socket, prompt("đọc lại mã số"))
    press(socket, "1")


def test_a_whole_call_by_keys(server: Server) -> None:
    with phone(server) as line:
        start(line)
        through_the_call(line, CODE)
        said = until(line, prompt("mật khẩu mới"))
        assert "••• •••" in said["text"]
        assert not any(c.isdigit() for c in said["text"])
        assert sum(c.isdigit() for c in said["shown"]) == 12
        line.send('{"type":"hangup"}')
        ended = until(line, lambda news: news["type"] == "ended")
        assert ended["resets"] == 1
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=5)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1000


def test_sound_comes_in_real_time_at_the_asked_rate(server: Server) -> None:
    with phone(server) as line:
        start(line, rate=48_000)
        began, got = time.monotonic(), 0
        while got < 48_000 * 2:
            message = line.recv(timeout=5)
            got += len(message) if isinstance(message, bytes) else 0
        assert time.monotonic() - began > 0.7  # a second of sound, less what was under way


def test_a_claimed_caller_id_resets_no_real_account(server: Server) -> None:
    with phone(server) as line:
        start(line, REAL_PHONE)
        through_the_call(line, REAL_CODE)
        said = until(line, lambda news: news["type"] == "prompt" and "chờ" not in news["text"])
        assert "không khớp" in said["text"]


@pytest.mark.parametrize(
    "first",
    [
        "",
        "[]",
        "{",
        '{"type":"start"}',
        '{"type":"start","rate":1}',
        '{"type":"start","rate":8000,"caller":"' + "9" * 99 + '"}',
        '{"type":"key","key":"1"}',
        b"\0\0",
    ],
)
def test_who_does_not_begin_with_start_is_sent_away(server: Server, first: str | bytes) -> None:
    with phone(server) as line:
        line.send(first)
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=5)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1008


def test_who_says_nothing_is_sent_away(server: Server) -> None:
    with phone(server) as line, pytest.raises(ConnectionClosed):
        line.recv(timeout=5)


@pytest.mark.parametrize(
    "message", ["x", "null", '{"type":"key","key":"A"}', '{"type":"start","rate":8000}', "[" * 999]
)
def test_a_message_that_is_none_ends_the_call(server: Server, message: str) -> None:
    with phone(server) as line:
        start(line)
        until(line, lambda news: news["type"] == "state")
        line.send(message)
        assert until(line, lambda news: news["type"] == "ended")["reason"] == "caller_hung_up"
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=5)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1008


def test_a_message_that_is_too_big_is_not_taken(server: Server) -> None:
    with phone(server) as line:
        start(line)
        line.send(bytes(200_000))
        with pytest.raises(ConnectionClosed) as closed:
            until(line, lambda news: news["type"] == "ended")
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1009


def test_a_broken_connection_leaves_the_others_alone(server: Server) -> None:
    with phone(server) as good:
        start(good)
        until(good, prompt("trợ lý VssID"))
        for _ in range(5):
            with phone(server) as bad:
                start(bad)
                bad.socket.shutdown(socket.SHUT_RDWR)
        press(good, "8")
        until(good, prompt("đọc chậm từng số"))


def test_pages_of_others_may_not_phone(server: Server) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        with pytest.raises((InvalidStatus, ConnectionClosed)):
            phone(server, additional_headers=headers).recv(timeout=5)
    assert httpx.get(server.url, headers={"Host": "evil.example"}).status_code == 421


def test_a_token_in_the_address_becomes_a_cookie(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        answer = client.get("/", params={"token": server.token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert server.token not in str(answer.headers)
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "set-cookie" not in client.get("/", params={"token": "wrong"}).headers


def readiness(server: Server) -> tuple[int, str | None]:
    answer = httpx.get(f"{server.url}readyz")
    return answer.status_code, answer.json()["reason"]


@pytest.mark.full
def test_past_the_limit_the_caller_is_told(tmp_path: Path) -> None:
    limits = {"ASSISTANT_LIVE__MAX_CALLS": "1", "ASSISTANT_LIVE__BUSY_CALLS": "1"}
    with serving(tmp_path, accounts=[(PHONE, CODE, True)], **limits) as small:
        with phone(small) as first, phone(small) as second:
            start(first)
            until(first, prompt("trợ lý VssID"))
            start(second)
            until(second, prompt("đều bận"))
            assert readiness(small) == (503, "full")
            with phone(small) as third:
                start(third)
                with pytest.raises(ConnectionClosed) as closed:
                    third.recv(timeout=5)
                assert closed.value.rcvd
                assert closed.value.rcvd.code == 1013
            assert until(second, lambda news: news["type"] == "ended")["reason"] == "busy"
            press(first, "8")
            until(first, prompt("đọc chậm từng số"))
            small.process.send_signal(signal.SIGTERM)  # the call that runs ends well
            press(first, f"{CODE}#")
            until(first, prompt("đọc lại mã số"))
            assert readiness(small) == (503, "closing")
            press(first, "1")
            until(first, prompt("mật khẩu mới"))
            first.send('{"type":"hangup"}')
            assert until(first, lambda news: news["type"] == "ended")["resets"] == 1
        assert small.process.wait(20) == 0


def until_ready(server: Server, wanted: tuple[int, str | None]) -> None:
    """An answer about the accounts is kept for a while."""
    end = time.monotonic() + 20
    while readiness(server) != wanted:
        assert time.monotonic() < end, readiness(server)
        time.sleep(0.05)


def test_without_its_accounts_a_server_is_not_ready(tmp_path: Path) -> None:
    kept = {"ASSISTANT_SERVE__READY_KEPT": "0.1"}
    with serving(tmp_path, accounts=[(PHONE, CODE, True)], **kept) as server:
        assert readiness(server) == (200, None)
        store = tmp_path / "a.sqlite3"
        aside = store.rename(tmp_path / "aside.sqlite3")
        until_ready(server, (503, "accounts"))
        body = httpx.get(f"{server.url}readyz").text
        assert json.loads(body) == {"ready": False, "reason": "accounts", "running": 0}
        aside.rename(store)
        until_ready(server, (200, None))
        with closing(sqlite3.connect(store, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            until_ready(server, (503, "accounts"))
            with phone(server) as line:  # whoever calls now is still answered
                start(line)
                until(line, prompt("trợ lý VssID"))
            other.execute("ROLLBACK")
        until_ready(server, (200, None))
        assert "accounts-trouble: over" in server.log.read_text()


def test_a_remote_system_that_says_nothing_holds_nobody_up(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 40)
    secret.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        env = {"URL": f"http://127.0.0.1:{port}/", "SECRET_FILE": str(secret)}
        with serving(tmp_path, **{f"ASSISTANT_REMOTE__{k}": v for k, v in env.items()}) as server:
            answer = httpx.get(f"{server.url}readyz")
            assert (answer.status_code, answer.json()["reason"]) == (503, "accounts")
            assert str(port) not in answer.text
            assert httpx.get(f"{server.url}healthz").text == "ok\n"


def test_beyond_loopback_a_token_is_required(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        open_door(Serve(host="0.0.0.0"))
    assert caught.value.code == "serve-token-missing"
    token = tmp_path / "token"
    for content, mode in (("short", 0o600), ("x" * 40, 0o644), ("\udcff", 0o600)):
        token.write_bytes(content.encode(errors="surrogateescape"))
        token.chmod(mode)
        with pytest.raises(SettingsError) as caught:
            open_door(Serve(host="0.0.0.0", token_file=token))
        assert caught.value.code == "serve-token-bad"
    token.write_text("x" * 40)
    token.chmod(0o600)
    door = open_door(Serve(host="0.0.0.0", token_file=token))
    assert not door.may_phone({}, {})
    assert door.may_phone({"authorization": "Bearer " + "x" * 40}, {})
    assert door.may_phone({}, {"assistant-door": door.cookie()})
    assert "x" * 40 not in repr(door)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("phone.example", False),
    ],
)
def test_what_loopback_is(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8008", True),
        ("LOCALHOST", True),
        ("[::1]:8008", True),
        ("phone.example:443", True),
        ("evil.example", False),
        ("", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_names_of_the_server(host: str, known: bool) -> None:
    door: Door = open_door(Serve(hosts=("phone.example",)))
    assert door.known_host({"host": host}) is known


# --- health, figures, records -------------------------------------------------------------------


def test_health_and_figures(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/healthz").text == "ok\n"
        assert client.get("/readyz").json()["ready"] is True
        with phone(server) as line:
            start(line)
            until(line, prompt("trợ lý VssID"))
            assert client.get("/readyz").json()["running"] >= 1
            through_the_code(line)
            line.send('{"type":"hangup"}')
            until(line, lambda news: news["type"] == "ended")
        figures = client.get("/metrics").text
    samples = dict(s.rsplit(" ", 1) for s in figures.splitlines() if not s.startswith("#"))
    hung_up = 'assistant_calls_total{channel="browser",outcome="caller_hung_up"}'
    assert float(samples[hung_up]) >= 1
    assert float(samples['assistant_stage_seconds_count{stage="render"}']) >= 1
    assert "assistant_calls_running" in samples
    assert "assistant_clock_late_seconds" in samples
    for secret in (PHONE, PHONE[1:], CODE):
        assert secret not in figures


def through_the_code(line: ClientConnection) -> None:
    press(line, f"8{CODE}#")
    until(line, prompt("đọc lại mã số"))


def test_the_log_is_json_with_call_ids_and_nothing_of_the_caller(server: Server) -> None:
    with phone(server) as line:
        start(line)
        through_the_call(line, CODE)
        secret = until(line, prompt("mật khẩu mới"))["shown"]
        line.send('{"type":"hangup"}')
        until(line, lambda news: news["type"] == "ended")
    text = server.log.read_text()
    lines = [json.loads(one) for one in text.splitlines() if one.startswith("{")]
    ends = [one for one in lines if one["message"].startswith("call-ended")]
    assert any(one["resets"] == 1 for one in ends)
    assert all(len(one["call"]) == 32 for one in ends)
    password = "".join(c for c in secret if c.isdigit())[:6]
    kept = "".join(path.read_text() for path in (server.log.parent / "calls").iterdir())
    for hidden in (PHONE[1:], CODE, password):
        assert hidden not in text
        assert hidden not in kept


def test_operators_need_the_token_even_here(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/operator").status_code == 401
        assert client.get("/operator/calls").status_code == 401
        client.get("/operator", params={"token": server.token})
        assert "Các cuộc gọi" in client.get("/operator").text
        assert client.get("/operator/calls", params={"day": "x"}).status_code == 422
        assert client.get("/operator/calls", params={"day": "2020-01-01"}).json()["calls"] == []
