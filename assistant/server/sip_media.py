"""The sound of a SIP call: which SDP can be worked with, whose packets are heard, where ours go.

A packet of RTP proves nothing about its sender. Whoever sent one to our port would be sent our
voice in turn, a new password too ("RTP bleed"), and could speak and press keys as the caller. So
packets count only from the address that the trunk's SDP names, and from the trunk's own; their
port may change (a NAT's does), and then our voice follows.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from aiortp import RTPSession
from aiortp.transport import RtpTransport
from aiosipua import SdpNegotiationError
from aiosipua.sdp import SdpMessage, negotiate_sdp

from assistant.server.sip_addresses import Peers

log = logging.getLogger(__name__)

_CODECS = (0, 8)  # payload types: µ-law, A-law
_DTMF = 101  # payload type of keys, where the offer names none
_REORDER = 2  # packets held back to put them in order
_VERSION = 2  # of RTP and RTCP, the first two bits
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_HOLD = frozenset({"sendonly", "inactive"})  # they do not listen
_Address = tuple[str, int]


class SdpError(Exception):
    """An SDP that no conversation is possible with."""


class _Rtp(RTPSession):
    """Without the library's leak of the first port when the second is taken."""

    async def _bind_transports(self, local_addr: _Address, remote_addr: _Address) -> None:
        try:
            await super()._bind_transports(local_addr, remote_addr)
        except OSError:
            if self._rtp_transport is not None:
                self._rtp_transport.close()
            raise


class _Door(asyncio.DatagramProtocol):
    """Stands before the library, which follows, decodes and (STUN) answers any sender, and logs
    what it cannot read."""

    def __init__(self, inside: RtpTransport, hears: Callable[[str], bool]) -> None:
        self._inside, self._hears = inside, hears

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if not data or data[0] >> 6 != _VERSION or not self._hears(addr[0]):
            return
        try:
            self._inside.datagram_received(data, addr)
        except (ValueError, IndexError, struct.error):
            log.debug("a packet that is no RTP")


class Media:
    """The sound of one call. Raises SdpError when the offer cannot be taken."""

    def __init__(self, host: str, port: int, peers: Peers, offer: SdpMessage) -> None:
        self._host, self._port, self._peers = host, port, peers
        address = _address(offer, host)
        if address is None:
            raise SdpError  # a call that begins on hold, with nobody to talk to
        self._address = address
        self._dtmf = _dtmf(offer)
        self.sdp, self._codec = self._negotiate(offer, _CODECS)
        self.held = _direction(offer) in _HOLD
        self._rtp: RTPSession | None = None
        self._told = False

    async def open(self) -> None:
        """Raises OSError when a port is taken."""
        self._rtp = rtp = await _Rtp.create(
            (self._host, self._port),
            self._address,
            payload_type=self._codec,
            dtmf_payload_type=self._dtmf,
            jitter_prefetch=_REORDER,
        )
        for inside in (rtp._rtp_transport, rtp._rtcp_transport):
            assert inside is not None
            assert inside._transport is not None
            inside._transport.set_protocol(_Door(inside, self._hears))
        rtp._symmetric_rtp = True  # only now: with the door shut no stranger is followed

    async def close(self) -> None:
        if self._rtp is not None:
            await self._rtp.close()

    def listen(self, hear: Callable[[bytes], None], press: Callable[[str], None]) -> None:
        """Sound (PCM) and keys; none while they hold the line: then it is their music."""
        assert self._rtp is not None
        self._rtp.on_audio = lambda pcm, _: None if self.held else hear(pcm)
        self._rtp.on_dtmf = lambda key, _: None if self.held else press(key)

    def send(self, pcm: bytes, at: int) -> None:
        if self._rtp is not None and not self.held:
            self._rtp.send_audio_pcm(pcm, at)

    # --- a call that changes (RFC 3264, section 8) ------------------------------------------------

    def answer(self, offer: SdpMessage) -> SdpMessage:
        """Take a new offer. Raises SdpError, and then all stays as it was."""
        _address(offer, self._host)
        answer, _ = self._negotiate(offer, (self._codec,))
        self.follow(offer)
        return self._said(answer)

    def offer(self) -> SdpMessage:
        """Our side anew, for a re-INVITE without an offer: their answer comes with the ACK."""
        offer = copy.deepcopy(self.sdp)
        assert offer.audio is not None
        _set_direction(offer.audio.attributes, "sendrecv")
        return self._said(offer)

    def follow(self, theirs: SdpMessage) -> None:
        """Where their sound is now, and whether they listen. Raises SdpError."""
        assert self._rtp is not None
        address = _address(theirs, self._host)
        if address is not None and address != self._address:  # else keep the port of their NAT
            self._address = address
            self._rtp.update_remote(address)
        self._rtp._dtmf_payload_type = self._dtmf = _dtmf(theirs)
        self.held = address is None or _direction(theirs) in _HOLD

    def _said(self, ours: SdpMessage) -> SdpMessage:
        """Its version grows by one when anything else has changed."""
        origin = self.sdp.origin
        ours.origin = origin
        if ours != self.sdp:
            ours.origin = replace(origin, session_version=str(int(origin.session_version) + 1))
        self.sdp = ours
        return ours

    def _negotiate(self, offer: SdpMessage, codecs: Sequence[int]) -> tuple[SdpMessage, int]:
        if offer.audio is not None:
            _set_direction(offer.audio.attributes, _direction(offer))
        try:
            return negotiate_sdp(
                offer, self._host, self._port, list(codecs), dtmf_payload_type=_dtmf(offer)
            )
        except SdpNegotiationError:
            raise SdpError from None

    def _hears(self, ip: str) -> bool:
        if ip == self._address[0] or self._peers.send_media(ip):
            return True
        if not self._told:
            self._told = True
            log.warning("sip-media-stranger: RTP from an address of neither the SDP nor a trunk")
        return False


def _address(sdp: SdpMessage, ours: str) -> _Address | None:
    """Where their sound is; None: 0.0.0.0, which is how one holds a line in the old style.
    Raises SdpError when nothing can be sent there."""
    if sdp.rtp_address is None:
        raise SdpError
    host, port = sdp.rtp_address
    try:
        ip = ip_address(host)
    except ValueError:
        raise SdpError from None
    if not 0 < port < 2**16 - 1 or ip.is_multicast or ip.version != ip_address(ours).version:
        raise SdpError  # RTCP has the port above
    return None if ip.is_unspecified else (str(ip), port)


def _dtmf(sdp: SdpMessage) -> int:
    codecs = sdp.audio.codecs if sdp.audio else []
    keys = (c.payload_type for c in codecs if c.encoding_name.lower() == "telephone-event")
    return next(keys, _DTMF)


def _direction(sdp: SdpMessage) -> str:
    """Of the sound; what is said of the whole session counts where nothing is said of it."""
    of_sound = sdp.audio.attributes if sdp.audio else {}
    said = (name for level in (of_sound, sdp.attributes) for name in _DIRECTIONS if name in level)
    return next(said, "sendrecv")


def _set_direction(attributes: dict[str, list[str]], direction: str) -> None:
    for name in _DIRECTIONS:
        attributes.pop(name, None)
    attributes[direction] = []
