"""What ``assistant batch`` shows on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich import progress as bars
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assistant.batch.diff import Change, Diff, why_of
from assistant.batch.scenario_files import Entry
from assistant.batch.summary import Summary
from assistant.batch.work import Done, Status

_SHOWN = 20  # failures on the terminal; the report has more
_NAMES = {
    Status.PASSED: "đạt",
    Status.FAILED: "không đạt",
    Status.ERROR: "lỗi chương trình",
    Status.KNOWN: "chưa đạt, đã biết",
    Status.HEALED: "đã lành (bỏ known_failure được)",
}


class Progress:
    """A bar with throughput and the time that is left."""

    def __init__(self, total: int, finished: int, hidden: bool) -> None:
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TextColumn("{task.fields[rate]}"),
            bars.TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=hidden,
            transient=True,
        )
        self._task = self._bar.add_task("Đang chạy", total=total, completed=finished, rate="")
        self._bad = self._new = 0
        self._bar.start()

    def close(self) -> None:
        self._bar.stop()

    def seen(self, done: Done) -> None:
        self._new += 1
        self._bad += done.record["status"] in Status.BAD
        elapsed = self._bar.tasks[0].elapsed or 0.0
        rate = f"{self._new / elapsed:.1f}/s" if elapsed else ""
        what = f"Đang chạy, {self._bad} không đạt" if self._bad else "Đang chạy"
        self._bar.update(self._task, advance=1, description=what, rate=rate)


def show_entries(console: Console, entries: Iterable[Entry]) -> None:
    """Every name as it goes by, then how many there were."""
    count = known = 0
    for entry in entries:
        count += 1
        why = entry.scenario.known_failure if entry.scenario else None
        known += why is not None
        told = f"  [yellow]{escape(why)}[/]" if why else ""
        console.print(f"{escape(entry.id)}  [dim]{escape(' '.join(entry.tags))}[/]{told}")
    console.print(f"{count} kịch bản, trong đó {known} chưa đạt, đã biết (known failures).")


def show_summary(console: Console, summary: Summary) -> None:
    for status in Status.BAD:
        for record in summary.kept.get(status, ())[:_SHOWN]:
            console.print(f"[red]✗[/] {escape(record['id'])}  [dim]{escape(why_of(record))}[/]")
    if summary.bad > _SHOWN:
        console.print(f"… và {summary.bad - _SHOWN} nữa; xem báo cáo: --report report.html")
    for record in summary.kept.get(Status.HEALED, ()):
        console.print(f"[green]♥[/] {escape(record['id'])}: đã lành, bỏ được known_failure")
    for name in summary.flaky:
        console.print(f"[yellow]~[/] {escape(name)}: lúc được lúc không")
    table = Table("", "số", show_header=False)
    for status, name in _NAMES.items():
        if summary.statuses[status]:
            table.add_row(name, str(summary.statuses[status]))
    if summary.not_run:
        table.add_row("chưa chạy", str(summary.not_run))
    console.print(table)
    if summary.not_run:
        console.print(
            f"[bold yellow]Mới chạy {summary.total}/{summary.planned}: lượt chạy bị dừng, "
            f"{summary.not_run} kịch bản chưa chạy.[/]"
        )
    low, high = (100 * bound for bound in summary.rate.interval)
    console.print(
        f"{summary.headline}. Tỉ lệ đạt {100 * (summary.rate.value or 0):.1f} % "
        f"(khoảng 95 %: {low:.1f}-{high:.1f} %)."
    )
    console.print(
        f"{summary.seconds:.0f} s âm thanh trong {summary.elapsed:.1f} s của các tiến trình."
    )


def show_diff(console: Console, diff: Diff) -> None:
    """What broke first."""
    _changes(console, "Hỏng thêm", "red", diff.broke)
    _changes(console, "Lành", "green", diff.healed)
    _changes(console, "Vẫn chưa đạt, nhưng khác trước", "yellow", diff.other)
    console.print(
        f"So với lượt cũ: {len(diff.broke)} hỏng thêm, {len(diff.healed)} lành, "
        f"{diff.same} như cũ, {diff.new} mới, {diff.gone} không còn."
    )


def _changes(console: Console, title: str, colour: str, changes: list[Change]) -> None:
    if not changes:
        return
    console.print(f"[bold {colour}]{title}: {len(changes)}[/]")
    for change in changes[:_SHOWN]:
        console.print(f"  {escape(change.id)}  [dim]{escape(change.why)}[/]")
