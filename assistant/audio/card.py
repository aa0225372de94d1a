"""This machine's microphone and loudspeaker: PortAudio, by sounddevice, which is optional."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assistant.errors import DependencyError, UsageError

_ALSA = Path("/usr/share/alsa/alsa.conf")
_MOVED = {"ALSA_CONFIG_PATH", "ALSA_CONFIG_DIR"}  # variables that name another
_REASONS = {
    "Error querying device": "không có thiết bị như vậy",
    "No ": "không có thiết bị nào mang tên đó",
    "Multiple ": "có nhiều thiết bị khớp tên đó",
    "Not an ": "thiết bị đó không thu hay không phát được",
}
_CODE = re.compile(r"\[PaErrorCode (-?\d+)\]")
_LOAD = "import sounddevice"


def sound_card(instead: str) -> Any:
    """The module sounddevice. ``instead``: what may be done without. Raises DependencyError
    ``mic-missing``, ``mic-portaudio``, ``mic-device``."""
    if _aborts():
        raise DependencyError(
            "mic-device",
            "Không mở được micro hay loa: thiếu cấu hình ALSA của hệ thống.",
            f"Trên Debian, Ubuntu: apt install libasound2-data; bỏ ALSA_CONFIG_PATH nếu đã "
            f"đặt. {instead}",
        )
    try:
        return importlib.import_module("sounddevice")
    except ImportError:
        raise DependencyError(
            "mic-missing",
            "Thiếu gói sounddevice để dùng micro.",
            f"Cài: pip install 'vssid-voice-assistant[mic]'. {instead}",
        ) from None
    except OSError:  # the Linux wheel brings no PortAudio
        raise DependencyError(
            "mic-portaudio",
            "Thiếu thư viện PortAudio của hệ thống.",
            f"Trên Debian, Ubuntu: apt install libportaudio2. {instead}",
        ) from None


def _aborts() -> bool:
    """Whether PortAudio would end this process: without a configuration of ALSA it asserts. Any
    place may hold one (conda's), so unless it is the usual one, it is tried."""
    usual = _ALSA.exists() and not _MOVED & os.environ.keys()
    if usual or not sys.platform.startswith("linux"):
        return False
    tried = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", _LOAD], capture_output=True, check=False
    )
    return tried.returncode < 0  # by a signal; what else fails, the import itself says better


@contextmanager
def opened(sound: Any, advice: str) -> Iterator[None]:
    """What PortAudio complains of is raised as UsageError ``mic-device``, with ``advice``."""
    try:
        yield
    except (sound.PortAudioError, ValueError) as error:
        raise UsageError(
            "mic-device", f"Không mở được micro hay loa: {_reason(error)}.", advice
        ) from None


def _reason(error: Exception) -> str:
    """What sounddevice says, which is English; of PortAudio's own complaints the number."""
    said = str(error)
    known = (reason for start, reason in _REASONS.items() if said.startswith(start))
    code = _CODE.search(said)
    return next(known, f"PortAudio báo lỗi {code[1]}" if code else "thiết bị không dùng được")
