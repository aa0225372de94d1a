"""The head of a WAV file, read by hand for what libsndfile does not tell.

libsndfile shortens a truncated file without a word, reads a recorder's unfinished head
(data size 0) as empty, and takes 1-bit samples for 8-bit ones.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # written by programs that stream or were killed
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_SUBTYPES = {
    (_PCM, 8): "PCM_U8",
    (_PCM, 16): "PCM_16",
    (_PCM, 24): "PCM_24",
    (_PCM, 32): "PCM_32",
    (_FLOAT, 32): "FLOAT",
    (_FLOAT, 64): "DOUBLE",
    (_ALAW, 8): "ALAW",
    (_MULAW, 8): "ULAW",
}
_MAX_CHUNKS = 64  # a head with more chunks before its data is not worth following


@dataclass(frozen=True, slots=True)
class RiffHead:
    """``data_offset``: byte where the samples begin; ``data_size``: as declared."""

    tag: int
    channels: int
    rate: int
    bits: int
    data_offset: int
    data_size: int

    @property
    def unfinished(self) -> bool:
        return self.data_size in _UNKNOWN_SIZES

    @property
    def subtype(self) -> str | None:
        """soundfile's name of the encoding; None for the ones that need more than the head."""
        return _SUBTYPES.get((self.tag, self.bits))


def read_riff_head(file: BinaryIO) -> RiffHead | None:
    """The head of a RIFF/WAVE file; None when it is something else. Leaves the position moved."""
    file.seek(0)
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    fmt: tuple[int, int, int, int] | None = None
    for _ in range(_MAX_CHUNKS):
        chunk = file.read(8)
        if len(chunk) < 8:
            return None
        name, size = chunk[:4], struct.unpack("<I", chunk[4:])[0]
        if name == b"data":
            return RiffHead(*fmt, file.tell(), size) if fmt else None
        if name == b"fmt ":
            fmt = _parse_format(file.read(min(size, 40)))
            file.seek(max(0, size - 40) + size % 2, 1)
        else:
            file.seek(size + size % 2, 1)
    return None


def _parse_format(body: bytes) -> tuple[int, int, int, int] | None:
    if len(body) < 16:
        return None
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == _EXTENSIBLE and len(body) >= 26:
        tag = struct.unpack("<H", body[24:26])[0]
    return tag, channels, rate, bits
