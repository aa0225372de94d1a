"""Audio as the whole program knows it: 16-bit mono PCM with its true rate."""

from __future__ import annotations

from assistant.audio.mulaw import mulaw_decode, mulaw_encode
from assistant.audio.reading import AudioFile, AudioWarning, Recording, open_audio, read_audio
from assistant.audio.resampling import Resampler, resample
from assistant.audio.types import SAMPLE_BYTES, AudioChunk
from assistant.audio.writing import replace_file, write_wav

__all__ = [
    "SAMPLE_BYTES",
    "AudioChunk",
    "AudioFile",
    "AudioWarning",
    "Recording",
    "Resampler",
    "mulaw_decode",
    "mulaw_encode",
    "open_audio",
    "read_audio",
    "replace_file",
    "resample",
    "write_wav",
]
