"""A call through this machine's microphone and loudspeaker, at their own pace.

PortAudio, by sounddevice: its callback thread brings 20 ms of the microphone and takes 20 ms of
our voice. An open loudspeaker would be heard by the microphone, so while we speak, and a moment
longer, the call hears silence: say nothing over a prompt, or press a key - or use a headset.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assistant.asr.vad import level
from assistant.audio.card import opened, sound_card
from assistant.call import Call
from assistant.channels.view import CallView, News

_INSTEAD = "Hoặc dùng điện thoại trên trang web, không cần gì thêm: assistant serve --open."
_ADVICE = (
    "Xem thiết bị: assistant talk --devices; chọn bằng --input và --output. Không có thiết bị nào: "
    "assistant serve --open."
)
_TAIL = 0.3  # s of the room's echo after our last word


@dataclass(frozen=True, slots=True)
class Device:
    """``number``: PortAudio's; ``inputs``, ``outputs``: channels."""

    number: int
    name: str
    inputs: int
    outputs: int
    default: bool


class Handset:
    """One call at a sound card. ``frame`` is the card's side, the rest that of the screen;
    ``headset``: the loudspeaker cannot be heard by the microphone."""

    def __init__(self, call: Call, headset: bool) -> None:
        self.call = call
        self.level = -100.0  # dBFS of the last frame of the microphone
        self.trouble = 0  # frames that the sound card missed
        self._view = CallView(call)
        self._headset = headset
        self._deaf = 0  # frames for which the microphone is still kept from us
        self._tail = round(_TAIL * call.rate * 2 / call.frame_bytes)
        self._keys: list[str] = []
        self._news: list[News] = []
        self._over = False

    def hang_up(self) -> None:
        """End the call with the next frame: only the card's thread may touch the call."""
        self._over = True

    def press(self, keys: str) -> None:
        self._keys.append(keys)

    def frame(self, heard: bytes) -> bytes:
        """One frame of the call."""
        self.level = level(heard, self.call.rate)
        if self._over:
            self.call.hang_up()
            return bytes(len(heard))
        if self._deaf and not self._headset:
            self._deaf -= 1
            heard = bytes(len(heard))
        keys, self._keys = "".join(self._keys), []
        said = self.call.step(heard, keys)
        if self.call.speaking:
            self._deaf = self._tail
        self._news += self._view.news()
        return said

    def news(self) -> list[News]:
        """What happened since the last look."""
        told, self._news = self._news, []
        return told


def devices() -> list[Device]:
    """Sound devices. Raises DependencyError ``mic-…``."""
    sound = sound_card(_INSTEAD)
    used = set(sound.default.device)
    return [
        Device(i, one["name"], one["max_input_channels"], one["max_output_channels"], i in used)
        for i, one in enumerate(sound.query_devices())
    ]


def play(
    handset: Handset,
    device: tuple[int | str | None, int | str | None],
    wait: Callable[[], None],
) -> None:
    """Run the call to its end. ``device``: microphone and loudspeaker, None the usual ones;
    ``wait``: called over and over until the call is over. Raises DependencyError, UsageError."""
    sound = sound_card(_INSTEAD)
    call = handset.call
    samples = call.frame_bytes // 2

    def exchange(heard: Any, said: Any, _frames: int, _time: Any, status: Any) -> None:
        handset.trouble += bool(status)
        said[:] = handset.frame(bytes(heard))
        if call.ended is not None:
            raise sound.CallbackStop

    try:
        with (
            opened(sound, _ADVICE),
            sound.RawStream(
                samplerate=call.rate,
                blocksize=samples,
                device=device,
                channels=1,
                dtype="int16",
                latency="low",
                callback=exchange,
            ) as stream,
        ):
            while stream.active and call.ended is None:
                wait()
    finally:
        call.hang_up()
