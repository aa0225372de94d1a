"""Two callers at once, in threads and in processes, and a death at every point of a reset."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from assistant.accounts.local import PasswordState
from assistant.accounts.open import open_local
from assistant.dialogue.types import Failed, Refused, ResetDone
from tests.accounts_tools import Store, die_at, fork, opened, settings

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


def _threads(count: int, work: Callable[[int], object]) -> list[object]:
    outcomes: list[object] = []
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        outcomes.append(work(number))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_simultaneous_resets_in_threads(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        pair = store.pair()
        outcomes = _threads(
            8, lambda n: store.accounts.verify_and_reset(pair.phone, pair.code, f"call {n}")
        )
        assert Counter(type(o) for o in outcomes) == {ResetDone: 3, Refused: 5}
        passwords = [o.password for o in outcomes if isinstance(o, ResetDone)]
        states = Counter(store.accounts.check_password(pair.code, p) for p in passwords)
        assert states == {PasswordState.MUST_CHANGE: 1, PasswordState.WRONG: 2}
        assert store.counts() == (8, 3, 10, 3)
        assert store.accounts.verify_audit().intact


def test_limits_are_exact_under_attack(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        pair = store.pair()
        codes = [store.other().code for _ in range(12)]
        _threads(12, lambda n: store.accounts.verify_and_reset(pair.phone, codes[n], f"call {n}"))
        counted = store.rows("SELECT reason, count(*) FROM attempts GROUP BY reason ORDER BY 1")
        assert counted == [("mismatch", 5), ("phone_locked", 7)]


def test_simultaneous_resets_in_processes(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        pair, chosen, clock = store.pair(), store.settings, store.clock
    start = tmp_path / "start"

    def caller(number: int) -> None:
        accounts = open_local(chosen, clock)
        while not start.exists():
            time.sleep(0.005)
        for turn in range(2):
            outcome = accounts.verify_and_reset(pair.phone, pair.code, f"{number} {turn}")
            assert not isinstance(outcome, Failed)
        accounts.close()

    children = [fork(partial(caller, n)) for n in range(4)]
    start.touch()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    with opened(tmp_path) as store:
        assert store.counts() == (8, 3, 10, 3)
        assert store.accounts.verify_audit().intact


def test_a_new_store_is_created_once(tmp_path: Path) -> None:
    start = tmp_path / "start"
    chosen = settings(tmp_path / "db")

    def opener() -> None:
        while not start.exists():
            time.sleep(0.001)
        open_local(chosen, notice=lambda text: None).close()

    children = [fork(opener) for _ in range(6)]
    start.touch()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    with opened(tmp_path / "db") as store:
        assert store.count("audit") == 1
        assert store.accounts.verify_audit().intact


def _whole(store: Store, code: str, old: str, resets: int) -> None:
    """The old or the new state, never a mix."""
    audited = store.rows("SELECT count(*) FROM audit WHERE kind = 'reset'")[0][0]
    sets = store.count("resets")
    assert sets == resets
    assert audited == store.count("outbox") == store.count("attempts") == sets
    assert store.accounts.verify_audit().intact
    same = store.accounts.check_password(code, old) is PasswordState.MUST_CHANGE
    assert same == (sets == 1)


def test_killed_at_every_statement_nothing_changes(tmp_path: Path) -> None:
    with opened(tmp_path, resets_per_account=99) as store:
        pair = store.pair()
        done = store.accounts.verify_and_reset(pair.phone, pair.code, "first")
        assert isinstance(done, ResetDone)
        store.accounts.close()  # no connection may cross a fork
        store.looking.dispose()
        for step in range(1, 100):
            child = fork(partial(die_at, store, step, pair.phone, pair.code))
            status = os.waitpid(child, 0)[1]
            if status == 0:
                break
            assert os.WTERMSIG(status) == signal.SIGKILL
            _whole(store, pair.code, done.password, resets=1)
            store.accounts.close()
            store.looking.dispose()
        assert step > 12
        _whole(store, pair.code, done.password, resets=2)


def test_killed_at_any_moment_the_store_is_whole(tmp_path: Path) -> None:
    rng = random.Random(11)
    with opened(tmp_path, resets_per_account=10**6) as store:
        pair = store.pair()
        store.accounts.close()
        store.looking.dispose()

        def resets() -> None:
            accounts = open_local(store.settings, store.clock)
            for number in range(10**6):
                accounts.verify_and_reset(pair.phone, pair.code, f"{os.getpid()} {number}")

        for _ in range(6):
            child = fork(resets)
            time.sleep(rng.uniform(0.1, 0.4))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            attempts, sets, audited, told = store.counts()
            assert attempts == sets == told == audited - 2
            assert store.accounts.verify_audit().intact
            store.accounts.close()
            store.looking.dispose()
        assert sets > 6
        outcome = store.accounts.verify_and_reset(pair.phone, pair.code, "afterwards")
        assert isinstance(outcome, ResetDone)
