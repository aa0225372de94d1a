"""The report of ``assistant batch run``, of a real run, in real headless Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.batch_tools import BAD, batch
from tests.browser_tools import chromium, complaints_of
from tests.serve_tools import ARTEFACTS

pytestmark = [pytest.mark.full, pytest.mark.timeout(400)]

# What is expected of the calls by keys does not hang on what the model hears. The spoken one has
# digits to count and words to lay over its sound, whether or not they are heard rightly.
SUITE = (
    """
scenarios:
  - name: trọn cuộc gọi
    tags: [phím]
    turns: [{keys: "8"}, {keys: "{code}#"}, {keys: "1"}, {keys: "#"}, {keys: "2"}]
    expect: {outcome: done, resets: 1, password: works}
  - name: đọc mã số
    tags: [lời]
    caller: {voice: {region: vi, variant: pablo, wpm: 150, pitch: 65}}
    turns:
      - {say: "cấp lại mật khẩu"}
      - {say: ["{code:0:4}", "{code:4:7}", "{code:7:10}"], expect: {digits: "{code}"}}
      - {hang_up: true}
  - name: gặp tổng đài
    tags: [phím]
    turns: [{keys: "0"}]
    expect: {outcome: WANTED}
"""
    + BAD
)
DRAWN = """() => [...document.querySelectorAll('.panel')].map((panel) => {
  const size = (e) => { const b = e.getBoundingClientRect(); return [b.width, b.height]; };
  return {
    title: panel.querySelector('h3').innerText,
    pictures: [...panel.querySelectorAll('svg')].map(size),
    bars: [...panel.querySelectorAll('.fill')].map((e) => size(e)[0]),
    dots: [...panel.querySelectorAll('circle')].map(size),
    columns: [...panel.querySelectorAll('.column')].map((e) => size(e)[1]),
    cells: [...panel.querySelectorAll('td')].filter((e) => e.innerText.trim())
      .map((e) => [Number(e.innerText), getComputedStyle(e).backgroundColor]),
  };
})"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which one call broke since the run before."""
    folder = tmp_path_factory.mktemp("suite")
    for out, wanted, more in (
        ("before", "agent", ["--filter", "phím"]),
        ("after", "done", ["--against", "before", "--report", "report.html", "--audio", "all"]),
    ):
        (folder / "a.scenario.yaml").write_text(SUITE.replace("WANTED", wanted), "utf-8")
        batch(folder, "run", ".", "--workers", "1", "--out", out, *more)
    return folder / "report.html"


@contextmanager
def opened(report: Path, width: int = 1280, scheme: str = "light") -> Iterator[Any]:
    """The page; it must neither complain nor ask for anything beside itself."""
    with chromium(None) as browser:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
        )
        page = context.new_page()
        complaints, asked = complaints_of(page), []
        page.on("request", lambda r: asked.append(r.url))
        page.goto(report.as_uri())
        yield page
        assert complaints == []
        assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]


def call_of(page: Any, name: str) -> Any:
    return page.locator(f'.record[data-words*="{name}"]')


def test_what_broke_comes_first(report: Path) -> None:
    with opened(report) as page:
        statuses = page.eval_on_selector_all(
            ".record", "all => all.map((e) => e.className.replace('record ', ''))"
        )
        bad = [status in ("failed", "error") for status in statuses]
        assert bad == sorted(bad, reverse=True)
        assert sum(bad) >= 2
        broke = page.locator("#diff")
        assert "a/gặp tổng đài" in broke.inner_text()
        above = page.locator(".record").first.bounding_box()["y"]
        assert broke.bounding_box()["y"] < above
        assert above < page.locator(".pictures").bounding_box()["y"]
        first = call_of(page, "gặp tổng đài")
        assert first.get_attribute("open") is not None
        assert re.search(r"outcome\s+done\s+agent", first.inner_text())


def test_the_pictures_are_drawn(report: Path) -> None:
    with opened(report) as page:
        panels = page.evaluate(DRAWN)
    funnel, outcomes, digits, calibration, waits, computing = panels
    assert "Cuộc gọi đi tới đâu" in funnel["title"]
    assert funnel["bars"][0] > 50
    assert funnel["bars"] == sorted(funnel["bars"], reverse=True)
    assert max(outcomes["bars"]) > 20
    assert sum(count for count, _ in digits["cells"]) >= 10  # one code at least
    assert all("0, 0, 0, 0" not in colour for _, colour in digits["cells"])
    ((width, height),) = calibration["pictures"]
    assert min(width, height) > 200
    assert calibration["dots"]
    assert all(min(size) > 4 for size in calibration["dots"])
    for histogram in (waits, computing):
        assert len(histogram["pictures"]) == 1
        assert max(histogram["columns"]) > 50


def test_both_sides_can_be_heard(report: Path) -> None:
    with opened(report) as page:
        call = page.locator(".record.failed").first
        lengths = call.locator("audio").evaluate_all(
            """all => Promise.all(all.map((a) => new Promise((told) => {
                 const tell = () => told(a.error ? -1 : a.duration);
                 if (a.readyState > 0 || a.error) return tell();
                 a.onloadedmetadata = a.onerror = tell;
               })))"""
        )
        assert len(lengths) == 2
        assert all(length > 5 for length in lengths)
        assert abs(lengths[0] - lengths[1]) < 0.2
        call.get_by_role("button", name="cả hai bên").click()
        page.wait_for_function(
            """() => [...document.querySelectorAll('.record.failed')[0].querySelectorAll('audio')]
                 .every((a) => a.currentTime > 0.3)"""
        )
        moved = call.locator(".playhead").get_attribute("x1")
        assert float(moved) > 0
        call.get_by_role("button", name="dừng").click()
        call.locator(".wave").click(position={"x": 3 * 72, "y": 40})
        places = call.locator("audio").evaluate_all("all => all.map((a) => a.currentTime)")
        assert places == pytest.approx([3.0, 3.0], abs=0.05)


def test_words_lie_over_the_sound_that_they_were_heard_in(report: Path) -> None:
    with opened(report) as page:
        call = call_of(page, "đọc mã số")
        if call.get_attribute("open") is None:
            call.locator("summary").click()
        words = call.locator(".wave .word")
        assert words.count() >= 10
        # At least one of the words stands where the page shades a turn of the caller.
        shaded = call.locator(".wave .listening").evaluate_all(
            "all => all.map((e) => [Number(e.getAttribute('x')), e.getBBox().width])"
        )
        middles = words.evaluate_all("all => all.map((e) => Number(e.getAttribute('x')))")
        assert all(any(x <= m <= x + w for x, w in shaded) for m in middles)
        boxes = words.evaluate_all(
            """all => all.map((e) => e.getBBox()).map((b) => [b.x, b.x + b.width, b.y])"""
        )
        for n, (start, _, row) in enumerate(boxes):
            assert all(end <= start for _, end, other in boxes[:n] if other == row)


def test_a_call_opens_and_a_search_finds_it(report: Path) -> None:
    with opened(report) as page:
        call = call_of(page, "trọn cuộc gọi")
        assert not call.locator(".turns").is_visible()
        call.locator("summary").focus()
        page.keyboard.press("Enter")
        assert call.locator(".turns").is_visible()
        search = page.get_by_label("Tìm")
        search.fill("PHÍM trọn")
        visible = page.locator(".record:visible")
        assert visible.count() == 1
        assert "1 kịch bản" in page.locator(".filter").inner_text()
        assert not page.get_by_role("heading", name="Không đạt").is_visible()
        search.fill("")
        assert visible.count() == page.locator(".record").count()


def test_the_time_is_the_reader_s(report: Path) -> None:
    with opened(report) as page:
        time = page.locator(".facts time")
        here = datetime.fromisoformat(time.get_attribute("datetime")).astimezone(
            timezone(timedelta(hours=7))
        )
        assert time.inner_text() == f"{here:%H:%M:%S} {here.day}/{here.month}/{here.year}"


def test_a_code_of_real_data_is_nowhere(report: Path) -> None:
    with opened(report) as page:
        call = call_of(page, "dữ liệu thật")
        assert "••••" in call.inner_text()
        assert not re.search(r"\d{6,}", call.inner_text())
        assert "dữ liệu thật" in page.locator(".badge").inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (390, "dark")])
def test_it_fits_every_screen(report: Path, width: int, scheme: str) -> None:
    with opened(report, width, scheme) as page:
        page.eval_on_selector_all(".record", "all => all.forEach((e) => { e.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        beyond = page.evaluate(
            """() => [...document.querySelectorAll('.record')].filter((card) =>
                 [...card.querySelectorAll('table, .players, .scroll')].some((e) =>
                   e.getBoundingClientRect().right > card.getBoundingClientRect().right)).length"""
        )
        assert beyond == 0
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"suite-report-{width}-{scheme}.png", full_page=True)
