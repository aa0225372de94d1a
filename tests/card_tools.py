"""A virtual sound card of ALSA: what is in one file comes out of the microphone, what is played
goes into another. Needs the extra ``mic``, libportaudio2 and libasound2-data."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_ASOUNDRC = """
</usr/share/alsa/alsa.conf>
pcm.caller {{
  type file
  slave.pcm null
  file "{out}"
  infile "{mic}"
  format raw
}}
pcm.!default {{ type plug slave.pcm caller }}
ctl.!default {{ type null }}
"""


def sound_card(folder: Path, microphone: bytes) -> dict[str, str]:
    """The environment in which the only card hears ``microphone`` (16-bit PCM), named "caller";
    ``speaker.raw`` in ``folder`` is what it played. Skips the test where none can be."""
    try:
        __import__("sounddevice")
    except (ImportError, OSError):
        pytest.skip("needs the extra `mic` and Debian's libportaudio2")
    if not Path("/usr/share/alsa/alsa.conf").exists():
        pytest.skip("needs Debian's libasound2-data")
    (folder / "mic.raw").write_bytes(microphone)
    config = folder / "asoundrc"
    config.write_text(_ASOUNDRC.format(out=folder / "speaker.raw", mic=folder / "mic.raw"))
    return {"ALSA_CONFIG_PATH": str(config)}


@contextmanager
def paced_card(folder: Path, microphone: bytes, pace: float = 4.0) -> Iterator[dict[str, str]]:
    """``sound_card`` that hears 8 kHz at ``pace`` times a person's. That card has no clock of its
    own: as fast as it goes, a key pressed a moment late in a test is minutes late in the call."""
    environment = sound_card(folder, b"")
    fifo = folder / "mic.raw"
    fifo.unlink()
    os.mkfifo(fifo)
    over = threading.Event()

    def speak() -> None:
        while not over.is_set():
            with suppress(BrokenPipeError), fifo.open("wb", buffering=0) as line:
                due = time.monotonic()
                for at in range(0, len(microphone), 320):
                    if over.is_set():
                        break
                    line.write(microphone[at : at + 320])
                    due = max(due + 0.02 / pace, time.monotonic())  # no stall is made up for
                    time.sleep(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    try:
        yield environment
    finally:
        over.set()
        os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))  # a writer that waits goes on
        thread.join(10)
