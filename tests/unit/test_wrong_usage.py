"""Wrong command lines: one coded sentence in Vietnamese, and where to look."""

from __future__ import annotations

import json

import pytest

from assistant.cli.wrong_usage import told
from tests.cli_tools import run

WRONG = [
    ("models evify", "Không có lệnh evify", "assistant models --help"),
    ("bacth", "có phải batch?", "assistant --help"),
    ("models list --json=1", "--json không nhận giá trị", "--help"),
    ("models lits", "có phải list?", "assistant models --help"),
    ("models list --jsno", "Không có tùy chọn --jsno; có phải --json?", "assistant models list"),
    ("models verify a b c", "Thừa b c.", "assistant models verify --help"),
    ("models download", "Thiếu", "assistant models download --help"),
    ("models download --sha256", "--sha256 cần một giá trị", "--help"),
    (
        "transcribe a --expect foo",
        "--expect không nhận 'foo'; chọn: 'menu'",
        "assistant transcribe",
    ),
    ("batch run a --repeat x", "--repeat cần một số nguyên.", "assistant batch run --help"),
    ("batch run a --repeat 0", "--repeat phải từ 1 trở lên.", "assistant batch run --help"),
]


@pytest.mark.parametrize(("line", "sentence", "place"), WRONG)
def test_a_wrong_command_line_is_a_coded_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    line: str, sentence: str, place: str,
) -> None:  # fmt: skip
    assert run(monkeypatch, *line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Lỗi [usage] ")
    assert err.count("\n") == 1
    assert sentence in err
    assert place in err
    assert run(monkeypatch, *line.split(), "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_a_group_alone_shows_its_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "models")
    said = "".join(capsys.readouterr())
    assert "download" in said
    assert "[usage]" not in said


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        # as click, which older versions of Typer bring, says it
        ("No such option: --jsn Did you mean --json?", "Không có tùy chọn --jsn; có phải --json?"),
        ("Got unexpected extra argument (b)", "Thừa b."),
        ("Invalid value for '--n': 'x' is not a valid integer.", "--n cần một số nguyên."),
        ("Invalid value for '--n': 0 is not in the range x>=1.",
         "--n có giá trị không dùng được: 0 is not in the range x>=1."),
        ("Invalid value for 'A': Path 'b' does not exist.", "A: không có b."),
        ("Something new.", "Something new."),
    ],
)  # fmt: skip
def test_other_versions_say_it_otherwise(said: str, sentence: str) -> None:
    assert told(said) == sentence
