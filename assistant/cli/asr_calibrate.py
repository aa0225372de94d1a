"""``assistant asr calibrate``: what the model's confidences are worth, measured and noted in its
card."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.asr.confidence import RAW
from assistant.asr.folder import CARD
from assistant.asr.registry import find
from assistant.asr.vosk_adapter import VoskModel
from assistant.batch.calibration import Judged, calibration, fitted_points
from assistant.batch.cost import open_model
from assistant.batch.evaluate import evaluate
from assistant.batch.speech_sets import DIGIT_WORDS, find_sets
from assistant.cli.asr_show import line
from assistant.cli.show import print_json, progress_bar
from assistant.errors import UsageError
from assistant.settings import load_settings

_CONDITIONS = ("clean", "mulaw-15")


def calibrate_command(
    folder: Annotated[Path, typer.Argument(help="Thư mục chứa các bộ có labels.csv, hoặc một bộ.")],
    model: Annotated[str | None, typer.Option(help="Mô hình, theo tên hay thư mục.")] = None,
    strings: Annotated[int, typer.Option(min=0, help="Số chuỗi ghép mỗi loại.")] = 50,
    limit: Annotated[
        int, typer.Option(min=0, help="Nhiều nhất chừng này clip mỗi phép đo; 0: mọi clip.")
    ] = 100,
    threads: Annotated[int | None, typer.Option(min=1, help="Số luồng; mặc định: số lõi.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Đo xem độ tin cậy của mô hình đáng bao nhiêu rồi ghi bảng quy đổi vào model.json của nó."""
    find_sets(folder)
    path = find(model, load_settings())
    opened = open_model(path, repeatable=True)
    if not isinstance(opened, VoskModel):
        raise UsageError(
            "calibrate-engine",
            "Chỉ mô hình Vosk có độ tin cậy để quy đổi.",
            "Chọn một mô hình Vosk: assistant models list.",
        )
    raw = opened.with_confidences(RAW)
    digits: list[Judged] = []
    others: list[Judged] = []
    with progress_bar(as_json) as bar:
        task = bar.add_task("…", total=None)
        for one in evaluate(
            folder, raw, _CONDITIONS, strings, limit or None, threads or os.cpu_count() or 1,
            lambda name, done, of: bar.update(task, description=name, completed=done, total=of),
        ):  # fmt: skip
            for word in one.words:
                if word.confidence is not None:
                    pool = digits if word.text in DIGIT_WORDS else others
                    pool.append((word.confidence, word.right))
    fitted: list[dict[str, Any]] = [
        {"words": list(DIGIT_WORDS), "points": fitted_points(digits)},
        {"points": fitted_points(others)},
    ]
    groups = [group for group in fitted if group["points"]]
    _write(path, groups)
    _show({"chữ số": digits, "từ khác": others}, groups, as_json)


def _write(path: Path, groups: list[dict[str, Any]]) -> None:
    """Into the card, written whole or not at all. Raises UsageError ``calibrate-words``."""
    if not groups:
        raise UsageError(
            "calibrate-words",
            "Bản ghi có quá ít từ để đo độ tin cậy.",
            "Dùng thư mục có từ vài trăm clip, hoặc tăng --limit và --strings.",
        )
    card = path / CARD
    content = json.loads(card.read_text(encoding="utf-8")) if card.is_file() else {}
    content["confidence"] = groups
    partial = card.with_suffix(".partial")
    partial.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, card)


def _show(pools: dict[str, list[Judged]], groups: list[dict[str, Any]], as_json: bool) -> None:
    found = {name: calibration(judged) for name, judged in pools.items()}
    if as_json:
        print_json({"groups": groups, "before": {n: c.as_dict() for n, c in found.items()}})
        return
    for name, one in found.items():
        if one.error is not None and one.fitted_error is not None:
            line(f"{name}: {one.words} từ, sai số kỳ vọng {one.error:.3f} → {one.fitted_error:.3f}"
                 " sau khi quy đổi (đo chéo)")  # fmt: skip
