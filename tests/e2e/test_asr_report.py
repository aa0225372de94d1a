"""The page of ``assistant asr eval --report`` in a real browser: Debian's Chromium."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from assistant.batch.conditions import Heard
from assistant.batch.report import chosen, page
from tests.batch_tools import OUTCOMES, made, run_of, tone

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# What a person would see and hear, asked of the browser itself. Written into the title.
LOOK = """<script>
window.seen = {errors: []};
window.onerror = (m) => seen.errors.push(m);
new PerformanceObserver((l) => l.getEntries().forEach((e) => seen.errors.push(e.name)))
  .observe({type: 'resource', buffered: true});
addEventListener('load', async () => {
  const sounds = [...document.querySelectorAll('audio')];
  seen.lengths = await Promise.all(sounds.map((a) => new Promise((done) => {
    a.onloadedmetadata = () => done(a.duration); a.onerror = () => done(-1); a.load();
    a.preload = 'metadata';
  })));
  const box = (e) => e.getBoundingClientRect();
  const open = (e) => !e.closest('details:not([open])');
  const pictures = [...document.querySelectorAll('svg')].filter(open);
  seen.flat = pictures.filter((p) => box(p).width < 50 || box(p).height < 50).length;
  seen.pictures = pictures.length;
  seen.sections = [...document.querySelectorAll('section')].map((s) => s.id);
  seen.wider = document.documentElement.scrollWidth - innerWidth;
  document.title = 'SEEN' + JSON.stringify(seen) + 'END';
});
</script></head>"""


def browse(file: Path, profile: Path, *more: str) -> str:
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", f"--user-data-dir={profile}", "--virtual-time-budget=8000", *more,
         "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.full
@pytest.mark.skipif(CHROMIUM is None, reason="apt install chromium")
@pytest.mark.parametrize("width", [1280, 420])
def test_the_report_is_seen_and_heard_in_a_browser(tmp_path: Path, width: int) -> None:
    noisy = [made(condition="gsm", clip=one.clip, heard="7") for one in OUTCOMES[:8]]
    found = run_of([*OUTCOMES, *noisy])
    clips = chosen(found["wrong"])
    sounds = {
        one.key: Heard(np.asarray(tone(i, 0.5), np.float32), (16_000, 8_000)[i % 2])
        for i, one in enumerate(clips)
    }
    file = tmp_path / "report.html"
    file.write_text(page(found, run_of(OUTCOMES[:9]), sounds).replace("</head>", LOOK), "utf-8")
    dom = browse(file, tmp_path / "profile", f"--window-size={width},2000")
    told = re.search(r"SEEN(\{.*?\})END", dom)
    assert told, dom[:500]
    seen = json.loads(told[1].replace("&quot;", '"').replace("&amp;", "&"))
    assert seen["errors"] == []  # no error, and nothing was fetched
    assert len(seen["lengths"]) == len(clips)
    assert all(0.3 < length < 3 for length in seen["lengths"])
    assert seen["pictures"] >= len(clips) + 2
    assert seen["flat"] == 0
    assert {"muc-tieu", "so-do", "nham", "tin-cay", "clip", "cach-do"} <= set(seen["sections"])
    assert seen["wider"] <= 0  # wide tables scroll inside themselves
