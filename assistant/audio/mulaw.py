"""G.711 µ-law by table, for telephone channels (``audioop`` is gone from Python 3.13).

ITU-T G.711: bias 132 on a 16-bit scale, eight segments, all bits inverted on the line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BIAS = 132
_CLIP = 32635


def _decode_table() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa << 3) + _BIAS) << exponent) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype("<i2")


def _encode_table() -> NDArray[np.uint8]:
    """Indexed by the sample read as an unsigned 16-bit number."""
    sample = np.arange(65536, dtype=np.int32)
    sample = np.where(sample > 32767, sample - 65536, sample)
    magnitude = np.minimum(np.abs(sample), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 15
    sign = np.where(sample < 0, 0x80, 0)
    code: NDArray[np.int32] = ~(sign | (exponent << 4) | mantissa) & 0xFF
    return code.astype(np.uint8)


_DECODE = _decode_table()
_ENCODE = _encode_table()


def mulaw_decode(data: bytes) -> bytes:
    """µ-law bytes, one a sample → 16-bit little-endian PCM."""
    return _DECODE[np.frombuffer(data, np.uint8)].tobytes()


def mulaw_encode(pcm: bytes) -> bytes:
    """16-bit little-endian PCM → µ-law bytes; a last odd byte is ignored."""
    samples: NDArray[np.uint16] = np.frombuffer(pcm[: len(pcm) & ~1], "<u2")
    return _ENCODE[samples].tobytes()
