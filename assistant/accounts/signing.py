"""Signatures of the HTTP protocol (docs/account-protocol.md). Pure."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

TIMESTAMP = "X-Assistant-Timestamp"
SIGNATURE = "X-Assistant-Signature"
IDEMPOTENCY_KEY = "Idempotency-Key"


class Direction(StrEnum):
    """Part of what is signed, so that a request can never be played back as its answer."""

    REQUEST = "request"
    RESPONSE = "response"
    NOTIFICATION = "notification"


def sign(secret: bytes, direction: Direction, timestamp: str, key: str, body: bytes) -> str:
    """``v1=`` and the hex HMAC-SHA256 over direction, timestamp, idempotency key and body."""
    text = f"{direction}\n{timestamp}\n{key}\n".encode() + body
    return "v1=" + hmac.new(secret, text, hashlib.sha256).hexdigest()


def verify(
    secret: bytes,
    direction: Direction,
    timestamp: str,
    key: str,
    body: bytes,
    signature: str,
    now: float,
    skew: float,
) -> bool:
    """Right signature, and a timestamp (Unix seconds, text) within ``skew`` seconds of ``now``."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    expected = sign(secret, direction, timestamp, key, body)
    same = hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
    return same and abs(now - int(timestamp)) <= skew
