"""Rendering: what is new or changed becomes a clip, everything else stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.errors import PromptError
from assistant.settings import Voice
from assistant.tts import clips, loudness
from assistant.tts.catalogue import DIGIT_KEYS, Catalogue, Prompt
from assistant.tts.clips import STUDIO_ENGINE, Entry, Manifest
from assistant.tts.synthesizers import Cast, Synthesizer

# Synthetic clips keep 13 bits: noise at -80 dBFS, 20 dB below that of µ-law, and FLAC files of
# two thirds the size. Recordings of people keep all 16.
SYNTHETIC_BITS = 13
PROCESS = 3  # raise it when trimming or normalising changes: every clip becomes stale

Progress = Callable[[int, int, str], None]
"""Called with (clips done, clips to do, key of the clip that is next or "")."""


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to make: by ``studio`` recording, or spoken by ``speaker``. ``recording`` and
    ``text``: see ``Entry``."""

    prompt: Prompt
    engine: str
    settings: str
    input: str
    studio: Path | None
    speaker: Synthesizer
    recording: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """Keys by what happened to their clips."""

    rendered: tuple[str, ...]
    studio: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]


def input_digest(content: str, engine: str, settings: str, voice: Voice) -> str:
    """Digest of everything that shapes a clip. ``content``: the spoken text, or the digest of
    the recording."""
    parts = [PROCESS, content, engine, settings, voice.target_lufs, voice.true_peak]
    return clips.digest(json.dumps(parts, ensure_ascii=False).encode())


def build(
    folder: Path,
    catalogue: Catalogue,
    cast: Cast,
    voice: Voice,
    progress: Progress = lambda done, total, key: None,
    force: bool = False,
    accept: Collection[str] = (),
) -> BuildReport:
    """Bring the clips of ``folder`` up to date; clip and manifest are replaced one by one, so
    an interrupted build keeps what it finished and the next one goes on from there.
    ``accept``: keys whose recordings say today's text, though it changed after them.
    Raises PromptError and DependencyError of the engine, ``prompt-silent``, ``clip-broken``,
    ``prompt-unknown``, ``studio-missing``."""
    manifest = dict(clips.read_manifest(folder))
    recordings = clips.studio_files(folder)
    for key in accept:
        _require_recording(catalogue[key], recordings)
    wanted = [
        _told(_job(prompt, cast, voice, recordings.get(key)), manifest.get(key), key in accept)
        for key, prompt in catalogue.prompts.items()
    ]
    jobs = [job for job in wanted if force or not _fresh(job, manifest, folder)]
    for number, job in enumerate(jobs):
        progress(number, len(jobs), job.prompt.key)
        manifest[job.prompt.key] = _make(job, folder, voice)
        clips.write_manifest(folder, manifest)
    progress(len(jobs), len(jobs), "")
    removed = _remove_orphans(folder, catalogue, manifest)
    made = {job.prompt.key: job for job in jobs}
    return BuildReport(
        rendered=tuple(key for key, job in made.items() if job.studio is None),
        studio=tuple(key for key, job in made.items() if job.studio is not None),
        kept=tuple(key for key in catalogue.prompts if key not in made),
        removed=removed,
    )


def _job(prompt: Prompt, cast: Cast, voice: Voice, studio: Path | None) -> Job:
    speaker = cast.digits if prompt.key in DIGIT_KEYS else cast.prompts
    if studio is not None:
        content, engine, settings = clips.file_digest(studio), STUDIO_ENGINE, studio.suffix
    else:
        content, engine, settings = prompt.spoken, speaker.name, speaker.settings
    digest = input_digest(content, engine, settings, voice)
    return Job(prompt, engine, settings, digest, studio, speaker)


def _require_recording(prompt: Prompt, recordings: Mapping[str, Path]) -> None:
    if prompt.key not in recordings:
        raise PromptError(
            "studio-missing",
            f"Câu {prompt.key!r} không có bản thu nào trong thư mục studio.",
            "Chỉ nhận lại câu có bản thu; câu khác thì chạy: assistant prompts build.",
        )


def _told(job: Job, entry: Entry | None, accepted: bool) -> Job:
    """The job of a recording with the text that it counts as saying: today's when it is new or
    accepted, else the one that it was made for."""
    if job.studio is None:
        return job
    recording = clips.file_digest(job.studio)
    known = entry is not None and entry.recording == recording and not accepted
    text = entry.text if entry and known else clips.text_digest(job.prompt.text)
    return replace(job, recording=recording, text=text)


def _fresh(job: Job, manifest: Manifest, folder: Path) -> bool:
    entry = manifest.get(job.prompt.key)
    path = clips.clip_path(folder, job.prompt.key)
    return (
        entry is not None
        and (entry.input, entry.recording, entry.text) == (job.input, job.recording, job.text)
        and path.is_file()
        and clips.file_digest(path) == entry.audio
    )


def _make(job: Job, folder: Path, voice: Voice) -> Entry:
    if job.studio is not None:
        samples, rate = clips.read_studio(job.studio)
    else:
        samples, rate = job.speaker.speak(job.prompt.spoken)
    clip = finish(samples, rate, voice, job.prompt.key)
    if job.studio is None:
        steps = np.float32(2 ** (SYNTHETIC_BITS - 1))
        clip = (np.round(clip * steps) / steps).astype(np.float32)
    path = clips.clip_path(folder, job.prompt.key)
    clips.write_clip(path, clip, loudness.CLIP_RATE)
    audio = clips.file_digest(path)
    return Entry(job.engine, job.settings, job.input, audio, job.recording, job.text)


def finish(
    samples: npt.NDArray[np.float32], rate: int, voice: Voice, key: str
) -> npt.NDArray[np.float32]:
    """Speech of any rate as a clip: 16 kHz, trimmed, at the target loudness; raises
    PromptError (``prompt-silent``)."""
    if len(samples):
        samples = samples - samples.mean(dtype=np.float32)  # sound cards leave an offset
    trimmed = loudness.trim(loudness.to_rate(samples, rate, loudness.CLIP_RATE), loudness.CLIP_RATE)
    if loudness.loudness(trimmed, loudness.CLIP_RATE) is None:
        raise PromptError(
            "prompt-silent",
            f"Câu {key!r} không có tiếng nói nào.",
            "Kiểm tra bản thu, hoặc đổi chữ ở mục 'speak' trong prompts.yaml.",
        )
    return loudness.normalise(trimmed, voice.target_lufs, voice.true_peak)


def _remove_orphans(
    folder: Path, catalogue: Catalogue, manifest: dict[str, Entry]
) -> tuple[str, ...]:
    """Remove clips that we made for prompts that are gone; a stranger's file is left alone."""
    gone = tuple(key for key in manifest if key not in catalogue.prompts)
    for key in gone:
        clips.clip_path(folder, key).unlink(missing_ok=True)
        del manifest[key]
    if gone:
        clips.write_manifest(folder, manifest)
    return gone
