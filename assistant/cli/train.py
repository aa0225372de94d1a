"""``assistant train``: make the embedded model again from nothing, adapt it to one line, collect
speech for both."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from assistant.cli.collect import collect_command
from assistant.cli.show import print_json
from assistant.errors import DependencyError, UsageError
from assistant.settings import load_settings, user_models

if TYPE_CHECKING:
    from assistant.training.adapt import Errors, Outcome

_NEEDED = ("torch", "kaldi_native_fbank", "espeakng_loader", "parselmouth", "tqdm")
AsJson = Annotated[bool, typer.Option("--json", help="In kết quả dạng JSON.")]

group = typer.Typer(
    invoke_without_command=True,
    help="Huấn luyện mô hình nhận dạng từ đầu (train), hoặc dạy thêm giọng của đường dây mình.",
)


group.command("collect")(collect_command)


def register(app: typer.Typer) -> None:
    """Hang these commands on the program."""
    app.add_typer(group, name="train")


@group.callback()
def train_command(
    context: typer.Context,
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
        typer.Option(help="Học tiếp từ mạng của một mô hình đã có (thư mục) thay vì từ đầu."),
    ] = None,
    toy: Annotated[
        bool, typer.Option("--toy", help="Mô hình tí hon trong vài phút, để thử cả quy trình.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Huấn luyện mô hình nhận dạng từ đầu: giọng tổng hợp, giọng người, thư mục Vosk (train).

    Bị ngắt giữa chừng thì chạy lại đúng lệnh đó để làm tiếp; tùy chọn khác thì cần --work khác.
    Không có --human thì chỉ học giọng tổng hợp.
    """
    if context.invoked_subcommand is not None:
        return
    _require_extra()
    for name, folder in (("--human", human), ("--text", text), ("--start", start)):
        _require_folder(name, folder)
    from assistant.training.recipe import Recipe
    from assistant.training.scale import FULL, TOY

    network = start / "am" / "final.mdl" if start else None
    recipe = Recipe(
        work, out, load_settings().prompts, human, text, network, TOY if toy else FULL,
        progress=not as_json,
    )  # fmt: skip
    folder = recipe.run(lambda line: None if as_json else typer.echo(line))
    _tell(folder, f"Dùng thử: ASSISTANT_MODEL={folder} assistant doctor", as_json)


@group.command("adapt")
def adapt_command(
    data: Annotated[Path, typer.Option(help="Thư mục clip có labels.csv (path, text, speaker).")],
    model: Annotated[
        Path | None, typer.Option(help="Mô hình để dạy thêm; bỏ trống: mô hình đang dùng.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Nơi ghi mô hình mới; bỏ trống: thư mục của người dùng.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Dạy thêm mô hình bằng vài trăm clip có nhãn của chính đường dây mình (adapt).

    Một phần tư số người nói được giữ lại để đo; mô hình mới chỉ được ghi nếu nó sai ít hơn.
    Độ tin cậy phải chỉnh lại: assistant asr calibrate.
    """
    _require_extra()
    _require_folder("--data", data)
    _require_folder("--model", model)
    from assistant.training.adapt import adapt

    chosen = model or load_settings().model
    target = out or user_models() / f"{chosen.name}-adapted"
    outcome = adapt(
        chosen, data, target, progress=not as_json,
        say=lambda line: None if as_json else typer.echo(line),
    )  # fmt: skip
    if as_json:
        print_json(_plain(outcome))
    else:
        _show(outcome)
    if not outcome.better:
        raise typer.Exit(1)


Steps = Annotated[int, typer.Option(min=1, help="Số bước dạy, mỗi bước 60 s tiếng.")]
Speech = Annotated[
    Path,
    typer.Option("--work", help="Thư mục --work của lần huấn luyện, để lấy tiếng nói."),
]


@group.command("join")
def join_command(
    models: Annotated[list[Path], typer.Argument(help="Từ hai thư mục mô hình trở lên.")],
    out: Annotated[Path, typer.Option(help="Nơi ghi mô hình ghép.")],
    as_json: AsJson = False,
) -> None:
    """Ghép mạng của nhiều mô hình thành một: nghe tốt hơn, tính toán nhiều hơn (join).

    Đồ thị giải mã lấy của mô hình đầu. Độ tin cậy phải chỉnh lại: assistant asr calibrate.
    """
    _require_extra()
    for model in models:
        _require_folder("MODELS", model)
    from assistant.training.join import join

    folder = join(models, out)
    _tell(folder, f"So: assistant asr compare DIR --model … --model {folder}", as_json)


@group.command("narrow")
def narrow_command(
    model: Annotated[Path, typer.Argument(help="Thư mục mô hình.")],
    out: Annotated[Path, typer.Option(help="Nơi ghi mô hình hẹp hơn.")],
    rank: Annotated[int, typer.Option(min=8, help="Số chiều trong của mỗi lớp.")] = 96,
    steps: Steps = 800,
    work: Speech = Path("var/train"),
    as_json: AsJson = False,
) -> None:
    """Thu hẹp mạng của một mô hình: ít tính toán hơn, nghe gần như cũ (narrow).

    Độ tin cậy phải chỉnh lại: assistant asr calibrate.
    """
    _require_extra()
    _require_folder("MODEL", model)
    _require_folder("--work", work)
    from assistant.training.narrow import narrow_model

    folder = narrow_model(model, work, out, rank, steps, progress=not as_json)
    _tell(folder, f"So: assistant asr compare DIR --model … --model {folder}", as_json)


@group.command("teach")
def teach_command(
    model: Annotated[Path, typer.Argument(help="Thư mục mô hình sẽ học.")],
    by: Annotated[Path, typer.Option(help="Mô hình dạy: một hoặc nhiều mạng, cỡ nào cũng được.")],
    out: Annotated[Path, typer.Option(help="Nơi ghi mô hình đã học.")],
    steps: Steps = 800,
    work: Speech = Path("var/train"),
    as_json: AsJson = False,
) -> None:
    """Dạy mô hình nói lại điều mô hình khác nghe được, qua cả tạp âm (teach).

    Độ tin cậy phải chỉnh lại: assistant asr calibrate.
    """
    _require_extra()
    for name, folder in (("MODEL", model), ("--by", by), ("--work", work)):
        _require_folder(name, folder)
    from assistant.training.teach import teach_model

    folder = teach_model(model, by, work, out, steps, progress=not as_json)
    _tell(folder, f"So: assistant asr compare DIR --model … --model {folder}", as_json)


@group.command("tones")
def tones_command(
    model: Annotated[Path, typer.Argument(help="Thư mục mô hình.")],
    human: Annotated[
        Path, typer.Option(help="Thư mục chứa các bộ ghi âm người thật (mỗi bộ có labels.csv).")
    ],
    out: Annotated[Path, typer.Option(help="Nơi ghi mô hình biết thêm thanh điệu.")],
    as_json: AsJson = False,
) -> None:
    """Dạy mô hình đọc thanh điệu theo độ cao của giọng, để không lẫn "ba" với "tám" (tones).

    Độ tin cậy phải chỉnh lại: assistant asr calibrate.
    """
    _require_extra()
    for name, folder in (("MODEL", model), ("--human", human)):
        _require_folder(name, folder)
    from assistant.training.tones import teach_tones

    folder = teach_tones(model, human, out, progress=not as_json)
    _tell(folder, f"So: assistant asr compare DIR --model … --model {folder}", as_json)


def _tell(folder: Path, then: str, as_json: bool) -> None:
    """Where the made model is, and what to do with it."""
    if as_json:
        print_json({"model": str(folder)})
    else:
        typer.echo(f"Mô hình ở {folder}. {then}")


def _plain(outcome: Outcome) -> dict[str, object]:
    def errors(found: Errors) -> dict[str, object]:
        return {"errors": found.errors, "words": found.words, "rate": found.rate}

    return {
        "better": outcome.better,
        "model": str(outcome.folder) if outcome.folder else None,
        "clips": {"learnt": outcome.learnt, "held_out": outcome.held_out},
        "held_out": {"before": errors(outcome.before), "after": errors(outcome.after)},
        "synthetic": {
            "before": errors(outcome.others_before),
            "after": errors(outcome.others_after),
        },
    }


def _show(outcome: Outcome) -> None:
    console = Console()
    table = Table(title="Từ sai / Word errors", title_justify="left")
    for title in ("", "trước / before", "sau / after"):
        table.add_column(title)
    rows = (
        (f"{outcome.held_out} clip giữ lại / held out", outcome.before, outcome.after),
        ("giọng máy / synthetic", outcome.others_before, outcome.others_after),
    )
    for name, before, after in rows:
        cells = (f"{e.errors}/{e.words} = {100 * e.rate:.1f} %" for e in (before, after))
        table.add_row(name, *cells)
    console.print(table)
    if outcome.folder is None:
        console.print(
            "Mô hình mới không tốt hơn nên không được ghi; mô hình cũ còn nguyên. "
            "Thu thêm clip rồi chạy lại.", style="yellow",
        )  # fmt: skip
    else:
        console.print(
            f"Dùng mô hình mới: ASSISTANT_MODEL={outcome.folder} assistant doctor\n"
            "Độ tin cậy còn là của mô hình cũ, phải chỉnh lại: assistant asr calibrate DIR "
            f"--model {outcome.folder}"
        )


def _require_extra() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise DependencyError(
            "train-missing",
            f"Chưa cài phần huấn luyện (thiếu {', '.join(missing)}).",
            "Cài: pip install 'vssid-voice-assistant[train]'.",
        )


def _require_folder(name: str, folder: Path | None) -> None:
    if folder is not None and not folder.is_dir():
        raise UsageError(
            "train-no-folder",
            f"{name}: không có thư mục {folder}.",
            "Sửa đường dẫn, hoặc bỏ tùy chọn này.",
        )
