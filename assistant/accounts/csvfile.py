"""A list of accounts as people export it → accounts and row errors. Pure, except ``read_text``.

Our columns never contain a line break, so every line is parsed by itself: a stray quote spoils
its own row and no other. No value is quoted in full in an error.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from assistant.accounts.fields import Problem, check_code, check_contact, check_flag, check_phone
from assistant.accounts.registry import NewAccount
from assistant.accounts.views import mask
from assistant.errors import AccountError

LARGEST = 64 << 20  # bytes, about a million rows
LONGEST_LINE = 4_096  # characters
DELIMITERS = ";,\t|"

# Folded header (no diacritics, lower case, single spaces) → our column.
COLUMNS = {
    "phone": "phone",
    "mobile": "phone",
    "sdt": "phone",
    "dien thoai": "phone",
    "so dien thoai": "phone",
    "code": "code",
    "ma so": "code",
    "ma so bhxh": "code",
    "ma bhxh": "code",
    "msbhxh": "code",
    "so dinh danh": "code",
    "cccd": "code",
    "contact": "contact",
    "lien he": "contact",
    "email": "contact",
    "invented": "invented",
    "du lieu thu": "invented",
}


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was not taken. ``line`` counts the file's lines from 1; ``value`` is masked."""

    line: int
    field: str
    reason: str
    message: str
    value: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file holds. ``raw`` keeps the lines for a file of rejects."""

    rows: list[tuple[int, NewAccount]] = field(repr=False)
    errors: list[RowError]
    repeated: int  # rows that say again what an earlier row said
    ignored_columns: int
    header: str
    raw: dict[int, str] = field(repr=False)


def read_text(path: Path) -> str:
    """The text of a file. Errors: import-missing, -too-large, -not-csv, -encoding."""
    try:
        if path.stat().st_size > LARGEST:
            raise AccountError(
                "import-too-large",
                f"Tệp {path.name} lớn hơn {LARGEST >> 20} MiB.",
                "Chia tệp thành nhiều phần, mỗi phần có dòng tiêu đề.",
            )
        data = path.read_bytes()
    except OSError:
        raise AccountError(
            "import-missing", f"Không đọc được tệp {path}.", "Kiểm tra đường dẫn và quyền đọc."
        ) from None
    return decode(data)


def decode(data: bytes) -> str:
    """UTF-8 with or without BOM, or UTF-16 with one ("Unicode text" of Excel).

    Bytes that are no UTF-8 become lone surrogates: they spoil their own row (see ``_row``), and
    the whole file only where its first line has some, for then all of it is something else."""
    save_as = "Trong Excel chọn: Tệp → Lưu thành → CSV UTF-8 (phân tách bằng dấu phẩy)."
    if data[:2] in (b"PK", b"\xd0\xcf"):
        raise AccountError("import-not-csv", "Đây là tệp Excel, không phải CSV.", save_as)
    utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = data.decode("utf-16") if utf16 else data.decode("utf-8-sig", "surrogateescape")
    except UnicodeDecodeError:
        raise _not_utf8(save_as) from None
    header = next((line for _, line in _lines(text)), "")
    if "\0" in header:
        raise AccountError("import-not-csv", "Tệp có ký tự không thuộc về CSV.", save_as)
    if not _encodable(header):
        raise _not_utf8(save_as)
    return text


def _not_utf8(hint: str) -> AccountError:
    return AccountError("import-encoding", "Tệp không ở dạng UTF-8.", hint)


def _encodable(line: str) -> bool:
    """Whether the line was UTF-8: a lone surrogate stands for a byte that was not."""
    return not any("\ud800" <= char <= "\udfff" for char in line)


def parse(text: str, *, invented: bool = False) -> Parsed:
    """Accounts and errors of a CSV text; ``invented`` marks every row as test data.

    Errors: import-empty, import-columns (a whole file that cannot be understood)."""
    lines = list(_lines(text))
    if not lines:
        raise AccountError("import-empty", "Tệp không có dòng nào.", _columns_hint())
    delimiter = _delimiter(lines[0][1])
    if lines[0][1].lower().startswith("sep="):
        delimiter = lines.pop(0)[1][4:5] or delimiter
    header = lines[0][1] if lines else ""
    columns = _columns(header, delimiter)
    rows: list[tuple[int, NewAccount]] = []
    errors: list[RowError] = []
    for number, line in lines[1:]:
        found = _row(number, line, delimiter, columns, invented)
        if isinstance(found, NewAccount):
            rows.append((number, found))
        else:
            errors.extend(found)
    rows, repeated = _settle(rows, errors)
    errors.sort(key=lambda error: error.line)
    raw = dict(lines[1:])
    return Parsed(rows, errors, repeated, columns.count(None), header, raw)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if line.strip(DELIMITERS + " "):
            yield number, line


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _columns_hint() -> str:
    return (
        "Dòng đầu phải là tên cột: phone (số điện thoại), code (mã số), và nếu có contact "
        "(thư điện tử hoặc số nhận thông báo), invented (dữ liệu thử: 1)."
    )


def _columns(header: str, delimiter: str) -> list[str | None]:
    """Our name for each column, None for one we do not keep."""
    cells = _cells(header, delimiter) or []
    columns = [COLUMNS.get(_fold(cell)) for cell in cells]
    known = [column for column in columns if column is not None]
    if not {"phone", "code"} <= set(known):
        raise AccountError("import-columns", "Thiếu cột phone hoặc code.", _columns_hint())
    if len(known) != len(set(known)):
        raise AccountError("import-columns", "Có hai cột cùng nghĩa.", _columns_hint())
    return columns


def _fold(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.strip().lower()).replace("đ", "d")
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.sub(r"[_.-]", " ", plain).split()).replace("e mail", "email")


def _cells(line: str, delimiter: str) -> list[str] | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), None)
    except csv.Error:
        return None


def _row(
    number: int, line: str, delimiter: str, columns: list[str | None], invented: bool
) -> NewAccount | list[RowError]:
    if "\0" in line or not _encodable(line):
        message = (
            "Dòng có ký tự hỏng, không ở dạng UTF-8. Gõ lại dòng này, hoặc lưu cả tệp thành "
            "CSV UTF-8, rồi nhập lại."
        )
        return [RowError(number, "", "encoding", message, "")]
    cells = _cells(line, delimiter)
    if cells is None:
        message = "Dòng có dấu nháy không khép hoặc quá dài."
        return [RowError(number, "", "unreadable", message, "")]
    if any(cell.strip() for cell in cells[len(columns) :]):
        message = "Dòng có nhiều ô hơn dòng tiêu đề: một ô nào đó chứa dấu phân cách."
        return [RowError(number, "", "columns", message, "")]
    named = zip(columns, cells, strict=False)
    values = {name: cell for name, cell in named if name is not None}
    phone, code = check_phone(values.get("phone", "")), check_code(values.get("code", ""))
    contact = check_contact(values.get("contact", ""))
    flag = check_flag(values.get("invented", ""))
    checked = {"phone": phone, "code": code, "contact": contact, "invented": flag}
    errors = [
        RowError(number, name, found.reason, found.message, mask(values.get(name, "").strip()))
        for name, found in checked.items()
        if isinstance(found, Problem)
    ]
    if isinstance(phone, str) and isinstance(code, str) and not errors:
        reached = contact if isinstance(contact, str) else None
        return NewAccount(phone, code, reached, invented or flag is True)
    return errors


def _settle(
    rows: list[tuple[int, NewAccount]], errors: list[RowError]
) -> tuple[list[tuple[int, NewAccount]], int]:
    """Drop repetitions; where rows contradict each other about a code, take none of them."""
    by_code: defaultdict[str, list[tuple[int, NewAccount]]] = defaultdict(list)
    for row in rows:
        by_code[row[1].code].append(row)
    kept: list[tuple[int, NewAccount]] = []
    repeated = 0
    for same in by_code.values():
        if len({account for _, account in same}) == 1:
            kept.append(same[0])
            repeated += len(same) - 1
            continue
        message = f"Tệp có {len(same)} dòng khác nhau cho cùng mã số này; không lấy dòng nào."
        errors.extend(
            RowError(number, "code", "contradiction", message, mask(account.code))
            for number, account in same
        )
    return kept, repeated
