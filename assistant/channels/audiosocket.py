"""AudioSocket, Asterisk's TCP protocol for one call: frames of kind, 16-bit length, payload.

https://docs.asterisk.org/Configuration/Channel-Drivers/AudioSocket/ The first frame is the UUID
that the dialplan announced beforehand together with the caller id; without that there is no call.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from enum import IntEnum
from uuid import UUID

from assistant.channels.announced import Announced
from assistant.channels.live import Audio, Line, LiveCall, Out, Over
from assistant.channels.pump import LineError, LineGoneError, pump
from assistant.channels.switchboard import LinesFullError, Switchboard

log = logging.getLogger(__name__)

CHANNEL = "audiosocket"
_RATE = 8_000  # Hz of kind 0x10
_HEADER = struct.Struct(">BH")
_MOST_PAYLOAD = 32 * 1024  # two seconds; the field could say 64 KiB


class Kind(IntEnum):
    HANG_UP = 0x00
    ID = 0x01
    DTMF = 0x03  # newer Asterisk only: one ASCII character
    AUDIO = 0x10  # 16-bit, 8 kHz, mono
    ERROR = 0xFF


def frame(kind: Kind, payload: bytes = b"") -> bytes:
    return _HEADER.pack(kind, len(payload)) + payload


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next frame. Raises LineGoneError, LineError ``line-frame``."""
    try:
        kind, length = _HEADER.unpack(await reader.readexactly(_HEADER.size))
        if length > _MOST_PAYLOAD:
            raise LineError("line-frame", "Khung AudioSocket dài quá mức.")
        return kind, await reader.readexactly(length)
    except (asyncio.IncompleteReadError, OSError):
        raise LineGoneError from None


class AudioSocketServer:
    """``ended`` is told of every call that had been announced: its UUID, and how it ended."""

    def __init__(
        self,
        board: Switchboard,
        announced: Announced,
        ring: float,
        ended: Callable[[UUID, LiveCall], None] = lambda _uuid, _live: None,
    ) -> None:
        self._board, self._announced, self._ring = board, announced, ring
        self._ended = ended

    async def start(self, listening: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(self._serve, sock=listening)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._call(reader, writer)
        except (TimeoutError, LineError, LinesFullError) as error:  # the first is an OSError too
            log.warning("audiosocket-refused: %s", getattr(error, "code", "line-silent"))
            writer.write(frame(Kind.ERROR, b"\x01") + frame(Kind.HANG_UP))
        except (LineGoneError, OSError):
            pass
        finally:
            writer.close()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uuid = await asyncio.wait_for(_first(reader), self._ring)
        known, caller = self._announced.come(uuid)
        if not known:
            raise LineError("line-unannounced", "Cuộc gọi AudioSocket không được báo trước.")
        live = self._board.answer(caller, Line(CHANNEL, _RATE))
        try:
            await pump(live, lambda: _read(reader, live), lambda out: _send(writer, out))
        finally:
            self._ended(uuid, live)
            if writer.transport.get_write_buffer_size() > _MOST_PAYLOAD:  # nobody reads it
                writer.transport.abort()


async def _first(reader: asyncio.StreamReader) -> UUID:
    kind, payload = await read_frame(reader)
    if kind != Kind.ID or len(payload) != 16:
        raise LineError("line-order", "AudioSocket không bắt đầu bằng UUID.")
    return UUID(bytes=payload)


async def _read(reader: asyncio.StreamReader, live: LiveCall) -> None:
    while True:
        kind, payload = await read_frame(reader)
        if kind == Kind.AUDIO:
            live.hear(payload)
        elif kind == Kind.DTMF:
            live.press(payload.decode("ascii", "replace"))
        elif kind in (Kind.HANG_UP, Kind.ERROR):
            return
        # Other kinds are of newer protocols (other rates): what is not asked for is passed over.


async def _send(writer: asyncio.StreamWriter, out: Out) -> None:
    try:
        if isinstance(out, Audio):
            writer.write(frame(Kind.AUDIO, out.data))
            await writer.drain()
        elif isinstance(out, Over):
            writer.write(frame(Kind.HANG_UP))
            await writer.drain()
    except OSError:
        raise LineGoneError from None
