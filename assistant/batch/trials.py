"""What is asked of a recognizer: which clips of a set, in which state, and what is right."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

from assistant.batch.conditions import SEED
from assistant.batch.labels import disputed
from assistant.batch.noises import NOT_SPEECH
from assistant.batch.speech_sets import (
    DIGIT_WORDS,
    RATE,
    WORDS,
    Clip,
    Samples,
    cut_digits,
    denials,
    read_labels,
    read_set,
    splice,
)
from assistant.nlu.types import Expect

NATURAL, TIGHT = (0.0, 0.35), (0.0, 0.0)  # s between two digits of a string
_NOISE_TAKES = 3  # of each kind of noise
_NOISE_SECONDS = 3.0
NOISE_SET = "tiếng động"
_CUT = "cut-"  # sets of words cut out of running speech at the edge: no strings are made of them


class Measure(StrEnum):
    """What a clip is measured for."""

    DIGIT = "digit"
    CODE = "code"
    STRING_10 = "string-10"
    STRING_10_TIGHT = "string-10-tight"
    STRING_12 = "string-12"
    STRING_12_TIGHT = "string-12-tight"
    YES_NO = "yes-no"
    DENIAL = "denial"
    WORDS = "words"
    OTHER = "other"


STRINGS = {
    Measure.STRING_10: (10, NATURAL),
    Measure.STRING_10_TIGHT: (10, TIGHT),
    Measure.STRING_12: (12, NATURAL),
    Measure.STRING_12_TIGHT: (12, TIGHT),
}
DIGITS = (Measure.DIGIT, Measure.CODE, *STRINGS)
# The states whose grammar listens to a clip. What is not for the assistant must be nothing in
# any state in which a caller may be talked to by others.
STATES = {
    Measure.YES_NO: (Expect.CONFIRM,),
    Measure.DENIAL: (Expect.CONFIRM,),
    Measure.OTHER: (Expect.CODE, Expect.CONFIRM, Expect.MENU),
}
_CODE = (Expect.CODE,)
_NOTED = {
    "other": Measure.OTHER,
    "yes-no": Measure.YES_NO,
    "number": Measure.WORDS,
    "words": Measure.WORDS,
    "code": Measure.CODE,
}


@dataclass(frozen=True, slots=True)
class Trial:
    """A clip and what should come of it. ``expected``: digits, one answer, words, or nothing;
    ``spoken``: the words that were said, one by one."""

    set: str
    measure: Measure
    clip: Clip = field(repr=False)
    expected: tuple[str, ...]
    spoken: tuple[str, ...]
    disputed: bool = False

    @property
    def states(self) -> tuple[Expect, ...]:
        return STATES.get(self.measure, _CODE)

    @property
    def synthetic(self) -> bool:
        return self.clip.note == "synthetic"


@dataclass(frozen=True, slots=True)
class SetTrials:
    """A set's trials, and its clips for those who want a crowd behind a caller."""

    name: str
    trials: tuple[Trial, ...]
    clips: tuple[Clip, ...] = field(repr=False)

    def others(self, trial: Trial) -> list[Samples]:
        """What may be heard behind a clip: other speakers if there are any, else other clips."""
        strangers = [c.samples for c in self.clips if c.speaker != trial.clip.speaker]
        return strangers or [c.samples for c in self.clips if c.path != trial.clip.path]


def plan(folder: Path, strings: int, limit: int | None) -> SetTrials:
    """Everything that a set's labels allow to be measured. ``strings``: spliced ones of each
    length and pause; ``limit``: at most so many clips a measure, a fair sample of them."""
    clips = list(read_set(folder))
    doubtful = {one.path for one in disputed(read_labels(folder))}
    groups: dict[Measure, list[Trial]] = {measure: [] for measure in Measure}
    for clip in clips:
        if measure := measure_of(clip):
            groups[measure].append(_trial(folder.name, clip, measure, clip.path in doubtful))
    digits = [trial.clip for trial in groups[Measure.DIGIT]]
    if (folder / WORDS).is_file():
        digits = cut_digits(folder, clips)
        groups[Measure.DIGIT] = [_trial(folder.name, c, Measure.DIGIT) for c in digits]
    if not folder.name.startswith(_CUT):
        human = [clip for clip in digits if clip.note != "synthetic"]
        for measure, (length, pause) in STRINGS.items():
            spliced = splice(human, length, strings, SEED + length, pause)
            groups[measure] = [_trial(folder.name, c, measure) for c in spliced]
    answers = [trial.clip for trial in groups[Measure.YES_NO]]
    groups[Measure.DENIAL] = [
        _trial(folder.name, c, Measure.DENIAL) for c in denials(answers, SEED)
    ]
    trials = [trial for group in groups.values() for trial in sample(group, limit)]
    return SetTrials(folder.name, tuple(trials), tuple(clips))


def measure_of(clip: Clip) -> Measure | None:
    """What a clip's note and text make it good for; None: nothing that is measured here."""
    noted, _, value = clip.note.partition("=")
    if noted in _NOTED and (noted != "code" or value.isdigit()):
        return _NOTED[noted]
    words = clip.text.split()
    if words and all(word in DIGIT_WORDS for word in words):
        return Measure.DIGIT if len(words) == 1 else Measure.CODE
    return Measure.WORDS if words and not clip.note else None


def noise_trials(limit: int | None = None) -> SetTrials:
    """Sounds that are no speech at all, synthesised; nothing must be heard in them."""
    found: list[Trial] = []
    count = int(_NOISE_SECONDS * RATE)
    for name, make in NOT_SPEECH.items():
        for take in range(_NOISE_TAKES):
            rng = np.random.default_rng((SEED, len(found)))
            samples = np.asarray(make(count, rng) * 10 ** (-(15 + 12 * take) / 20), np.float32)
            clip = Clip(np.clip(samples, -1, 1), "", name, "synthetic", f"{name}-{take}")
            found.append(Trial(NOISE_SET, Measure.OTHER, clip, (), ()))
    return SetTrials(NOISE_SET, tuple(sample(found, limit)), ())


def sample(trials: Sequence[Trial], limit: int | None) -> Iterator[Trial]:
    """At most ``limit`` of them, drawn with a fixed seed, in their own order."""
    if limit is None or len(trials) <= limit:
        yield from trials
        return
    chosen = random.Random(SEED).sample(range(len(trials)), limit)  # noqa: S311
    yield from (trials[i] for i in sorted(chosen))


def _trial(name: str, clip: Clip, measure: Measure, doubtful: bool = False) -> Trial:
    words = tuple(clip.text.split())
    digits = tuple(DIGIT_WORDS.get(word, word) for word in words)
    noted = clip.note.partition("=")[2]
    expected = {
        Measure.WORDS: words,
        Measure.OTHER: (),
        Measure.YES_NO: (clip.text,),
        Measure.DENIAL: ("không",),
        Measure.CODE: tuple(noted) if noted.isdigit() else digits,
    }.get(measure, digits)
    spoken = digits if measure in DIGITS else words
    return Trial(name, measure, clip, expected, spoken, doubtful)
