"""Synthetic callers: espeak-ng voices with random pitch, tempo and timbre, in parallel."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

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
# Variant "rob" of espeak-ng 1.52 crashes the process on Vietnamese.
KEPT_OUT = frozenset({"m4", "f4", "belinda", "Hugo", "steph2", "pablo"})  # demo and test voices
"""Variants that never train the model: the demo's and the tests' callers use them."""

_TRIM = 0.004  # of full scale


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


def speak_one(
    job: tuple[int, str], seed: int, voices: int | None = None
) -> tuple[npt.NDArray[np.int16], str, str]:
    """(index, text) → (samples at 8 kHz, text, speaker), a function of (seed, index).

    ``voices``: draw from so many callers only (None: everybody has a voice of their own)."""
    index, text = job
    rng = np.random.default_rng((seed, index if voices is None else index % voices))
    voice = voice_of(rng)
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
    """Speak every text with a random voice; the order and the samples depend on seed alone."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        jobs = pool.map(
            partial(speak_one, seed=seed, voices=voices), enumerate(texts), chunksize=64
        )
        try:
            return pack(list(tqdm(jobs, total=len(texts), desc="synthesis", disable=not progress)))
        except BrokenProcessPool:
            raise PromptError(
                "synthesis-crashed",
                "espeak-ng đã dừng đột ngột khi đọc bằng một biến thể giọng.",
                "Bỏ biến thể đó khỏi VARIANTS (tìm bằng cách thử từng biến thể), rồi chạy lại.",
            ) from None
