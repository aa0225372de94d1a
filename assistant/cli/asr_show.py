"""How the figures of ``assistant asr`` look on a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table

from assistant.batch.compare import Pair
from assistant.batch.conditions import CONDITIONS
from assistant.batch.earlier import bars_of, line_of, same_sample, scores_of
from assistant.batch.figures import KINDS
from assistant.batch.labels import Dispute
from assistant.batch.report_tables import (
    OTHER_SAMPLE,
    WHY,
    groups_of,
    interval,
    number,
    percent,
    points,
    sample,
)
from assistant.batch.scoring import Rate
from assistant.batch.trials import Measure
from assistant.cli.show import print_json

Found = Mapping[str, Any]
_SURE = 0.05  # of chance
# What is right where a line counts what went wrong
_RIGHT = {Measure.OTHER: "từ chối lời lạ", Measure.DENIAL: "“không đúng” ghép, hiểu là không"}
_IN_FULL, _COLUMNS = 3, 8  # conditions: shown line by line; side by side


def line(text: str) -> None:
    Console().print(text, markup=False, highlight=False)


def _print(table: Table) -> None:
    """Figures (at the right) are never cut, on whatever screen: they wrap between words only, text
    wraps anywhere, and what fits no width runs over the edge."""
    console = Console()
    for column in table.columns:
        column.overflow = "fold"
        if column.justify == "right":
            words = (Measurement.get(console, console.options, cell) for cell in column.cells)
            column.min_width = max((word.minimum for word in words), default=None)
    fitting = (
        width
        for width in range(console.width, console.width // 2, -1)
        if _width(console, table, width) <= console.width
    )
    console.print(table, width=next(fitting, console.width), crop=False)


def _width(console: Console, table: Table, asked: int) -> int:
    """What a table takes that should take ``asked``."""
    drawn = console.render(table, console.options.update_width(asked))
    return max(Segment.get_line_length(row) for row in Segment.split_lines(drawn))


def conditions(as_json: bool) -> None:
    if as_json:
        print_json({name: condition.title for name, condition in CONDITIONS.items()})
        return
    shown = Table("Tên", "Điều kiện", title="Lưới điều kiện", title_justify="left")
    for name, condition in CONDITIONS.items():
        shown.add_row(name, condition.title)
    _print(shown)


def run(found: Found, earlier: Found | None, with_bars: bool) -> None:
    """Figures in full while they fit a screen, then as a grid; calibration, disputed labels, and
    bars if they are asked for."""
    before = scores_of(earlier) if earlier else None
    names = found["setup"]["conditions"]
    whole = names if len(names) <= _IN_FULL else names[:1]
    for name in whole:
        _print(_figures(found, name, before))
    rest = names if len(names) > len(whole) else ()
    for at in range(0, len(rest), _COLUMNS):
        _print(_grid(found, rest[at : at + _COLUMNS]))
    _print(_calibration(found))
    labels(found["labels"], short=True)
    if with_bars:
        _print(_bars(found, earlier))
        met = sum(bar["met"] is True for bar in found["bars"])
        line(f"{met} trong {len(found['bars'])} mục tiêu đạt.")
    if earlier and not same_sample(found, earlier):
        line(f"Chú ý: {OTHER_SAMPLE.format(sample(earlier['setup']))}.")
    setup = found["setup"]
    line(f"{setup['model']}: {setup['seconds']:.0f} s, {len(names)} điều kiện.")


def _grid(found: Found, names: Sequence[str]) -> Table:
    title = "Phần trăm clip đúng; lời lạ, “không đúng” ghép: bị nhận nhầm"
    shown = Table("Bộ", "Đo gì", title=title, title_justify="left")
    lines: dict[tuple[str, str], dict[str, Found]] = {}
    for score in found["scores"]:
        lines.setdefault((score["set"], score["measure"]), {})[score["condition"]] = score
    for name in names:
        shown.add_column(name, justify="right")
    for (set_, measure), by_condition in lines.items():
        cells = [by_condition.get(name) for name in names]
        shown.add_row(
            set_, KINDS[Measure(measure)], *(percent(c["value"], 0) if c else "" for c in cells)
        )
    return shown


def _figures(found: Found, condition: str, before: Mapping[Any, Found] | None) -> Table:
    title = CONDITIONS[condition].title
    shown = Table(title=f"{title} ({condition})", title_justify="left")
    for head in ("Bộ", "Đo gì"):
        shown.add_column(head)
    for head in ("Kết quả", "Khoảng 95 %", "Lỗi từng số/từ", "Từ chối"):
        shown.add_column(head, justify="right")
    shown.add_column("Nhóm")
    if before is not None:
        shown.add_column("Khác lần trước", justify="right")
    for score in found["scores"]:
        if score["condition"] != condition:
            continue
        old = before.get(line_of(score)) if before else None
        extra = (
            [points(score["value"], old["value"] if old else None)] if before is not None else []
        )
        shown.add_row(score["set"], KINDS[Measure(score["measure"])], *_cells(score), *extra)
        if sure := score.get("sure"):
            shown.add_row("", "  không kể nhãn không khớp", *_cells(sure), *([""] * len(extra)),
                          style="dim")  # fmt: skip
    return shown


def _cells(score: Found) -> list[str]:
    error = score.get("error_rate")
    refused = score.get("refused")
    return [
        f"{score['hits']}/{score['total']} = {percent(score['value'])}",
        interval(score["low"], score["high"]),
        "" if error is None
        else f"{percent(error)} ({interval(score['error_low'], score['error_high'])})",
        percent(refused["value"]) if refused else "",
        groups_of(score),
    ]  # fmt: skip


def _calibration(found: Found) -> Table:
    shown = Table(title="Độ tin cậy của từng từ", title_justify="left")
    for head in ("Điều kiện", "Từ trong"):
        shown.add_column(head)
    for head in ("Số từ", "ECE", "Khoảng 95 %", "Sau khi khớp lại"):
        shown.add_column(head, justify="right")
    for i, (condition, pools) in enumerate(found["calibration"].items()):
        for pool, made in list(pools.items())[: 1 if i else None]:
            fitted = made["fitted_error"]
            shown.add_row(
                condition, pool, str(made["words"]), f"{made['error']:.3f}",
                f"{made['low']:.3f}-{made['high']:.3f}", "" if fitted is None else f"{fitted:.3f}",
            )  # fmt: skip
    return shown


def _bars(found: Found, earlier: Found | None) -> Table:
    before = bars_of(earlier)
    shown = Table(title="Mục tiêu (?: khoảng 95 % còn chứa cả bên kia)", title_justify="left")
    shown.add_column("")
    shown.add_column("Mục tiêu")
    for head in ("Cần", "Đo được", "Khoảng 95 %", *(("Lần trước",) if earlier else ())):
        shown.add_column(head, justify="right")
    shown.add_column("Xem tiếp ở đâu")
    words = {True: "[green]đạt[/]", False: "[red]chưa đạt[/]", None: "[yellow]chưa đo[/]"}
    for bar in found["bars"]:
        least = bar["at_least"] is not None
        wanted = number(bar["where"], bar["at_least"] if least else bar["at_most"])
        old = [number(bar["where"], before.get(bar["id"]))] if earlier else []
        unsure = "" if bar["sure"] or bar["low"] is None else " [dim]?[/]"
        shown.add_row(
            words[bar["met"]] + unsure, bar["title"], f"{'≥' if least else '≤'} {wanted}",
            number(bar["where"], bar["value"]), interval(bar["low"], bar["high"]), *old, bar["why"],
        )  # fmt: skip
    return shown


def labels(found: Mapping[str, Found], short: bool = False) -> None:
    """Labels that disagree with their notes; ``short``: only how many."""
    if not found and not short:
        line("Không bộ nào có ghi chú number=… để đối chiếu.")
    for name, checked in found.items():
        many = len(checked["disputed"])
        line(f"{name}: {many} trong {checked['noted']} nhãn không khớp số trong ghi chú.")
        if many and not short:
            shown = Table("Tệp", "Lời", "Ghi chú", "Lời đọc ra số", "Vì sao")
            for one in checked["disputed"]:
                why = WHY[Dispute(one["why"])]
                shown.add_row(one["path"], one["text"], one["noted"], one["said"], why)
            _print(shown)


def comparison(
    paths: Sequence[str], costs: Sequence[Mapping[str, float]], pairs: Sequence[Sequence[Pair]]
) -> None:
    """The cost of every model, then each against the first, line by line."""
    shown = Table(title="Mỗi mô hình trong một tiến trình riêng", title_justify="left")
    shown.add_column("Mô hình")
    for head in ("Nạp", "Giây tính/giây tiếng", "Bộ nhớ", "Trên đĩa"):
        shown.add_column(head, justify="right")
    for path, cost in zip(paths, costs, strict=True):
        cells = (number(name, cost[name]) for name in ("load", "rtf", "memory", "size"))
        shown.add_row(path, *cells)
    _print(shown)
    for path, found in zip(paths[1:], pairs, strict=True):
        _print(_pairs(paths[0], path, found))


def _pairs(first: str, second: str, found: Sequence[Pair]) -> Table:
    shown = Table(title=f"A = {first}\nB = {second}", title_justify="left")
    shown.add_column("Bộ, đo gì, điều kiện")
    for head in ("A đúng", "B đúng", "Chỉ A", "Chỉ B", "p (McNemar)", "Lỗi B - A", "Hơn"):
        shown.add_column(head, justify="right")
    for pair in found:
        better = "B" if pair.only_b > pair.only_a else "A"
        measure = Measure(pair.measure)
        kind = _RIGHT.get(measure, KINDS[measure])
        errors = pair.errors
        shown.add_row(
            f"{pair.set}: {kind}, {pair.condition}", _rate(pair.a), _rate(pair.b),
            str(pair.only_a), str(pair.only_b), f"{pair.chance:.4f}",
            "" if errors is None
            else f"{100 * errors[0]:+.1f} ({100 * errors[1]:+.1f} … {100 * errors[2]:+.1f})",
            better if pair.chance < _SURE else "",
        )  # fmt: skip
    return shown


def _rate(rate: Rate) -> str:
    return f"{rate.hits}/{rate.total} = {percent(rate.value)} ({interval(*rate.interval)})"
