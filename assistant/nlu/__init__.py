"""Understanding: words of an utterance → intent, digits, yes/no, correction.

Pure: no engine, clock or network.
"""

from __future__ import annotations

from assistant.nlu.grammar import phrases, vocabulary
from assistant.nlu.likely import prior
from assistant.nlu.types import HeardWord, Prior
from assistant.nlu.understanding import DEFAULT_LIMITS, interpret, interpret_text

__all__ = [
    "DEFAULT_LIMITS",
    "HeardWord",
    "Prior",
    "interpret",
    "interpret_text",
    "phrases",
    "prior",
    "vocabulary",
]
