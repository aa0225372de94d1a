"""``assistant understand "…" --expect code``: what the assistant makes of a sentence."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assistant.nlu import interpret_text
from assistant.nlu.evaluate import as_plain
from assistant.nlu.types import Expect

_LABELS = {
    "intent": "Ý định (intent)",
    "yes_no": "Đồng ý / từ chối (yes/no)",
    "digits": "Dãy số (digits)",
    "card": "Thẻ 15 ký tự (card)",
    "correction": "Sửa số (correction)",
    "rejection": "Không dùng được (rejection)",
    "score": "Điểm khớp 0-100 (score)",
}
_REJECTIONS = {
    "empty": "không nghe thấy từ nào",
    "unknown": "không hiểu câu này",
    "ambiguous": "có hơn một cách hiểu",
    "low_confidence": "nghe không chắc",
}


def register(app: typer.Typer) -> None:
    """Hang this command on the program."""
    app.command("understand")(understand)


def understand(
    text: Annotated[str, typer.Argument(help="Câu của người gọi (what the caller says).")],
    expect: Annotated[
        Expect, typer.Option(help="Trợ lý đang chờ gì (what the dialogue waits for).")
    ] = Expect.MENU,
    digits_so_far: Annotated[
        int, typer.Option(min=0, max=15, help="Số chữ số đã có (digits already collected).")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Hiểu một câu nói: ý định, dãy số, có/không, sửa số (what a sentence means)."""
    meaning = interpret_text(text, expect, digits_so_far)
    plain = as_plain(meaning)
    if as_json:
        typer.echo(json.dumps({"text": meaning.text, **plain}, ensure_ascii=False))
        return
    table = Table("Trường", "Giá trị")
    for name, label in _LABELS.items():
        if plain[name] is not None:
            table.add_row(label, _shown(name, plain[name]))
    Console().print(table)


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "có" if value else "không"
    if name == "rejection":
        return f"{value}: {_REJECTIONS[str(value)]}"
    if name == "correction" and isinstance(value, dict):
        return _shown_correction(value)
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def _shown_correction(fix: dict[str, object]) -> str:
    if fix["restart"]:
        return "đọc lại từ đầu"
    new = fix["digits"] or "chưa nói số mới"
    if fix["wrong"]:
        return f"{fix['wrong']}{_shown_rank(fix['position'])} thành: {new}"
    place = int(str(fix["position"]))
    where = f"từ chữ số thứ {place + 1}" if place >= 0 else f"từ chữ số thứ {-place} tính từ cuối"
    return f"{where}: {new}"


def _shown_rank(rank: object) -> str:
    """Which of several equal digits; empty when the caller named none."""
    if rank is None:
        return ""
    return " (số cuối cùng trong số đó)" if rank == -1 else f" (lần thứ {int(str(rank)) + 1})"
