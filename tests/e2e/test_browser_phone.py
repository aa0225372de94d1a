"""The browser phone in real headless Chromium, its microphone fed from a WAV."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assistant.channels.records import Records
from tests.browser_tools import chromium, complaints_of
from tests.serve_tools import ARTEFACTS, CODE, PHONE, microphone, serving

pytestmark = [pytest.mark.full, pytest.mark.timeout(180)]
# Seconds at which the prompts of the demo's call are over, with room: 7.5 and 15.1.
CALLER = [8.5, 1, 6.0, 2, 120.0]


def open_phone(browser: Any, url: str, **context: Any) -> tuple[Any, list[str]]:
    granted = browser.new_context(permissions=["microphone"], locale="vi-VN", **context)
    page = granted.new_page()
    complaints = complaints_of(page)
    page.goto(url)
    return page, complaints


def lines(page: Any, who: str) -> list[str]:
    return [text for text in page.locator(f"#talk li.{who} > span").all_inner_texts() if text]


def wait_for_line(page: Any, who: str, pattern: str, seconds: float) -> None:
    found = page.locator(f"#talk li.{who} > span", has_text=re.compile(pattern))
    found.first.wait_for(timeout=1_000 * seconds)


def test_from_dialling_to_the_spoken_password(tmp_path: Path) -> None:
    wav = microphone(tmp_path / "caller.wav", CALLER)
    with (
        serving(tmp_path, accounts=[(PHONE, CODE, True)]) as server,
        chromium(wav) as browser,
    ):
        page, complaints = open_phone(browser, server.url)
        page.get_by_label("Số điện thoại của người gọi").fill(PHONE)
        page.get_by_role("button", name="Gọi", exact=True).click()
        wait_for_line(page, "us", "trợ lý VssID", 10)
        wait_for_line(page, "caller", "mật khẩu", 30)
        wait_for_line(page, "us", "đọc lại mã số", 30)
        assert not re.search(r"\d", " ".join(lines(page, "caller") + lines(page, "us")))
        page.keyboard.press("1")
        wait_for_line(page, "us", "mật khẩu mới", 30)
        masked = lines(page, "us")[-1]
        assert "••• •••" in masked
        page.get_by_label("Hiện số").check()
        shown = lines(page, "us")[-1]
        assert len(re.findall(r"\d", shown)) == 12  # six digits, spoken twice
        page.get_by_label("Hiện số").uncheck()
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTEFACTS / "browser-phone.png", full_page=True)
        page.wait_for_timeout(4_000)  # writing it down; a "#" right after the 1 would be "1#"
        page.keyboard.press("#")
        wait_for_line(page, "us", "mật khẩu tạm", 20)
        page.keyboard.press("Escape")
        page.get_by_text("Đã cấp mật khẩu 1 lần").wait_for(timeout=10_000)
        assert complaints == []


def test_speaking_over_the_greeting_stops_it(tmp_path: Path) -> None:
    """The greeting lasts 7.5 s; the caller speaks from about the second second on."""
    wav = microphone(tmp_path / "caller.wav", [2.5, 1, 60.0])
    with serving(tmp_path) as server, chromium(wav) as browser:
        page, _ = open_phone(browser, server.url)
        page.get_by_role("button", name="Gọi", exact=True).click()
        wait_for_line(page, "caller", "mật khẩu", 15)
        asked = page.locator("#talk li.us b").nth(1).inner_text(timeout=5_000)
        assert float(re.findall(r"[\d.]+", asked)[0]) < 6.5


def test_a_small_screen_and_no_microphone_still_phones_by_keys(tmp_path: Path) -> None:
    with (
        serving(tmp_path, accounts=[(PHONE, CODE, True)]) as server,
        chromium(None, "--deny-permission-prompts") as browser,
    ):
        context = browser.new_context(viewport={"width": 360, "height": 640}, locale="vi-VN")
        page = context.new_page()
        page.add_init_script(
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('none'))"
        )
        page.goto(server.url)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_label("Số điện thoại của người gọi").fill(PHONE)
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        assert "bấm phím được" in page.get_by_role("alert").inner_text()
        wait_for_line(page, "us", "trợ lý VssID", 10)
        for key in "8":
            page.get_by_role("button", name=key, exact=True).click()
        wait_for_line(page, "us", "đọc chậm từng số", 10)
        for key in CODE:
            page.get_by_role("button", name=key, exact=True).click()
        page.get_by_role("button", name="phím thăng").click()
        wait_for_line(page, "us", "đọc lại mã số", 10)
        page.get_by_role("button", name="1", exact=True).click()
        wait_for_line(page, "us", "mật khẩu mới", 20)
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTEFACTS / "browser-phone-small.png", full_page=True)
        page.get_by_role("button", name="Gác máy").click()
        page.get_by_text("Đã cấp mật khẩu 1 lần").wait_for(timeout=10_000)


@pytest.mark.parametrize("when", ["in mid-call", "before"])
def test_a_server_that_is_gone_is_said_and_one_may_dial_again(tmp_path: Path, when: str) -> None:
    with serving(tmp_path) as server, chromium(None) as browser:
        page, _ = open_phone(browser, server.url)
        call = page.get_by_role("button", name="Gọi", exact=True)
        if when == "in mid-call":
            call.click()
            wait_for_line(page, "us", "trợ lý VssID", 10)
        server.process.kill()
        if when == "before":
            call.click()
        page.get_by_role("alert").wait_for(timeout=10_000)
        assert "máy chủ" in page.get_by_role("alert").inner_text()
        assert call.is_enabled()
        assert page.get_by_role("button", name="Gác máy").is_disabled()
        assert page.get_by_role("status").inner_text() == "Đã kết thúc."


def test_without_a_mouse_and_for_a_screen_reader(tmp_path: Path) -> None:
    with (
        serving(tmp_path, accounts=[(PHONE, CODE, True)]) as server,
        chromium(None) as browser,
    ):
        page, _ = open_phone(browser, server.url)
        assert page.get_by_label("Hiện số").is_hidden()  # nothing to show yet
        assert page.get_by_role("log").get_attribute("aria-live") == "off"  # the call is heard
        page.keyboard.press("Tab")
        page.keyboard.type(PHONE)
        page.keyboard.press("Enter")
        wait_for_line(page, "us", "trợ lý VssID", 10)
        page.keyboard.type(f"8{CODE}#")
        wait_for_line(page, "us", "đọc lại mã số", 10)
        tree = page.get_by_role("log").aria_snapshot()
        assert "số đã che" in tree
        assert "•" not in tree
        page.keyboard.press("Escape")
        page.get_by_text("Đã kết thúc").wait_for(timeout=10_000)
        page.keyboard.type("12")  # late keys of the call that is over are nobody's number
        assert page.get_by_label("Số điện thoại của người gọi").input_value() == PHONE
        assert page.get_by_role("button", name="Gọi", exact=True).evaluate(
            "button => button === document.activeElement"
        )
        page.get_by_label("Trình đọc màn hình").focus()
        page.keyboard.press("Space")
        assert page.get_by_role("log").get_attribute("aria-live") == "polite"


def test_a_stranger_is_refused_and_told_nothing(tmp_path: Path) -> None:
    """A real account cannot be reset through a browser: its caller id is only a claim."""
    with (
        serving(tmp_path, accounts=[(PHONE, CODE, False)]) as server,
        chromium(None) as browser,
    ):
        page, _ = open_phone(browser, server.url)
        page.get_by_label("Số điện thoại của người gọi").fill(PHONE)
        page.keyboard.press("Enter")
        wait_for_line(page, "us", "trợ lý VssID", 10)
        for key in f"8{CODE}#":
            page.keyboard.press(key)
        wait_for_line(page, "us", "đọc lại mã số", 20)
        page.keyboard.press("1")
        wait_for_line(page, "us", "không khớp", 20)


def test_after_the_call_the_meter_is_down(tmp_path: Path) -> None:
    """The microphone goes on for a moment, while our last word is being played."""
    wav = microphone(tmp_path / "caller.wav", [60.0])
    with serving(tmp_path) as server, chromium(wav) as browser:
        page, _ = open_phone(browser, server.url)
        page.get_by_role("button", name="Gọi", exact=True).click()
        wait_for_line(page, "us", "trợ lý VssID", 10)
        page.wait_for_timeout(1_000)
        assert page.locator("#mic").evaluate("meter => meter.value") > 0
        page.keyboard.press("Escape")
        page.get_by_text("Đã kết thúc").wait_for(timeout=10_000)
        page.wait_for_timeout(600)
        assert page.locator("#mic").evaluate("meter => meter.value") == 0


def test_the_newest_caption_stays_in_view_when_the_window_becomes_narrow(tmp_path: Path) -> None:
    with serving(tmp_path) as server, chromium(None) as browser:
        page, _ = open_phone(browser, server.url, viewport={"width": 1200, "height": 900})
        page.get_by_role("button", name="Gọi", exact=True).click()
        wait_for_line(page, "us", "trợ lý VssID", 10)
        page.keyboard.press("8")
        wait_for_line(page, "us", "đọc chậm từng số", 10)
        page.set_viewport_size({"width": 360, "height": 640})
        page.wait_for_timeout(300)
        talk = page.locator("#talk")
        assert talk.evaluate("talk => talk.scrollHeight > talk.clientHeight + 8")
        hidden = talk.evaluate("talk => talk.scrollHeight - talk.clientHeight - talk.scrollTop")
        assert abs(hidden) < 2


def kept(call: str, began: datetime) -> dict[str, Any]:
    return {
        "call": call,
        "channel": call,
        "began": began.isoformat(timespec="seconds"),
        "seconds": 42.0,
        "ended": "not_understood",
        "resets": 0,
        "steps": ["answered"],
        "turns": [],
    }


def test_the_operators_page_on_a_small_screen(tmp_path: Path) -> None:
    """Calls by their beginning, though kept by their end; nothing needed lies outside."""
    day = datetime.now(UTC).replace(hour=12, minute=0, second=0)
    records = Records(tmp_path / "calls", 30)
    for call, minutes in (("second", 1), ("third", 2), ("first", 0)):
        records.keep(kept(call, day + timedelta(minutes=minutes)))
    with serving(tmp_path) as server, chromium(None) as browser:
        context = browser.new_context(
            viewport={"width": 360, "height": 640}, locale="vi-VN", timezone_id="UTC"
        )
        page = context.new_page()
        page.goto(f"{server.url}operator?token={server.token}")
        page.get_by_text("3 cuộc gọi").wait_for(timeout=10_000)
        rows = page.locator("#calls tr").all_inner_texts()
        assert [re.findall("first|second|third", row)[0] for row in rows] == [
            "third",
            "second",
            "first",
        ]
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        buttons = page.get_by_role("button", name=re.compile("Xem diễn biến")).all()
        boxes = [button.bounding_box() for button in buttons]
        region = page.locator("section.card", has=page.locator("#calls")).bounding_box()
        assert all(box["x"] + box["width"] <= region["x"] + region["width"] for box in boxes)
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTEFACTS / "operator-small.png", full_page=True)


def test_the_operators_page(tmp_path: Path) -> None:
    with (
        serving(tmp_path, accounts=[(PHONE, CODE, True)]) as server,
        chromium(None) as browser,
    ):
        page, complaints = open_phone(browser, server.url)
        for keys in (f"8{CODE}#1", "8", f"8{CODE}#"):
            page.get_by_label("Số điện thoại của người gọi").fill(PHONE)
            page.get_by_role("button", name="Gọi", exact=True).click()
            wait_for_line(page, "us", "trợ lý VssID", 10)
            for key in keys:
                page.keyboard.press(key)
                if key == "#":
                    wait_for_line(page, "us", "đọc lại mã số", 10)
            if keys.endswith("1"):
                wait_for_line(page, "us", "mật khẩu mới", 20)
            page.keyboard.press("Escape")
            page.get_by_text("Đã kết thúc").first.wait_for(timeout=10_000)
        page.goto(f"{server.url}operator?token={server.token}")
        page.get_by_text("3 cuộc gọi, 1 lần cấp mật khẩu").wait_for(timeout=10_000)
        assert page.locator("#ends svg > text").all_text_contents()[::2] == [
            "gác máy giữa chừng",
            "có mật khẩu rồi gác máy",
        ]
        assert page.locator("#funnel svg > text", has_text="1 (33%)").count() == 2
        page.get_by_role("button", name=re.compile("Xem diễn biến")).last.click()
        assert "••••" in page.locator("#timeline").inner_text()
        assert CODE not in page.content()
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTEFACTS / "operator.png", full_page=True)
        assert complaints == []
        server.process.kill()
        page.get_by_role("button", name="Tải lại").click()
        page.get_by_role("alert").wait_for(timeout=10_000)
