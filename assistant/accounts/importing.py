"""A file of accounts into the store: all good rows in one transaction, bad rows in a report."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from assistant.accounts.csvfile import Parsed, RowError, parse, read_text
from assistant.accounts.local import LocalAccounts
from assistant.accounts.registry import Change
from assistant.accounts.views import mask
from assistant.errors import AccountError

OTHER_PHONE = (
    "Mã số đã đăng ký với số điện thoại khác. Nếu đúng là đổi số, chạy lại với --update; "
    "chủ tài khoản sẽ được báo."
)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file. Importing the same file again changes nothing."""

    added: int
    updated: int
    unchanged: int
    repeated: int
    ignored_columns: int
    errors: list[RowError]

    @property
    def rejected(self) -> int:
        return len({error.line for error in self.errors})


def import_file(
    accounts: LocalAccounts,
    path: Path,
    *,
    replace: bool = False,
    invented: bool = False,
    dry_run: bool = False,
    rejects: Path | None = None,
) -> ImportReport:
    """Register every good row of ``path``, or none if the database fails meanwhile.

    ``replace``: a code that is registered with another phone moves to the file's phone.
    ``rejects``: a new file (mode 0600) for the rows to correct, with the header, ready to be
    imported. Errors: import-* for a file as a whole, accounts-database-away.
    """
    if rejects is not None:
        _try_rejects(rejects)
    parsed = parse(read_text(path), invented=invented)
    new = [account for _, account in parsed.rows]
    try:
        changes = accounts.register(new, replace=replace, dry_run=dry_run)
    except SQLAlchemyError:
        raise AccountError(
            "accounts-database-away",
            "Cơ sở dữ liệu gặp lỗi khi nhập; chưa có dòng nào được nhập.",
            "Kiểm tra dung lượng đĩa và quyền ghi, rồi nhập lại cả tệp.",
        ) from None
    report = _report(parsed, changes)
    if rejects is not None and report.errors and not dry_run:
        _write_rejects(rejects, parsed, {error.line for error in report.errors})
    return report


def _report(parsed: Parsed, changes: list[Change]) -> ImportReport:
    conflicts = [
        RowError(line, "phone", "other_phone", OTHER_PHONE, mask(account.phone))
        for (line, account), change in zip(parsed.rows, changes, strict=True)
        if change is Change.CONFLICT
    ]
    count = Counter(changes)
    return ImportReport(
        added=count[Change.ADDED],
        updated=count[Change.UPDATED],
        unchanged=count[Change.UNCHANGED],
        repeated=parsed.repeated,
        ignored_columns=parsed.ignored_columns,
        errors=sorted([*parsed.errors, *conflicts], key=lambda error: error.line),
    )


def _try_rejects(path: Path) -> None:
    """Before anything is imported: whether the file can be made. It is removed again."""
    try:
        os.close(_made(path))
        path.unlink()
    except FileExistsError:
        raise AccountError(
            "import-rejects-exists", f"Tệp {path} đã có.", "Chọn tên khác cho --rejects."
        ) from None
    except OSError:
        raise AccountError(
            "import-rejects-unwritable",
            f"Không ghi được tệp {path}, nên chưa nhập dòng nào.",
            "Chọn nơi khác cho --rejects rồi nhập lại.",
        ) from None


def _made(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)


def _write_rejects(path: Path, parsed: Parsed, lines: set[int]) -> None:
    try:
        # A byte that was no UTF-8 is written as it was: the row is the user's to correct.
        with os.fdopen(
            _made(path), "w", encoding="utf-8-sig", errors="surrogateescape", newline=""
        ) as file:
            file.write(parsed.header + "\r\n")
            file.writelines(parsed.raw[line] + "\r\n" for line in sorted(lines))
    except OSError:
        raise AccountError(
            "import-rejects-unwritable",
            f"Các dòng tốt đã được nhập, nhưng không ghi được tệp {path}.",
            "Chọn nơi khác cho --rejects rồi nhập lại: dòng đã nhập sẽ không đổi.",
        ) from None
