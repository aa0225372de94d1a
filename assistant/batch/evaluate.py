"""The recognizer measured on people: digits, strings, yes/no, rejection, word error.

A figure here goes the product's own way: recognizer with the grammar of the state that would
listen, then understanding. Only the word error of connected numbers is of bare words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from assistant.asr.types import EndReason, RecognizerModel, Transcript
from assistant.batch.scoring import Alignment, Rate
from assistant.batch.speech_sets import (
    CONDITIONS,
    DIGIT_WORDS,
    RATE,
    Clip,
    Samples,
    cut_digits,
    read_set,
    splice,
)
from assistant.nlu import interpret, phrases
from assistant.nlu.types import Expect, HeardWord, Interpretation

SURROUND = 0.3  # s of silence before and after a clip, as the call's end-pointing leaves there
SEED = 8079

Progress = Callable[[str, int, int], None]  # (set, done, of)


@dataclass(slots=True)
class Score:
    """One line of the report. ``kind``: what a hit is."""

    name: str
    condition: str
    kind: str
    rate: Rate
    alignment: Alignment | None = None
    groups: dict[str, Rate] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        out: dict[str, object] = {
            "set": self.name,
            "condition": self.condition,
            "kind": self.kind,
            "label": "synthetic" if self.name.startswith("network") else "human",
            **self.rate.as_dict(),
        }
        if self.alignment is not None:
            out["error_rate"] = self.alignment.error_rate
        out["groups"] = {name: rate.as_dict() for name, rate in self.groups.items()}
        return out


class Listener:
    """Plays clips to a recognizer as the call would, and understands them."""

    def __init__(self, model: RecognizerModel, seed: int = SEED) -> None:
        self._recognizer = model.recognizer()
        self._rng = np.random.default_rng(seed)

    def words(self, samples: Samples, expect: Expect, condition: str) -> Transcript:
        silence = np.zeros(int(SURROUND * RATE), np.float32)
        whole = CONDITIONS[condition](np.concatenate([silence, samples, silence]), self._rng)
        pcm = np.round(np.clip(whole, -1, 1) * 32767).astype("<i2").tobytes()
        self._recognizer.begin(phrases(expect), RATE)
        self._recognizer.feed(pcm)
        return self._recognizer.end(EndReason.SILENCE)

    def meaning(self, samples: Samples, expect: Expect, condition: str) -> Interpretation:
        return understood(self.words(samples, expect, condition), expect)


def understood(transcript: Transcript, expect: Expect) -> Interpretation:
    heard = [HeardWord(w.text, w.confidence) for w in transcript.words]
    return interpret(heard, expect)


def digits_of(meaning: Interpretation) -> str:
    return meaning.digits.digits if meaning.digits else ""


def score_digits(
    name: str, clips: Sequence[Clip], listener: Listener, condition: str, progress: Progress
) -> Score:
    """Clips whose text is digit words or space-separated digits; a hit is all of them."""
    alignment, hits = Alignment(), 0
    groups: dict[str, list[bool]] = defaultdict(list)
    for index, clip in enumerate(clips):
        expected = "".join(DIGIT_WORDS.get(w, w) for w in clip.text.split())
        heard = digits_of(listener.meaning(clip.samples, Expect.CODE, condition))
        alignment.add(expected, heard)
        hits += heard == expected
        groups[clip.speaker].append(heard == expected)
        progress(name, index + 1, len(clips))
    kind = "exact digit" if all(len(c.text.split()) == 1 for c in clips) else "exact string"
    by_group = {g: Rate(sum(v), len(v)) for g, v in sorted(groups.items())}
    return Score(name, condition, kind, Rate(hits, len(clips)), alignment,
                 by_group if len(by_group) <= 8 else {})  # fmt: skip


def score_yes_no(
    name: str, clips: Sequence[Clip], listener: Listener, condition: str, progress: Progress
) -> Score:
    groups: dict[str, list[bool]] = defaultdict(list)
    for index, clip in enumerate(clips):
        meaning = listener.meaning(clip.samples, Expect.CONFIRM, condition)
        groups[clip.text].append(meaning.yes_no is (clip.text == "đúng"))
        progress(name, index + 1, len(clips))
    hits = [ok for oks in groups.values() for ok in oks]
    return Score(name, condition, "yes/no right", Rate(sum(hits), len(hits)),
                 groups={g: Rate(sum(v), len(v)) for g, v in groups.items()})  # fmt: skip


def score_rejection(
    name: str, clips: Sequence[Clip], listener: Listener, condition: str, progress: Progress
) -> Score:
    """Speech that is not for the assistant; a hit is a false accept (digits or yes/no)."""
    wrong = 0
    for index, clip in enumerate(clips):
        code = listener.meaning(clip.samples, Expect.CODE, condition)
        confirm = listener.meaning(clip.samples, Expect.CONFIRM, condition)
        wrong += bool(digits_of(code)) or confirm.yes_no is not None
        progress(name, index + 1, len(clips))
    return Score(name, condition, "false accept", Rate(wrong, len(clips)))


def score_words(
    name: str, clips: Sequence[Clip], listener: Listener, condition: str, progress: Progress
) -> Score:
    """Connected numbers as spoken: a hit is the right number, the error rate is of words."""
    alignment, hits = Alignment(), 0
    groups: dict[str, list[bool]] = defaultdict(list)
    for index, clip in enumerate(clips):
        transcript = listener.words(clip.samples, Expect.CODE, condition)
        words = [w for w in transcript.text.split() if w != "[unk]"]
        alignment.add(clip.text.split(), words)
        right = words == clip.text.split()
        hits += right
        groups[clip.speaker].append(right)
        progress(name, index + 1, len(clips))
    return Score(name, condition, "exact words", Rate(hits, len(clips)), alignment,
                 {g: Rate(sum(v), len(v)) for g, v in sorted(groups.items())})  # fmt: skip


def evaluate(
    folder: Path,
    model: RecognizerModel,
    conditions: Sequence[str] = ("clean", "telephone"),
    strings: int = 100,
    progress: Progress = lambda name, done, of: None,
    limit: int | None = None,
) -> Iterable[Score]:
    """Scores of every known set that is there, as they come. ``folder`` holds the sets;
    ``limit``: at most so many clips of each."""
    for condition in conditions:
        listener = Listener(model)
        for name in ("isolated-digits", "connected-numbers", "cut-words", "network-voices-digits",
                     "telephone-words", "home-commands"):  # fmt: skip
            if (folder / name / "labels.csv").is_file():
                yield from _score_set(folder / name, listener, condition, strings, progress, limit)


def _score_set(
    folder: Path,
    listener: Listener,
    condition: str,
    strings: int,
    progress: Progress,
    limit: int | None,
) -> Iterable[Score]:
    name = folder.name
    clips = list(read_set(folder))[:limit]
    if name == "connected-numbers":
        yield score_words(name, clips, listener, condition, progress)
        clips = cut_digits(folder)[:limit]
        name = f"{name}, cut digits"
    digits = [c for c in clips if c.note in ("digit", "synthetic") and c.text in DIGIT_WORDS]
    if digits:
        yield score_digits(name, digits, listener, condition, progress)
    if strings and name.split(",")[0] in ("isolated-digits", "connected-numbers"):
        for label, pause in (("", (0.0, 0.35)), (", no pauses", (0.0, 0.0))):
            spliced = splice(digits, 10, min(strings, limit or strings), SEED, pause)
            title = f"{name}, 10-digit strings{label}"
            yield score_digits(title, spliced, listener, condition, progress)
    answers = [c for c in clips if c.note == "yes-no"]
    if answers:
        yield score_yes_no(name, answers, listener, condition, progress)
    others = [c for c in clips if c.note == "other"]
    if others:
        yield score_rejection(f"{name}, other", others, listener, condition, progress)
