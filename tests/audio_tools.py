"""Odd audio files, made at run time: what strangers send."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 8_000


def signal(seconds: float = 1.0, rate: int = RATE) -> NDArray[np.float32]:
    t = np.arange(round(seconds * rate)) / rate
    return (0.4 * np.sin(2 * np.pi * 440 * t) * (1 + np.sin(2 * np.pi * 3 * t)) / 2).astype("f4")


def encoded(
    kind: str, subtype: str, samples: NDArray[np.float32] | None = None, rate: int = RATE
) -> bytes:
    """A file of one of libsndfile's kinds."""
    out = io.BytesIO()
    what = signal(rate=rate) if samples is None else samples
    soundfile.write(out, what, rate, format=kind, subtype=subtype)
    return out.getvalue()


def wav(
    data: bytes,
    *,
    tag: int = 1,
    channels: int = 1,
    rate: int = RATE,
    bits: int = 16,
    size: int | None = None,
) -> bytes:
    """A WAV file whose head says what it is told, true or not."""
    block = max(1, channels * bits // 8) & 0xFFFF
    declared = len(data) if size is None else size
    return (
        b"RIFF"
        + struct.pack("<I", (36 + declared) & 0xFFFFFFFF)
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, tag, channels, rate, rate * block & 0xFFFFFFFF, block, bits)
        + b"data"
        + struct.pack("<I", declared)
        + data
    )


PCM = (signal() * 32767).astype("<i2").tobytes()

# name → content; every one of these is sound that can be used, one second of it
USABLE: dict[str, Callable[[], bytes]] = {
    "u8.wav": lambda: encoded("WAV", "PCM_U8"),
    "s16.wav": lambda: encoded("WAV", "PCM_16"),
    "s24.wav": lambda: encoded("WAV", "PCM_24"),
    "s32.wav": lambda: encoded("WAV", "PCM_32"),
    "float.wav": lambda: encoded("WAV", "FLOAT"),
    "double.wav": lambda: encoded("WAV", "DOUBLE"),
    "mulaw.wav": lambda: encoded("WAV", "ULAW"),
    "alaw.wav": lambda: encoded("WAV", "ALAW"),
    "ima.wav": lambda: encoded("WAV", "IMA_ADPCM"),
    "ms.wav": lambda: encoded("WAV", "MS_ADPCM"),
    "gsm.wav": lambda: encoded("WAV", "GSM610"),
    "extensible.wav": lambda: encoded("WAVEX", "PCM_16"),
    "rf64.wav": lambda: encoded("RF64", "PCM_16"),
    "a.flac": lambda: encoded("FLAC", "PCM_16"),
    "vorbis.ogg": lambda: encoded("OGG", "VORBIS"),
    "opus.ogg": lambda: encoded("OGG", "OPUS"),
    "a.mp3": lambda: encoded("MP3", "MPEG_LAYER_III"),
    "a.aiff": lambda: encoded("AIFF", "PCM_16"),
    "4k.wav": lambda: encoded("WAV", "PCM_16", rate=4_000),
    "44k1.wav": lambda: encoded("WAV", "PCM_16", rate=44_100),
    "192k.wav": lambda: encoded("WAV", "PCM_24", rate=192_000),
    "stereo.wav": lambda: encoded("WAV", "PCM_16", np.stack([signal()] * 2, axis=1)),
    "channels32.wav": lambda: encoded("WAV", "FLOAT", np.stack([signal()] * 32, axis=1)),
    "unfinished.wav": lambda: wav(PCM, size=0),
    "streamed.wav": lambda: wav(PCM, size=0xFFFFFFFF),
    "wrong-name.mp3": lambda: encoded("WAV", "PCM_16"),
    "no-name": lambda: encoded("FLAC", "PCM_16"),
    "offset.wav": lambda: encoded("WAV", "PCM_16", signal() / 2 + 0.4),
    "zeros.wav": lambda: encoded("WAV", "PCM_16", np.zeros(RATE, "f4")),
}

# name → content, the warning it must carry
WARNED: dict[str, tuple[Callable[[], bytes], str]] = {
    "truncated.wav": (lambda: encoded("WAV", "PCM_16")[:-4_000], "truncated"),
    "half-sample.wav": (lambda: encoded("WAV", "PCM_16")[:-1], "truncated"),
    "truncated.flac": (
        lambda: (d := encoded("FLAC", "PCM_16", signal(4)))[: len(d) // 2],
        "truncated",
    ),
    "nan.wav": (
        lambda: encoded("WAV", "FLOAT", np.where(signal() > 0.2, np.nan, signal())),
        "non_finite",
    ),
    "inf.wav": (
        lambda: encoded("WAV", "DOUBLE", np.where(signal() > 0.2, np.inf, signal())),
        "non_finite",
    ),
    "clipped.wav": (lambda: encoded("WAV", "PCM_16", np.clip(signal() * 50, -1, 1)), "clipped"),
    "too-loud.wav": (lambda: encoded("WAV", "FLOAT", signal() * 1e6), "clipped"),
    "far-too-loud.wav": (lambda: encoded("WAV", "FLOAT", signal() * np.float32(1e30)), "clipped"),
}

# name → content, the code of the refusal
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty.wav": (lambda: b"", "audio-empty"),
    "no-samples.wav": (lambda: encoded("WAV", "PCM_16", np.zeros(0, "f4")), "audio-empty"),
    "no-samples.flac": (lambda: encoded("FLAC", "PCM_16", np.zeros(0, "f4")), "audio-empty"),
    "head-only.wav": (lambda: encoded("WAV", "PCM_16")[:44], "audio-broken"),
    "half-a-head.wav": (lambda: encoded("WAV", "PCM_16")[:20], "audio-broken"),
    "text.wav": (lambda: "không phải âm thanh\n".encode() * 500, "audio-format"),
    "random.bin": (lambda: np.random.default_rng(0).bytes(100_000), "audio-format"),
    "headless.raw": (lambda: PCM, "audio-format"),
    "zip.wav": (lambda: b"PK\3\4" + bytes(5_000), "audio-format"),
    "1bit.wav": (lambda: wav(PCM, bits=1), "audio-encoding"),
    "4bit.wav": (lambda: wav(PCM, bits=4), "audio-encoding"),
    "64bit-int.wav": (lambda: wav(PCM, bits=64), "audio-broken"),
    "no-channel.wav": (lambda: wav(PCM, channels=0), "audio-broken"),
    "channels33.wav": (lambda: wav(PCM, channels=33), "audio-channels"),
    "channels65535.wav": (lambda: wav(PCM, channels=65_535), "audio-broken"),
    "0hz.wav": (lambda: wav(PCM, rate=0), "audio-broken"),
    "3999hz.wav": (lambda: wav(PCM, rate=3_999), "audio-rate"),
    "192001hz.wav": (lambda: wav(PCM, rate=192_001), "audio-rate"),
    "4ghz.wav": (lambda: wav(PCM, rate=4_000_000_000), "audio-broken"),
    "unknown-tag.wav": (lambda: wav(PCM, tag=0x5555), "audio-broken"),
    "broken.flac": (lambda: encoded("FLAC", "PCM_16")[:60], "audio-broken"),
    "broken.ogg": (lambda: encoded("OGG", "VORBIS")[:60], "audio-broken"),
}
