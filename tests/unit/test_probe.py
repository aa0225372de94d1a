"""Whether the accounts are there: asked seldom, one question at a time, never waited for long."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from assistant.server.probe import Probe
from assistant.settings import Serve

SERVE = Serve(ready_wait=0.05, ready_kept=2.0)


class Asked:
    """Trouble as scripted (the last answer for ever); answers wait for ``free``."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.count = 0
        self.free = threading.Event()
        self.free.set()

    def __call__(self) -> str | None:
        self.count += 1
        assert self.free.wait(30)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_kept_for_a_while() -> None:
    async def main() -> None:
        asked, clock = Asked(None, "gone", None), Clock()
        probe = Probe(asked, Serve(ready_wait=30, ready_kept=2), clock)
        assert [await probe.fine() for _ in range(5)] == [True] * 5
        clock.now += 1.9
        assert (await probe.fine(), asked.count) == (True, 1)
        clock.now += 0.2
        assert [await probe.fine() for _ in range(5)] == [False] * 5
        clock.now += 2.1
        assert (await probe.fine(), asked.count) == (True, 3)

    asyncio.run(main())


def test_many_who_ask_at_once_are_one_question() -> None:
    async def main() -> None:
        asked = Asked(None)
        probe = Probe(asked, Serve(ready_wait=30, ready_kept=2), Clock())
        assert all(await asyncio.gather(*(probe.fine() for _ in range(50))))
        assert asked.count == 1

    asyncio.run(main())


def test_a_question_that_hangs_is_trouble_holds_nobody_and_keeps_one_thread() -> None:
    async def main() -> None:
        asked, clock = Asked(None), Clock()
        asked.free.clear()
        probe = Probe(asked, SERVE, clock)
        try:
            for _ in range(3):  # comes back, while the question is still out
                assert not await probe.fine()
                clock.now += 2.1
            assert asked.count == 1
        finally:
            asked.free.set()
        while not await probe.fine():  # the loop was free: the thread's end is seen
            clock.now += 2.1

    asyncio.run(main())


def test_the_log_tells_what_changes(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        clock = Clock()
        probe = Probe(Asked(None, "gone", "gone", None), Serve(ready_wait=30, ready_kept=2), clock)
        for _ in range(6):
            await probe.fine()
            clock.now += 2.1

    caplog.set_level(logging.INFO)
    asyncio.run(main())
    assert caplog.messages == ["accounts-trouble: gone", "accounts-trouble: over"]
