"""``report.html``: one self-contained file that shows a run, what broke first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

from assistant.batch import charts
from assistant.batch.diff import Change, Diff
from assistant.batch.journal import keep_private, read_records, read_run
from assistant.batch.page import when, whole_page
from assistant.batch.play import Record
from assistant.batch.record_html import record_html
from assistant.batch.starter import DATA
from assistant.batch.summary import COMPUTE_BIN, FUNNEL, WAIT_BIN, Summary, summarise
from assistant.batch.work import Status
from assistant.call.endings import ENDINGS
from assistant.errors import UsageError

MOST_AUDIO = 40  # calls whose sound is inside the file, about 350 KB each
_OPENED = 3  # failures that begin unfolded
_ORDER = (*Status.BAD, Status.KNOWN, Status.HEALED, Status.PASSED)
_NAMES = {
    Status.PASSED: ("đạt", "passed"),
    Status.FAILED: ("không đạt", "failed"),
    Status.ERROR: ("lỗi chương trình", "error"),
    Status.KNOWN: ("chưa đạt, đã biết", "known failure"),
    Status.HEALED: ("đã lành", "healed"),
}
_NOT_RUN = ("chưa chạy", "not run")
_FILTER = (
    '<p class="filter"><label>Tìm <input type="search" placeholder="tên hay nhãn (name or tag)">'
    "</label> <output></output></p>"
)
_KINDS = {  # (nothing of anybody's inside, calls only)
    (True, True): ("dữ liệu bịa", "invented data"),
    (True, False): ("bản ghi có nhãn", "labelled recordings"),
    (False, True): ("dữ liệu thật: số bị che", "real data, digits hidden"),
    (False, False): ("dữ liệu thật: số bị che", "real data, digits hidden"),
}
_OUTCOMES = {"password": "được cấp mật khẩu", **{end.value: said for end, said in ENDINGS.items()}}
_PHASES = {
    "menu": "nghe trình đơn",
    "code": "được hỏi mã số",
    "confirm": "nghe đọc lại mã",
    "verifying": "được kiểm tra",
    "secret": "nghe mật khẩu",
}


def write_report(path: Path, folder: Path, diff: Diff | None = None) -> None:
    """The report of the run in ``folder``. Raises UsageError ``batch-write``."""
    run = read_run(folder)
    summary = summarise(read_records(folder), run["repeat"] > 1, run.get("total"))
    page = _page(run, summary, diff, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not summary.invented:
            keep_private(path)
        path.write_text(page, "utf-8")
    except OSError as error:
        raise UsageError(
            "batch-write", f"Không ghi được {path}: {error.strerror}.", "Chọn chỗ khác."
        ) from None


def _page(run: dict[str, Any], summary: Summary, diff: Diff | None, folder: Path) -> str:
    script = (DATA / "suite_report.js").read_text("utf-8")
    calls = _Calls(summary, folder)
    parts = [
        _head(run, summary),
        _diff(diff) if diff else "",
        _success(summary),
        _FILTER,
        _failures(summary, calls),
        calls.section("Chưa đạt, đã biết", "known failures", Status.KNOWN),
        calls.section("Đã lành", "healed: drop known_failure", Status.HEALED),
        _flaky(summary),
        _pictures(summary),
        _tags(summary),
        calls.section("Đạt", "passed", Status.PASSED),
    ]
    title = f"Kịch bản: {run['place']}"
    return whole_page(title, "suite_report.css", "".join(parts), script)


# --- sections -----------------------------------------------------------------------------


def _head(run: dict[str, Any], summary: Summary) -> str:
    name, english = _KINDS[summary.invented, summary.calls == summary.total]
    private = "" if summary.invented else " private"
    kind = f'<span class="badge{private}">{name} · {english}</span>'
    facts = (
        ("chỗ", escape(run["place"])),
        ("mô hình", escape(run["model"])),
        ("lúc", when(run["started"])),
        ("lọc", escape(run["filter"] or "–")),
        ("vòng", run["repeat"]),
        ("seed", run["seed"]),
    )
    listed = " · ".join(f"<b>{name}</b> {value}" for name, value in facts)
    return f"<header><h1>Báo cáo kịch bản {kind}</h1><p class='facts'>{listed}</p></header>"


def _diff(diff: Diff) -> str:
    return (
        '<section id="diff"><h2>So với lượt cũ <small>diff against the earlier run</small></h2>'
        f"{_changes('Hỏng thêm', 'bad', diff.broke)}{_changes('Đã lành', 'good', diff.healed)}"
        f"{_changes('Vẫn chưa đạt, nhưng khác trước', 'warn', diff.other)}"
        f'<p class="note">{diff.same} như cũ · {diff.new} mới · {diff.gone} không còn</p></section>'
    )


def _changes(title: str, kind: str, changes: Iterable[Change]) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.id)}</td><td>{_NAMES[one.before or ''][0]} → "
        f"{_NAMES[one.after or ''][0]}</td><td>{escape(one.why)}</td></tr>"
        for one in changes
    )
    return f'<h3 class="{kind}">{title}</h3><table class="list">{rows}</table>' if rows else ""


def _success(summary: Summary) -> str:
    low, high = (100 * bound for bound in summary.rate.interval)
    value = "–" if summary.rate.value is None else f"{100 * summary.rate.value:.1f} %"
    shown = [(status, summary.statuses[status], *names) for status, names in _NAMES.items()]
    tiles = "".join(
        f'<div class="tile {status}"><b>{count}</b>{vi} <small>{en}</small></div>'
        for status, count, vi, en in (*shown, ("notrun", summary.not_run, *_NOT_RUN))
        if count
    )
    return (
        f'<section class="success">{_partial(summary)}<div class="big">{value}'
        f"<small>{summary.headline}</small><small>khoảng 95 %: {low:.1f}-{high:.1f} %</small></div>"
        f'<div class="tiles">{tiles}</div></section>'
    )


def _partial(summary: Summary) -> str:
    if not summary.not_run:
        return ""
    return (
        f'<p class="partial">Mới chạy {summary.total}/{summary.planned}: lượt chạy bị dừng, '
        f"{summary.not_run} kịch bản chưa chạy. <small>a stopped run</small></p>"
    )


def _failures(summary: Summary, calls: _Calls) -> str:
    if summary.bad:
        return calls.section("Không đạt", "failures", *Status.BAD, opened=_OPENED)
    among = f" trong {summary.total} kịch bản đã chạy" if summary.not_run else ""
    return f"<section><h2>Không có lỗi nào{among} <small>no failures</small></h2></section>"


class _Calls:
    """Lists of records; the sound of the worst is inside the page."""

    def __init__(self, summary: Summary, folder: Path) -> None:
        self._summary, self._folder = summary, folder
        heard = (one["ordinal"] for one in self._of(_ORDER) if one.get("audio"))
        self._sound = set(islice(heard, MOST_AUDIO))

    def section(self, title: str, english: str, *statuses: str, opened: int = 0) -> str:
        """``opened``: how many begin unfolded. Nothing where there is no such record."""
        records = self._of(statuses)
        if not records:
            return ""
        shown = "".join(
            record_html(record, self._folder, n < opened, record["ordinal"] in self._sound)
            for n, record in enumerate(records)
        )
        more = sum(self._summary.statuses[status] for status in statuses) - len(records)
        rest = f'<p class="note">… và {more} nữa trong results.jsonl</p>' if more else ""
        return f"<section><h2>{title} <small>{english}</small></h2>{shown}{rest}</section>"

    def _of(self, statuses: Sequence[str]) -> list[Record]:
        return [one for status in statuses for one in self._summary.kept.get(status, ())]


def _flaky(summary: Summary) -> str:
    names = "".join(f"<li>{escape(name)}</li>" for name in summary.flaky)
    title = "<h2>Lúc được lúc không <small>flaky</small></h2>"
    return f"<section>{title}<ul>{names}</ul></section>" if names else ""


def _pictures(summary: Summary) -> str:
    funnel = charts.bars(
        [(_PHASES[p.value], summary.funnel[p.value], "good") for p in FUNNEL], summary.calls
    )
    outcomes = charts.bars(
        [(_OUTCOMES[name], count, "plain") for name, count in summary.outcomes.most_common()],
        summary.calls,
    )
    errors = sum(n for (a, b), n in summary.digits.items() if a != b)
    said = sum(n for (a, _), n in summary.digits.items() if a is not None)
    rate = f"{errors}/{said} sai ({100 * errors / said:.2f} %)" if said else "–"
    confusion = charts.confusion((a, b, n) for (a, b), n in summary.digits.items())
    panels = (
        ("Cuộc gọi đi tới đâu", "funnel", funnel),
        ("Kết thúc", "outcomes", outcomes),
        (f"Chữ số nghe nhầm: {rate}", "digits said × heard", confusion),
        ("Độ tin cậy có thật không", "calibration", charts.reliability(summary.bins())),
        ("Chờ sau lời cuối", "wait after speech, s of audio", _waits(summary)),
        (
            "Máy tính một lượt",
            "compute per turn",
            charts.histogram(summary.computing, COMPUTE_BIN, "ms"),
        ),
    )
    shown = "".join(
        f'<div class="panel card"><h3>{title} <small>{english}</small></h3>{body}</div>'
        for title, english, body in panels
    )
    return f'<section class="pictures">{shown}</section>'


def _waits(summary: Summary) -> str:
    """Spoken turns alone; beside them, how many others there were."""
    others = " và ".join(
        f"{summary.unspoken[kind]} lượt {name}"
        for kind, name in (("keys", "bấm phím"), ("silence", "im lặng"))
        if summary.unspoken[kind]
    )
    left_out = f"; không tính {others}" if others else ""
    picture = charts.histogram(summary.waits, WAIT_BIN, "s", 60)
    return f'{picture}<p class="note">{summary.waits.total()} lượt nói{left_out}</p>'


def _tags(summary: Summary) -> str:
    shown = [status for status in _NAMES if summary.statuses[status]]
    rows = []
    for tag, counts in sorted(summary.by_tag.items()):
        cells = "".join(f'<td class="{status}">{counts[status] or ""}</td>' for status in shown)
        rows.append(f"<tr><td>{escape(tag)}</td>{cells}<td>{counts.total()}</td></tr>")
    heads = "".join(f"<th>{_NAMES[status][0]}</th>" for status in shown)
    return (
        "<section><h2>Theo nhãn <small>by tag</small></h2>"
        f'<table class="list tags"><tr><th></th>{heads}<th>tổng</th></tr>{"".join(rows)}</table>'
        "</section>"
    )
