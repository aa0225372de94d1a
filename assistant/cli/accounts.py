"""``assistant accounts|db|audit|outbox``: the store of accounts, from the command line."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from assistant.accounts.audit import Head
from assistant.accounts.demo import seed
from assistant.accounts.importing import ImportReport, import_file
from assistant.accounts.local import LocalAccounts
from assistant.accounts.open import open_local
from assistant.accounts.registry import Change
from assistant.accounts.schema import head_revision
from assistant.accounts.webhook import WebhookSender
from assistant.errors import AccountError, UsageError
from assistant.settings import Settings, load_settings

Json = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON (print JSON).")]

accounts = typer.Typer(no_args_is_help=True, help="Tài khoản: nhập, thêm, xem (accounts).")
db = typer.Typer(no_args_is_help=True, help="Cơ sở dữ liệu (database).")
audit = typer.Typer(no_args_is_help=True, help="Nhật ký kiểm toán (audit trail).")
outbox = typer.Typer(no_args_is_help=True, help="Thông báo cho chủ tài khoản (notifications).")


def register(app: typer.Typer) -> None:
    """Hang these commands on the program."""
    app.add_typer(accounts, name="accounts")
    app.add_typer(db, name="db")
    app.add_typer(audit, name="audit")
    app.add_typer(outbox, name="outbox")


@accounts.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Tệp CSV có cột phone, code, contact, invented.")],
    update: Annotated[
        bool, typer.Option("--update", help="Cho phép đổi số điện thoại của mã số đã có.")
    ] = False,
    invented: Annotated[
        bool, typer.Option("--invented", help="Đánh dấu mọi dòng là dữ liệu thử (test data).")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Chỉ kiểm tra, không ghi.")] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="Ghi các dòng lỗi vào tệp mới này để sửa rồi nhập lại.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Nhập tài khoản từ CSV: dòng tốt được nhập cả, dòng lỗi được báo (import accounts)."""
    with _store() as (store, _):
        report = import_file(
            store, file, replace=update, invented=invented, dry_run=dry_run, rejects=rejects
        )
    if as_json:
        _print_json(dataclasses.asdict(report) | {"rejected": report.rejected, "dry_run": dry_run})
    else:
        _print_report(report, dry_run)
    if report.errors:
        raise typer.Exit(1)


@accounts.command()
def add(
    phone: Annotated[str, typer.Option(prompt="Số điện thoại", help="Số di động đăng ký.")],
    code: Annotated[str, typer.Option(prompt="Mã số", help="10 hoặc 12 chữ số.")],
    contact: Annotated[
        str | None, typer.Option(help="Nơi nhận thông báo; bỏ trống: chính số điện thoại.")
    ] = None,
    invented: Annotated[bool, typer.Option("--invented", help="Dữ liệu thử (test data).")] = False,
    as_json: Json = False,
) -> None:
    """Thêm một tài khoản (add one account)."""
    with _store() as (store, _):
        change = store.add(phone, code, contact, invented=invented)
    if change is Change.CONFLICT:
        raise AccountError(
            "accounts-conflict",
            "Mã số này đã đăng ký với số điện thoại khác.",
            "Muốn đổi số, nhập bằng tệp: assistant accounts import --update",
        )
    text = {
        Change.ADDED: "Đã thêm tài khoản.",
        Change.UNCHANGED: "Tài khoản đã có, không có gì thay đổi.",
        Change.UPDATED: "Đã đổi nơi nhận thông báo.",
    }
    _say(as_json, {"result": change.value}, text[change])


@accounts.command()
def show(
    phone: Annotated[str | None, typer.Option(help="Số di động, viết kiểu nào cũng được.")] = None,
    code: Annotated[str | None, typer.Option(help="10 hoặc 12 chữ số.")] = None,
    as_json: Json = False,
) -> None:
    """Xem tình trạng tài khoản theo số điện thoại hoặc mã số (show, masked)."""
    if phone is None and code is None:
        raise UsageError("accounts-show-what", "Chưa nói tìm gì.", "Thêm --phone hoặc --code.")
    with _store() as (store, _):
        found = store.show(phone=phone, code=code)
    if not found:
        raise AccountError(
            "accounts-not-found", "Không có tài khoản nào như vậy.", "Kiểm tra lại số đã gõ."
        )
    if as_json:
        _print_json({"accounts": [dataclasses.asdict(view) for view in found]})
        return
    for view in found:
        table = Table(show_header=False, box=None)
        for name, value in dataclasses.asdict(view).items():
            table.add_row(LABELS[name], _plain(value))
        Console().print(table)


@accounts.command("seed")
def seed_(
    count: Annotated[int, typer.Option(min=1, max=1000, help="Số tài khoản.")] = 3,
    seed_number: Annotated[
        int | None, typer.Option("--seed", help="Cùng số này, cùng tài khoản.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tạo tài khoản bịa để dùng thử, đánh dấu là dữ liệu thử (invented accounts)."""
    with _store() as (store, _):
        drawn = seed(store, random.Random(seed_number), count)  # noqa: S311 - demo data
    rows = [{"phone": account.phone, "code": account.code} for account in drawn]
    lines = "\n".join(f"{row['phone']}  {row['code']}" for row in rows)
    _say(as_json, {"accounts": rows}, lines)


@db.command()
def upgrade(as_json: Json = False) -> None:
    """Đưa cơ sở dữ liệu lên phiên bản chương trình cần (run the migrations)."""
    with closing(open_local(load_settings(), upgrade=True, notice=_notice)):
        version = head_revision()
    _say(as_json, {"version": version}, f"Cơ sở dữ liệu ở phiên bản {version}.")


@audit.command()
def verify(
    known: Annotated[
        str | None, typer.Option(help="Đầu chuỗi đã ghi lại trước đây, dạng SỐ:MÃ BĂM.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Chứng minh nhật ký không bị sửa, xoá, chèn hay cắt (prove the history whole)."""
    head = Head.parse(known) if known is not None else None
    if known is not None and head is None:
        raise UsageError("audit-known-invalid", "--known phải có dạng 12:9f86d081….")
    with _store() as (store, _):
        report = store.verify_audit(head)
    if not report.intact:
        raise AccountError(
            "audit-broken",
            f"Nhật ký không còn nguyên vẹn từ dòng {report.broken_at}.",
            "Giữ nguyên cơ sở dữ liệu làm chứng cứ và so với bản sao lưu.",
        )
    text = f"Nhật ký nguyên vẹn: {report.rows} dòng. Ghi lại ở nơi khác: {report.head}"
    _say(as_json, {"intact": True, "rows": report.rows, "head": str(report.head)}, text)


@outbox.command("list")
def list_(as_json: Json = False) -> None:
    """Thông báo chưa gửi được (notifications waiting)."""
    with _store() as (store, _):
        waiting = store.pending()
    if as_json:
        _print_json({"pending": [dataclasses.asdict(one) for one in waiting]})
        return
    if not waiting:
        typer.echo("Không có thông báo nào đang chờ gửi.")
        return
    table = Table("Số", "Loại", "Lúc", "Tài khoản", "Đã thử", "Gửi từ")
    for one in waiting:
        table.add_row(*(_plain(value) for value in dataclasses.astuple(one)))
    Console().print(table)


@outbox.command()
def send(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Nhiều nhất bao nhiêu.")] = 100,
    as_json: Json = False,
) -> None:
    """Gửi thông báo tới hạn qua ASSISTANT_NOTIFY__URL (deliver what is due)."""
    with _store() as (store, settings), closing(WebhookSender(settings.notify)) as sender:
        delivery = store.deliver(sender, settings.hotline, limit)
    text = (
        f"Đã gửi {delivery.sent}, chưa gửi được {delivery.failed}, "
        f"không có nơi nhận {delivery.undeliverable}."
    )
    _say(as_json, dataclasses.asdict(delivery), text)
    if delivery.failed:
        raise typer.Exit(1)


LABELS = {
    "id": "Tài khoản số",
    "invented": "Dữ liệu thử",
    "contact": "Nơi nhận thông báo",
    "has_password": "Đã được cấp mật khẩu",
    "must_change": "Phải đổi mật khẩu",
    "password_set_at": "Cấp lúc",
    "password_expires_at": "Hết hạn lúc",
    "resets": "Số lần cấp trong 24 giờ",
    "resets_left": "Số lần cấp còn lại",
    "phone_failures": "Số lần sai từ điện thoại này",
    "phone_locked": "Điện thoại đang bị chặn",
    "created_at": "Đăng ký lúc",
}


@contextmanager
def _store() -> Iterator[tuple[LocalAccounts, Settings]]:
    settings = load_settings()
    with closing(open_local(settings, notice=_notice)) as store:
        try:
            yield store, settings
        except SQLAlchemyError:
            raise AccountError(
                "accounts-database-away",
                "Cơ sở dữ liệu gặp lỗi giữa chừng; không có gì dở dang.",
                "Kiểm tra dung lượng đĩa, quyền ghi và máy chủ rồi chạy lại.",
            ) from None


def _notice(text: str) -> None:
    typer.echo(text, err=True)


def _say(as_json: bool, content: dict[str, Any], text: str) -> None:
    if as_json:
        _print_json(content)
    else:
        typer.echo(text)


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, default=str))


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "có" if value else "không"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%d/%m/%Y %H:%M:%S")
    return value.value if isinstance(value, StrEnum) else "—" if value is None else str(value)


def _print_report(report: ImportReport, dry_run: bool) -> None:
    prefix = "Nếu nhập: thêm" if dry_run else "Đã nhập: thêm"
    typer.echo(
        f"{prefix} {report.added}, đổi {report.updated}, không đổi {report.unchanged}, "
        f"lặp lại {report.repeated}, lỗi {report.rejected} dòng."
    )
    if report.ignored_columns:
        typer.echo(f"Bỏ qua {report.ignored_columns} cột không cần giữ.")
    if report.errors:
        table = Table("Dòng", "Cột", "Giá trị", "Lý do")
        for error in report.errors:
            table.add_row(str(error.line), error.field or "—", error.value, error.message)
        Console().print(table)
