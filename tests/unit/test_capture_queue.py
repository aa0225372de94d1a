"""Captured turns on their way to a disk that is slow, full or broken: no call ever waits for it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assistant.batch.capture_queue import CaptureQueue
from assistant.batch.captures import Captures
from assistant.call import Call
from assistant.call.capture import Utterance
from assistant.channels.switchboard import Switchboard
from assistant.cli.wiring import Wired, new_call
from assistant.dialogue.types import Ask, EndOfCall, Finish, Reply, Say
from assistant.nlu.types import Expect
from assistant.settings import Capture, Live, Settings
from tests.call_tools import (
    QUIET,
    RATE,
    FakeVoice,
    ScriptedTalk,
    make_parts,
    play,
    silence,
    spoken,
    until_listening,
)
from tests.live_tools import BYE, FRAME_S, PLAIN, until_over

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENOUGH = 10_000_000  # bytes
MENU = Ask(Reply((Say("greeting"),)), Expect.MENU, instant_keys="0123456789*#")


class SlowDisk:
    """Writes nothing before it is let; then raises what it is told to, once each."""

    def __init__(self, *errors: Exception | None) -> None:
        self.entered, self.free = threading.Event(), threading.Event()
        self.threads: set[str] = set()
        self.kept: list[str] = []
        self._errors = list(errors)

    def add(self, utterance: Utterance, now: datetime) -> None:
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        assert self.free.wait(60)
        error = self._errors.pop(0) if self._errors else None
        if error is not None:
            raise error
        self.kept.append(utterance.heard)


@pytest.fixture
def disk() -> Iterator[SlowDisk]:
    slow = SlowDisk()
    yield slow
    slow.free.set()  # whatever a test found, its writer may end


def utterance(text: str) -> Utterance:
    return Utterance(b"\x01\x02" * 4000, 8000, Expect.MENU, text)


def test_putting_in_does_not_wait_and_closing_does(disk: SlowDisk) -> None:
    queue = CaptureQueue(disk, ENOUGH)
    for text in ("một", "hai", "ba"):
        queue.put("call", utterance(text), NOW)
    assert disk.entered.wait(20)
    assert disk.kept == []
    threading.Timer(0, disk.free.set).start()
    queue.close()
    assert disk.kept == ["một", "hai", "ba"]
    assert threading.current_thread().name not in disk.threads


def test_a_disk_that_stands_still_costs_bounded_memory(
    disk: SlowDisk, caplog: pytest.LogCaptureFixture
) -> None:
    queue = CaptureQueue(disk, most=2 * len(utterance("").pcm))
    for text in ("một", "hai", "ba"):
        queue.put("call-7", utterance(text), NOW)
    assert [one.getMessage().split(":")[0] for one in caplog.records] == ["capture-full call-7"]
    disk.free.set()
    queue.close()
    assert disk.kept == ["một", "hai"]


def test_what_was_written_makes_room_again(disk: SlowDisk) -> None:
    disk.free.set()
    queue = CaptureQueue(disk, most=len(utterance("").pcm))
    queue.put("call", utterance("một"), NOW)
    while queue._waiting:
        os.sched_yield()
    queue.put("call", utterance("hai"), NOW)
    queue.close()
    assert disk.kept == ["một", "hai"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/secret"), "No space left on device"),
        (ValueError("tôi quên mật khẩu"), "ValueError"),
    ],
)
def test_an_error_is_logged_with_a_code_and_costs_one_turn(
    error: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    disk = SlowDisk(error)
    disk.free.set()
    queue = CaptureQueue(disk, ENOUGH)
    for text in ("một", "hai"):
        queue.put("call-7", utterance(text), NOW)
    queue.close()
    assert disk.kept == ["hai"]
    assert caplog.messages == [f"capture-lost call-7: {told}"]  # no path, nothing that was said


def test_after_the_shutdown_nothing_breaks(caplog: pytest.LogCaptureFixture) -> None:
    queue = CaptureQueue(SlowDisk(), ENOUGH)
    queue.close()
    queue.put("call-7", utterance("muộn"), NOW)
    assert caplog.messages[0].startswith("capture-lost call-7")


def test_a_real_folder_that_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "captures"
    queue = CaptureQueue(Captures(Capture(folder=folder)), ENOUGH)
    folder.write_bytes(b"a file")
    queue.put("call-7", utterance("một"), NOW)
    queue.close()
    assert caplog.messages == [f"capture-lost call-7: {os.strerror(errno.EEXIST)}"]


# --- whole calls --------------------------------------------------------------------------


def captured(disk: SlowDisk) -> Wired:
    parts = make_parts(voice=FakeVoice(0.1))
    nothing: Any = None
    return Wired(parts, nothing, FakeVoice(), nothing, RATE, CaptureQueue(disk, ENOUGH))  # type: ignore[arg-type]


def consenting(wired: Wired) -> Call:
    """A call whose caller said yes by key, then asked for something."""
    call = new_call(wired, Settings(), None)
    call.step(QUIET, "1")
    until_listening(call)
    play(call, [*spoken("tôi quên"), *silence(1.0)])
    return call


class TwoCallers:
    """The first may be kept; the second is anybody else on the same clock."""

    def __init__(self, first: Call) -> None:
        parts = make_parts(voice=FakeVoice(0.1))
        self._calls = iter((first, Call(parts, ScriptedTalk([MENU, BYE]), None, "second", RATE)))

    def new(self, phone: str | None, channel: str) -> Call:
        return next(self._calls)

    def busy(self) -> Call:
        raise AssertionError("there is room")


def test_a_slow_disk_holds_up_no_other_call_of_the_clock(disk: SlowDisk) -> None:
    """The first call ends and its turn is being written; the clock that ended it must serve the
    second call to its end all the same."""
    wired = captured(disk)

    async def calls() -> None:
        exchange = TwoCallers(consenting(wired))
        async with Switchboard(exchange, Live(threads=1), FRAME_S) as board:
            first, second = board.answer(None, PLAIN), board.answer(None, PLAIN)
            first.hang_up()
            assert await asyncio.to_thread(disk.entered.wait, 20)
            second.press("8")
            _, over = await until_over(second)
            assert over.reason is EndOfCall.DONE
            assert (await until_over(first))[1].reason is EndOfCall.CALLER_HUNG_UP
        assert disk.kept == []  # all of that while the disk stood still, the shutdown too
        assert not disk.free.is_set()

    asyncio.run(calls())
    disk.free.set()
    assert wired.captures is not None
    wired.captures.close()
    assert disk.kept == ["tôi quên"]
    assert not any("clock" in name for name in disk.threads)


def goodbye(call: Call) -> None:
    call.step(QUIET, "0")
    while not isinstance(call._action, Finish):
        call.step(QUIET)
    assert call.speaking


@pytest.mark.parametrize("before", [lambda call: None, goodbye])
def test_a_hang_up_loses_no_turn(disk: SlowDisk, before: Callable[[Call], None]) -> None:
    """In the middle of a question, and in the middle of the goodbye."""
    wired = captured(disk)
    call = consenting(wired)
    before(call)
    call.hang_up()
    call.hang_up()
    disk.free.set()
    assert wired.captures is not None
    wired.captures.close()
    assert disk.kept == ["tôi quên"]


def test_nothing_of_a_turn_is_in_the_log(disk: SlowDisk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    disk.free.set()
    wired = captured(disk)
    consenting(wired).hang_up()
    assert wired.captures is not None
    wired.captures.close()
    assert disk.kept
    assert "quên" not in caplog.text
