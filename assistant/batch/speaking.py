"""The caller's side of a scenario as sound: texts spoken by espeak-ng, recordings read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from assistant.audio import read_audio
from assistant.audio.resampling import resample
from assistant.batch.line import Samples
from assistant.batch.scenario import CALLER_VARIANTS, Voice
from assistant.settings import AudioLimits

_MARGIN = 0.15  # s of line before the first word and after the last
_SILENT = 0.01  # of full scale; espeak's own lead-in and tail are below


def speak(groups: Sequence[str], voice: Voice, gap: float, rate: int) -> Samples:
    """Groups of words with a pause between them, clean, at ``rate``."""
    margin = np.zeros(round(_MARGIN * rate), np.float32)
    pause = np.zeros(round(gap * rate), np.float32)
    parts = [margin]
    for group in groups:
        parts += [_group(group, voice, rate), pause]
    return np.concatenate([*parts[:-1], margin])


def speak_plain(text: str, number: int, rate: int) -> Samples:
    """One of a few different voices, for a crowd in the background."""
    variant = CALLER_VARIANTS[number % len(CALLER_VARIANTS)]
    return _group(text, Voice(variant=variant, wpm=180), rate)


def recorded(path: Path, rate: int, limits: AudioLimits) -> Samples:
    """A file's sound at ``rate``; raises AudioError."""
    audio = read_audio(path, limits).audio
    pcm = resample(audio.pcm, audio.rate, rate)
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)


@lru_cache(maxsize=256)
def _group(text: str, voice: Voice, rate: int) -> Samples:
    from assistant.tts.espeak import synthesize

    samples, spoken_at = synthesize(
        text, voice.region, voice.wpm, voice.pitch, variant=voice.variant
    )
    pcm = resample(samples.astype("<i2").tobytes(), spoken_at, rate)
    sound = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
    loud = np.flatnonzero(np.abs(sound) > _SILENT)
    return sound[loud[0] : loud[-1] + 1] if len(loud) else sound
