"""What the texts of a scenario may hold: places to fill in, keys, digits, corrections. Pure.

Each is one pattern, written so that Python and an editor (JSON Schema, ECMAScript) read it alike.
A validator says in words what the pattern only refuses.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from assistant.accounts.fields import CODE_LENGTHS, Problem, check_contact, check_phone
from assistant.batch.complaints import did_you_mean
from assistant.nlu.saying import Style

FIELDS = ("code", "phone", "password")
CALLERS = ("account", "withheld", "stranger")  # caller ids that are nobody's name
DRAWN_CODES = {"random": 10, "random0": 10, "citizen": 12}  # and how many digits are drawn

NAME = r"[^\s0-9{}.:!|+][^\s{}.:!|]*"
_HEAD = (
    rf"\{{(?:({NAME})\.)?({'|'.join(FIELDS)})"
    r"(?:!(last|[1-9][0-9]*))?(?::(-?[0-9]*):(-?[0-9]*))?"
)
PLACE = rf"{_HEAD}(?:\|({'|'.join(Style)}))?\}}"
"""Groups: name, field, change, start, stop, style."""

_DIGIT_PLACE = rf"{_HEAD}\}}"  # what is not said has no style
_D = rf"(?:[0-9]|{_DIGIT_PLACE})"
_NUMBER = r"\+?[0-9]{3,15}"

ANY_PLACE = re.compile(r"\{[^{}]*\}")
"""Whatever stands in braces, right or wrong."""

_EXAMPLES = "{code}, {an.phone}, {code!last}, {code:0:4}, {code:0:4|pairs}"


def place_trouble(text: str, said: bool) -> str | None:
    """Why what stands in braces cannot be filled in; None: it can. ``said``: in a caller's words,
    where a place may have a style."""
    for place in ANY_PLACE.findall(text):
        if not re.fullmatch(PLACE if said else _DIGIT_PLACE, place):
            return _place_trouble(place, said)
    if set("{}") & set(ANY_PLACE.sub("", text)):
        return f"ngoặc nhọn không có cặp; chỗ điền viết như {_EXAMPLES}"
    return None


def _place_trouble(place: str, said: bool) -> str:
    body, bar, style = place[1:-1].partition("|")
    field = re.split(r"[!:]", body.rpartition(".")[2])[0]
    if field not in FIELDS:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        return f"không có chỗ điền {place}; chỉ có {known}{did_you_mean(field, FIELDS)}"
    if bar and not said:
        return f"{place}: kiểu đọc chỉ dùng trong say"
    if bar and style not in list(Style):
        return (
            f"không có kiểu đọc '{style}'; chỉ có: {', '.join(Style)}{did_you_mean(style, Style)}"
        )
    return f"chỗ điền {place} viết sai; mẫu: {_EXAMPLES}"


# --- validators: ValueErrors, which become errors of the field ------------------------------


def _check_spoken(text: str) -> str:
    if not text.strip():
        raise ValueError("lời nói để trống; im lặng thì viết silence: 1")
    return _no_trouble(text, place_trouble(text, said=True))


def _check_keys(text: str) -> str:
    trouble = place_trouble(text, said=False)
    wrong = sorted(set(ANY_PLACE.sub("", text)) - set("0123456789*#"))
    if trouble is None and (wrong or not text):
        what = f"không có phím {', '.join(map(repr, wrong))}" if wrong else "không có phím nào"
        trouble = f'{what}; phím là 0-9, *, # và chỗ điền, ví dụ "{{code}}#"'
    return _no_trouble(text, trouble)


def _check_digits(text: str) -> str:
    trouble = place_trouble(text, said=False)
    if trouble is None and not re.fullmatch(_DIGITS_TEXT, text):
        trouble = 'chỉ gồm chữ số 0-9 và chỗ điền, ví dụ "{code}"'
    return _no_trouble(text, trouble)


def _check_correction(text: str) -> str:
    trouble = place_trouble(text, said=False)
    if trouble is None and not re.fullmatch(_CORRECTION_TEXT, text):
        trouble = 'viết như "-1=7", "2=", "restart", "7>8", "7>" hay "7@1>8"'
    return _no_trouble(text, trouble)


def _check_caller(text: str) -> str:
    """That a name is an account's is for whoever knows the accounts (``scenario_faults``)."""
    if not re.fullmatch(_CALLER_TEXT, text):
        raise ValueError(
            f"chỉ nhận: {', '.join(CALLERS)}, tên một tài khoản, hoặc một số điện thoại"
        )
    return text


def _check_name(text: str) -> str:
    if text in (*CALLERS, *FIELDS):
        raise ValueError(f"'{text}' có nghĩa khác trong kịch bản; chọn tên khác")
    if not re.fullmatch(NAME, text):
        raise ValueError("tên bắt đầu bằng chữ, không có khoảng trắng hay một trong . : ! | { }")
    return text


def _check_phone(text: str) -> str:
    if text != "random":
        _no_problem(check_phone(text), "viết random, hoặc số như 0912345678")
    if text != "random" and not re.fullmatch(_PHONE_TEXT, text):
        raise ValueError("viết liền các chữ số, như 0912345678")
    return text


def _check_code(text: str) -> str:
    if not re.fullmatch(_CODE_TEXT, text):
        lengths = " hoặc ".join(map(str, CODE_LENGTHS))
        raise ValueError(f"chỉ nhận: {', '.join(DRAWN_CODES)}, hoặc đúng {lengths} chữ số")
    return text


def _check_contact(text: str) -> str:
    _no_problem(check_contact(text), "")
    return text


def _no_problem(found: object, hint: str) -> None:
    if isinstance(found, Problem):
        said = found.message.rstrip(".")
        raise ValueError(f"{said[:1].lower()}{said[1:]}{'; ' if hint else ''}{hint}")


def _no_trouble(text: str, trouble: str | None) -> str:
    if trouble is not None:
        raise ValueError(trouble)
    return text


def trouble(text: str) -> PydanticCustomError:
    """A sentence as an error of pydantic's, where more than one are raised at once."""
    return PydanticCustomError("value_error", "{error}", {"error": text})


# --- the types of fields --------------------------------------------------------------------

_DIGITS_TEXT = rf"^{_D}*$"
_CORRECTION_TEXT = rf"^(?:restart|-?[0-9]+={_D}*|{_D}+(?:@-?[0-9]+)?>{_D}*)$"
_CALLER_TEXT = rf"^(?:{_NUMBER}|{NAME})$"
_PHONE_TEXT = r"^(?:random|\+?[0-9]{9,14})$"
_CODE_TEXT = rf"^(?:{'|'.join(DRAWN_CODES)}|{'|'.join(f'[0-9]{{{n}}}' for n in CODE_LENGTHS)})$"


def _as(pattern: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, **more})


Spoken = Annotated[str, AfterValidator(_check_spoken), _as(rf"^(?=.*\S)(?:[^{{}}]|{PLACE})+$")]
Keys = Annotated[str, AfterValidator(_check_keys), _as(rf"^(?:[0-9*#]|{_DIGIT_PLACE})+$")]
Digits = Annotated[str, AfterValidator(_check_digits), _as(_DIGITS_TEXT)]
Correction = Annotated[str, AfterValidator(_check_correction), _as(_CORRECTION_TEXT)]
CallerId = Annotated[
    str,
    AfterValidator(_check_caller),
    WithJsonSchema(
        {"anyOf": [{"enum": list(CALLERS)}, {"type": "string", "pattern": _CALLER_TEXT}]}
    ),
]
AccountName = Annotated[str, AfterValidator(_check_name), _as(rf"^{NAME}$")]
Phone = Annotated[str, AfterValidator(_check_phone), _as(_PHONE_TEXT)]
Code = Annotated[str, AfterValidator(_check_code), _as(_CODE_TEXT)]
Contact = Annotated[str, AfterValidator(_check_contact)]
