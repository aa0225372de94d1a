"""Single cells of a list of accounts → values or a problem that says how it came about. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.accounts.phone import to_e164

CODE_LENGTHS = (10, 12)  # mã số BHXH, số định danh cá nhân
LONGEST_CONTACT = 254  # RFC 5321

_SCIENTIFIC = re.compile(r"\d+([.,]\d+)?[eE][+-]?\d+")
_DECIMAL = re.compile(r"\d+[.,]\d+")
_CARD = re.compile(r"[A-Za-z]{2}\d{13}")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\"]{2,}")
_SPACES = re.compile(r"[ \u00a0\u202f-]")

YES = frozenset({"1", "true", "yes", "x", "có", "đúng"})
NO = frozenset({"", "0", "false", "no", "không", "sai"})


@dataclass(frozen=True, slots=True)
class Problem:
    """``reason`` is a stable slug, ``message`` says in Vietnamese what to do. No value inside."""

    reason: str
    message: str


MISSING = Problem("missing", "Ô này không được để trống.")
SCIENTIFIC = Problem(
    "scientific",
    "Excel đã đổi số sang dạng 1,23E+09 và làm mất chữ số. Định dạng cột là Văn bản (Text), "
    "rồi nhập lại từ nguồn.",
)
DECIMAL = Problem(
    "decimal", "Excel đã coi đây là số thập phân. Định dạng cột là Văn bản (Text), rồi nhập lại."
)
CARD = Problem("card", "Đây là số thẻ BHYT 15 ký tự. Chỉ điền 10 chữ số cuối.")
LEADING_ZERO = Problem(
    "leading_zero",
    "Thiếu chữ số: có lẽ Excel đã bỏ số 0 ở đầu. Định dạng cột là Văn bản (Text), rồi nhập lại.",
)
NOT_DIGITS = Problem("not_digits", "Mã số chỉ gồm chữ số từ 0 đến 9.")
LENGTH = Problem("length", "Mã số phải có đúng 10 hoặc 12 chữ số.")
PHONE = Problem("phone", "Không phải là số di động Việt Nam.")
CONTACT = Problem("contact", "Phải là địa chỉ thư điện tử hoặc số di động Việt Nam.")
FLAG = Problem("flag", "Điền 1 cho dữ liệu thử, 0 hoặc để trống cho dữ liệu thật.")


def check_code(cell: str) -> str | Problem:
    """Ten or twelve digits as text. Nothing is repaired: a guessed zero may be a stranger's."""
    text = _unwrap(cell)
    if not text:
        return MISSING
    for pattern, problem in ((_SCIENTIFIC, SCIENTIFIC), (_DECIMAL, DECIMAL), (_CARD, CARD)):
        if pattern.fullmatch(text):
            return problem
    digits = _SPACES.sub("", text)
    if not (digits.isascii() and digits.isdigit()):
        return NOT_DIGITS
    if len(digits) in CODE_LENGTHS:
        return digits
    return LEADING_ZERO if len(digits) in (7, 8, 9, 11) else LENGTH


def check_phone(cell: str) -> str | Problem:
    """E.164. A lost leading zero is harmless here: nine digits are one number only."""
    text = _unwrap(cell)
    if not text:
        return MISSING
    for pattern, problem in ((_SCIENTIFIC, SCIENTIFIC), (_DECIMAL, DECIMAL)):
        if pattern.fullmatch(text):
            return problem
    return to_e164(text) or PHONE


def check_contact(cell: str) -> str | Problem | None:
    """An e-mail address or a phone in E.164; None when empty."""
    text = _unwrap(cell)
    if not text:
        return None
    if len(text) <= LONGEST_CONTACT and _EMAIL.fullmatch(text):
        return text
    return to_e164(text) or CONTACT


def check_flag(cell: str) -> bool | Problem:
    """Yes or no, in the words of either language."""
    word = cell.strip().lower()
    if word in YES:
        return True
    return False if word in NO else FLAG


def _unwrap(cell: str) -> str:
    """Without the ways people keep Excel from reading a number: ``'012`` and ``="012"``."""
    text = cell.strip().strip("\u00a0")
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'").strip()
