"""Notifications: sent at least once, later if not now, to a signed gateway."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from assistant.accounts.engine import writing
from assistant.accounts.outbox import Delivery, Message
from assistant.accounts.registry import NewAccount
from assistant.accounts.signing import IDEMPOTENCY_KEY, SIGNATURE, TIMESTAMP, Direction, verify
from assistant.accounts.webhook import WebhookSender
from assistant.errors import AccountError
from assistant.settings import Notify
from tests.accounts_tools import Store, opened

HOTLINE = "1900 9068"


@dataclass
class Kept:
    """A sender that keeps what it accepts."""

    accept: bool = True
    messages: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> bool:
        self.messages.append(message)
        return self.accept


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "db").mkdir()
    with opened(tmp_path / "db") as store:
        yield store


def _reset(store: Store, contact: str | None = None) -> str:
    pair = store.pair(contact=contact)
    store.accounts.verify_and_reset(pair.phone, pair.code, pair.code)
    return pair.phone


def test_a_notification_is_sent_once(store: Store) -> None:
    phone, sender = _reset(store), Kept()
    _reset(store, "lan@example.vn")
    assert [p.tries for p in store.accounts.pending()] == [0, 0]
    assert store.accounts.deliver(sender, HOTLINE) == Delivery(sent=2)
    assert store.accounts.deliver(sender, HOTLINE) == Delivery()
    assert store.accounts.pending() == []
    # Without a contact of its own the account is told by its registered phone.
    assert [m.contact for m in sender.messages] == ["+84" + phone[1:], "lan@example.vn"]
    assert all(HOTLINE in m.text and "{" not in m.text for m in sender.messages)
    assert phone[1:] not in repr(sender.messages)


def test_a_failed_delivery_waits_longer_each_time(store: Store) -> None:
    _reset(store)
    sender = Kept(accept=False)
    waits = []
    for _ in range(12):
        assert store.accounts.deliver(sender, HOTLINE) == Delivery(failed=1)
        assert store.accounts.deliver(sender, HOTLINE) == Delivery()
        due = store.accounts.pending()[0].due_at
        waits.append((due - store.clock.now).total_seconds() / 60)
        store.clock.now = due
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    sender.accept = True
    assert store.accounts.deliver(sender, HOTLINE) == Delivery(sent=1)
    assert len({m.id for m in sender.messages}) == 1


def test_a_death_after_sending_sends_again(store: Store) -> None:
    _reset(store)
    sender = Kept()

    class Dies(Kept):
        def send(self, message: Message) -> bool:
            sender.send(message)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.accounts.deliver(Dies(), HOTLINE)
    assert store.accounts.deliver(sender, HOTLINE) == Delivery(sent=1)
    assert sender.messages[0] == sender.messages[1]


def test_a_contact_that_cannot_be_read_stops_no_other(store: Store) -> None:
    _reset(store)
    _reset(store)
    with writing(store.looking) as connection:
        connection.execute(text("UPDATE outbox SET contact = zeroblob(40) WHERE id = 1"))
    sender = Kept()
    assert store.accounts.deliver(sender, HOTLINE) == Delivery(sent=1, undeliverable=1)


def test_the_old_contact_hears_of_a_change(store: Store) -> None:
    pair = store.pair(contact="cu@example.vn")
    sender = Kept()
    store.accounts.add(pair.phone, pair.code, "moi@example.vn")
    new = NewAccount("+84530000001", pair.code)
    store.accounts.register([new], replace=True)
    store.accounts.deliver(sender, HOTLINE)
    told = [(m.kind.value, m.contact) for m in sender.messages]
    assert told == [("contact_changed", "cu@example.vn"), ("phone_changed", "moi@example.vn")]


def test_the_gateway_gets_a_signed_message(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "notify.secret"
    secret.write_text(secrets.token_hex(32), encoding="ascii")
    secret.chmod(0o600)
    got: list[dict[str, Any]] = []
    status = [503, 200]

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            genuine = verify(
                secret.read_bytes(),
                Direction.NOTIFICATION,
                self.headers[TIMESTAMP],
                self.headers[IDEMPOTENCY_KEY],
                body,
                self.headers[SIGNATURE],
                time.time(),
                300,
            )
            got.append(json.loads(body) | {"key": self.headers[IDEMPOTENCY_KEY]})
            self.send_response(status.pop(0) if genuine else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    sender = WebhookSender(Notify(url=url, secret_file=secret, timeout=2))
    _reset(store, "lan@example.vn")
    assert store.accounts.deliver(sender, HOTLINE) == Delivery(failed=1)
    store.clock.forward(minutes=2)
    assert store.accounts.deliver(sender, HOTLINE) == Delivery(sent=1)
    server.shutdown()
    thread.join()
    server.server_close()
    _reset(store)
    assert store.accounts.deliver(sender, HOTLINE) == Delivery(failed=1)  # nobody there
    sender.close()
    assert got[0] == got[1]
    assert (got[0]["contact"], got[0]["kind"]) == ("lan@example.vn", "password_reset")
    assert got[0]["key"] == f"notification-{got[0]['id']}"


def test_a_gateway_must_be_set() -> None:
    with pytest.raises(AccountError) as caught:
        WebhookSender(Notify())
    assert caught.value.code == "notify-url-invalid"
