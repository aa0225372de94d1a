"""What a worker does with one job; picklable, the same in a process pool and on a cluster."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import soundfile

from assistant.batch.checking import NOTHING
from assistant.batch.clips import play_clip
from assistant.batch.hearing import Stage
from assistant.batch.play import Played, Record, play_scenario
from assistant.batch.scenario_files import Entry
from assistant.call.recording import caller_spans, redact_assistant, redact_caller

MakeStage = Callable[[], Stage]
PEAK = 0.05  # s of sound a point of a drawn waveform


@dataclass(frozen=True, slots=True)
class Job:
    """An entry to run. ``ordinal``: its place in the run; ``round``: of ``--repeat``."""

    ordinal: int
    entry: Entry
    seed: int
    round: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """A finished job. ``audio``: MP3 by side, for the report."""

    ordinal: int
    record: Record
    audio: dict[str, bytes] = field(default_factory=dict, repr=False)


class Status:
    """Verdicts. A known failure is expected to fail; when it does not, it has healed."""

    PASSED, FAILED, KNOWN, HEALED, ERROR = "passed", "failed", "known", "healed", "error"
    BAD = (FAILED, ERROR)
    GOOD = (PASSED, HEALED)


def do(stage: Stage, job: Job, keep_audio: str = "failed") -> Done:
    """Run one job; an unforeseen error becomes a record, so that a run goes on.

    ``keep_audio``: ``failed``, ``all`` or ``none``."""
    entry = job.entry
    played: Played | None = None
    try:
        if entry.clip is not None:
            record = play_clip(stage, entry)
        else:
            played = play_scenario(stage, entry, job.seed + job.round)
            record = played.record
    except Exception as error:
        record = crashed(job, error)
    record |= _names(job, record)
    wanted = keep_audio == "all" or (keep_audio == "failed" and record["status"] in Status.BAD)
    audio = sound_of(stage, played, record) if wanted and played else {}
    return Done(job.ordinal, record, audio)


def status_of(record: Record, known: str | None) -> str:
    if record.get("crash"):
        return Status.ERROR
    failed = bool(record["failures"])
    if known is not None:
        return Status.KNOWN if failed else Status.HEALED
    return Status.FAILED if failed else Status.PASSED


def _names(job: Job, record: Record) -> Record:
    """Which job a record is of, and its verdict."""
    entry = job.entry
    known = entry.scenario.known_failure if entry.scenario else None
    return {
        "ordinal": job.ordinal,
        "id": entry.id,
        "source": entry.source,
        "tags": list(entry.tags),
        "round": job.round,
        "status": status_of(record, known),
        "known_failure": known,
    }


def crashed(job: Job, error: BaseException) -> Record:
    """An error nobody foresaw; where it happened, for whoever mends it. What it says is left out
    where it may quote somebody's words."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    kind = type(error).__name__
    said = f": {error}" if _all_invented(job.entry) else ""
    return _broken(job, kind, f"{kind}{said} ({place})")


def died(job: Job) -> Done:
    """The record of a job that kills or hangs its worker."""
    got = "worker-lost: tiến trình chết hoặc treo (the worker died or hung)"
    record = _broken(job, "worker-lost", got)
    return Done(job.ordinal, record | _names(job, record))


def _broken(job: Job, code: str, got: str) -> Record:
    return {
        "kind": "call" if job.entry.clip is None else "clip",
        "invented": True,  # there is nothing of anybody's in it
        "crash": code,
        "failures": [{"what": "crash", "turn": None, "expected": NOTHING, "got": got}],
        "seconds": 0.0,
        "elapsed": 0.0,
    }


def _all_invented(entry: Entry) -> bool:
    if entry.clip is not None:
        return entry.clip.invented
    return entry.scenario is not None and all(one.invented for one in entry.scenario.accounts)


def sound_of(stage: Stage, played: Played, record: Record) -> dict[str, bytes]:
    """Both sides as MP3, and their outlines into the record; codes and passwords are tones
    unless every account is invented."""
    if played.tape is None or played.call is None:
        return {}
    caller, assistant = played.tape.caller, played.tape.assistant
    if not record["invented"]:
        keep, tone = caller_spans(played.call.turns, stage.settings.turns.pre_roll)
        caller = redact_caller(caller, stage.rate, keep, tone)
        assistant = redact_assistant(assistant, stage.rate, played.call.spoken_digits)
    sides = {"caller": caller, "assistant": assistant}
    record["peaks"] = {name: peaks(pcm, stage.rate) for name, pcm in sides.items()}
    return {name: mp3(pcm, stage.rate) for name, pcm in sides.items()}


def peaks(pcm: bytes, rate: int) -> list[int]:
    """The outline of a sound: a value 0..100 every ``PEAK`` seconds, on a square-root scale."""
    samples = np.abs(np.frombuffer(pcm, "<i2").astype(np.float32)) / 32768
    if not len(samples):
        return []
    edges = np.arange(0, len(samples), round(PEAK * rate))
    return [int(v) for v in np.round(100 * np.sqrt(np.maximum.reduceat(samples, edges)))]


def mp3(pcm: bytes, rate: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.frombuffer(pcm, "<i2"), rate, format="MP3")
    return buffer.getvalue()
