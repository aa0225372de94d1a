"""Lists of accounts as people export them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.csvfile import Parsed, decode, parse
from assistant.accounts.demo import draw
from assistant.accounts.fields import (
    Problem,
    check_code,
    check_contact,
    check_flag,
    check_phone,
)
from assistant.errors import AccountError

CASES = yaml.safe_load(
    (Path(__file__).parent.parent / "data" / "accounts_fields.yaml").read_text(encoding="utf-8")
)
CHECKS: dict[str, Callable[[str], object]] = {
    "code": check_code,
    "phone": check_phone,
    "contact": check_contact,
    "flag": check_flag,
}


def _cells(kind: str) -> Iterator[tuple[str, str, object]]:
    for name in CHECKS:
        for key, cells in CASES[name][kind].items():
            for cell in cells:
                yield name, cell, key


@pytest.mark.parametrize(("name", "cell", "wanted"), list(_cells("good")))
def test_good_cells(name: str, cell: str, wanted: object) -> None:
    assert CHECKS[name](cell) == wanted


@pytest.mark.parametrize(("name", "cell", "reason"), list(_cells("bad")))
def test_bad_cells_say_why(name: str, cell: str, reason: str) -> None:
    found = CHECKS[name](cell)
    assert isinstance(found, Problem)
    assert found.reason == reason


def _errors(parsed: Parsed) -> list[tuple[int, str, str]]:
    return [(error.line, error.field, error.reason) for error in parsed.errors]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_line_ends_and_encodings(delimiter: str, newline: str, encoding: str) -> None:
    one = draw(random.Random(3))
    rows = [["Số điện thoại", "Mã số BHXH", "Họ tên"], [one.phone, one.code, "Ông Bịa"], [""]]
    text = newline.join(delimiter.join(row) for row in rows)
    parsed = parse(decode(text.encode(encoding)))
    assert [(line, account.code) for line, account in parsed.rows] == [(2, one.code)]
    assert parsed.errors == []
    assert parsed.ignored_columns == 1


def test_separator_line_of_excel() -> None:
    one = draw(random.Random(4))
    parsed = parse(f"sep=;\r\ncode;phone\r\n{one.code};{one.phone}\r\n")
    assert [line for line, _ in parsed.rows] == [3]


def test_bad_rows_are_reported_and_the_others_taken() -> None:
    rng = random.Random(5)
    a, b, c, d = (draw(rng) for _ in range(4))
    lines = [
        "phone,code,contact,invented",
        f"{a.phone},{a.code},lan@example.vn,1",
        f"{b.phone},1.23E+09,,",
        f'{b.phone},"{b.code},,',
        "",
        f"{b.phone},{b.code},,,surplus",
        f"{b.phone},{b.code},nobody,maybe",
        f"{c.phone}",
        f"{d.phone},{d.code}",
    ]
    parsed = parse("\n".join(lines))
    assert [(line, account.code) for line, account in parsed.rows] == [(2, a.code), (9, d.code)]
    assert parsed.rows[0][1].invented
    assert not parsed.rows[1][1].invented
    assert _errors(parsed) == [
        (3, "code", "scientific"),
        (4, "", "unreadable"),
        (6, "", "columns"),
        (7, "contact", "contact"),
        (7, "invented", "flag"),
        (8, "code", "missing"),
    ]


def test_repetition_is_harmless_and_contradiction_takes_none() -> None:
    rng = random.Random(6)
    a, b, c = (draw(rng) for _ in range(3))
    lines = ["phone,code"]
    lines += [f"{a.phone},{a.code}", f"{a.phone[1:]},{a.code}", f"+84{a.phone[1:]},{a.code}"]
    lines += [f"{b.phone},{b.code}", f"{c.phone},{b.code}", f"{b.phone},{b.code}"]
    parsed = parse("\n".join(lines))
    assert [(line, account.code) for line, account in parsed.rows] == [(2, a.code)]
    assert parsed.repeated == 2
    assert _errors(parsed) == [(n, "code", "contradiction") for n in (5, 6, 7)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "import-empty"),
        ("\n\n ;;\n", "import-empty"),
        ("name,age\nx,1\n", "import-columns"),
        ("phone,contact\n", "import-columns"),
        ("phone,code,ma so\n", "import-columns"),
        ("0530000001,0123456789\n", "import-columns"),
        ("sep=;", "import-columns"),
    ],
)
def test_files_that_cannot_be_understood(text: str, code: str) -> None:
    with pytest.raises(AccountError) as caught:
        parse(text)
    assert caught.value.code == code
    assert "0123456789" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PK\x03\x04", "import-not-csv"),
        (b"\xd0\xcf\x11\xe0", "import-not-csv"),
        ("phone,code\n".encode("utf-16-le"), "import-not-csv"),
        (b"phone,\xffcode\n", "import-encoding"),
        ("số".encode("cp1258", errors="replace") + b"\xff", "import-encoding"),
        (b"\xff\xfe\x00", "import-encoding"),
    ],
)
def test_data_that_is_no_text(data: bytes, code: str) -> None:
    with pytest.raises(AccountError) as caught:
        decode(data)
    assert caught.value.code == code


@pytest.mark.parametrize("bad", [b"\0", b"\xff\xfe", b"\xed\xa0\x80", "Hà".encode("latin-1")])
@pytest.mark.parametrize("place", range(4))
def test_a_bad_byte_costs_its_row_and_no_other(bad: bytes, place: int) -> None:
    rng = random.Random(8)
    good = [draw(rng) for _ in range(3)]
    lines = [f"{one.phone},{one.code},Ông Bịa".encode() for one in good]
    spoilt = draw(rng)
    row = f"{spoilt.phone},{spoilt.code},".encode() + bad
    content = b"\n".join([b"phone,code,name", *lines[:place], row, *lines[place:]])
    parsed = parse(decode(content))
    assert {account.code for _, account in parsed.rows} == {one.code for one in good}
    assert _errors(parsed) == [(place + 2, "", "encoding")]


@given(st.binary(max_size=200))
def test_no_bytes_after_a_good_header_stop_a_file(body: bytes) -> None:
    parsed = parse(decode(b"phone,code\n0530000001,0123456789\n" + body))
    assert all(error.line >= 2 for error in parsed.errors)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader_or_shows_a_value(body: str) -> None:
    parsed = parse("phone,code\n0530000001,0123456789\n" + body)
    assert all(error.line >= 2 for error in parsed.errors)


@given(st.text("0123456789", min_size=6, max_size=20))
def test_errors_never_quote_a_value_in_full(digits: str) -> None:
    parsed = parse(f"phone,code\n{digits},x{digits}\n")
    assert parsed.errors
    for error in parsed.errors:
        assert digits not in error.value
        assert digits not in error.message
