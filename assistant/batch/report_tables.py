"""The tables of a report, as HTML. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from assistant.batch.conditions import CONDITIONS
from assistant.batch.earlier import bars_of, line_of, same_sample, scores_of
from assistant.batch.figures import FALSE_ACCEPTS, KINDS
from assistant.batch.labels import Dispute
from assistant.batch.page import when
from assistant.batch.trials import Measure

Found = Mapping[str, Any]
_LEAST_FOR_GRID = 3  # conditions

OTHER_SAMPLE = "lần trước đo mẫu khác ({}) nên chênh lệch gồm cả khác biệt về mẫu"
WHY = {
    Dispute.NUMBER: "lời đọc là một số khác",
    Dispute.NOT_A_NUMBER: "lời đọc không thành số",
    Dispute.NO_NUMBER: "ghi chú không có số",
    Dispute.SPELLING: "viết “mươi” thay “mười”, số khớp",
}
_COSTS = {
    "rtf": "giây tính cho một giây tiếng (một lõi)",
    "load": "nạp mô hình, s",
    "memory": "bộ nhớ cao nhất, MB",
    "size": "trên đĩa, MB",
}


def percent(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{100 * value:.{digits}f} %"


def interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{100 * low:.1f}-{100 * high:.1f} %"


def points(new: float | None, old: float | None) -> str:
    """The change in percentage points."""
    return "" if new is None or old is None else f"{100 * (new - old):+.1f}"


def facts(run: Found, earlier: Found | None) -> str:
    setup = run["setup"]
    took = "" if setup["seconds"] is None else f", mất {setup['seconds']:.0f} s"
    rows = [
        ("Mô hình", escape(setup["model"])),
        ("Bản ghi", escape(setup["folder"])),
        ("Lúc", f"{when(setup['made'])} (assistant {escape(setup['version'])}{took})"),
        ("Mẫu", sample(setup)),
    ]
    if earlier is not None:
        before = earlier["setup"]
        other = "" if same_sample(run, earlier) else f"; {OTHER_SAMPLE.format(sample(before))}"
        rows.append(("So với", f"{escape(before['model'])}, {when(before['made'])}{other}"))
    cells = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    return f'<dl class="facts">{cells}</dl>'


def sample(setup: Found) -> str:
    """How much was measured."""
    limit = "mọi clip" if setup["limit"] is None else f"tối đa {setup['limit']} clip mỗi phép đo"
    return f"{limit}; {setup['strings']} chuỗi ghép mỗi loại"


def bars(run: Found, earlier: Found | None) -> str:
    before = bars_of(earlier)
    rows = []
    for bar in run["bars"]:
        kind, word = {True: ("good", "đạt"), False: ("bad", "chưa đạt"), None: ("warn", "chưa đo")}[
            bar["met"]
        ]
        sure = "" if bar["sure"] or bar["met"] is None or bar["low"] is None else " (chưa chắc)"
        sign, wanted = (
            ("≥", bar["at_least"]) if bar["at_least"] is not None else ("≤", bar["at_most"])
        )
        rows.append(
            [
                f'<span class="pill {kind}">{word}{sure}</span>',
                f"{escape(bar['title'])}<br><span class=soft>{escape(bar['where'])}</span>",
                f"{sign} {number(bar['where'], wanted)}",
                number(bar["where"], bar["value"]),
                "" if bar["low"] is None else interval(bar["low"], bar["high"]),
                number(bar["where"], before.get(bar["id"])) if earlier else None,
                escape(bar["why"]),
            ]
        )
    heads = ["", "Mục tiêu", "*Cần", "*Đo được", "*Khoảng 95 %", "*Lần trước", "Xem tiếp ở đâu"]
    return table(heads, rows)


def number(where: str, value: float | None) -> str:
    """A bar's value in its own unit."""
    if value is None:
        return ""
    units = {"load": f"{value:.2f} s", "memory": f"{value:.0f} MB", "size": f"{value:.1f} MB"}
    return units.get(where) or (f"{value:.4f}" if where == "rtf" else percent(value))


def grid(run: Found) -> str:
    """Sets and measures against conditions; redder is worse."""
    names = run["setup"]["conditions"]
    if len(names) < _LEAST_FOR_GRID:
        return ""
    lines: dict[tuple[str, str], dict[str, Found]] = {}
    for line in run["scores"]:
        lines.setdefault((line["set"], line["measure"]), {})[line["condition"]] = line
    heads = "".join(
        f'<th class="n" title="{escape(CONDITIONS[n].title if n in CONDITIONS else n)}">'
        f"{escape(n)}</th>"
        for n in names
    )
    body = ""
    for (name, measure), found in lines.items():
        kind = KINDS[Measure(measure)]
        body += f"<tr><td><b>{escape(name)}</b><br><span class=soft>{escape(kind)}</span></td>"
        body += "".join(_heat(found.get(n), measure) for n in names) + "</tr>"
    return (
        "<p>Phần trăm clip đúng (lời lạ, “không đúng” ghép: bị nhận nhầm); càng đỏ càng tệ.</p>"
        f'<div class="wide"><table class="heat"><tr><th></th>{heads}</tr>{body}</table></div>'
    )


def _heat(line: Found | None, measure: str) -> str:
    if line is None or line["value"] is None:
        return '<td class="n" style="--off:0"></td>'
    off = line["value"] if measure in FALSE_ACCEPTS else 1 - line["value"]
    title = f"{line['hits']}/{line['total']}, {interval(line['low'], line['high'])}"
    shown = f"{100 * line['value']:.0f}"
    return f'<td class="n" style="--off:{off:.2f}" title="{title}"><span>{shown}</span></td>'


def figures(run: Found, earlier: Found | None) -> str:
    before = scores_of(earlier)
    parts = []
    for i, name in enumerate(run["setup"]["conditions"]):
        rows: list[Sequence[str | None]] = []
        for line in run["scores"]:
            if line["condition"] == name:
                rows += _figure_rows(line, before.get(line_of(line)), earlier is not None)
        title = CONDITIONS[name].title if name in CONDITIONS else name
        heads = ["Bộ", "Đo gì", "*Kết quả", "*Khoảng 95 %", "*Lỗi từng số/từ", "*Từ chối",
                 "Nhóm", "*Lần trước", "*Khác (điểm)"]  # fmt: skip
        opened = " open" if i == 0 else ""
        parts.append(
            f"<details{opened}><summary>{escape(title)} ({escape(name)})</summary>"
            f"{table(heads, rows)}</details>"
        )
    return "".join(parts)


def _figure_rows(line: Found, old: Found | None, compared: bool) -> Iterable[Sequence[str | None]]:
    human = "" if line["label"] == "human" else " <span class=soft>(giọng máy)</span>"
    yield [
        f"<b>{escape(line['set'])}</b>{human}",
        escape(KINDS[Measure(line["measure"])]),
        *_cells(line),
        (percent(old["value"]) if old else "") if compared else None,
        (points(line["value"], old["value"]) if old else "") if compared else None,
    ]
    if sure := line.get("sure"):
        blank = "" if compared else None
        yield ["", "<i>không kể nhãn không khớp</i>", *_cells(sure), blank, blank]


def _cells(line: Found) -> list[str]:
    error = ""
    if line.get("error_rate") is not None:
        error = (
            f"{percent(line['error_rate'])}<br>{interval(line['error_low'], line['error_high'])}"
        )
    refused = line.get("refused")
    return [
        f"{line['hits']}/{line['total']} = {percent(line['value'])}",
        interval(line["low"], line["high"]),
        error,
        percent(refused["value"]) if refused else "",
        escape(groups_of(line)),
    ]


def groups_of(line: Found) -> str:
    """Hits of every group, with its errors per digit or word where a clip holds several."""
    errors = line.get("group_errors", {}) if line["measure"] != Measure.DIGIT else {}
    return ", ".join(
        f"{name} {percent(rate['value'], 0)}"
        + (f" (lỗi {percent(errors[name]['error_rate'])})" if name in errors else "")
        for name, rate in line["groups"].items()
    )


def calibration(run: Found) -> str:
    rows = [
        [
            escape(condition), escape(pool), str(found["words"]), f"{found['error']:.3f}",
            f"{found['low']:.3f}-{found['high']:.3f}",
            "" if found["fitted_error"] is None else f"{found['fitted_error']:.3f}",
        ]
        for condition, pools in run["calibration"].items()
        for pool, found in pools.items()
    ]  # fmt: skip
    heads = ["Điều kiện", "Từ trong", "*Số từ", "*ECE", "*Khoảng 95 %", "*Sau khi khớp lại"]
    return f"<h3>Sai số hiệu chỉnh (ECE)</h3>{table(heads, rows)}"


def labels(run: Found) -> str:
    parts = []
    for name, found in run["labels"].items():
        rows = [
            [escape(one["path"]), escape(one["text"]), escape(one["noted"]), escape(one["said"]),
             WHY[Dispute(one["why"])]]
            for one in found["disputed"]
        ]  # fmt: skip
        parts.append(
            f"<p><b>{escape(name)}</b>: {len(rows)} trong {found['noted']} nhãn không khớp số "
            "trong ghi chú. Chúng vẫn được đo; bảng số đo có thêm dòng không kể chúng.</p>"
            + (table(["Tệp", "Lời", "Ghi chú", "Lời đọc ra số", "Vì sao"], rows) if rows else "")
        )
    return "".join(parts)


def cost(run: Found, earlier: Found | None) -> str:
    before = earlier["cost"] if earlier else {}
    rows = [
        [
            title,
            number(name, run["cost"][name]),
            number(name, before.get(name)) if earlier else None,
        ]
        for name, title in _COSTS.items()
        if name in run["cost"]
    ]
    return table(["", "*Đo được", "*Lần trước"], rows) if rows else ""


def table(heads: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """Cells are HTML; a head that starts with * is of numbers; a column of None is left out."""
    kept = [i for i in range(len(heads)) if not rows or any(row[i] is not None for row in rows)]
    kinds = [' class="n"' if heads[i].startswith("*") else "" for i in kept]
    head = "".join(
        f"<th{kind}>{escape(heads[i].lstrip('*'))}</th>"
        for i, kind in zip(kept, kinds, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{row[i] or ''}</td>" for i, kind in zip(kept, kinds, strict=True))
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
