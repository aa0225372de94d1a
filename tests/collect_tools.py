"""Recordings for the collecting of speech, made at run time, and a speaker who agreed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from assistant.audio import AudioChunk
from assistant.collect.consent import Scope
from assistant.collect.script import Line
from assistant.collect.store import Collection

RATE = 16_000


def spoken(
    syllables: int, level: float = -20.0, noise: float = -70.0, gain: float = 1.0, rate: int = RATE
) -> AudioChunk:
    """Something like speech: bursts of 0.2 s with pauses of 0.1 s, 0.3 s of quiet around.

    ``level``, ``noise``: dBFS; ``gain`` above 1 clips.
    """
    rng = np.random.default_rng(syllables)
    times = np.arange(round(0.2 * rate)) / rate
    voice = sum(np.sin(2 * np.pi * 150 * k * times) / k for k in range(1, 9))
    voice *= 10 ** (level / 20) / np.sqrt(np.mean(voice**2))
    quiet, pause = np.zeros(round(0.3 * rate)), np.zeros(round(0.1 * rate))
    parts = [quiet, *(part for _ in range(syllables) for part in (voice, pause)), quiet]
    samples = np.concatenate(parts)
    samples = (samples + rng.standard_normal(len(samples)) * 10 ** (noise / 20)) * gain
    pcm = np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2").tobytes()
    return AudioChunk(pcm, rate)


def reading(line: Line) -> AudioChunk:
    """A line read well."""
    return spoken(len(line.text.split()))


def write_readings(folder: Path, lines: Sequence[Line]) -> Path:
    """A WAV file for every line, named by its number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(lines, 1):
        write(folder / f"{number:04d}.wav", reading(line))
    return folder


def write(file: Path, audio: AudioChunk) -> None:
    soundfile.write(file, np.frombuffer(audio.pcm, "<i2"), audio.rate, subtype="PCM_16")


def agreed(folder: Path, *speakers: str) -> Collection:
    collection = Collection(folder)
    for speaker in speakers:
        collection.agree(speaker, Scope.TRAIN)
    return collection
