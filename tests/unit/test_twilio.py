"""Twilio's messages, signatures and our ticket; the signature against Twilio's own library."""

from __future__ import annotations

import base64
import json
import random

import pytest

from assistant.audio.mulaw import mulaw_encode
from assistant.channels import twilio
from assistant.channels.pump import LineError
from assistant.channels.twilio import Ticket, open_ticket

TOKEN = "12345"  # of Twilio's own documentation
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]


def test_the_signature_of_the_documentation() -> None:
    assert twilio.signature(TOKEN, URL, FORM) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_signatures_that_are_not_twilios() -> None:
    right = twilio.signature(TOKEN, URL, FORM)
    assert twilio.is_signed(TOKEN, URL, FORM, right)
    assert not twilio.is_signed(TOKEN, URL, FORM[:-1], right)
    assert not twilio.is_signed(TOKEN, URL + "3", FORM, right)
    assert not twilio.is_signed("other", URL, FORM, right)
    assert not twilio.is_signed(TOKEN, URL, FORM, "")


@pytest.mark.full
def test_signatures_as_twilios_library_makes_them() -> None:
    validator = pytest.importorskip("twilio.request_validator").RequestValidator(TOKEN)
    rng = random.Random(1)
    for _ in range(50):
        form = {f"k{i}": "".join(rng.choices("aZ09 +&=đ", k=5)) for i in range(rng.randrange(5))}
        url = f"https://phone.example/twilio/voice?x={rng.random()}"
        ours = twilio.signature(TOKEN, url, list(form.items()))
        assert ours == validator.compute_signature(url, form)
        assert validator.validate(url, form, ours)


def test_a_ticket_is_for_one_call_and_a_while() -> None:
    sealed = Ticket("CA1", "+84501234567", 1_000).sealed("secret")
    assert open_ticket(sealed, "secret", "CA1", 999) == Ticket("CA1", "+84501234567", 1_000)
    assert open_ticket(sealed, "secret", "CA2", 999) is None
    assert open_ticket(sealed, "secret", "CA1", 1_001) is None
    assert open_ticket(sealed, "other", "CA1", 999) is None
    assert "501234567" not in repr(Ticket("CA1", "+84501234567", 1_000))


def test_a_ticket_cannot_be_changed() -> None:
    sealed = Ticket("CA1", "+84501234567", 1_000).sealed("secret")
    content, seal = sealed.split(".")
    other = base64.urlsafe_b64encode(json.dumps(["CA1", "+84507654321", 1_000]).encode()).decode()
    for forged in (
        f"{other}.{seal}",
        content,
        "",
        ".",
        f"{content}.",
        f"{content}.{seal}.x",
        "é.é",
    ):
        assert open_ticket(forged, "secret", "CA1", 0) is None


@pytest.mark.parametrize(
    ("caller", "known"),
    [("+84501234567", True), ("0501234567", True), ("anonymous", False), ("Restricted", False)],
)
def test_a_withheld_number_is_none(caller: str, known: bool) -> None:
    assert twilio.caller_of({"From": caller}) == (caller if known else None)
    assert twilio.caller_of({}) is None


def test_messages_are_read() -> None:
    sound = mulaw_encode(bytes(320))
    payload = base64.b64encode(sound).decode()
    media = twilio.read(json.dumps({"event": "media", "media": {"payload": payload, "chunk": "1"}}))
    assert isinstance(media, twilio.Media)
    assert media.mulaw() == sound
    dtmf = twilio.read('{"event":"dtmf","dtmf":{"track":"inbound_track","digit":"#"}}')
    assert isinstance(dtmf, twilio.Dtmf)
    assert isinstance(twilio.read('{"event":"connected","protocol":"Call"}'), twilio.Connected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"event":"other"}',
        '{"event":"media"}',
        '{"event":"dtmf","dtmf":{"digit":"12"}}',
        '{"event":"start","start":{"streamSid":"MZ","callSid":"CA","mediaFormat":'
        '{"encoding":"audio/opus","sampleRate":48000,"channels":2}}}',
        '{"event":"media","media":{"payload":"' + "A" * 70_000 + '"}}',
    ],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(LineError):
        twilio.read(text)


def test_a_payload_that_is_no_base64_is_refused() -> None:
    message = twilio.read('{"event":"media","media":{"payload":"%%%"}}')
    assert isinstance(message, twilio.Media)
    with pytest.raises(LineError):
        message.mulaw()


def test_twiml_is_escaped() -> None:
    xml = twilio.connect_xml('wss://x/?a=1&b="2"', "https://x/<", "t&<>")
    assert "&amp;b=" in xml
    assert "t&amp;&lt;&gt;" in xml
    assert "<Hangup/>" in twilio.after_xml(None)
    assert "<Dial>1900 &lt;&amp;</Dial>" in twilio.after_xml("1900 <&")
