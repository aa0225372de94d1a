"""Writing files: whole or not at all."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

from assistant.audio.types import SAMPLE_BYTES
from assistant.errors import AudioError


def wav_bytes(pcm: bytes, rate: int, channels: int = 1) -> bytes:
    """A RIFF/WAVE file around interleaved 16-bit PCM."""
    block = SAMPLE_BYTES * channels
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, channels),
        *(rate, rate * block, block, 8 * SAMPLE_BYTES, b"data", len(pcm)),
    )
    return head + pcm


def write_wav(path: Path, pcm: bytes, rate: int, channels: int = 1, private: bool = False) -> None:
    """Write through a temporary file beside ``path``, so that no half file is ever seen.

    ``private``: only this user may read it; for recordings of calls.

    Raises AudioError ``audio-write`` when the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(wav_bytes(pcm, rate, channels))
            Path(name).chmod(0o600 if private else 0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise AudioError(
            "audio-write",
            f"Không ghi được tệp âm thanh {path.name}: {error.strerror}.",
            "Chọn một thư mục ghi được với --out.",
        ) from None


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside ``path``, then rename over it: a crash leaves the old file or the new one.

    Raises OSError, or what ``write`` raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".part-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        part.chmod(0o644)
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
