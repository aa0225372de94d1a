"""Caller ids as telephone lines write them → E.164, or None when no account can have them.

Rules of the numbering plan: mobiles are ``0[35789]`` and eight digits; the eleven-digit
mobiles of before 2018 moved to the prefixes below (decision 798/QĐ-BTTTT).
"""

from __future__ import annotations

import re

import phonenumbers

COUNTRY = 84
LONGEST = 32  # characters; E.164 has 15 digits, the rest is room for separators

# Old prefix without its 0 → new prefix without its 0.
MOVED = {
    **{f"16{n}": f"3{n}" for n in range(2, 10)},
    "120": "70",
    "121": "79",
    "122": "77",
    "126": "76",
    "128": "78",
    "123": "83",
    "124": "84",
    "125": "85",
    "127": "81",
    "129": "82",
    "186": "56",
    "188": "58",
    "199": "59",
}

_WRITTEN = re.compile(r"(?:tel:)?(\+?)([0-9 .()\u00a0-]+)")
_MOBILE = re.compile(r"[35789]\d{8}")
_OLD = re.compile(r"(1\d\d)(\d{7})")
# How a national number may be introduced, longest first: the sign, the digits in front.
_BEFORE = (("+", "840"), ("+", "84"), ("", "00840"), ("", "0084"), ("", "84"), ("", "0"), ("", ""))


def to_e164(raw: str | None) -> str | None:
    """``+84912345678`` for a Vietnamese mobile in any spelling of the line.

    None for withheld, short, landline, foreign and malformed numbers: for those the caller
    has "no registered number". Never raises, whatever the line sent.
    """
    written = _WRITTEN.fullmatch(raw.strip()) if raw and len(raw) <= LONGEST else None
    if written is None:
        return None
    sign, digits = written[1], re.sub(r"\D", "", written[2])
    for wanted, prefix in _BEFORE:
        if sign == wanted and digits.startswith(prefix):
            mobile = _current(digits[len(prefix) :])
            if mobile is not None:
                return _format(mobile)
    return None


def spoken_form(raw: str | None) -> str:
    """``0912345678``, as its owner says the number; empty where ``to_e164`` gives none."""
    number = to_e164(raw)
    return "0" + number.removeprefix(f"+{COUNTRY}") if number else ""


def _current(national: str) -> str | None:
    """Nine digits of today's plan for a national number without its 0, or None."""
    if _MOBILE.fullmatch(national):
        return national
    old = _OLD.fullmatch(national)
    return MOVED[old[1]] + old[2] if old and old[1] in MOVED else None


def _format(national: str) -> str | None:
    number = phonenumbers.PhoneNumber(country_code=COUNTRY, national_number=int(national))
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
