"""``assistant models``: which recognition models there are, are they whole, get another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from assistant.asr.download import fetch
from assistant.asr.folder import file_sha256, inspect_folder, verify_folder
from assistant.asr.registry import KNOWN, Installed, find, installed, probe, source_of
from assistant.asr.unpack import install_zip
from assistant.cli.show import print_json, progress_bar
from assistant.errors import ModelError
from assistant.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Mô hình nhận dạng: liệt kê, kiểm tra, tải về (recognition models).",
)

Json = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")]


def register(app_: typer.Typer) -> None:
    """Hang these commands on the program."""
    app_.add_typer(app, name="models")


@app.command("list")
def list_command(as_json: Json = False) -> None:
    """Liệt kê mô hình đang dùng, mô hình đã tải và mô hình tải được (list models)."""
    settings = load_settings()
    found = list(installed(settings))
    names = {model.path.name for model in found}
    available = [name for name in KNOWN if name not in names]
    if as_json:
        print_json({"models": [_as_dict(model) for model in found], "available": available})
        return
    console = Console(highlight=False)
    for model in found:
        console.print(_line(model))
    for name in available:
        console.print(Text.assemble((name, "bold"), f": assistant models download {name}"))


@app.command("verify")
def verify_command(
    name: Annotated[
        str | None, typer.Argument(help="Tên hoặc thư mục; bỏ trống: mô hình đang dùng.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Kiểm tra mã SHA-256 từng tệp, rồi nạp và chạy thử mô hình (verify a model)."""
    folder = inspect_folder(find(name, load_settings()))
    with progress_bar(as_json, bytes_=True) as bar:
        task = bar.add_task("Kiểm tra", total=folder.bytes)
        wrong = verify_folder(folder, lambda count: bar.advance(task, count))
    if wrong:
        raise ModelError(
            "model-checksum",
            f"Mô hình {folder.name} có {len(wrong)} tệp sai mã kiểm tra: {', '.join(wrong)}.",
            "Cài lại chương trình hoặc tải lại mô hình: assistant models download.",
        )
    probe(folder.path)
    checked = len(folder.sha256)
    if as_json:
        print_json({"ok": True, "model": folder.name, "checked": checked, "loads": True})
    else:
        what = f"{checked} tệp đúng mã kiểm tra" if checked else "không kèm mã kiểm tra"
        typer.echo(f"Mô hình {folder.name}: {what}, chạy được.")


@app.command("download")
def download_command(
    name: Annotated[str, typer.Argument(help="Tên có trong models list, hoặc địa chỉ https.")],
    folder: Annotated[Path | None, typer.Option("--dir", help="Thư mục chứa các mô hình.")] = None,
    sha256: Annotated[str | None, typer.Option(help="Mã SHA-256 mà tệp zip phải có.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Thay mô hình đã có.")] = False,
    as_json: Json = False,
) -> None:
    """Tải một mô hình Vosk; đứt giữa chừng thì lần sau tải tiếp (download, resumable)."""
    title, source = source_of(name, sha256)
    target = (folder or load_settings().asr.models) / title
    if target.exists() and not force:
        raise ModelError(
            "model-exists", f"Đã có mô hình {title}.", "Thêm --force để tải và thay thế."
        )
    archive = target.with_name(title + ".zip")
    with progress_bar(as_json, bytes_=True) as bar:
        task = bar.add_task(title, total=None)

        def show(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        fetch(source, archive, show)
    try:
        digest = file_sha256(archive)
        model = install_zip(archive, target, replace=force, accept=probe)
    finally:
        archive.unlink(missing_ok=True)
    if as_json:
        print_json({"model": model.name, "path": str(target), "rate": model.rate, "sha256": digest})
    else:
        typer.echo(f"Đã tải {title} vào {target} (SHA-256 của tệp zip: {digest}).")
        typer.echo(f"Dùng mô hình này: đặt ASSISTANT_MODEL={target}")


def _as_dict(model: Installed) -> dict[str, Any]:
    folder = model.folder
    return {
        "path": str(model.path),
        "used": model.used,
        "name": folder.name if folder else model.path.name,
        "version": folder.version if folder else None,
        "rate": folder.rate if folder else None,
        "bytes": folder.bytes if folder else None,
        "narrows": folder.narrows if folder else None,
        "error": model.error.as_dict() if model.error else None,
    }


def _line(model: Installed) -> Text:
    folder = model.folder
    name = (folder.name if folder else model.path.name, "bold")
    use = "đang dùng" if model.used else f"ASSISTANT_MODEL={model.path}"
    if folder is None:
        reason = f": {model.error.message} {model.error.hint}" if model.error else ""
        return Text.assemble(name, (reason, "red"))
    facts = [folder.version, f"{folder.rate} Hz", f"{folder.bytes / 1e6:.1f} MB"]
    facts.append("thu hẹp được từ vựng" if folder.narrows else "từ vựng cố định")
    return Text.assemble(name, f": {', '.join(fact for fact in facts if fact)}; {use}")
