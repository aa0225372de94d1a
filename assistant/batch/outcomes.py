"""What a recognizer made of a trial, under a condition. Plain data, so that it can travel from
another process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from assistant.asr.evidence import Evidence
from assistant.asr.types import Transcript
from assistant.batch.hearing import understood
from assistant.batch.scoring import align
from assistant.batch.speech_sets import DIGIT_WORDS
from assistant.batch.trials import DIGITS, Measure, Trial
from assistant.dialogue.capture import MENU_CODE
from assistant.nlu.types import Expect, Interpretation

UNKNOWN = "[unk]"


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was heard. ``right``: it stands where the speaker said it; ``evidence``: of its
    confidence, where the recognizer gives any."""

    text: str
    start: float  # s since the first sample given to the recognizer
    end: float
    confidence: float | None
    right: bool
    evidence: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """``heard``: digits, one answer, words, or for speech of others what was taken for one.
    ``words`` are those of the first state that listened; ``fits``: of each lone answer, the values
    of its ``Fit``, where a state asks for them."""

    set: str
    measure: str
    condition: str
    clip: str
    speaker: str
    groups: tuple[str, ...]
    synthetic: bool
    disputed: bool
    expected: tuple[str, ...]
    heard: tuple[str, ...]
    words: tuple[Word, ...] = field(default=())
    fits: tuple[tuple[float, ...], ...] = ()

    @property
    def right(self) -> bool:
        return self.heard == self.expected

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.set, self.measure, self.condition, self.clip

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Outcome:
        words = tuple(_word(word) for word in data["words"])
        lists = {k: tuple(data[k]) for k in ("groups", "expected", "heard")}
        fits = tuple(map(tuple, data.get("fits", ())))
        return cls(**{**data, **lists, "words": words, "fits": fits})


def _word(data: dict[str, Any]) -> Word:
    return Word(**{**data, "evidence": tuple(data.get("evidence", ()))})


def outcome(trial: Trial, condition: str, heard: Sequence[Transcript]) -> Outcome:
    """``heard``: one transcript for each of the trial's states."""
    meanings = [
        understood(transcript, state) for transcript, state in zip(heard, trial.states, strict=True)
    ]
    return Outcome(
        set=trial.set,
        measure=trial.measure.value,
        condition=condition,
        clip=trial.clip.path,
        speaker=trial.clip.speaker,
        groups=trial.clip.groups,
        synthetic=trial.synthetic,
        disputed=trial.disputed,
        expected=trial.expected,
        heard=_heard(trial, heard[0], meanings),
        words=judged(heard[0], trial),
        fits=_fits(heard),
    )


def _fits(heard: Sequence[Transcript]) -> tuple[tuple[float, ...], ...]:
    first = (transcript.words[0] for transcript in heard if transcript.words)
    return next((tuple(fit.values for fit in word.fits) for word in first if word.fits), ())


def judged(transcript: Transcript, trial: Trial) -> tuple[Word, ...]:
    """The words but the filler, each right or wrong by the cheapest alignment with what was
    said; "mốt" and "một" are one digit."""
    words = [word for word in transcript.words if word.text != UNKNOWN]
    said = [DIGIT_WORDS.get(word, word) for word in trial.spoken]
    pairs = align(said, [DIGIT_WORDS.get(word.text, word.text) for word in words])
    right = [a == b for a, b in pairs if b is not None]
    return tuple(
        Word(one.text, one.start, one.end, one.confidence, ok, _values(one.evidence))
        for one, ok in zip(words, right, strict=True)
    )


def _values(evidence: Evidence | None) -> tuple[float, ...]:
    return () if evidence is None else evidence.values


def _heard(
    trial: Trial, transcript: Transcript, meanings: Sequence[Interpretation]
) -> tuple[str, ...]:
    if trial.measure in DIGITS:
        return tuple(meanings[0].digits.digits) if meanings[0].digits else ()
    if trial.measure is Measure.WORDS:
        return tuple(word.text for word in transcript.words if word.text != UNKNOWN)
    if trial.measure in (Measure.YES_NO, Measure.DENIAL):
        return {True: ("đúng",), False: ("không",), None: ()}[meanings[0].yes_no]
    return tuple(
        f"{state.value}: {taken}"
        for state, meaning in zip(trial.states, meanings, strict=True)
        if (taken := taken_for(meaning, state))
    )


def taken_for(meaning: Interpretation, state: Expect) -> str | None:
    """What the call would act on; None: not understood, as it should be."""
    asked = state not in (Expect.MENU, Expect.MORE)  # there a few digits are not acted on
    if meaning.digits and (asked or len(meaning.digits.digits) >= MENU_CODE):
        return meaning.digits.digits
    if meaning.yes_no is not None and state is not Expect.MENU:
        return "đúng" if meaning.yes_no else "không"
    if meaning.correction is not None:
        return "sửa số"
    return meaning.intent.value if meaning.intent else None
