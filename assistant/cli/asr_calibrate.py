"""``assistant asr calibrate``: what the model's confidences are worth, measured and noted in its
card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from assistant.asr.folder import CARD
from assistant.asr.registry import find
from assistant.asr.vosk_adapter import VoskModel
from assistant.batch.cost import open_model
from assistant.batch.evaluate import evaluate
from assistant.batch.fitting import Fitted, FittedAnswers, Pool, fitted, fitted_answers, note
from assistant.batch.outcomes import Outcome
from assistant.batch.speech_sets import DIGIT_WORDS, check_sets
from assistant.cli.asr_show import line
from assistant.cli.outputs import require_writable, unwritable
from assistant.cli.show import print_json, progress_bar
from assistant.errors import UsageError
from assistant.settings import load_settings

_CONDITIONS = ("clean", "mulaw-15")
_UNWRITTEN = "calibrate-write"


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
    """Đo xem độ tin cậy của mô hình, và độ khớp của câu đáp một tiếng, đáng bao nhiêu; bảng nào
    tốt hơn bảng đang có thì ghi vào model.json của nó."""
    check_sets(folder)
    path = find(model, load_settings())
    opened = open_model(path, repeatable=True)
    if not isinstance(opened, VoskModel):
        raise UsageError(
            "calibrate-engine",
            "Chỉ mô hình Vosk có độ tin cậy để quy đổi.",
            "Chọn một mô hình Vosk: assistant models list.",
        )
    require_writable((path / CARD).with_suffix(".partial"), _UNWRITTEN)
    digits = Pool("chữ số", tuple(DIGIT_WORDS))
    others = Pool("từ khác", ())
    answers: list[Outcome] = []
    with progress_bar(as_json) as bar:
        task = bar.add_task("…", total=None)
        for one in evaluate(
            folder, opened.uncalibrated(), _CONDITIONS, strings, limit or None,
            threads or os.cpu_count() or 1,
            lambda name, done, of: bar.update(task, description=name, completed=done, total=of),
        ):  # fmt: skip
            if one.fits:
                answers.append(one)
            for word in one.words:
                (digits if word.text in DIGIT_WORDS else others).heard.append(word)
    found = [fitted(pool, opened.folder.confidence) for pool in (digits, others)]
    lone = fitted_answers(answers, opened.folder.answers)
    if not (lone.weights or any(one.enough for one in found)):
        raise UsageError(
            "calibrate-words",
            "Bản ghi có quá ít từ để đo độ tin cậy.",
            "Dùng thư mục có từ vài trăm clip, hoặc tăng --limit và --strings.",
        )
    better = [one.group for one in found if one.better]
    if better or lone.better:
        try:
            note(path, better, lone.weights if lone.better else None)
        except OSError as error:
            raise unwritable(path / CARD, error, _UNWRITTEN) from None
    _show(found, lone, path / CARD, as_json)


def _show(found: list[Fitted], lone: FittedAnswers, card: Path, as_json: bool) -> None:
    written = lone.better or any(one.better for one in found)
    if as_json:
        print_json({
            "card": str(card) if written else None,
            "groups": [one.group for one in found if one.better],
            "answers": lone.weights if lone.better else {},
            "pools": {one.name: one.as_dict() for one in found},
            "lone_answers": lone.as_dict(),
        })  # fmt: skip
        return
    for one in found:
        if not one.enough:
            line(f"{one.name}: {one.words} từ, quá ít; bảng quy đổi giữ như cũ.")
        else:
            line(
                f"{one.name}: {one.words} từ, sai số kỳ vọng {one.before.error or 0:.3f} →"
                f" {one.after.error or 0:.3f} (đo chéo), bình phương sai số"
                f" {one.squared_before:.4f} → {one.squared_after:.4f}"
                + ("." if one.better else "; bảng quy đổi giữ như cũ vì không tốt hơn.")
            )
    if not lone.weights:
        line(f"câu đáp một tiếng: {lone.utterances} lần, quá ít; trọng số giữ như cũ.")
    else:
        before = "-" if lone.squared_before is None else f"{lone.squared_before:.4f}"
        line(
            f"câu đáp một tiếng: {lone.utterances} lần, bình phương sai số {before} →"
            f" {lone.squared_after:.4f} (đo chéo theo người nói)"
            + ("." if lone.better else "; trọng số giữ như cũ vì không tốt hơn.")
        )
    line(f"Đã ghi {card}." if written else f"Không ghi gì vào {card}.")
