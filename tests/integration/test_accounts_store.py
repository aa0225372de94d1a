"""The store on SQLite: resets, limits, history, and what lies on the disk."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from assistant.accounts.audit import Head
from assistant.accounts.engine import writing
from assistant.accounts.local import PasswordState
from assistant.accounts.passwords import Hasher
from assistant.accounts.registry import Change
from assistant.dialogue.types import Failed, Refused, ResetDone
from assistant.errors import AccountError
from tests.accounts_tools import Store, opened, statements


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as store:
        yield store


def _reset(store: Store, phone: str | None, code: str, call: str | None = None) -> object:
    return store.accounts.verify_and_reset(phone, code, call or secrets.token_hex(8))


def _password(outcome: object) -> str:
    assert isinstance(outcome, ResetDone)
    return outcome.password


@pytest.mark.parametrize("spelling", ["{0}", "+84{1}", "84{1}", "0084{1}", "{1}"])
def test_the_owner_gets_a_password_that_works(store: Store, spelling: str) -> None:
    pair = store.pair()
    password = _password(_reset(store, spelling.format(pair.phone, pair.phone[1:]), pair.code))
    assert len(password) == 6
    assert store.accounts.check_password(pair.code, password) is PasswordState.MUST_CHANGE
    assert store.accounts.check_password(pair.code, password[::-1] + "0") is PasswordState.WRONG
    store.clock.forward(minutes=9, seconds=59)
    assert store.accounts.check_password(pair.code, password) is PasswordState.MUST_CHANGE
    store.clock.forward(seconds=1)
    assert store.accounts.check_password(pair.code, password) is PasswordState.EXPIRED


def test_one_success_writes_everything_at_once(store: Store) -> None:
    pair = store.pair()
    before = store.counts()
    _password(_reset(store, pair.phone, pair.code))
    assert [b - a for a, b in zip(before, store.counts(), strict=True)] == [1, 1, 1, 1]
    assert store.rows("SELECT kind FROM outbox") == [("password_reset",)]
    assert store.rows("SELECT kind FROM audit ORDER BY seq DESC LIMIT 1") == [("reset",)]


def test_everything_else_is_refused_alike(store: Store) -> None:
    pair, other, stranger = store.pair(), store.pair(), store.other()
    for phone, code in (
        (other.phone, pair.code),
        (stranger.phone, pair.code),
        (pair.phone, stranger.code),
        (None, pair.code),
        ("anonymous", pair.code),
        ("+12025550123", pair.code),
        (pair.phone, ""),
        (pair.phone, pair.code + "0"),
        (pair.phone, pair.code[:-1] + "é"),
    ):
        assert _reset(store, phone, code) == Refused()
    assert store.count("resets") == 0


def test_a_repeated_call_is_a_new_reset(store: Store) -> None:
    pair = store.pair()
    first = _password(_reset(store, pair.phone, pair.code, "call"))
    second = _password(_reset(store, pair.phone, pair.code, "call"))
    assert store.accounts.check_password(pair.code, first) is PasswordState.WRONG
    assert store.accounts.check_password(pair.code, second) is PasswordState.MUST_CHANGE
    assert store.count("resets") == 2


def test_three_verifications_a_call_even_after_a_restart(tmp_path: Path) -> None:
    for turn in range(4):
        with opened(tmp_path) as store:
            if turn == 0:
                pair = store.pair()
            outcome = _reset(store, pair.phone, pair.code if turn == 3 else "0" * 10, "call")
            assert outcome == Refused()
    with opened(tmp_path) as store:
        assert isinstance(_reset(store, pair.phone, pair.code, "next call"), ResetDone)


def test_five_failures_lock_the_phone_until_the_window_moves_on(store: Store) -> None:
    pair = store.pair()
    for _ in range(5):
        assert _reset(store, pair.phone, store.other().code) == Refused()
        store.clock.forward(hours=1)
    assert _reset(store, pair.phone, pair.code) == Refused()
    assert store.accounts.show(phone=pair.phone)[0].phone_locked
    # Trying while locked does not push the end of the lock away.
    store.clock.forward(hours=18, minutes=59)
    assert _reset(store, pair.phone, pair.code) == Refused()
    store.clock.forward(minutes=1)
    assert isinstance(_reset(store, pair.phone, pair.code), ResetDone)


def test_a_success_does_not_forgive_failures(store: Store) -> None:
    pair = store.pair()
    for _ in range(4):
        _reset(store, pair.phone, store.other().code)
    _password(_reset(store, pair.phone, pair.code))
    _reset(store, pair.phone, store.other().code)
    assert _reset(store, pair.phone, pair.code) == Refused()


def test_three_resets_a_day_for_one_account(store: Store) -> None:
    pair, sibling = store.pair(), store.other()
    store.accounts.add(pair.phone, sibling.code)
    for _ in range(3):
        _password(_reset(store, pair.phone, pair.code))
    assert _reset(store, pair.phone, pair.code) == Refused()
    assert isinstance(_reset(store, pair.phone, sibling.code), ResetDone)
    store.clock.forward(hours=24)
    assert isinstance(_reset(store, pair.phone, pair.code), ResetDone)


def test_others_failing_on_a_code_alert_the_owner_once_and_lock_nobody_out(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    pair = store.pair()
    for _ in range(7):
        assert _reset(store, store.other().phone, pair.code) == Refused()
    assert store.rows("SELECT kind, count(*) FROM outbox GROUP BY kind") == [("code_alert", 1)]
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert isinstance(_reset(store, pair.phone, pair.code), ResetDone)
    store.clock.forward(hours=25)
    for _ in range(3):
        _reset(store, store.other().phone, pair.code)
    assert store.count("outbox") == 3


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counted: list[int] = []
    original = Hasher.hash

    def counting(self: Hasher, password: str) -> str:
        counted.append(1)
        return original(self, password)

    monkeypatch.setattr(Hasher, "hash", counting)
    return counted


def test_refusals_do_the_same_work(store: Store, hashes: list[int]) -> None:
    """Same statements in the same order and one hash each: nothing for a stop-watch to find."""
    pair, spent, locked = store.pair(), store.pair(), store.pair()
    for _ in range(3):
        _reset(store, spent.phone, spent.code)
    for _ in range(5):
        _reset(store, locked.phone, store.other().code)
    for _ in range(2):
        _reset(store, store.other().phone, pair.code)  # the next failure on it alerts
    for _ in range(3):
        _reset(store, store.other().phone, store.other().code, "long call")

    def refused(phone: str | None, code: str, call: str | None = None) -> Callable[[], None]:
        def action() -> None:
            assert _reset(store, phone, code, call) == Refused()

        return action

    hashes.clear()
    kinds = {
        "mismatch that alerts": refused(store.other().phone, pair.code),
        "mismatch": refused(store.other().phone, pair.code),
        "unknown code": refused(pair.phone, store.other().code),
        "both unknown": refused(store.other().phone, store.other().code),
        "withheld": refused(None, pair.code),
        "locked, right": refused(locked.phone, locked.code),
        "locked, wrong": refused(locked.phone, store.other().code),
        "too many resets": refused(spent.phone, spent.code),
        "too many in a call": refused(pair.phone, pair.code, "long call"),
    }
    seen = {name: statements(store.accounts, action) for name, action in kinds.items()}
    assert len(hashes) == len(kinds)
    assert len({tuple(s) for s in seen.values()}) == 1, seen
    assert any("INSERT INTO outbox" in s for s in seen["mismatch"])


def test_the_hash_is_ready_before_the_write_lock(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = store.pair()
    steps: list[str] = []
    original = Hasher.hash

    def noting(self: Hasher, password: str) -> str:
        steps.append("hash")
        return original(self, password)

    monkeypatch.setattr(Hasher, "hash", noting)
    steps += statements(store.accounts, lambda: _reset(store, pair.phone, pair.code))
    begin = next(i for i, step in enumerate(steps) if step == "BEGIN IMMEDIATE")
    assert steps.index("hash") < begin
    assert steps.count("BEGIN IMMEDIATE") == 1


def test_a_failing_database_is_an_outcome_and_nothing_is_half_done(store: Store) -> None:
    pair = store.pair()
    password = _password(_reset(store, pair.phone, pair.code))
    before = store.counts()
    # The audit row is the last thing a reset writes.
    with writing(store.looking) as connection:
        connection.execute(
            text(
                "CREATE TRIGGER broken BEFORE INSERT ON audit "
                "BEGIN SELECT RAISE(ABORT, 'disk trouble'); END"
            )
        )
    assert _reset(store, pair.phone, pair.code) == Failed()
    assert _reset(store, None, pair.code) == Failed()
    assert store.counts() == before
    assert store.accounts.check_password(pair.code, password) is PasswordState.MUST_CHANGE


def test_a_busy_database_fails_in_time(tmp_path: Path) -> None:
    with opened(tmp_path, lock_wait=0.1) as store:
        pair = store.pair()
        with writing(store.looking):
            assert _reset(store, pair.phone, pair.code) == Failed()
        assert isinstance(_reset(store, pair.phone, pair.code), ResetDone)


def test_invented_pairs_are_known_as_such(store: Store) -> None:
    test, real = store.pair(), store.pair(invented=False)
    assert store.accounts.is_invented(test.phone, test.code)
    assert store.accounts.is_invented("+84" + test.phone[1:], test.code)
    assert not store.accounts.is_invented(real.phone, real.code)
    assert not store.accounts.is_invented(real.phone, test.code)
    assert not store.accounts.is_invented(None, test.code)
    assert not store.accounts.is_invented(test.phone, real.code)


# --- history ----------------------------------------------------------------------------


def test_history_is_append_only(store: Store) -> None:
    store.pair()
    for change in ("UPDATE audit SET kind = 'reset'", "DELETE FROM audit"):
        with pytest.raises(DatabaseError), writing(store.looking) as connection:
            connection.execute(text(change))


TAMPERING = [
    "UPDATE audit SET kind = 'refused' WHERE seq = 3",
    "UPDATE audit SET at = '2026-01-01 00:00:00.000000' WHERE seq = 3",
    "UPDATE audit SET account_id = 2 WHERE seq = 3",
    "UPDATE audit SET detail = '[]' WHERE seq = 3",
    "UPDATE audit SET call_mac = NULL WHERE seq = 3",
    "UPDATE audit SET hash = zeroblob(32) WHERE seq = 3",
    "DELETE FROM audit WHERE seq = 3",
    "DELETE FROM audit WHERE seq = 1",
    "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3",
    "UPDATE audit SET seq = -seq WHERE seq IN (3, 4); UPDATE audit SET seq = 7 + seq WHERE seq < 0",
    "INSERT INTO audit (seq, at, kind, detail, previous, hash) "
    "SELECT 99, at, kind, detail, previous, hash FROM audit WHERE seq = 3",
]


@pytest.mark.parametrize("change", TAMPERING)
def test_tampering_is_found(store: Store, change: str) -> None:
    pair = store.pair()
    for code in (pair.code, store.other().code, pair.code, pair.code):
        _reset(store, pair.phone, code)
    before = store.accounts.verify_audit()
    assert before.intact
    assert before.rows == 6
    with writing(store.looking) as connection:
        for name in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER audit_no_{name}"))
        for part in change.split("; "):
            connection.execute(text(part))
    report = store.accounts.verify_audit()
    assert not report.intact
    assert report.broken_at in (1, 3, 7)


def test_a_cut_is_found_with_a_head_noted_elsewhere(store: Store) -> None:
    pair = store.pair()
    _reset(store, pair.phone, pair.code)
    noted = Head.parse(str(store.accounts.verify_audit().head))
    assert noted is not None
    _reset(store, pair.phone, pair.code)
    assert store.accounts.verify_audit(noted).intact
    with writing(store.looking) as connection:
        connection.execute(text("DROP TRIGGER audit_no_delete"))
        connection.execute(text("DELETE FROM audit WHERE seq > 2"))
    assert store.accounts.verify_audit().intact
    assert not store.accounts.verify_audit(noted).intact


# --- registering --------------------------------------------------------------------------


def test_adding_twice_and_adding_wrongly(store: Store) -> None:
    pair, other = store.pair(), store.other()
    add = store.accounts.add
    assert add(pair.phone, pair.code) is Change.UNCHANGED
    assert add(pair.phone, pair.code, "lan@example.vn") is Change.UPDATED
    assert add(pair.phone, pair.code) is Change.UNCHANGED
    assert add(other.phone, pair.code) is Change.CONFLICT
    assert isinstance(_reset(store, pair.phone, pair.code), ResetDone)
    for phone, code, error in (
        ("02438252525", other.code, "accounts-phone-invalid"),
        (other.phone, other.code[1:], "accounts-code-invalid"),
        (other.phone, "x" * 10, "accounts-code-invalid"),
        (other.phone, "٠" * 10, "accounts-code-invalid"),
    ):
        with pytest.raises(AccountError) as caught:
            add(phone, code)
        assert caught.value.code == error


def test_what_may_be_seen(store: Store) -> None:
    pair = store.pair(contact="lan@example.vn")
    _reset(store, pair.phone, pair.code)
    (view,) = store.accounts.show(phone=pair.phone)
    assert store.accounts.show(code=pair.code) == [view]
    assert (view.contact, view.resets, view.resets_left) == ("l•••@example.vn", 1, 2)
    assert view.must_change
    assert store.accounts.show() == []
    assert store.accounts.show(phone="113") == []
    assert store.accounts.show(phone=store.other().phone) == []


# --- canary -------------------------------------------------------------------------------


def test_nothing_secret_reaches_disk_or_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    email = f"canary-{secrets.token_hex(6)}@example.vn"
    with opened(tmp_path, password_digits=12) as store:
        pair = store.pair(contact=email)
        silent = store.pair()
        call = f"call from {pair.phone}"
        password = _password(_reset(store, pair.phone, pair.code, call))
        for _ in range(3):
            _reset(store, store.other().phone, pair.code, call)
        shown = repr(store.accounts.show(phone=pair.phone)) + repr(store)
        with writing(store.looking) as connection:  # make the next one fail, and be logged
            connection.execute(text("DROP TABLE resets"))
        assert _reset(store, pair.phone, pair.code) == Failed()
        assert {p.suffix for p in tmp_path.iterdir()} >= {".sqlite3", ".sqlite3-wal"}
        files = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    files |= {f"closed {p.name}": p.read_bytes() for p in tmp_path.iterdir()}
    files["log"] = (caplog.text + shown + repr(pair)).encode()
    assert "accounts-failed: OperationalError" in caplog.text
    marks = [pair.phone[1:], pair.code, silent.phone[1:], silent.code, password, email, call]
    for name, content in files.items():
        for mark in marks:
            assert mark.encode() not in content, name
            if mark.isdigit():
                assert int(mark).to_bytes(8, "big").lstrip(b"\0") not in content, name


# --- is the store there? ------------------------------------------------------------------------


def test_a_store_that_works_has_no_trouble_and_looking_writes_nothing(store: Store) -> None:
    before = store.counts()
    seen = statements(store.accounts, lambda: store.accounts.trouble())
    assert store.accounts.trouble() is None
    assert store.counts() == before
    assert [one.split()[0] for one in seen] == ["BEGIN", "SELECT"]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_gone_is_seen_though_it_is_still_open(store: Store, replaced: bool) -> None:
    pair = store.pair()
    path = Path(str(store.looking.url.database))
    content = path.read_bytes()
    aside = path.rename(path.with_suffix(".aside"))
    if replaced:
        path.write_bytes(content)
    assert store.accounts.trouble() == "the file is gone or replaced"
    assert _reset(store, pair.phone, pair.code) == Failed()  # not one that would be lost
    aside.replace(path)
    assert store.accounts.trouble() is None
    _password(_reset(store, pair.phone, pair.code))


def test_a_store_that_somebody_locks_is_trouble(tmp_path: Path) -> None:
    with opened(tmp_path, lock_wait=0.05) as store:
        with writing(store.looking):
            assert store.accounts.trouble() == "OperationalError"
        assert store.accounts.trouble() is None


def test_a_store_of_another_key_is_trouble(store: Store) -> None:
    with writing(store.looking) as connection:
        connection.execute(text("UPDATE store_key SET check_value = 'x'"))
    assert store.accounts.trouble() == "the store has another key"
