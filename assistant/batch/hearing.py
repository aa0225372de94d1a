"""What every scenario of a process shares, and one stretch of sound heard with it."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.asr.types import EndReason, RecognizerModel, Transcript
from assistant.batch.conditions import LEAD
from assistant.call.parts import Phrases, Priors, Understand, Voice
from assistant.nlu import interpret, prior
from assistant.nlu.types import Expect, Interpretation
from assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Stage:
    """Model, voice, understanding, settings. ``patient``: the model for sounds that are there
    whole, where nobody waits for partial results."""

    settings: Settings
    model: RecognizerModel
    patient: RecognizerModel
    voice: Voice
    understand: Understand
    phrases: Phrases
    prior: Priors
    rate: int


def hear(stage: Stage, pcm: bytes, listen: Expect) -> Transcript:
    """The words of 16-bit PCM at the stage's rate, as the state ``listen`` hears them."""
    silence = bytes(2 * round(LEAD * stage.rate))
    recognizer = stage.patient.recognizer()
    recognizer.begin(stage.phrases(listen), stage.rate, prior(listen))
    try:
        recognizer.feed(silence + pcm + silence)
    finally:
        transcript = recognizer.end(EndReason.SILENCE)
    return transcript


def understood(transcript: Transcript, listen: Expect) -> Interpretation:
    """What the words mean in the state ``listen``."""
    return interpret([word.as_heard() for word in transcript.words], listen)
