"""``report.html``: one self-contained file that shows a run, what broke first."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from assistant.batch import charts
from assistant.batch.diff import Change, Diff
from assistant.batch.journal import read_records, read_run
from assistant.batch.page import whole_page
from assistant.batch.record_html import record_html
from assistant.batch.starter import DATA
from assistant.batch.summary import COMPUTE_BIN, FUNNEL, WAIT_BIN, Summary, summarise
from assistant.batch.work import Status
from assistant.call.endings import ENDINGS
from assistant.errors import UsageError

MOST_AUDIO = 40  # calls whose sound is inside the file, about 200 KB each
_NAMES = {
    Status.PASSED: ("đạt", "passed"),
    Status.FAILED: ("không đạt", "failed"),
    Status.ERROR: ("lỗi chương trình", "error"),
    Status.KNOWN: ("chưa đạt, đã biết", "known failure"),
    Status.HEALED: ("đã lành", "healed"),
}
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
    summary = summarise(read_records(folder), run["repeat"] > 1)
    page = _page(run, summary, diff, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, "utf-8")
        if not summary.invented:
            path.chmod(0o600)
    except OSError as error:
        raise UsageError(
            "batch-write", f"Không ghi được {path}: {error.strerror}.", "Chọn chỗ khác."
        ) from None


def _page(run: dict[str, Any], summary: Summary, diff: Diff | None, folder: Path) -> str:
    script = (DATA / "suite_report.js").read_text("utf-8")
    parts = [
        _head(run, summary),
        _diff(diff) if diff else "",
        _success(summary),
        _FILTER,
        _failures(summary, folder),
        _healed(summary),
        _pictures(summary),
        _tags(summary),
        _known(summary, folder),
        _rest(summary, folder),
    ]
    title = f"Kịch bản: {run['place']}"
    return whole_page(title, "suite_report.css", "".join(parts), script)


# --- sections -----------------------------------------------------------------------------


def _head(run: dict[str, Any], summary: Summary) -> str:
    name, english = _KINDS[summary.invented, summary.calls == summary.total]
    private = "" if summary.invented else " private"
    kind = f'<span class="badge{private}">{name} · {english}</span>'
    facts = (
        ("chỗ", run["place"]),
        ("mô hình", run["model"]),
        ("lúc", run["started"]),
        ("lọc", run["filter"] or "–"),
        ("vòng", run["repeat"]),
        ("seed", run["seed"]),
    )
    listed = " · ".join(f"<b>{name}</b> {escape(str(value))}" for name, value in facts)
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
    tiles = "".join(
        f'<div class="tile {status}"><b>{summary.statuses[status]}</b>{vi} '
        f"<small>{en}</small></div>"
        for status, (vi, en) in _NAMES.items()
        if summary.statuses[status]
    )
    return (
        f'<section class="success"><div class="big">{value}<small>đạt, khoảng 95 %: '
        f"{low:.1f}-{high:.1f} % (không tính lỗi đã biết)</small></div>"
        f'<div class="tiles">{tiles}</div></section>'
    )


def _failures(summary: Summary, folder: Path) -> str:
    bad = [record for status in Status.BAD for record in summary.kept.get(status, ())]
    if not bad:
        return "<section><h2>Không có lỗi nào <small>no failures</small></h2></section>"
    calls = "".join(
        record_html(record, folder, opened=n < 3, sound=n < MOST_AUDIO)
        for n, record in enumerate(bad)
    )
    more = summary.bad - len(bad)
    rest = f'<p class="note">… và {more} nữa trong results.jsonl</p>' if more else ""
    return f"<section><h2>Không đạt <small>failures</small></h2>{calls}{rest}</section>"


def _healed(summary: Summary) -> str:
    healed = summary.kept.get(Status.HEALED, ())
    names = "".join(f"<li>{escape(r['id'])}: {escape(r['known_failure'])}</li>" for r in healed)
    flaky = "".join(f"<li>{escape(name)}</li>" for name in summary.flaky)
    out = ""
    if names:
        out += "<section><h2>Đã lành <small>healed: drop known_failure</small></h2>"
        out += f"<ul>{names}</ul></section>"
    if flaky:
        out += (
            f"<section><h2>Lúc được lúc không <small>flaky</small></h2><ul>{flaky}</ul></section>"
        )
    return out


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
        (
            "Chờ sau lời cuối",
            "wait, s of audio",
            charts.histogram(summary.waits, WAIT_BIN, "s", 60),
        ),
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


def _known(summary: Summary, folder: Path) -> str:
    known = summary.kept.get(Status.KNOWN, ())
    calls = "".join(record_html(record, folder, opened=False, sound=False) for record in known)
    return (
        f"<section><h2>Chưa đạt, đã biết <small>known failures</small></h2>{calls}</section>"
        if calls
        else ""
    )


def _rest(summary: Summary, folder: Path) -> str:
    passed = summary.kept.get(Status.PASSED, ())
    calls = "".join(
        record_html(record, folder, opened=False, sound=n < MOST_AUDIO)
        for n, record in enumerate(passed)
    )
    return f"<section><h2>Đạt <small>passed</small></h2>{calls}</section>" if calls else ""
