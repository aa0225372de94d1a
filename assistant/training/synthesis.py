"""Synthetic callers: espeak-ng voices with random pitch, tempo and timbre, in parallel."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import repeat

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from assistant.errors import PromptError
from assistant.training.corpus import Corpus, pack, to_model_rate
from assistant.tts import espeak

VARIANTS = (
    *("m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 croak klatt klatt2 klatt3 adam Andy Annie").split(),
    *("Alex Alicia anika announcer antonio aunty belinda benjamin boris caleb david Denis").split(),
    *("Diogo ed edward Gene Gene2 grandma grandpa gustave Henrique Hugo ian iven iven2").split(),
    *("iven3 iven4 Jacky john kaukovalta Lee linda Marco Mario max Michael michel miguel").split(),
    *("Mike norbert pablo paul pedro quincy Reed robert sandro shelby steph steph2").split(),
    *("steph3 travis Tweaky UniRobot").split(),
)
# Variant "rob" of espeak-ng 1.52 crashes the process on Vietnamese. anika, antonio, pedro and
# UniRobot (stressLength 0 1 2 …) crash at 1 % of sentences, spoken fast. They stay: a shorter list
# would change everybody's voice, and the next voice of the draw speaks what they cannot.
KEPT_OUT = frozenset({"m4", "f4", "belinda", "Hugo", "steph2", "pablo"})  # demo and test voices
"""Variants that never train the model: the demo's and the tests' callers use them."""

_TRIM = 0.004  # of full scale
_CHUNK = 16  # utterances a worker takes at once; one takes 5 ms
_VOICES = 3  # crash at the same utterance, then it is not the voice

Job = tuple[int, str]
"""(index, text)"""

Spoken = tuple[npt.NDArray[np.int16], str, str]
"""(samples at 8 kHz, text, speaker)"""

Speak = Callable[[Job, int], Spoken]
"""(job, attempt) → what the first, the second, … voice drawn for it says; pickled."""


def voice_of(rng: np.random.Generator) -> dict[str, object]:
    """One synthetic caller: region, timbre, tempo, pitch."""
    usable = [v for v in VARIANTS if v not in KEPT_OUT]
    return {
        "voice": espeak.VOICES[int(rng.choice(3, p=[0.45, 0.4, 0.15]))],
        "variant": usable[int(rng.integers(len(usable)))],
        "rate_wpm": int(rng.integers(110, 260)),
        "pitch": int(rng.integers(10, 95)),
        "pitch_range": int(rng.integers(25, 80)),
    }


def trim(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Cut near-silence off both ends."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _TRIM * 32768)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples


def speak_one(job: Job, attempt: int, seed: int, voices: int | None = None) -> Spoken:
    """A function of (index, text, attempt, seed): the voice is the draw's number ``attempt``.

    ``voices``: draw from so many callers only (None: everybody has a voice of their own)."""
    index, text = job
    rng = np.random.default_rng((seed, index if voices is None else index % voices))
    voice = [voice_of(rng) for _ in range(attempt + 1)][attempt]
    samples, rate = espeak.synthesize(text, **voice)  # type: ignore[arg-type]
    mono = to_model_rate(samples.astype(np.float32) / np.float32(32768), rate)
    return trim(mono), text, f"espeak:{voice['voice']}+{voice['variant']}"


def speak_all(
    texts: Sequence[str],
    seed: int,
    workers: int = 2,
    progress: bool = True,
    voices: int | None = None,
) -> Corpus:
    """Speak every text with a random voice; the order and the samples depend on seed alone.

    A voice that crashes espeak-ng is replaced by the next one of the same draw. Raises PromptError
    ``synthesis-crashed`` where several in a row do."""
    speak = partial(speak_one, seed=seed, voices=voices)
    spoken = in_order(list(enumerate(texts)), speak, workers)
    return pack(list(tqdm(spoken, total=len(texts), desc="synthesis", disable=not progress)))


def in_order(jobs: Sequence[Job], speak: Speak, workers: int) -> Iterator[Spoken]:
    """What ``speak`` makes of every job. A worker that dies takes its pool along and does not say
    at which job: the first chunks not yet done, one for each worker, are done job by job, then a
    new pool goes on. (A worker that was ahead of them dies again, in a pool that begins later.)"""
    done = 0
    while done < len(jobs):
        try:
            with _pool(workers) as pool:
                for spoken in pool.map(speak, jobs[done:], repeat(0), chunksize=_CHUNK):
                    yield spoken
                    done += 1
        except BrokenProcessPool:
            suspects = jobs[done : done + workers * _CHUNK]
            yield from _one_by_one(suspects, speak)
            done += len(suspects)


def _one_by_one(jobs: Sequence[Job], speak: Speak) -> Iterator[Spoken]:
    """Nothing else is under way meanwhile, so a worker that dies died of the job at hand."""
    done = attempt = 0
    while done < len(jobs):
        try:
            with _pool(1) as pool:
                for job in jobs[done:]:
                    yield pool.submit(speak, job, attempt).result()
                    done, attempt = done + 1, 0
        except BrokenProcessPool:
            attempt += 1
            if attempt == _VOICES:
                raise PromptError(
                    "synthesis-crashed",
                    f"espeak-ng dừng đột ngột khi đọc cùng một câu bằng {_VOICES} giọng.",
                    "Xem máy có hết bộ nhớ không; nếu còn, cài lại: "
                    "pip install --force-reinstall espeakng-loader.",
                ) from None


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
