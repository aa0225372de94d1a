"""What every recognizer gives and takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from assistant.asr.evidence import Evidence, Fit
from assistant.nlu.types import HeardWord, Prior


class EndReason(StrEnum):
    """Why an utterance ended. End-pointing counts audio time, never the clock."""

    SILENCE = "silence"  # trailing silence after speech
    COMPLETE = "complete"  # the expected slot is full, short trailing silence
    NO_INPUT = "no_input"  # nobody spoke
    TOO_LONG = "too_long"  # the limit on one utterance
    INTERRUPTED = "interrupted"  # a key or a hang-up ended it


@dataclass(frozen=True, slots=True)
class Word:
    text: str = field(repr=False)
    start: float  # seconds since the utterance's first sample
    end: float
    confidence: float | None  # 0..1; None when the engine gives none
    evidence: Evidence | None = None  # what the confidence was made of, where anybody asks
    chances: tuple[float, ...] = ()  # of answers: see ``HeardWord``
    fits: tuple[Fit, ...] = ()  # what they were made of

    def as_heard(self) -> HeardWord:
        """The word without its engine and its place."""
        rivals = self.evidence.rivals if self.evidence else ()
        return HeardWord(self.text, self.confidence, rivals, self.chances)


@dataclass(frozen=True, slots=True)
class Transcript:
    words: tuple[Word, ...] = ()
    end_reason: EndReason | None = None  # None: partial result

    @property
    def text(self) -> str:
        return " ".join(w.text for w in self.words)


class Recognizer(Protocol):
    """One utterance stream. Built per call from a shared model; not thread-safe."""

    def begin(self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None) -> None:
        """Start an utterance. ``phrases``: the grammar of what is expected (None: open
        vocabulary); "a_b" in it: both words together, never one alone, where the model can;
        ``rate``: of the PCM that follows, 4000..192000 Hz; ``prior``: chooses among readings that
        sound alike, where the engine gives several."""

    def feed(self, pcm: bytes) -> Transcript:
        """Add 16-bit mono PCM of any length; return the partial transcript so far."""

    def end(self, reason: EndReason) -> Transcript:
        """Finish the utterance and return its final transcript."""


class RecognizerModel(Protocol):
    """A loaded model, shared by all calls."""

    def recognizer(self) -> Recognizer: ...
