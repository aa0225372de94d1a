"""This machine's microphone and loudspeaker: PortAudio, by sounddevice, which is optional."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assistant.errors import DependencyError, UsageError


def sound_card(instead: str) -> Any:
    """The module sounddevice. ``instead``: what may be done without. Raises DependencyError
    ``mic-missing``, ``mic-portaudio``."""
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


@contextmanager
def opened(sound: Any, advice: str) -> Iterator[None]:
    """What PortAudio complains of is raised as UsageError ``mic-device``, with ``advice``."""
    try:
        yield
    except (sound.PortAudioError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError("mic-device", f"Không mở được micro hay loa: {reason}", advice) from None
