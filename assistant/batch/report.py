"""A run as one self-contained page: bars, figures beside the earlier ones, pictures, clips."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import soundfile

from assistant.batch import charts, waves
from assistant.batch import report_tables as tables
from assistant.batch.conditions import CONDITIONS, Heard
from assistant.batch.figures import KINDS
from assistant.batch.outcomes import Outcome
from assistant.batch.page import whole_page
from assistant.batch.scoring import align
from assistant.batch.trials import Measure

MOST_CLIPS = 24
_A_LINE = 3  # clips of one set and measure

Sounds = Mapping[tuple[str, str, str, str], Heard]


def chosen(wrong: Iterable[Mapping[str, Any]]) -> list[Outcome]:
    """Clips to show: the worst first, clean ones before spoiled ones, a few of every line."""
    outcomes = [Outcome.from_dict(dict(one)) for one in wrong]
    outcomes.sort(key=lambda one: one.condition != "clean")
    taken: dict[tuple[str, str], int] = {}
    found = []
    for one in outcomes:
        line = (one.set, one.measure)
        taken[line] = taken.get(line, 0) + 1
        if taken[line] <= _A_LINE:
            found.append(one)
    return found[:MOST_CLIPS]


def page(run: Mapping[str, Any], earlier: Mapping[str, Any] | None, sounds: Sounds) -> str:
    """``run``, ``earlier``: as ``Run.as_dict`` makes them; ``sounds``: of the chosen clips."""
    clips = [one for one in chosen(run["wrong"]) if one.key in sounds]
    sections = [
        ("muc-tieu", "Mục tiêu (bars)", tables.bars(run, earlier)),
        ("luoi", "Lưới điều kiện (condition grid)", tables.grid(run)),
        ("so-do", "Số đo (figures)", tables.figures(run, earlier)),
        ("nham", "Nhầm số nào thành số nào (confusion)", _matrices(run)),
        ("tin-cay", "Độ tin cậy của từng từ (calibration)", _reliability(run)),
        ("nhan", "Nhãn không khớp ghi chú (disputed labels)", tables.labels(run)),
        ("clip", "Những clip sai nhất (worst clips)", _clips(clips, sounds)),
        ("gia", "Tốc độ và bộ nhớ (cost)", tables.cost(run, earlier)),
        ("cach-do", "Đo thế nào (method)", _METHOD),
    ]
    shown = [section for section in sections if section[2]]
    links = "".join(f'<a href="#{name}">{escape(title)}</a>' for name, title, _ in shown)
    body = "".join(
        f'<section id="{name}"><h2>{escape(title)}</h2>{content}</section>'
        for name, title, content in shown
    )
    return whole_page(
        "Đo bộ nhận dạng",
        "asr_report.css",
        f"<h1>Đo bộ nhận dạng</h1><p>Recogniser evaluation</p>{tables.facts(run, earlier)}"
        f"<nav>{links}</nav>{body}",
    )


def _matrices(run: Mapping[str, Any]) -> str:
    parts = []
    for number, (name, pairs) in enumerate(run["confusion"].items()):
        if not pairs:
            continue
        title = escape(_condition(name))
        opened = " open" if number == 0 else ""
        picture = charts.confusion(pairs)
        parts.append(
            f"<details{opened}><summary>{title}</summary>"
            f'<div class="card">{picture}</div></details>'
        )
    return "".join(parts)


def _reliability(run: Mapping[str, Any]) -> str:
    if not any(run["calibration"].values()):
        return ""
    condition, pools = next((c, p) for c, p in run["calibration"].items() if p)
    tiles = "".join(
        f'<figure class="card"><figcaption><b>{escape(name)}</b>: ECE '
        f"{found['error']:.3f} ({found['low']:.3f}-{found['high']:.3f}), {found['words']} từ"
        f"</figcaption>{charts.reliability(found['bins'])}</figure>"
        for name, found in pools.items()
    )
    return (
        f"<p>Điều kiện: {escape(_condition(condition))}. Điểm trên đường chéo: độ tin cậy nói "
        "đúng sự thật; dưới đường chéo: quá tự tin. <i>Below the diagonal: overconfident.</i></p>"
        f'<div class="tiles">{tiles}</div>{tables.calibration(run)}'
    )


def _clips(clips: Sequence[Outcome], sounds: Sounds) -> str:
    return "".join(_clip(one, sounds[one.key]) for one in clips)


def _clip(one: Outcome, sound: Heard) -> str:
    words = [
        {"text": w.text, "start": w.start, "end": w.end, "confidence": w.confidence,
         "right": w.right}
        for w in one.words
    ]  # fmt: skip
    pairs = "".join(
        f'<span class="{"" if a == b else "wrong"}"><b>{escape(a or charts.NOTHING)}</b>'
        f"{escape(b or charts.NOTHING)}</span>"
        for a, b in align(one.expected, one.heard)
    )
    doubt = ' <span class="warn">nhãn không khớp ghi chú</span>' if one.disputed else ""
    kind = KINDS[Measure(one.measure)]
    return (
        f'<article class="card clip"><header><b>{escape(one.set)}</b> '
        f"<span>{escape(one.clip)}</span> <span>{escape(kind)}</span> "
        f'<span class="soft">{escape(_condition(one.condition))}, người nói '
        f"{escape(one.speaker)}</span>{doubt}</header>"
        f'<div class="pairs" title="trên: đã nói, dưới: nghe được">{pairs}</div>'
        f"{waves.of_clip(sound.samples, sound.rate, words)}"
        f'<audio controls preload="none" src="{_player(sound)}"></audio></article>'
    )


def _player(sound: Heard) -> str:
    """The sound inside the page: MP3 where libsndfile has it, else µ-law WAV."""
    for kind, subtype, mime in (("MP3", "MPEG_LAYER_III", "mpeg"), ("WAV", "ULAW", "wav")):
        if kind in soundfile.available_formats():
            file = io.BytesIO()
            samples = sound.samples.clip(-1, 1)
            soundfile.write(file, samples, sound.rate, format=kind, subtype=subtype)
            return f"data:audio/{mime};base64,{base64.b64encode(file.getvalue()).decode()}"
    return ""


def _condition(name: str) -> str:
    return f"{CONDITIONS[name].title} ({name})" if name in CONDITIONS else name


_METHOD = """<div class="card"><p>Mỗi clip đi đúng đường của cuộc gọi: bộ nhận dạng với ngữ pháp của
trạng thái đang chờ, rồi tới phần hiểu; chỉ tỉ lệ lỗi từ là của từ trần. Khoảng 95 %: Wilson cho tỉ
lệ, lấy mẫu lại theo clip cho lỗi từng số và từng từ. Lời lạ được nghe trong ba trạng thái (mã số,
xác nhận, thực đơn); bị nhận trong bất kỳ trạng thái nào là nhận nhầm. “Không đúng” được ghép
từ hai clip của một người; hiểu là đúng là nhận nhầm. Tạp âm được tính trong dải 300-3400 Hz, so với
lúc có tiếng nói. Cùng hạt giống thì cùng âm thanh: chạy lại ra đúng số này.</p>
<p><i>Every clip goes the way of the call: the grammar of the state that waits, then understanding;
only word error is of bare words. 95 %: Wilson for rates, bootstrap over clips for errors per digit
and word. Speech for others is heard in three states and must be nothing in each. A "không
đúng" is joined of two clips of one speaker and must be no yes. Noise levels are counted at 300-3400
Hz against active speech. The same seed makes the same sound.</i></p></div>"""
