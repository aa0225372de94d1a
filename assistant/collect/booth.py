"""Where recordings come from: a folder of files, or this machine's microphone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assistant.audio import AudioChunk, read_audio
from assistant.audio.card import opened, sound_card
from assistant.errors import UsageError
from assistant.settings import AudioLimits

SUFFIXES = (".wav", ".flac")
_NUMBER = re.compile(r"(\d+)$")
_INSTEAD = "Hoặc ghi bằng máy khác rồi nhập: --list để in bài đọc, --from-files để nhập."
_ADVICE = f"Cắm thiết bị, hoặc chọn bằng --input (số hoặc tên). {_INSTEAD}"


def numbered_files(folder: Path, lines: int) -> dict[int, Path]:
    """Line number → file. A name that ends in a number is that line's; where none does, the files
    are in order of name, from line 1. Raises UsageError ``collect-files``, for a mixture too: one
    stray file would give every recording another line's words."""
    files = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise _bad_files(f"Không có tệp WAV hay FLAC nào trong {folder}.")
    given = {file: int(m[1]) for file in files if (m := _NUMBER.search(file.stem))}
    if given and (strays := [file.name for file in files if file not in given]):
        raise _bad_files(f"Tên tệp {strays[0]} không có số dòng, trong khi các tệp khác có.")
    numbers = list(given.values()) or list(range(1, len(files) + 1))
    if len(set(numbers)) < len(numbers):
        raise _bad_files("Có hai tệp cùng một số.")
    if not all(1 <= number <= lines for number in numbers):
        raise _bad_files(f"Bài đọc có {lines} dòng; số của tệp phải từ 1 đến {lines}.")
    return dict(zip(numbers, files, strict=True))


def read_file(path: Path, limits: AudioLimits) -> AudioChunk:
    """One recording; raises AudioError."""
    return read_audio(path, limits).audio


class Microphone:
    """Records and plays at PortAudio's usual devices, or at those that are named. Raises
    UsageError ``mic-device`` where there is none to record at: nobody need agree to anything."""

    def __init__(self, rate: int, most_seconds: float, device: str | int | None = None) -> None:
        self._sound = sound_card(_INSTEAD)
        self._rate, self._most, self._device = rate, most_seconds, device
        with opened(self._sound, _ADVICE):
            self._sound.query_devices(device, "input")

    def record(self, wait: Callable[[], object]) -> AudioChunk:
        """From now until ``wait`` returns. Raises UsageError ``mic-device``."""
        most = round(self._rate * self._most) * 2
        pcm = bytearray()

        def take(heard: Any, _frames: int, _time: Any, _status: Any) -> None:
            pcm.extend(bytes(heard)[: most - len(pcm)])

        with opened(self._sound, _ADVICE), self._sound.RawInputStream(
            samplerate=self._rate, device=self._device, channels=1, dtype="int16", callback=take
        ):  # fmt: skip
            wait()
        return AudioChunk(bytes(pcm), self._rate)

    def play(self, audio: AudioChunk) -> None:
        """To the end. Raises UsageError ``mic-device``."""
        with opened(self._sound, _ADVICE), self._sound.RawOutputStream(
            samplerate=audio.rate, channels=1, dtype="int16"
        ) as stream:  # fmt: skip
            stream.write(audio.pcm)


def _bad_files(problem: str) -> UsageError:
    return UsageError(
        "collect-files",
        problem,
        "Đặt tên tệp theo số dòng (0001.wav, 0002.wav…), bỏ tệp thừa; in bài đọc bằng --list.",
    )
