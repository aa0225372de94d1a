"""Calls straight from SIP and RTP, by aiosipua and aiortp: a trunk's or a PBX's INVITE is answered.

The caller id in a SIP request is whatever its sender wrote, so only the addresses of one's own
trunk are answered at all (``sip_stack``); what they vouch for (P-Asserted-Identity, RFC 3325, else
From) counts. The same holds for the sound (``sip_media``).
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiosipua import IncomingCall
from aiosipua.message import SipRequest
from aiosipua.sdp import SdpMessage, parse_sdp

from assistant.channels.live import Audio, Line, Out, Over
from assistant.channels.pump import pump
from assistant.channels.switchboard import LinesFullError, Switchboard
from assistant.server.sip_addresses import read_peers
from assistant.server.sip_media import Media, SdpError
from assistant.server.sip_stack import Stack
from assistant.settings import Telephone

CHANNEL = "sip"
_RATE = 8_000  # Hz; G.711, µ-law and A-law
_SAMPLES = 160  # in a packet of 20 ms
_PORTS_TRIED = 50
_NUMBER = re.compile(r"(?:sips?|tel):(\+?\d{3,20})\b")


@dataclass(eq=False, slots=True)
class _Talk:
    """One call that is answered. ``offered``: the last SDP was our offer, the answer is awaited."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    media: Media | None = None
    offered: bool = False


class SipLine:
    """Listens for INVITEs while it is entered."""

    def __init__(self, telephone: Telephone, board: Switchboard) -> None:
        assert telephone.sip_port is not None
        self._board, self._peers = board, read_peers(telephone)
        address = (telephone.sip_host.strip("[]"), telephone.sip_port)
        self._uas = Stack(address, self._peers.trunks, "vssid-voice-assistant")
        self._uas.on_invite = self._invited
        self._uas.on_reinvite = self._reinvited
        self._uas.on_late_answer = self._late_answer
        self._uas.on_bye = self._gone
        self._uas.on_cancel = self._cancelled
        self._uas.on_ack_timeout = self._gone
        self._talks: dict[str, _Talk] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        low, high = telephone.rtp_ports
        self._ports: Iterator[int] = itertools.cycle(range(low + low % 2, high, 2))

    async def __aenter__(self) -> SipLine:
        await self._uas.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._board.drain(0.0)  # whoever is still talking: the server ends
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._uas.stop()

    # --- what the stack tells, on the event loop ------------------------------------------------

    def _invited(self, call: IncomingCall) -> None:
        if call.call_id in self._talks:  # hung up, but not quite over
            call.reject(482, "Loop Detected")
            self._uas.forget(call)
            return
        talk = self._talks[call.call_id] = _Talk()
        task = asyncio.ensure_future(self._answer(call, talk))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _reinvited(self, call: IncomingCall) -> None:
        """The other side moves its sound, holds the line, takes it back, or only asks whether the
        call still is."""
        talk = self._talks.get(call.call_id)
        try:
            if talk is None or talk.media is None:
                raise SdpError
            talk.offered = not call.invite.body
            answer = talk.media.offer() if talk.offered else talk.media.answer(_sdp(call.invite))
        except SdpError:  # "reject" would end the whole call
            self._uas.refuse(call.invite, 488, "Not Acceptable Here")
        else:
            call.accept(answer)

    def _late_answer(self, call: IncomingCall, ack: SipRequest) -> None:
        talk = self._talks.get(call.call_id)
        if talk is not None and talk.media is not None and talk.offered:
            talk.offered = False
            try:
                talk.media.follow(_sdp(ack))
            except SdpError:  # we offered, and there is nothing that we could do with the answer
                call.hangup()
                talk.ended.set()

    def _gone(self, call: IncomingCall, *_: object) -> None:
        self._end(call.call_id)

    def _cancelled(self, request: SipRequest, _: object) -> None:
        self._end(request.call_id or "")

    def _end(self, call_id: str) -> None:
        if call_id in self._talks:
            self._talks[call_id].ended.set()

    # --- one call -------------------------------------------------------------------------------

    async def _answer(self, call: IncomingCall, talk: _Talk) -> None:
        try:
            talk.media = await self._media(call)
            if talk.media is not None and not talk.ended.is_set():
                await self._talk(call, talk.ended, talk.media)
        finally:
            if talk.media is not None:
                await talk.media.close()
            del self._talks[call.call_id]
            self._uas.forget(call)

    async def _talk(self, call: IncomingCall, ended: asyncio.Event, media: Media) -> None:
        try:
            live = self._board.answer(caller_of(call), Line(CHANNEL, _RATE))
        except LinesFullError:
            call.reject(486, "Busy Here")
            return
        media.listen(live.hear, live.press)
        call.accept(media.sdp)
        try:
            await pump(live, lambda: _until(ended), _Sender(media).send)
        finally:
            if not ended.is_set():
                call.hangup()

    async def _media(self, call: IncomingCall) -> Media | None:
        """RTP on a free port, bound before the call is accepted; None: rejected."""
        for port in itertools.islice(self._ports, _PORTS_TRIED):
            try:
                media = Media(self._uas.host, port, self._peers, _sdp(call.invite))
                await media.open()
            except SdpError:
                call.reject(488, "Not Acceptable Here")
                return None
            except OSError:
                continue
            return media
        call.reject(503, "Service Unavailable")
        return None


class _Sender:
    """Our voice as RTP packets, with their timestamps."""

    def __init__(self, media: Media) -> None:
        self._media, self._at = media, 0

    async def send(self, out: Out) -> None:
        if isinstance(out, Audio):
            self._media.send(out.data, self._at)
            self._at = (self._at + _SAMPLES) % 2**32
        elif isinstance(out, Over):
            await asyncio.sleep(0.1)  # the last packets are still on their way


async def _until(ended: asyncio.Event) -> None:
    await ended.wait()


def _sdp(message: SipRequest) -> SdpMessage:
    """Raises SdpError."""
    kind = (message.content_type or "").partition(";")[0].strip().lower()
    if kind != "application/sdp":
        raise SdpError
    try:
        return parse_sdp(message.text)
    except ValueError:
        raise SdpError from None


def caller_of(call: IncomingCall) -> str | None:
    """The calling number as the trunk vouches for it; None when it is withheld."""
    headers = call.invite.headers
    if "id" in (headers.get_first("Privacy") or "").lower():
        return None
    asserted = headers.get_first("P-Asserted-Identity") or call.caller
    found = _NUMBER.search(asserted)
    return found[1] if found else None
