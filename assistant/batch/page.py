"""A report as one self-contained file: the house's style, the page's own, nothing fetched."""

from __future__ import annotations

from datetime import datetime
from html import escape

from assistant.batch.starter import DATA


def when(moment: str) -> str:
    """An ISO 8601 time as people here read it, in the zone of this machine; anything else as it
    is."""
    try:
        local = datetime.fromisoformat(moment).astimezone()
    except ValueError:
        return escape(moment)
    shown = f"{local:%H:%M:%S} {local.day}/{local.month}/{local.year} ({local.tzname()})"
    return f'<time datetime="{escape(moment)}">{shown}</time>'


def whole_page(title: str, style: str, body: str, script: str = "") -> str:
    """``style``: name of the page's own style sheet, beside ``house.css``."""
    css = "".join((DATA / name).read_text("utf-8") for name in ("house.css", style))
    run = f"<script>{script}</script>" if script else ""
    return (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{css}</style></head>'
        f"<body><main>{body}</main>{run}</body></html>\n"
    )
