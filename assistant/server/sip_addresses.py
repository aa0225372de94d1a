"""The addresses of a SIP line: whom it answers, whose packets it hears, and where it listens."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from assistant.errors import SettingsError
from assistant.settings import Telephone


@dataclass(frozen=True, slots=True)
class Peers:
    """``trunks``: addresses whose SIP is answered and whose RTP is heard in every call;
    ``media``: networks that only send RTP."""

    trunks: frozenset[str]
    media: tuple[IPv4Network | IPv6Network, ...]

    def send_media(self, ip: str) -> bool:
        return ip in self.trunks or any(ip_address(ip) in network for network in self.media)


def read_peers(telephone: Telephone) -> Peers:
    """Raises SettingsError ``sip-peers``: a name instead of an address would match no packet."""
    try:
        trunks = frozenset(str(ip_address(one)) for one in telephone.sip_trunks)
        return Peers(trunks, tuple(ip_network(one) for one in telephone.sip_media))
    except ValueError as error:
        raise SettingsError(
            "sip-peers",
            f"Địa chỉ của trunk SIP không dùng được: {error}.",
            "Sửa ASSISTANT_TELEPHONE__SIP_TRUNKS (địa chỉ IP, không phải tên máy) hoặc "
            'ASSISTANT_TELEPHONE__SIP_MEDIA (mạng, ví dụ ["203.0.113.0/24"]).',
        ) from None


def check(telephone: Telephone) -> None:
    """Whether the line can listen, before anybody is told that it does. Raises SettingsError
    ``sip-peers``, ``sip-address``."""
    assert telephone.sip_port is not None
    read_peers(telephone)
    host, port = telephone.sip_host.strip("[]"), telephone.sip_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, port))
            everywhere = ip_address(probe.getsockname()[0]).is_unspecified
        why = "trunk không gửi được tiếng tới địa chỉ này" if everywhere else None
    except (OSError, OverflowError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
    if why is not None:
        raise SettingsError(
            "sip-address",
            f"Không nghe được SIP ở {host}, cổng UDP {port}: {why}.",
            "Sửa ASSISTANT_TELEPHONE__SIP_HOST (địa chỉ của máy này mà trunk thấy) hoặc "
            "ASSISTANT_TELEPHONE__SIP_PORT (một cổng UDP còn trống).",
        )
