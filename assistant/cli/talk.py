"""``assistant talk``: a call through this machine's microphone."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from assistant.call.endings import ENDINGS
from assistant.channels.microphone import Device, Handset, devices, play
from assistant.channels.view import News
from assistant.cli.show import print_json
from assistant.cli.wiring import LiveExchange, open_parts
from assistant.settings import load_settings

_BAR = 30  # characters of the level meter
_QUIETEST = -60.0  # dBFS at the left end of it
_LOOK = 0.05  # s between two looks at keyboard and call
_STATES = {"listening": "đang nghe", "speaking": "trợ lý đang nói", "working": "đang xử lý"}
_MOST_KEYS = 64  # at one look
_CHANNEL = "microphone"
_HANG_UP = re.compile(r"[qQ\x03\x04]|\x1b$")  # q, Ctrl-C, Ctrl-D, Esc by itself
_CURSOR = re.compile(r"\x1b[\[O][0-9;]*[A-Za-z~]")  # arrows and other keys that begin with Esc


def register(app: typer.Typer) -> None:
    """Hang this command on the program."""
    app.command("talk")(talk_command)


def talk_command(
    phone: Annotated[
        str | None, typer.Option("--from", help="Số điện thoại gọi đến; bỏ trống: ẩn số.")
    ] = None,
    input_: Annotated[str | None, typer.Option("--input", help="Micro: số hoặc tên.")] = None,
    output: Annotated[str | None, typer.Option("--output", help="Loa: số hoặc tên.")] = None,
    headset: Annotated[
        bool, typer.Option("--headset", help="Dùng tai nghe: nói chen vào câu thoại được.")
    ] = False,
    show_digits: Annotated[
        bool, typer.Option("--show-digits", help="Hiện số của tài khoản thử.")
    ] = False,
    list_devices: Annotated[bool, typer.Option("--devices", help="Liệt kê thiết bị.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="In diễn biến dạng JSON.")] = False,
) -> None:
    """Nói chuyện qua micro và loa của máy này; bấm phím 0-9 * # ngay trên bàn phím, q để gác máy.

    Chỉ cấp được mật khẩu của tài khoản thử, vì số gọi đến chỉ là lời khai. Khi trợ lý nói, micro
    được tắt để không nghe lại loa; dùng tai nghe thì thêm --headset.
    """
    if list_devices:
        _show_devices(devices(), as_json)
        return
    devices()  # what is missing is said before anything is loaded
    settings = load_settings()
    wired = open_parts(settings)
    with closing(wired):
        call = LiveExchange(wired, settings, frozenset()).new(phone, _CHANNEL)
        handset = Handset(call, headset)
        screen: _JsonScreen | _Screen = _JsonScreen() if as_json else _Screen(show_digits)
        with screen.open(), _keyboard() as keys:

            def wait() -> None:
                time.sleep(_LOOK)
                pressed = _CURSOR.sub("", keys())
                if _HANG_UP.search(pressed):
                    handset.hang_up()
                handset.press(pressed)
                screen.show(handset)

            play(handset, (_number(input_), _number(output)), wait)
            screen.show(handset)
        screen.end(handset)


def _number(device: str | None) -> int | str | None:
    return int(device) if device is not None and device.isdigit() else device


def _show_devices(found: list[Device], as_json: bool) -> None:
    if as_json:
        print_json([{name: getattr(one, name) for name in one.__slots__} for one in found])
        return
    table = Table("Số", "Tên", "Micro", "Loa", "Mặc định")
    for one in found:
        cells = (one.number, one.name, one.inputs or "", one.outputs or "")
        table.add_row(*(str(cell) for cell in cells), "✓" if one.default else "")
    Console().print(table if found else "Không có thiết bị âm thanh nào.")


class _JsonScreen:
    """Every piece of news as a line of JSON."""

    @contextmanager
    def open(self) -> Iterator[None]:
        yield

    def show(self, handset: Handset) -> None:
        for news in handset.news():
            print_json({name: value for name, value in news.items() if name != "shown"})

    def end(self, handset: Handset) -> None:
        call = handset.call
        ended = call.ended.value if call.ended else None
        print_json({"type": "ended", "reason": ended, "resets": call.resets})


class _Screen:
    """What was said scrolls by; below it a line with the meter and what is being heard."""

    def __init__(self, show_digits: bool) -> None:
        self._digits = show_digits
        self._state = self._partial = ""
        self._live = Live(console=Console(), refresh_per_second=10, transient=True)

    @contextmanager
    def open(self) -> Iterator[None]:
        self._live.console.print("Bấm phím 0-9 * # ngay trên bàn phím; q: gác máy.", style="dim")
        with self._live:
            yield

    def show(self, handset: Handset) -> None:
        for news in handset.news():
            self._tell(news)
        self._live.update(self._line(handset.level))

    def end(self, handset: Handset) -> None:
        call = handset.call
        ended = ENDINGS[call.ended] if call.ended else "?"
        self._live.console.print(f"Kết thúc: {ended}. Đã cấp mật khẩu: {call.resets} lần.")
        if handset.trouble:
            self._live.console.print(
                f"Thiết bị âm thanh hụt {handset.trouble} lần; tiếng có thể bị ngắt quãng.",
                style="yellow",
            )

    def _tell(self, news: News) -> None:
        if news["type"] == "state":
            self._state = _STATES.get(news["state"], "")
        elif news["type"] == "partial":
            self._partial = news["text"]
        elif news["type"] in ("prompt", "heard"):
            ours = news["type"] == "prompt"
            who, style = ("Trợ lý   ", "cyan") if ours else ("Bạn      ", "green")
            self._partial = ""
            text = (self._digits and news["shown"]) or news["text"] or "(im lặng)"
            self._live.console.print(Text.assemble((who, f"bold {style}"), text))

    def _line(self, level: float) -> Text:
        full = round(_BAR * min(1.0, max(0.0, 1 - level / _QUIETEST)))
        bar = "█" * full + "·" * (_BAR - full)
        return Text.assemble((bar, "green"), f" {self._state} ", (self._partial, "italic dim"))


@contextmanager
def _keyboard() -> Iterator[Callable[[], str]]:
    """A function that returns the keys pressed since it was last called; raw, without Enter."""
    if not sys.stdin.isatty():
        yield lambda: ""
        return
    import select
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)

    def pressed() -> str:
        there = select.select([keyboard], [], [], 0)[0]
        return os.read(keyboard, _MOST_KEYS).decode(errors="replace") if there else ""

    try:
        yield pressed
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
