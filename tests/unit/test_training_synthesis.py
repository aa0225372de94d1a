"""A voice that crashes espeak-ng costs that voice: the next one speaks, and nothing else moves."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from functools import partial

import numpy as np
import pytest

from assistant.errors import PromptError

pytest.importorskip("tqdm", reason="needs the extra train")

from assistant.training.synthesis import Job, Spoken, in_order, speak_all, speak_one, voice_of

JOBS = [(index, f"câu {index}") for index in range(50)]
DEADLY = {1: 2, 40: 1}  # index → voices that kill


def fragile(job: Job, attempt: int, deadly: Mapping[int, int]) -> Spoken:
    """Dies, as a worker dies whose espeak-ng crashes, of an index's first ``deadly`` voices."""
    index, text = job
    if attempt < deadly.get(index, 0):
        os.kill(os.getpid(), signal.SIGTERM)
    return np.full(index, 100 * attempt + index, np.int16), text, f"voice {attempt}"


@pytest.mark.full
@pytest.mark.parametrize("workers", [1, 3])
def test_only_the_utterance_that_crashes_gets_another_voice(workers: int) -> None:
    made = list(in_order(JOBS, partial(fragile, deadly=DEADLY), workers))
    expected = [fragile(job, DEADLY.get(job[0], 0), {}) for job in JOBS]
    assert [rest for _, *rest in made] == [rest for _, *rest in expected]
    for (samples, *_), (wanted, *_) in zip(made, expected, strict=True):
        np.testing.assert_array_equal(samples, wanted)


@pytest.mark.full
def test_when_every_voice_crashes_the_error_says_so() -> None:
    spoken = in_order(JOBS[:3], partial(fragile, deadly={1: 99}), workers=2)
    assert next(spoken)[1] == "câu 0"
    with pytest.raises(PromptError) as caught:
        next(spoken)
    assert caught.value.code == "synthesis-crashed"


def test_attempts_are_the_voices_of_one_draw() -> None:
    rng = np.random.default_rng((5, 1))
    drawn = [voice_of(rng) for _ in range(3)]
    assert [speak_one((1, "dạ đúng"), attempt, seed=5)[2] for attempt in range(3)] == [
        f"espeak:{voice['voice']}+{voice['variant']}" for voice in drawn
    ]


def test_what_does_not_crash_is_spoken_by_the_first_voice() -> None:
    texts = ["không", "dạ đúng", "ba"]
    made = speak_all(texts, seed=5, workers=2, progress=False)
    alone = [speak_one(job, 0, seed=5) for job in enumerate(texts)]
    assert (made.texts, made.speakers) == (texts, [speaker for _, _, speaker in alone])
    np.testing.assert_array_equal(made.samples, np.concatenate([s for s, _, _ in alone]))
