"""The conversation as a pure table: step(state, event) → (state, action).

No engine, clock, database or network."""

from assistant.dialogue.machine import initial, step
from assistant.dialogue.state import DialogueState

__all__ = ["DialogueState", "initial", "step"]
