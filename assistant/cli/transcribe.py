"""``assistant transcribe``: what the recognizer hears in files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from assistant.asr.engines import open_model
from assistant.asr.transcribing import Heard, transcribe_file
from assistant.cli.show import WARNINGS, print_json, progress_bar
from assistant.errors import AssistantError
from assistant.nlu import phrases
from assistant.nlu.types import Expect
from assistant.settings import load_settings


def register(app: typer.Typer) -> None:
    """Hang this command on the program."""
    app.command("transcribe")(transcribe_command)


def transcribe_command(
    files: Annotated[
        list[Path],  # one that may not be read is told among the others
        typer.Argument(help="Tệp âm thanh: WAV, FLAC, OGG, MP3.", readable=False),
    ],
    expect: Annotated[
        Expect | None,
        typer.Option(help="Nghe như khi trợ lý đang đợi điều này; bỏ trống: mọi từ."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Ghi lại lời nói trong tệp, từng câu với thời gian và độ tin cậy (transcribe files).

    Tệp nào không đọc được thì báo lỗi và làm tiếp tệp khác; mã thoát 1 nếu có tệp như vậy.
    """
    settings = load_settings()
    model = open_model(settings.model, settings.asr)
    grammar = phrases(expect) if expect else None
    results: list[dict[str, Any]] = []
    with progress_bar(as_json) as bar:
        for path in files:
            task = bar.add_task(path.name, total=None)

            def show(seconds: float, total: float | None, task: Any = task) -> None:
                bar.update(task, completed=seconds, total=total)

            try:
                heard = transcribe_file(path, model, grammar, settings, show)
                results.append(_as_dict(path, heard))
            except AssistantError as error:
                results.append({"file": str(path), "error": error.as_dict()})
            bar.remove_task(task)
    if as_json:
        print_json({"files": results})
    else:
        _show(results)
    if any("error" in result for result in results):
        raise typer.Exit(1)


def _as_dict(path: Path, heard: Heard) -> dict[str, Any]:
    return {
        "file": str(path),
        "seconds": round(heard.seconds, 3),
        "rate": heard.rate,
        "channels": heard.channels,
        "encoding": heard.encoding,
        "warnings": sorted(warning.value for warning in heard.warnings),
        "utterances": [
            {
                "start": round(utterance.start, 3),
                "end_reason": utterance.end_reason.value,
                "text": utterance.text,
                "words": [
                    {
                        "text": word.text,
                        "start": round(word.start, 3),
                        "end": round(word.end, 3),
                        "confidence": word.confidence,
                    }
                    for word in utterance.words
                ],
            }
            for utterance in heard.utterances
        ],
    }


def _show(results: list[dict[str, Any]]) -> None:
    console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
    for result in results:
        if "error" in result:
            error = result["error"]
            errors.print(
                f"{result['file']}: lỗi [{error['code']}] {error['message']} {error['hint']}",
                markup=False,
            )
            continue
        console.print(
            f"{result['file']}  {result['seconds']:.1f} s, {result['rate']} Hz, "
            f"{result['channels']} kênh, {result['encoding']}",
            style="bold",
            markup=False,
        )
        for warning in result["warnings"]:
            console.print(f"  chú ý: {WARNINGS[warning]}", style="yellow")
        for utterance in result["utterances"]:
            sure = [w["confidence"] for w in utterance["words"] if w["confidence"] is not None]
            worst = f"  (từ kém nhất {min(sure):.2f})" if sure else ""
            console.print(f"  {utterance['start']:8.2f}  {utterance['text']}{worst}", markup=False)
        if not result["utterances"]:
            console.print("  (không nghe thấy lời nào)", style="dim")
