"""aiosipua's user agent server, where the library stops short of what a port in the open needs.

Strangers are turned away before their message is looked into; a request sent again gets the same
answer again and does nothing twice (RFC 3261, 17.2); answers go to addresses that exist.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address

from aiosipua import IncomingCall, SipUAS
from aiosipua.dialog import DialogState, create_dialog_from_request, dialog_matches
from aiosipua.message import SipRequest, SipResponse
from aiosipua.transaction import TIMER_H
from aiosipua.transport import UdpSipTransport, _UdpProtocol

log = logging.getLogger(__name__)

_QUIET = 60.0  # s between two lines of the log about the same
_Address = tuple[str, int]
_Key = tuple[str, str | None, str | None]


class Seldom:
    """Anybody can send packets: of what they cause one line a minute, with how many they were."""

    def __init__(self) -> None:
        self._next, self._count = 0.0, 0

    def warn(self, text: str) -> None:
        self._count += 1
        now = time.monotonic()
        if now >= self._next:
            log.warning("%s; %d since the last such line", text, self._count)
            self._next, self._count = now + _QUIET, 0


class _Protocol(_UdpProtocol):
    """Without the library's assertion on a base class that Python 3.11's transport lacks."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        return  # ``start`` below keeps it


class _Udp(UdpSipTransport):
    def __init__(self, address: _Address, sent: Callable[[SipResponse], None]) -> None:
        super().__init__(local_addr=address)
        self._sent = sent

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._udp_transport, _ = await loop.create_datagram_endpoint(
            lambda: _Protocol(self), local_addr=self.local_addr
        )

    @property
    def host(self) -> str:
        """The IP address that is listened at."""
        assert self._udp_transport is not None
        return str(self._udp_transport.get_extra_info("sockname")[0])

    def send_reply(self, response: SipResponse) -> None:
        self._sent(response)
        super().send_reply(response)

    def send(self, message: SipRequest | SipResponse, addr: _Address) -> None:
        """A Via may name any host and port; a name would be looked up while all calls wait, and
        a port that cannot be would close the socket."""
        with suppress(ValueError):
            if ip_address(addr[0].strip("[]")) and 0 < addr[1] < 2**16:
                super().send(message, addr)


class Stack(SipUAS):
    """``on_late_answer``: the ACK that brings the SDP answer to an offer of ours."""

    def __init__(self, address: _Address, trunks: Iterable[str], user_agent: str) -> None:
        self._udp = _Udp(address, self._remember)
        super().__init__(self._udp, user_agent=user_agent)
        self._trunks = frozenset(trunks)
        self._answers: dict[_Key, tuple[float, SipResponse | None]] = {}
        self._strangers, self._unreadable = Seldom(), Seldom()
        self.on_late_answer: Callable[[IncomingCall, SipRequest], None] | None = None

    @property
    def host(self) -> str:
        return self._udp.host

    def refuse(self, request: SipRequest, status: int, reason: str) -> None:
        """Refuse one request; the call it belongs to goes on."""
        self._udp.send_reply(_refusal(request, status, reason))

    def forget(self, call: IncomingCall) -> None:
        """The library keeps calls that we ended or refused for good; drop this one once no packet
        of it can be under way."""
        asyncio.get_running_loop().call_later(TIMER_H, self._forget, call)

    def _forget(self, call: IncomingCall) -> None:
        if self._calls.get(call.call_id) is call:
            del self._calls[call.call_id]
            self._remove_invite_transaction(call.invite)

    # --- requests ---------------------------------------------------------------------------------

    def _handle_request(self, request: SipRequest, addr: _Address) -> None:
        trunk = addr[0] in self._trunks
        try:
            if trunk:
                self._of_trunk(request, addr)
            elif request.method.upper() == "INVITE":
                self._strangers.warn("sip-stranger: an INVITE from an address that is no trunk")
                self._udp.send(_refusal(request, 403, "Forbidden"), addr)
        except Exception as error:  # whatever headers and bodies hold; their text stays out of logs
            self._unreadable.warn(f"sip-unreadable: {type(error).__name__}")
            if trunk and request.method.upper() != "ACK":
                with suppress(Exception):
                    self.refuse(request, 400, "Bad Request")

    def _of_trunk(self, request: SipRequest, addr: _Address) -> None:
        method = request.method.upper()
        if method == "ACK":
            super()._handle_request(request, addr)
            self._acknowledged(request)
        elif self._again(request):
            return
        elif method == "INVITE" and (wrong := self._misplaced(request)) is not None:
            self.refuse(request, *wrong)
        else:
            super()._handle_request(request, addr)

    def _acknowledged(self, ack: SipRequest) -> None:
        call = self._calls.get(ack.call_id or "")
        ours = call is not None and dialog_matches(call.dialog, ack)
        if call is not None and ours and ack.body and self.on_late_answer is not None:
            self.on_late_answer(call, ack)

    def _again(self, request: SipRequest) -> bool:
        """Whether it was here before; then its answer is sent again, if there is one by now."""
        now = time.monotonic()
        while self._answers:
            oldest = next(iter(self._answers))
            if now - self._answers[oldest][0] < TIMER_H:
                break
            del self._answers[oldest]
        key = _transaction(request)
        if key in self._answers:
            answer = self._answers[key][1]
            if answer is not None:
                self._udp.send_reply(answer)
            return True
        self._answers[key] = (now, None)
        return False

    def _remember(self, response: SipResponse) -> None:
        key = _transaction(response)
        if key in self._answers:
            self._answers[key] = (self._answers[key][0], response)

    def _misplaced(self, invite: SipRequest) -> tuple[int, str] | None:
        """The library would begin another call for a re-INVITE of one that is over, and for an
        INVITE that came twice on different ways (RFC 3261, 8.2.2.2)."""
        call = self._calls.get(invite.call_id or "")
        state = DialogState.TERMINATED if call is None else call.dialog.state
        if invite.to_addr is not None and invite.to_addr.tag:
            gone = (481, "Call/Transaction Does Not Exist")
            return None if state is DialogState.CONFIRMED else gone
        return None if state is DialogState.TERMINATED else (482, "Loop Detected")


def _refusal(request: SipRequest, status: int, reason: str) -> SipResponse:
    return create_dialog_from_request(request).create_response(request, status, reason)


def _transaction(message: SipRequest | SipResponse) -> _Key:
    """The same in a request, in what it is sent again as, and in its answers."""
    get = message.headers.get_first
    return get("via") or "", get("call-id"), get("cseq")
