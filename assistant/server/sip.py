"""Calls straight from SIP and RTP, by aiosipua and aiortp: a trunk's or a PBX's INVITE is answered.

The caller id in a SIP request is whatever its sender wrote, so only the addresses of one's own
trunk are answered at all; what they vouch for (P-Asserted-Identity, RFC 3325, else From) counts.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
from collections.abc import Iterator

from aiosipua import IncomingCall, SdpNegotiationError, SipUAS
from aiosipua.message import SipRequest
from aiosipua.rtp_bridge import CallSession
from aiosipua.transport import UdpSipTransport, _UdpProtocol

from assistant.channels.live import Audio, Line, Out, Over
from assistant.channels.pump import pump
from assistant.channels.switchboard import LinesFullError, Switchboard
from assistant.settings import Telephone

log = logging.getLogger(__name__)

CHANNEL = "sip"
_RATE = 8_000  # Hz; G.711, µ-law and A-law
_SAMPLES = 160  # in a packet of 20 ms
_REORDER = 2  # packets held back to put them in order
_PORTS_TRIED = 50
_NUMBER = re.compile(r"(?:sips?|tel):(\+?\d{3,20})\b")


class _Protocol(_UdpProtocol):
    """Without the library's assertion on a base class that Python 3.11's transport lacks."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        return  # ``start`` below keeps it


class _Udp(UdpSipTransport):
    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        address = self.local_addr
        self._udp_transport, _ = await loop.create_datagram_endpoint(
            lambda: _Protocol(self), local_addr=address
        )


class SipLine:
    """Listens for INVITEs while it is entered."""

    def __init__(self, telephone: Telephone, board: Switchboard) -> None:
        assert telephone.sip_port is not None
        self._telephone, self._board = telephone, board
        self._uas = SipUAS(
            _Udp(local_addr=(telephone.sip_host, telephone.sip_port)),
            user_agent="vssid-voice-assistant",
        )
        self._uas.on_invite = self._invited
        self._uas.on_bye = self._gone
        self._uas.on_cancel = self._cancelled
        self._uas.on_ack_timeout = self._gone
        self._ended: dict[str, asyncio.Event] = {}
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
        if call.source_addr[0] not in self._telephone.sip_trunks:
            log.warning("sip-stranger: an INVITE from an address that is no trunk")
            call.reject(403, "Forbidden")
        elif call.sdp_offer is None or call.sdp_offer.rtp_address is None:
            call.reject(488, "Not Acceptable Here")
        else:
            self._ended[call.call_id] = asyncio.Event()
            task = asyncio.ensure_future(self._answer(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _gone(self, call: IncomingCall, *_: object) -> None:
        self._end(call.call_id)

    def _cancelled(self, request: SipRequest, _: object) -> None:
        self._end(request.call_id or "")

    def _end(self, call_id: str) -> None:
        if call_id in self._ended:
            self._ended[call_id].set()

    # --- one call -------------------------------------------------------------------------------

    async def _answer(self, call: IncomingCall) -> None:
        try:
            session = await self._media(call)
            if session is None:
                return
            try:
                live = self._board.answer(caller_of(call), Line(CHANNEL, _RATE))
            except LinesFullError:
                call.reject(486, "Busy Here")
                return
            ended = self._ended[call.call_id]
            session.on_audio = lambda pcm, _at: live.hear(pcm)
            session.on_dtmf = lambda digit, _length: live.press(digit)
            call.accept(session.sdp_answer)
            await pump(live, lambda: _until(ended), _Sender(session).send)
            if not ended.is_set():
                call.hangup()
            await session.close()
        finally:
            self._ended.pop(call.call_id, None)

    async def _media(self, call: IncomingCall) -> CallSession | None:
        """RTP on a free port, bound before the call is accepted; None: rejected."""
        offer = call.sdp_offer
        assert offer is not None
        codecs = offer.audio.codecs if offer.audio else []
        dtmf = [c.payload_type for c in codecs if c.encoding_name.lower() == "telephone-event"]
        for port in itertools.islice(self._ports, _PORTS_TRIED):
            try:
                session = CallSession(
                    self._telephone.sip_host,
                    port,
                    offer,
                    dtmf_payload_type=dtmf[0] if dtmf else 101,
                    jitter_prefetch=_REORDER,
                    symmetric_rtp=True,
                )
                await session.start()
            except (SdpNegotiationError, ValueError):
                call.reject(488, "Not Acceptable Here")
                return None
            except OSError:
                continue
            return session
        call.reject(503, "Service Unavailable")
        return None


class _Sender:
    """Our voice as RTP packets, with their timestamps."""

    def __init__(self, session: CallSession) -> None:
        self._session, self._at = session, 0

    async def send(self, out: Out) -> None:
        if isinstance(out, Audio):
            self._session.send_audio_pcm(out.data, self._at)
            self._at = (self._at + _SAMPLES) % 2**32
        elif isinstance(out, Over):
            await asyncio.sleep(0.1)  # the last packets are still on their way


async def _until(ended: asyncio.Event) -> None:
    await ended.wait()


def caller_of(call: IncomingCall) -> str | None:
    """The calling number as the trunk vouches for it; None when it is withheld."""
    headers = call.invite.headers
    if "id" in (headers.get_first("Privacy") or "").lower():
        return None
    asserted = headers.get_first("P-Asserted-Identity") or call.caller
    found = _NUMBER.search(asserted)
    return found[1] if found else None
