"""The call loop: one frame in, one frame out, clocked by audio alone."""

from __future__ import annotations

from assistant.call.engine import Call
from assistant.call.parts import CallParts, Conversation, TableConversation, run_inline
from assistant.call.record import Note, Timings, Turn, call_cost
from assistant.call.redaction import redact_words

__all__ = [
    "Call",
    "CallParts",
    "Conversation",
    "Note",
    "TableConversation",
    "Timings",
    "Turn",
    "call_cost",
    "redact_words",
    "run_inline",
]
