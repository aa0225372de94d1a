"""Understanding: words of an utterance → intent, digits, yes/no, correction.

Pure: no engine, clock or network.
"""

from __future__ import annotations

from assistant.nlu.grammar import phrases, vocabulary
from assistant.nlu.types import HeardWord
from assistant.nlu.understanding import DEFAULT_LIMITS, interpret, interpret_text

__all__ = ["DEFAULT_LIMITS", "HeardWord", "interpret", "interpret_text", "phrases", "vocabulary"]
