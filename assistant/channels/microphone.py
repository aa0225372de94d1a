"""A call through this machine's microphone and loudspeaker, at their own pace.

PortAudio, by sounddevice: the microphone's callback thread brings 20 ms and steps the call, the
loudspeaker's takes 20 ms of our voice. They are two streams: as one, PortAudio waits for both ends
of PulseAudio at once, stalls for seconds and loses what was said. An open loudspeaker would be
heard by the microphone, so while we speak, and a moment longer, the call hears silence: say
nothing over a prompt, or press a key - or use a headset.
"""

from __future__ import annotations

from collections import deque
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
_FIRST, _MOST_WAITING = 2, 8  # frames of our voice that wait: to begin with, and at most
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


class Loudspeaker:
    """Our voice between the microphone's clock and that of the loudspeaker."""

    def __init__(self, silence: bytes) -> None:
        self._silence = silence
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._playing = False

    def put(self, frame: bytes) -> None:
        """The next frame; the oldest is left out when the loudspeaker is slower."""
        self._waiting.append(frame)

    def take(self) -> bytes:
        """What is to be played now; silence when it has not come."""
        if not self._playing and len(self._waiting) < _FIRST:
            return self._silence
        self._playing = bool(self._waiting)
        return self._waiting.popleft() if self._playing else self._silence


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

    speaker = Loudspeaker(bytes(call.frame_bytes))

    def hear(heard: Any, _frames: int, _time: Any, status: Any) -> None:
        handset.trouble += bool(status)
        speaker.put(handset.frame(bytes(heard)))
        if call.ended is not None:
            raise sound.CallbackStop

    def speak(said: Any, _frames: int, _time: Any, _status: Any) -> None:
        said[:] = speaker.take()

    form = {"samplerate": call.rate, "blocksize": samples, "channels": 1, "dtype": "int16"}
    microphone, loudspeaker = device
    try:
        with (
            opened(sound, _ADVICE),
            sound.RawOutputStream(**form, device=loudspeaker, latency="low", callback=speak),
            sound.RawInputStream(**form, device=microphone, latency="low", callback=hear) as stream,
        ):
            while stream.active and call.ended is None:
                wait()
            wait()  # the last word is still to be played
    finally:
        call.hang_up()
