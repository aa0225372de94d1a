"""How big a model and its training are: the embedded one's, and a tiny one's to try the recipe."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from assistant.asr.lexicon import phone_table
from assistant.training.augment import DEFAULT, MILD, Severity
from assistant.training.folder import Search
from assistant.training.net import NetShape
from assistant.training.texts import Amounts
from assistant.training.train import Plan

LIKELIER_WORDS = {  # nepers
    "trăm": 2.0, "mươi": 1.5, "năm": 1.5, "ba": 1.2, "một": 1.0, "tám": 0.8, "mốt": 0.6
}  # fmt: skip
_LAST_STAGE = (
    *("common_words", "codes", "search", "any_filler", "stranger_filler", "word_cost"),
    *("likelier_words", "prior_scale", "unlikelier_phones", "workers"),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """How big the model and its training are. ``FULL`` made the embedded model."""

    amounts: Amounts
    shape: NetShape
    first: Plan
    second: Plan
    third: Plan
    fourth: Plan
    batch_seconds: float = 80.0  # of audio a step
    mild_epochs: int = 4
    severity: Severity = DEFAULT
    voices_per_clip: int = 4  # other voices that every recording is given
    stretches: int = 3  # cut out of every utterance
    per_word: int = 150  # utterances of every number and answer word
    sounds: int = 600
    human_limit: int | None = None
    common_words: int = 1_200
    codes: int = 6_000
    search: Search = field(default_factory=Search)
    any_filler: float = 7.0
    stranger_filler: float = 3.0
    word_cost: float = -1.2
    # Swallowed inside numbers, as "hai mươi ba" with hardly a "mươi", or with hardly a consonant
    # of their own, as "ba"; "tám" and "một" lest those become "ba" for it. Nepers.
    likelier_words: Mapping[str, float] = field(default_factory=lambda: dict(LIKELIER_WORDS))
    prior_scale: float = 0.4
    # A line's noise in a pause sounds like a final "m": "ba" became "tám". Nepers.
    unlikelier_phones: Mapping[str, float] = field(default_factory=lambda: {"C:m": 1.0})
    workers: int = field(default_factory=lambda: os.cpu_count() or 2)  # that speak and align
    voices: int | None = None  # None: a new caller for every synthetic utterance

    def heard_and_learnt(self) -> dict[str, object]:
        """All of it but what only the last stage uses, or nothing depends on."""
        return {name: value for name, value in asdict(self).items() if name not in _LAST_STAGE}


FULL = Scale(
    amounts=Amounts(),
    shape=NetShape(phones=len(phone_table())),
    first=Plan(epochs=14, epoch_hours=2.0, smoothing=0.0, dropout=0.05, average=0.995),
    second=Plan(epochs=60, stop=24, epoch_hours=2.0, average=0.998, seed=20261124),
    third=Plan(epochs=20, epoch_hours=4.0, warmup_epochs=0.1, average=0.998,
               seed=20261125),
    fourth=Plan(epochs=12, epoch_hours=4.0, warmup_epochs=0.1, average=0.998, learning_rate=1e-3,
                smoothing=0.05, seed=20261126),
)  # fmt: skip
TOY = replace(
    FULL,
    amounts=Amounts(digits=600, phrases=20, short=20, sentences=0, syllables=0),
    shape=NetShape(front=64, width=160, rank=64, phones=len(phone_table()),
                   offsets=((-1, 0, 1),) * 4),
    first=Plan(epochs=10, epoch_hours=0.4, learning_rate=4e-3, warmup_epochs=0.2,
               average=0.99, dropout=0.0, smoothing=0.0),
    second=Plan(epochs=5, epoch_hours=0.4, learning_rate=3e-3, average=0.99,
                dropout=0.0, smoothing=0.0),
    third=Plan(epochs=1, epoch_hours=0.1, learning_rate=5e-4, average=0.99,
               dropout=0.0, smoothing=0.0),
    fourth=Plan(epochs=1, epoch_hours=0.1, learning_rate=2e-4, average=0.99,
                dropout=0.0, smoothing=0.0),
    batch_seconds=20.0,  # four times the steps of as much audio: without them it may not take off
    severity=MILD, mild_epochs=10, voices_per_clip=1, per_word=10, sounds=12, common_words=0,
    codes=200, voices=1, human_limit=12,
)  # fmt: skip
