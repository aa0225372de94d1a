"""The commands, as a user types them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from assistant.accounts.demo import draw
from assistant.cli import accounts as commands
from assistant.errors import AssistantError

app = typer.Typer()
commands.register(app)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSISTANT_DATABASE_URL", "sqlite:///var/assistant.sqlite3")
    monkeypatch.setenv("COLUMNS", "200")


def _run(*args: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, list(args), input=text)


def _json(*args: str, code: int = 0) -> dict[str, Any]:
    result = _run(*args, "--json")
    assert result.exit_code == code, result.output
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def _error(*args: str) -> AssistantError:
    result = _run(*args)
    assert isinstance(result.exception, AssistantError), result.output
    assert result.exception.message.endswith((".", "…"))
    return result.exception


def test_add_and_show() -> None:
    pair = draw(random.Random(1))
    made = _run("accounts", "add", "--phone", pair.phone, "--code", pair.code, "--json")
    assert json.loads(made.stdout) == {"result": "added"}
    assert "assistant.key" in made.stderr
    again = _run("accounts", "add", text=f"{pair.phone}\n{pair.code}\n")
    assert "không có gì thay đổi" in again.stdout
    (view,) = _json("accounts", "show", "--phone", "+84" + pair.phone[1:])["accounts"]
    assert (view["id"], view["invented"], view["resets_left"]) == (1, False, 3)
    shown = _run("accounts", "show", "--code", pair.code).stdout
    assert "Nơi nhận thông báo" in shown
    assert pair.phone[1:] not in shown + json.dumps(view)
    assert pair.code not in shown
    other = draw(random.Random(2))
    conflict = _error("accounts", "add", "--phone", other.phone, "--code", pair.code)
    assert conflict.code == "accounts-conflict"
    assert _error("accounts", "show").code == "accounts-show-what"
    assert _error("accounts", "show", "--code", other.code).code == "accounts-not-found"


def test_import(tmp_path: Path) -> None:
    rng = random.Random(3)
    good, bad = draw(rng), draw(rng)
    file = tmp_path / "in.csv"
    rows = [f"{good.phone},{good.code},Bà Bịa", f"{bad.phone},{bad.code[1:]},Ông Bịa"]
    file.write_text("\n".join(["phone,code,tên", *rows]), encoding="utf-8")
    nowhere = str(tmp_path / "none" / "r.csv")
    unwritable = _error("accounts", "import", str(file), "--rejects", nowhere)
    assert unwritable.code == "import-rejects-unwritable"
    dry = _json("accounts", "import", str(file), "--dry-run", code=1)
    assert dry["added"] == 1, "nothing was imported before it was told"
    report = _json("accounts", "import", str(file), "--invented", "--rejects", "r.csv", code=1)
    assert dry | {"dry_run": False} == report
    assert (report["added"], report["rejected"], report["ignored_columns"]) == (1, 1, 1)
    assert report["errors"][0]["reason"] == "leading_zero"
    assert Path("r.csv").read_text(encoding="utf-8-sig").splitlines()[1] == rows[1]
    told = _run("accounts", "import", str(file))
    assert told.exit_code == 1
    assert "không đổi 1" in told.stdout
    assert "số 0 ở đầu" in told.stdout
    assert bad.code[1:] not in told.stdout
    assert good.code not in told.stdout
    file.write_text(f"phone,code\n{good.phone},{good.code}", encoding="utf-8")
    assert _run("accounts", "import", str(file)).exit_code == 0
    assert _error("accounts", "import", "no.csv").code == "import-missing"


def test_seed_makes_accounts_for_a_demo() -> None:
    rows = _json("accounts", "seed", "--count", "2", "--seed", "5")["accounts"]
    assert len(rows) == 2
    assert _json("accounts", "show", "--code", rows[0]["code"])["accounts"][0]["invented"]


def test_upgrade_audit_and_outbox() -> None:
    assert _json("db", "upgrade") == {"version": "0001"}
    assert "0001" in _run("db", "upgrade").stdout
    _json("accounts", "seed")
    report = _json("audit", "verify")
    assert (report["intact"], report["rows"]) == (True, 4)
    assert _json("audit", "verify", "--known", report["head"])["intact"]
    wrong = "4:" + "0" * 64
    assert _error("audit", "verify", "--known", wrong).code == "audit-broken"
    assert _error("audit", "verify", "--known", "x").code == "audit-known-invalid"
    assert report["head"] in _run("audit", "verify").stdout
    assert _json("outbox", "list") == {"pending": []}
    assert "Không có thông báo nào" in _run("outbox", "list").stdout
    assert _error("outbox", "send").code == "notify-url-invalid"


def test_every_command_explains_itself() -> None:
    for group, names in {
        "accounts": ("import", "add", "show", "seed"),
        "db": ("upgrade",),
        "audit": ("verify",),
        "outbox": ("list", "send"),
    }.items():
        for name in names:
            result = _run(group, name, "--help")
            assert result.exit_code == 0
            assert "--json" in result.stdout
