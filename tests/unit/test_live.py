"""A call on a line: what goes in comes to the call, what comes out can be sent, nothing blocks."""

from __future__ import annotations

import asyncio

import pytest

from assistant.audio.mulaw import mulaw_decode, mulaw_encode
from assistant.channels.live import Audio, Flush, Line, LiveCall, Over, Told
from assistant.channels.pump import LineError, pump
from assistant.channels.switchboard import LinesFullError, Switchboard
from assistant.dialogue.types import Ask, EndOfCall, Reply, Say
from assistant.nlu.types import Expect
from assistant.settings import Live
from tests.call_tools import FRAME, QUIET, RATE, silence, spoken
from tests.live_tools import (
    BYE,
    FRAME_S,
    PLAIN,
    ScriptedExchange,
    live_call,
    sound,
    ticks,
    until_over,
)

HELLO = Reply((Say("greeting"),))
MENU = Ask(HELLO, Expect.MENU, instant_keys="0123456789*#")
QUIETLY = Ask(Reply(()), Expect.MENU)


def test_a_frame_goes_out_at_every_tick() -> None:
    live = live_call(MENU, BYE)
    assert [len(frame) for frame in sound(ticks(live, 60))] == [FRAME] * 60


def test_sound_reaches_the_call() -> None:
    live = live_call(QUIETLY, BYE)
    for frame in [*silence(0.2), *spoken("tôi quên"), *silence(1)]:
        live.hear(frame)
        live.tick()
    assert live.call.turns[0].said(True) == "tôi quên"


def test_a_line_of_another_coding() -> None:
    line = Line("ulaw", RATE, mulaw_decode, mulaw_encode)
    live = live_call(MENU, BYE, line=line)
    live.hear(b"\xff" * 160)
    first = sound(ticks(live, 1))[0]
    assert len(first) == FRAME // 2
    assert mulaw_decode(first)[:2] != b"\0\0"


def test_keys_reach_the_call_in_order_and_flush_the_line() -> None:
    live = live_call(MENU, Ask(HELLO, Expect.CODE), BYE)
    ticks(live, 10)
    live.press("8")
    out = live.tick()
    assert isinstance(out[0], Flush)
    live.press("91")
    live.press("2#")
    ticks(live, 3)
    assert [turn.keys for turn in live.call.turns if turn.keys] == ["8", "912#"]


def test_keys_without_end_are_bounded() -> None:
    live = live_call(MENU, BYE)
    for _ in range(1_000):
        live.press("1" * 1_000)
    assert len(live._keys) == 64


def test_a_hang_up_ends_the_call_at_the_next_frame() -> None:
    live = live_call(MENU, BYE)
    ticks(live, 5)
    live.hang_up()
    assert live.tick()[-1] == Over(EndOfCall.CALLER_HUNG_UP, False)


def test_a_line_that_sends_nothing_any_more_is_dead() -> None:
    live = live_call(*[MENU] * 9, live=Live(line_dead=1.0))
    assert not any(isinstance(one, Over) for one in ticks(live, 50))
    assert isinstance(live.tick()[-1], Over)


def test_a_screen_reads_along_masked() -> None:
    line = Line("web", RATE, captions=True)
    live = live_call(QUIETLY, Ask(HELLO, Expect.CODE), Ask(HELLO, Expect.CONFIRM), BYE, line=line)
    out = []
    for frame in [*silence(0.2), *spoken("tôi quên"), *silence(1)]:
        live.hear(frame)
        out += live.tick()
    live.press("9123456780#")
    out += ticks(live, 10)
    news = [one.news for one in out if isinstance(one, Told)]
    heard = [one["text"] for one in news if one["type"] == "heard"]
    assert heard == ["tôi quên", "••••••••••"]
    assert {"prompt", "state", "timings", "partial"} <= {one["type"] for one in news}
    assert "912" not in str(news)
    states = [one["state"] for one in news if one["type"] == "state"]
    assert states[:2] == ["listening", "speaking"]


async def _reader_that_sleeps() -> None:
    live = live_call(*[MENU] * 9, live=Live(most_unsent=0.2))
    for _ in range(10):
        live.deliver(live.tick())
    assert live.call.ended is None
    live.deliver(live.tick())
    live.deliver(live.tick())
    assert live.call.ended is EndOfCall.CALLER_HUNG_UP
    assert live.done.is_set()
    assert live.outbox.qsize() == 10  # and not a frame more


def test_a_line_that_reads_nothing_is_hung_up_on() -> None:
    asyncio.run(_reader_that_sleeps())


def test_a_call_in_real_time() -> None:
    async def main() -> None:
        exchange = ScriptedExchange(MENU, BYE)
        async with Switchboard(exchange, Live(threads=2), FRAME_S) as board:
            live = board.answer("0500000001", PLAIN)
            assert board.running == 1
            live.press("8")
            out, over = await until_over(live)
            assert over == Over(EndOfCall.DONE, False)
            assert len(sound(out)) >= 50  # the goodbye lasts a second
            assert board.running == 0
        assert exchange.phones == [("0500000001", "test")]

    asyncio.run(main())


def test_past_the_limit_callers_are_told_and_running_calls_untouched() -> None:
    async def main() -> None:
        exchange = ScriptedExchange(*[MENU] * 99)
        limits = Live(max_calls=2, busy_calls=1)
        async with Switchboard(exchange, limits, FRAME_S) as board:
            first, _ = board.answer(None, PLAIN), board.answer(None, PLAIN)
            assert board.full
            third = board.answer(None, PLAIN)
            with pytest.raises(LinesFullError):
                board.answer(None, PLAIN)
            out, over = await until_over(third)
            assert over.reason is EndOfCall.BUSY
            assert any(any(frame) for frame in sound(out))
            assert first.call.ended is None
            assert board.running == 2

    asyncio.run(main())


def test_draining_lets_calls_end_and_takes_no_new_ones() -> None:
    async def main() -> None:
        exchange = ScriptedExchange(BYE)
        async with Switchboard(exchange, Live(), FRAME_S) as board:
            live = board.answer(None, PLAIN)
            draining = asyncio.ensure_future(board.drain(10))
            await asyncio.sleep(0)
            late = board.answer(None, PLAIN)
            await draining
            assert live.call.ended is EndOfCall.DONE  # the goodbye was said whole
            assert late.call.ended is EndOfCall.BUSY

    asyncio.run(main())


def test_draining_has_a_limit() -> None:
    async def main() -> None:
        async with Switchboard(ScriptedExchange(*[MENU] * 99), Live(), FRAME_S) as board:
            live = board.answer(None, PLAIN)
            await board.drain(0.2)
            assert live.call.ended is EndOfCall.CALLER_HUNG_UP

    asyncio.run(main())


def test_one_broken_line_does_not_stop_the_others() -> None:
    def broken(_: bytes) -> bytes:
        raise ValueError("bug")

    async def main() -> None:
        async with Switchboard(ScriptedExchange(MENU, BYE), Live(threads=1), FRAME_S) as board:
            good = board.answer(None, PLAIN)
            bad = board.answer(None, Line("bad", RATE, encode=broken))
            _, over = await until_over(bad)
            assert over.reason is EndOfCall.FAILED
            good.press("8")
            _, over = await until_over(good)
            assert over.reason is EndOfCall.DONE

    asyncio.run(main())


def test_watchers_are_told_of_every_call() -> None:
    class Counting:
        def __init__(self) -> None:
            self.seen: list[tuple[str, str]] = []

        def began(self, live: LiveCall) -> None:
            self.seen.append(("began", live.call.call_id))

        def ended(self, live: LiveCall) -> None:
            self.seen.append(("ended", live.call.call_id))

    async def main() -> None:
        counting = Counting()
        async with Switchboard(ScriptedExchange(BYE), Live(), FRAME_S, [counting]) as board:
            await until_over(board.answer(None, PLAIN))
        assert counting.seen == [("began", "call-1"), ("ended", "call-1")]

    asyncio.run(main())


def test_silence_is_a_sound_too() -> None:
    """A muted caller still sends packets: the line is not dead."""
    live = live_call(*[MENU] * 99, live=Live(line_dead=0.1))
    for _ in range(50):
        live.hear(QUIET)
        live.tick()
    assert live.call.ended is None


def test_audio_is_not_in_a_repr() -> None:
    assert "\\x" not in repr(Audio(b"\1\2\3"))


def test_what_no_line_sends_ends_the_call_and_is_told_to_whoever_closes_the_line() -> None:
    async def main() -> None:
        async def read() -> None:
            raise LineError("line-message", "…")

        async def send(_: object) -> None:
            return

        async with Switchboard(ScriptedExchange(*[MENU] * 99), Live(), FRAME_S) as board:
            live = board.answer(None, PLAIN)
            error = await asyncio.wait_for(pump(live, read, send), 5)
            assert error is not None
            assert error.code == "line-message"
            assert live.call.ended is EndOfCall.CALLER_HUNG_UP

    asyncio.run(main())


def test_a_line_that_takes_no_message_does_not_hold_the_call() -> None:
    """Its socket is open and full: sending never returns."""

    async def main() -> None:
        async with Switchboard(ScriptedExchange(*[MENU] * 99), Live(unread=0.1), FRAME_S) as board:
            live = board.answer(None, PLAIN)
            forever = asyncio.Event()
            await asyncio.wait_for(pump(live, forever.wait, lambda _: forever.wait()), 5)
            await asyncio.wait_for(live.done.wait(), 5)
            assert live.call.ended is EndOfCall.CALLER_HUNG_UP
            assert board.running == 0

    asyncio.run(main())
