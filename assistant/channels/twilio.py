"""The messages of Twilio's webhooks and Media Streams. Pure.

A stream itself names no caller: the webhook, whose signature proves that it is Twilio's, hands
the caller id to the stream in a parameter that we sign. https://www.twilio.com/docs/voice/
media-streams/websocket-messages and https://www.twilio.com/docs/usage/security
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from xml.sax.saxutils import quoteattr

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from assistant.channels.pump import LineError

RATE = 8_000  # Hz, µ-law
TICKET = "ticket"  # the name of our parameter
_MOST_PAYLOAD = 64 * 1024


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Connected(_Message):
    event: Literal["connected"]


class _Format(_Message):
    encoding: Literal["audio/x-mulaw"]
    sample_rate: Literal[8_000] = Field(alias="sampleRate")
    channels: Literal[1]


class _Begun(_Message):
    stream_sid: str = Field(alias="streamSid", max_length=64)
    call_sid: str = Field(alias="callSid", max_length=64)
    parameters: dict[str, str] = Field(alias="customParameters", default={}, repr=False)
    format: _Format = Field(alias="mediaFormat")


class Start(_Message):
    event: Literal["start"]
    start: _Begun


class _Payload(_Message):
    payload: str = Field(max_length=_MOST_PAYLOAD, repr=False)
    track: str = "inbound"


class Media(_Message):
    event: Literal["media"]
    media: _Payload

    def mulaw(self) -> bytes:
        try:
            return base64.b64decode(self.media.payload, validate=True)
        except (binascii.Error, ValueError):
            raise _bad() from None


class _Digit(_Message):
    digit: str = Field(pattern="^[0-9*#A-D]$", repr=False)


class Dtmf(_Message):
    event: Literal["dtmf"]
    dtmf: _Digit


class _Name(_Message):
    name: str = Field(max_length=64)


class Mark(_Message):
    event: Literal["mark"]
    mark: _Name


class Stop(_Message):
    event: Literal["stop"]


Message = Connected | Start | Media | Dtmf | Mark | Stop
_MESSAGES: TypeAdapter[Message] = TypeAdapter(Message)


def read(text: str) -> Message:
    """Raises LineError ``line-message``."""
    try:
        return _MESSAGES.validate_json(text)
    except ValidationError:
        raise _bad() from None


def media(stream: str, mulaw: bytes) -> str:
    payload = base64.b64encode(mulaw).decode()
    return json.dumps({"event": "media", "streamSid": stream, "media": {"payload": payload}})


def clear(stream: str) -> str:
    return json.dumps({"event": "clear", "streamSid": stream})


def mark(stream: str, name: str) -> str:
    return json.dumps({"event": "mark", "streamSid": stream, "mark": {"name": name}})


# --- the webhook ------------------------------------------------------------------------------


def signature(token: str, url: str, form: Sequence[tuple[str, str]]) -> str:
    """What Twilio puts into X-Twilio-Signature: HMAC-SHA1 over address and sorted parameters."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def is_signed(token: str, url: str, form: Sequence[tuple[str, str]], given: str) -> bool:
    return hmac.compare_digest(signature(token, url, form).encode(), given.encode())


def connect_xml(stream_url: str, action_url: str, ticket: str) -> str:
    """TwiML: connect the call to our stream, and ask us what to do after it."""
    parameter = f"<Parameter name={quoteattr(TICKET)} value={quoteattr(ticket)}/>"
    stream = f"<Stream url={quoteattr(stream_url)}>{parameter}</Stream>"
    return _twiml(f"<Connect action={quoteattr(action_url)}>{stream}</Connect>")


def after_xml(agent: str | None) -> str:
    """TwiML after the stream: an agent's phone, or the end."""
    if agent is None:
        return _twiml("<Hangup/>")
    escaped = agent.replace("&", "&amp;").replace("<", "&lt;")
    return _twiml(f"<Dial>{escaped}</Dial>")


def _twiml(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'


# --- the signed parameter -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ticket:
    """One call may bring one stream. ``caller``: None when withheld; ``until``: Unix seconds."""

    call: str
    caller: str | None = field(repr=False)
    until: int

    def sealed(self, secret: str) -> str:
        content = json.dumps([self.call, self.caller, self.until]).encode()
        seal = _seal(secret, content)
        return ".".join(base64.urlsafe_b64encode(part).decode() for part in (content, seal))


def open_ticket(sealed: str, secret: str, call: str, now: float) -> Ticket | None:
    """The ticket, if we sealed it, for this call, not too long ago; else None."""
    try:
        content, seal = (base64.urlsafe_b64decode(part) for part in sealed.split("."))
        if not hmac.compare_digest(seal, _seal(secret, content)):
            return None
        ticket = Ticket(*json.loads(content))
    except (ValueError, TypeError):
        return None
    return ticket if ticket.call == call and now <= ticket.until else None


def caller_of(form: Mapping[str, str]) -> str | None:
    """The calling number; None when it is withheld (Twilio then writes a word)."""
    caller = form.get("From", "")
    return caller if caller.removeprefix("+").isdigit() else None


def _seal(secret: str, content: bytes) -> bytes:
    return hmac.new(b"stream-ticket:" + secret.encode(), content, hashlib.sha256).digest()


def _bad() -> LineError:
    return LineError("line-message", "Thông điệp của đường dây không hợp lệ.")
