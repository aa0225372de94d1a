"""Debian's Chromium, headless, driven by Playwright. Whoever imports this is skipped without it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra `peers`")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("needs Debian's chromium", allow_module_level=True)

FLAGS = [
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium(wav: Path | None, *flags: str) -> Iterator[Any]:
    """A browser whose microphone is ``wav``, played once; None: it has none."""
    sound = [f"--use-file-for-fake-audio-capture={wav}%noloop"] if wav else []
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *sound, *flags], chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            browser.close()


def complaints_of(page: Any) -> list[str]:
    """What the page will complain of: errors on its console, scripts that fail."""
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints
