"""Looking over the clips: what is missing, stale, silent, clipped, odd or left over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.errors import PromptError
from assistant.settings import Voice
from assistant.tts import clips, loudness
from assistant.tts.build import input_digest
from assistant.tts.catalogue import Catalogue, Prompt
from assistant.tts.clips import STUDIO_ENGINE, Entry

TOLERANCE = 1.0  # LU around the target (EBU R128 allows 1 LU where 0.5 is not practicable)
PEAK_SLACK = 0.3  # dB: another build of the resampler may ripple a little
SILENT = -50.0  # LUFS
_FULL_SCALE = 32767 / 32768
_RETOLD = "câu chữ đã đổi sau bản thu: thu lại, hoặc nếu vẫn đúng thì prompts build --accept {}"


class Kind(StrEnum):
    """What can be wrong with a clip."""

    MISSING = "missing"
    STALE = "stale"
    ALTERED = "altered"
    UNREADABLE = "unreadable"
    FORMAT = "format"
    SILENT = "silent"
    CLIPPED = "clipped"
    LOUDNESS = "loudness"
    ORPHAN = "orphan"
    STUDIO_UNKNOWN = "studio-unknown"


@dataclass(frozen=True, slots=True)
class Problem:
    key: str
    kind: Kind
    detail: str


def check(folder: Path, catalogue: Catalogue, voice: Voice) -> tuple[Problem, ...]:
    """Every problem of the clips of ``folder``, in the order of the catalogue; no engine is
    needed. Raises PromptError (``manifest-broken``, ``studio-twice``)."""
    manifest = clips.read_manifest(folder)
    recordings = clips.studio_files(folder)
    found: list[Problem] = []
    for prompt in catalogue.prompts.values():
        path = clips.clip_path(folder, prompt.key)
        if not path.is_file():
            found.append(Problem(prompt.key, Kind.MISSING, "chưa có tệp âm thanh"))
            continue
        found += _origin(prompt, path, manifest.get(prompt.key), recordings, voice)
        found += _sound(prompt.key, path, voice)
    for key in clips.clip_files(folder):
        if key not in catalogue.prompts:
            found.append(Problem(key, Kind.ORPHAN, "không còn câu nào dùng tệp này"))
    for key in recordings:
        if key not in catalogue.prompts:
            found.append(Problem(key, Kind.STUDIO_UNKNOWN, "bản thu không ứng với câu nào"))
    return tuple(found)


def _origin(
    prompt: Prompt, path: Path, entry: Entry | None, recordings: dict[str, Path], voice: Voice
) -> list[Problem]:
    """Is the clip what its manifest says, and made from today's text or recording?"""
    if entry is None:
        return [Problem(prompt.key, Kind.STALE, "không rõ nguồn gốc (không có trong manifest)")]
    recording = recordings.get(prompt.key)
    if (recording is not None) != (entry.engine == STUDIO_ENGINE):
        return [Problem(prompt.key, Kind.STALE, "bản thu đã được thêm hoặc bỏ")]
    content = clips.file_digest(recording) if recording else prompt.spoken
    if entry.input != input_digest(content, entry.engine, entry.settings, voice):
        return [Problem(prompt.key, Kind.STALE, "câu chữ, bản thu hoặc mức âm đã đổi")]
    if entry.text and entry.text != clips.text_digest(prompt.text):
        return [Problem(prompt.key, Kind.STALE, _RETOLD.format(prompt.key))]
    if entry.audio != clips.file_digest(path):
        return [Problem(prompt.key, Kind.ALTERED, "tệp bị sửa sau khi dựng")]
    return []


def _sound(key: str, path: Path, voice: Voice) -> list[Problem]:
    try:
        frames, rate, channels = clips.read_clip(path)
    except PromptError:
        return [Problem(key, Kind.UNREADABLE, "không đọc được tệp")]
    if rate != loudness.CLIP_RATE or channels != 1:
        return [Problem(key, Kind.FORMAT, f"{rate} Hz, {channels} kênh; cần 16000 Hz, 1 kênh")]
    wide = frames[:, 0]
    found: list[Problem] = []
    for samples, hertz in ((wide, rate), (_at_phone_rate(wide), loudness.PHONE_RATE)):
        found += _level(key, samples, hertz, voice)
        if found:
            break  # one rate tells the story
    return found


def _at_phone_rate(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return loudness.to_rate(samples, loudness.CLIP_RATE, loudness.PHONE_RATE)


def _level(key: str, samples: npt.NDArray[np.float32], rate: int, voice: Voice) -> list[Problem]:
    level, peak = loudness.loudness(samples, rate), loudness.true_peak(samples, rate)
    if level is None or peak is None or level < SILENT:
        return [Problem(key, Kind.SILENT, "tệp im lặng")]
    found: list[Problem] = []
    if peak > voice.true_peak + PEAK_SLACK or bool((np.abs(samples) >= _FULL_SCALE).any()):
        found.append(Problem(key, Kind.CLIPPED, f"đỉnh {peak:.1f} dBTP ở {rate} Hz"))
    if abs(level - voice.target_lufs) > TOLERANCE:
        found.append(Problem(key, Kind.LOUDNESS, f"{level:.1f} LUFS ở {rate} Hz"))
    return found
