"""Files of accounts into a real store."""

from __future__ import annotations

import random
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from assistant.accounts.csvfile import LARGEST
from assistant.accounts.demo import draw, seed
from assistant.accounts.engine import writing
from assistant.accounts.importing import ImportReport, import_file
from assistant.dialogue.types import Refused, ResetDone
from assistant.errors import AccountError
from tests.accounts_tools import Store, opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "db").mkdir()
    with opened(tmp_path / "db") as store:
        yield store


def _file(path: Path, *rows: str) -> Path:
    path.write_text("\r\n".join(["phone;code;contact", *rows]), encoding="utf-8-sig")
    return path


def _counts(report: ImportReport) -> tuple[int, ...]:
    return report.added, report.updated, report.unchanged, report.repeated, report.rejected


def test_good_rows_come_in_and_bad_ones_are_told(store: Store, tmp_path: Path) -> None:
    good, also, bad = (store.other() for _ in range(3))
    rows = [
        f"{good.phone};{good.code};lan@example.vn",
        f"{bad.phone};1,23E+09;",
        f"{bad.phone};{bad.code[1:]};",
        f"{also.phone[1:]};{also.code};",
    ]
    file, rejects = _file(tmp_path / "in.csv", *rows), tmp_path / "rejects.csv"
    report = import_file(store.accounts, file, rejects=rejects)
    assert _counts(report) == (2, 0, 0, 0, 2)
    assert [(e.line, e.reason) for e in report.errors] == [(3, "scientific"), (4, "leading_zero")]
    for pair in (good, also):
        outcome = store.accounts.verify_and_reset(pair.phone, pair.code, pair.code)
        assert isinstance(outcome, ResetDone)
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    # The rejects, corrected, can be imported as they are.
    fixed = rejects.read_text(encoding="utf-8-sig").replace(";1,23E+09;", f";{'0' * 10};")
    rejects.write_text(fixed, encoding="utf-8")
    assert _counts(import_file(store.accounts, rejects)) == (1, 0, 0, 0, 1)


def test_bad_bytes_cost_their_rows_and_come_back_in_the_rejects(
    store: Store, tmp_path: Path
) -> None:
    good, nul, other = (store.other() for _ in range(3))
    rows = [
        f"{nul.phone};{nul.code};\0".encode(),
        f"{other.phone};{other.code};".encode() + b"\xff\xfe",
        f"{good.phone};{good.code};".encode(),
    ]
    file, rejects = tmp_path / "in.csv", tmp_path / "rejects.csv"
    file.write_bytes(b"\n".join([b"phone;code;contact", *rows]))
    report = import_file(store.accounts, file, rejects=rejects)
    assert _counts(report) == (1, 0, 0, 0, 2)
    assert [(e.line, e.reason) for e in report.errors] == [(2, "encoding"), (3, "encoding")]
    kept = rejects.read_bytes()
    assert all(row in kept for row in rows[:2])
    rejects.write_bytes(kept.replace(b"\0", b"").replace(b"\xff\xfe", b""))
    assert _counts(import_file(store.accounts, rejects)) == (2, 0, 0, 0, 0)


def test_importing_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    a, b = store.other(), store.other()
    file = _file(tmp_path / "in.csv", f"{a.phone};{a.code};lan@example.vn", f"{b.phone};{b.code};")
    assert _counts(import_file(store.accounts, file)) == (2, 0, 0, 0, 0)
    password = store.accounts.verify_and_reset(a.phone, a.code, "call")
    before = store.rows("SELECT * FROM accounts"), store.counts()
    assert _counts(import_file(store.accounts, file, replace=True)) == (0, 0, 2, 0, 0)
    assert (store.rows("SELECT * FROM accounts"), store.counts()) == before
    assert isinstance(password, ResetDone)


def test_another_phone_needs_to_be_asked_for_and_the_old_contact_is_told(
    store: Store, tmp_path: Path
) -> None:
    pair, new = store.pair(contact="cu@example.vn"), store.other()
    file = _file(tmp_path / "in.csv", f"{new.phone};{pair.code};moi@example.vn")
    report = import_file(store.accounts, file)
    assert _counts(report) == (0, 0, 0, 0, 1)
    assert report.errors[0].reason == "other_phone"
    assert isinstance(store.accounts.verify_and_reset(pair.phone, pair.code, "1"), ResetDone)
    assert _counts(import_file(store.accounts, file, replace=True)) == (0, 1, 0, 0, 0)
    assert store.accounts.verify_and_reset(pair.phone, pair.code, "2") == Refused()
    assert isinstance(store.accounts.verify_and_reset(new.phone, pair.code, "3"), ResetDone)
    assert store.accounts.show(code=pair.code)[0].contact == "m•••@example.vn"
    kinds = [kind for (kind,) in store.rows("SELECT kind FROM outbox ORDER BY id")]
    assert kinds == ["password_reset", "phone_changed", "password_reset"]
    sealed = [c for (c,) in store.rows("SELECT contact FROM outbox ORDER BY id")]
    assert sealed[0] == sealed[1] != sealed[2]


def test_a_dry_run_says_the_same_and_writes_nothing(store: Store, tmp_path: Path) -> None:
    pair = store.other()
    file = _file(tmp_path / "in.csv", f"{pair.phone};{pair.code};", "x;y;")
    rejects = tmp_path / "rejects.csv"
    before = store.counts()
    dry = import_file(store.accounts, file, dry_run=True, rejects=rejects)
    assert (store.counts(), store.count("accounts"), rejects.exists()) == (before, 0, False)
    assert import_file(store.accounts, file) == dry


def test_a_database_that_fails_half_way_takes_no_row(store: Store, tmp_path: Path) -> None:
    pairs = [store.other() for _ in range(20)]
    rows = [f"{pair.phone};{pair.code};" for pair in pairs]
    file = _file(tmp_path / "in.csv", *rows)
    with writing(store.looking) as connection:
        connection.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON accounts "
                "WHEN (SELECT count(*) FROM accounts) >= 10 "
                "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        )
    with pytest.raises(AccountError) as caught:
        import_file(store.accounts, file)
    assert caught.value.code == "accounts-database-away"
    assert store.count("accounts") == 0
    with writing(store.looking) as connection:
        connection.execute(text("DROP TRIGGER full"))
    assert _counts(import_file(store.accounts, file)) == (20, 0, 0, 0, 0)


def test_marking_a_whole_file_as_invented(store: Store, tmp_path: Path) -> None:
    pair = store.other()
    file = _file(tmp_path / "in.csv", f"{pair.phone};{pair.code};")
    import_file(store.accounts, file, invented=True)
    assert store.accounts.is_invented(pair.phone, pair.code)


def test_more_rows_than_one_question_can_name(store: Store, tmp_path: Path) -> None:
    rng = random.Random(8)
    rows = {pair.code: f"{pair.phone};{pair.code};" for pair in (draw(rng) for _ in range(2_000))}
    file = _file(tmp_path / "in.csv", *rows.values())
    assert _counts(import_file(store.accounts, file)) == (len(rows), 0, 0, 0, 0)
    assert _counts(import_file(store.accounts, file)) == (0, 0, len(rows), 0, 0)
    assert store.accounts.verify_audit().intact


def test_files_that_are_not_there_or_in_the_way(store: Store, tmp_path: Path) -> None:
    file = _file(tmp_path / "in.csv", "x;y;")

    def code(path: Path, rejects: Path | None = None) -> str:
        with pytest.raises(AccountError) as caught:
            import_file(store.accounts, path, rejects=rejects)
        return caught.value.code

    assert code(tmp_path / "no.csv") == "import-missing"
    assert code(tmp_path) == "import-missing"
    assert code(file, rejects=file) == "import-rejects-exists"
    assert code(file, rejects=tmp_path / "no" / "rejects.csv") == "import-rejects-unwritable"
    with (tmp_path / "huge.csv").open("wb") as huge:
        huge.truncate(LARGEST + 1)
    assert code(tmp_path / "huge.csv") == "import-too-large"


def test_seeding_invents_different_accounts_each_time(store: Store) -> None:
    first = seed(store.accounts, random.Random(1), 5)
    second = seed(store.accounts, random.Random(2), 5)
    assert len({p.code for p in first + second}) == 10
    for pair in first + second:
        assert store.accounts.is_invented(pair.phone, pair.code)
        assert isinstance(
            store.accounts.verify_and_reset(pair.phone, pair.code, pair.code), ResetDone
        )
