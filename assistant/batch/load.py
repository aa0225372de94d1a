"""Many live calls at once against a running server, in real time, as callers hear it.

Every caller follows the demo's script: wait until asked, say the request, say the code, say that
it is wrong, hang up, call again. Measured is the time from the moment at which the sound that
decides the turn had been sent to the first sound of the reply: the patience at the end of a turn
is a choice, not a cost. It holds the line, its jitter buffer, decoding, understanding, rendering.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

FRAME = 0.02  # s
_FRAME_BYTES = 320
_SILENCE = bytes(_FRAME_BYTES)
_CHUNK = 5  # frames that a plain Vosk client sends at once: 0.1 s, what we decode at a time
_OPENING = 7.5  # s of our greeting, which the plain client waits through as well
_QUESTION = 5.6  # s of the question for the code, with the patience before it
_LAST = 2.0  # s after the last word


class Socket(Protocol):
    async def send(self, message: str | bytes) -> None: ...
    async def recv(self) -> str | bytes: ...


@dataclass
class Load:
    """What the callers saw. Times are seconds."""

    replies: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)  # of our own frames: the driver's lateness
    calls: int = 0  # that were had to the end of the script
    lost: int = 0  # that ended in another way
    turned_away: int = 0


Turn = tuple[bytes, ...]  # frames of what a caller says at once


@asynccontextmanager
async def dial(url: str) -> AsyncIterator[Socket]:
    from websockets.asyncio.client import connect

    async with connect(url, proxy=None, compression=None, max_size=None) as socket:
        yield socket


async def drive(
    callers: Sequence[Caller | PlainCaller], seconds: float, load: Load, spread: float
) -> None:
    """All callers for ``seconds``; they begin one after the other over ``spread`` seconds."""
    end = time.monotonic() + seconds

    async def keep_calling(number: int, caller: Caller | PlainCaller) -> None:
        await asyncio.sleep(spread * number / len(callers))
        while time.monotonic() < end:
            try:
                await caller.call()
            except asyncio.CancelledError:
                raise
            except Exception:  # whatever broke the call: it is lost, and counted
                load.lost += 1
                await asyncio.sleep(1.0)

    await asyncio.gather(*(keep_calling(i, caller) for i, caller in enumerate(callers)))


class Clocked:
    """Sends a frame every 20 ms of real time, and notes how late it was itself."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._due = time.monotonic()

    async def tick(self, frames: int = 1) -> None:
        self._due += frames * FRAME
        wait = self._due - time.monotonic()
        await asyncio.sleep(max(0.0, wait))
        self._load.late.append(max(0.0, time.monotonic() - self._due))


class Caller:
    """One caller of ours: the browser phone's protocol at 8 kHz."""

    def __init__(self, url: str, turns: Sequence[Turn], load: Load) -> None:
        self._url, self._turns, self._load = url, turns, load

    async def call(self) -> None:
        async with dial(self._url) as socket:
            await socket.send(json.dumps({"type": "start", "caller": "0501234567", "rate": 8000}))
            self._waiting: list[bytes] = []
            self._said = list(self._turns)
            self._sent: list[float] = []
            self._spoken = False  # a turn; its reply has not come
            self._first_sound: float | None = None
            self._over = False
            hearing = asyncio.ensure_future(self._hear(socket))
            try:
                await self._speak(socket)
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)

    async def _speak(self, socket: Socket) -> None:
        clock = Clocked(self._load)
        while not self._over:
            frame = self._waiting.pop(0) if self._waiting else _SILENCE
            self._sent.append(time.monotonic())
            await socket.send(frame)
            await clock.tick()

    async def _hear(self, socket: Socket) -> None:
        try:
            while not self._over:
                message = await socket.recv()
                if isinstance(message, bytes):
                    if self._spoken and self._first_sound is None and any(message):
                        self._first_sound = time.monotonic()
                else:
                    await self._read(socket, json.loads(message))
        except Exception:
            if not self._over:
                self._load.lost += 1
                self._over = True

    async def _read(self, socket: Socket, news: dict[str, Any]) -> None:
        if news["type"] == "state" and news["state"] == "listening":
            await self._answer(socket)
        elif news["type"] == "timings" and self._spoken and self._first_sound:
            decided = self._sent[news["frames"] - 1]  # this frame's sound decided the turn
            self._load.replies.append(self._first_sound - decided)
            self._spoken = False
        elif news["type"] == "ended":
            self._load.turned_away += news["reason"] == "busy"
            self._load.lost += news["reason"] not in ("busy", "caller_hung_up")
            self._over = True

    async def _answer(self, socket: Socket) -> None:
        if self._spoken:
            return
        if not self._said:
            self._load.calls += 1
            self._over = True
            await socket.send('{"type":"hangup"}')
            return
        self._waiting = list(self._said.pop(0))
        self._spoken, self._first_sound = True, None


class PlainCaller:
    """The same sound, sent to a plain Vosk server; its reply is the final result's text."""

    def __init__(self, url: str, turns: Sequence[Turn], phrases: Sequence[str], load: Load) -> None:
        self._url, self._phrases, self._load = url, phrases, load
        frames: list[bytes] = []
        for pause, turn in zip((_OPENING, _QUESTION), turns, strict=True):
            frames += [_SILENCE] * round(pause / FRAME) + list(turn)
        frames += [_SILENCE] * round(_LAST / FRAME)
        self._chunks = [b"".join(frames[i : i + _CHUNK]) for i in range(0, len(frames), _CHUNK)]

    async def call(self) -> None:
        async with dial(self._url) as socket:
            config = {"sample_rate": 8000, "phrase_list": list(self._phrases), "words": True}
            await socket.send(json.dumps({"config": config}))
            sent: list[float] = []
            hearing = asyncio.ensure_future(self._hear(socket, sent))
            clock = Clocked(self._load)
            for chunk in self._chunks:
                await clock.tick(_CHUNK)  # a chunk can be sent once it has been spoken
                sent.append(time.monotonic())
                await socket.send(chunk)
            await hearing
            self._load.calls += 1

    async def _hear(self, socket: Socket, sent: Sequence[float]) -> None:
        for number in range(len(self._chunks)):
            answer = json.loads(await socket.recv())
            if answer.get("text"):
                self._load.replies.append(time.monotonic() - sent[number])
