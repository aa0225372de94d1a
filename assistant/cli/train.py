"""``assistant train``: make the embedded model again, from nothing."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.show import print_json
from assistant.errors import DependencyError, UsageError
from assistant.settings import load_settings

_NEEDED = ("torch", "kaldi_native_fbank", "espeakng_loader", "parselmouth", "tqdm")


def register(app: typer.Typer) -> None:
    """Hang this command on the program."""
    app.command("train")(train_command)


def train_command(
    out: Annotated[Path, typer.Option(help="Thư mục mô hình sẽ ghi ra.")] = Path(
        "var/models/vi-telephone"
    ),
    work: Annotated[
        Path, typer.Option(help="Thư mục dữ liệu trung gian; chạy lại thì làm tiếp từ đó.")
    ] = Path("var/train"),
    human: Annotated[
        Path | None,
        typer.Option(help="Thư mục chứa các bộ ghi âm người thật (mỗi bộ có labels.csv)."),
    ] = None,
    text: Annotated[
        Path | None, typer.Option(help="Thư mục văn bản *.txt cho từ vựng và câu tổng hợp.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            help="Học tiếp từ mạng của một mô hình đã có (thư mục) thay vì từ đầu.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    toy: Annotated[
        bool, typer.Option("--toy", help="Mô hình tí hon trong vài phút, để thử cả quy trình.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")] = False,
) -> None:
    """Huấn luyện mô hình nhận dạng từ đầu: giọng tổng hợp, giọng người, thư mục Vosk (train).

    Bị ngắt giữa chừng thì chạy lại đúng lệnh đó để làm tiếp. Không có --human thì chỉ học
    giọng tổng hợp.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise DependencyError(
            "train-missing",
            f"Chưa cài phần huấn luyện (thiếu {', '.join(missing)}).",
            "Cài: pip install 'vssid-voice-assistant[train]'.",
        )
    for name, folder in (("--human", human), ("--text", text)):
        if folder is not None and not folder.is_dir():
            raise UsageError(
                "train-no-folder",
                f"{name}: không có thư mục {folder}.",
                "Sửa đường dẫn, hoặc bỏ tùy chọn này.",
            )
    from assistant.training.recipe import FULL, TOY, Recipe

    recipe = Recipe(
        work, out, load_settings().prompts, human, text,
        start / "am" / "final.mdl" if start else None, TOY if toy else FULL,
        progress=not as_json,
    )  # fmt: skip
    folder = recipe.run(lambda line: None if as_json else typer.echo(line))
    if as_json:
        print_json({"model": str(folder)})
    else:
        typer.echo(f"Mô hình ở {folder}. Dùng thử: ASSISTANT_MODEL={folder} assistant doctor")
