"""One entry of ``report.html``: what failed, both sides to listen to, the turns. Pure but for the
sound, which is read from the run's folder."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import Any

from assistant.batch import waves
from assistant.batch.diff import why_of
from assistant.batch.journal import AUDIO
from assistant.batch.play import Record

_SIDES = {"assistant": "trợ lý", "caller": "người gọi"}


def record_html(record: Record, folder: Path, opened: bool, sound: bool) -> str:
    status = record["status"]
    known = record.get("known_failure")
    why = f" <i>{escape(known)}</i>" if known else ""
    failures = "".join(
        f"<tr><td>{'' if f['turn'] is None else 'lượt ' + str(f['turn'] + 1)}</td>"
        f"<td>{escape(f['what'])}</td><td class='want'>{_value(f['expected'])}</td>"
        f"<td class='got'>{_value(f['got'])}</td></tr>"
        for f in record["failures"]
    )
    table = (
        "<table class='list'><tr><th></th><th></th><th>đợi · expected</th>"
        f"<th>được · got</th></tr>{failures}</table>"
        if failures
        else ""
    )
    body = _clip(record) if record["kind"] == "clip" else _call(record, folder, sound)
    words = " ".join((record["id"], *record["tags"]))
    return (
        f'<details class="record {status}" data-words="{escape(words.lower())}"'
        f"{' open' if opened else ''}>"
        f'<summary><span class="dot-{status}"></span>{escape(record["id"])}{why}'
        f'<span class="why">{escape(why_of(record))}</span></summary>{table}{body}</details>'
    )


def _value(value: object) -> str:
    if isinstance(value, list):
        return " → ".join(escape(str(one)) for one in value) or "∅"
    return escape(str(value))


def _clip(record: Record) -> str:
    return (
        f"<p>đúng ra: <b>{escape(record.get('expected', ''))}</b> · "
        f"nghe: <b>{escape(record.get('heard', ''))}</b></p>"
    )


def _call(record: Record, folder: Path, sound: bool) -> str:
    turns = "".join(
        f"<tr><td>{turn['asked']:.1f}</td><td>{escape(turn['expect'] or '')}</td>"
        f"<td class='assistant'>{escape(turn['prompt'])}"
        f"<small>{' '.join(turn['prompts'])}</small></td>"
        f"<td class='caller'>{_said(turn)}</td><td>{_meaning(turn)}</td></tr>"
        for turn in record.get("turns", ())
    )
    table = (
        "<table class='turns'><tr><th>s</th><th>đợi</th><th>trợ lý nói</th>"
        f"<th>người gọi</th><th>hiểu là</th></tr>{turns}</table>"
        if turns
        else ""
    )
    player = ""
    if record.get("audio"):
        player = _player(record, folder) if sound else _elsewhere(record)
    return f'<div class="call">{player}{table}</div>'


def _player(record: Record, folder: Path) -> str:
    sides = []
    for side, label in _SIDES.items():
        path = folder / AUDIO / f"{record['ordinal']}-{side}.mp3"
        if path.is_file():
            data = base64.b64encode(path.read_bytes()).decode()
            sides.append(
                f'<label class="{side}">{label} <audio controls preload="metadata" '
                f'src="data:audio/mpeg;base64,{data}"></audio></label>'
            )
    return (
        f'<div class="players"><button type="button" class="both">▶ cả hai bên</button>'
        f'{"".join(sides)}</div><div class="scroll">{waves.of_call(record)}</div>'
    )


def _elsewhere(record: Record) -> str:
    names = ", ".join(f"{AUDIO}/{record['ordinal']}-{side}.mp3" for side in record["audio"])
    return f'<p class="note">Âm thanh ở trong thư mục của lượt chạy: {names}</p>'


def _said(turn: dict[str, Any]) -> str:
    if turn["by_keys"]:
        return f"<kbd>{escape(turn['said'])}</kbd>"
    if turn["ended"] is None:
        return ""
    return escape(turn["said"]) or "<i>(im lặng)</i>"


def _meaning(turn: dict[str, Any]) -> str:
    found = [str(turn[name]) for name in ("intent", "rejection") if turn[name]]
    if turn["yes_no"] is not None:
        found.append("có" if turn["yes_no"] else "không")
    digits = turn.get("heard_digits")
    if digits and not turn["by_keys"]:
        found.append(digits)
    return escape(", ".join(found))
