"""Keys that wait for the question they belong to."""

from __future__ import annotations

from collections import deque

from assistant.dialogue.types import Ask
from assistant.nlu.types import Expect

_KEYS = frozenset("0123456789*#")
_MOST = 200  # a broken line may send more than a person can press


class KeyQueue:
    """In the order in which they were pressed; what is no key is dropped."""

    def __init__(self) -> None:
        self.waiting: deque[str] = deque(maxlen=_MOST)
        self._swallow_until = 0.0  # s: a "#" before then belongs to the last turn
        self._before = 0  # keys that were waiting when the prompt began

    def __len__(self) -> int:
        return len(self.waiting)

    def take(self, keys: str, now: float) -> int:
        """Keys pressed during this frame; how many were keys at all."""
        pressed = [key for key in keys if key in _KEYS]
        for key in pressed:
            late_hash = key == "#" and now < self._swallow_until
            self._swallow_until = 0.0
            if not late_hash:
                self.waiting.append(key)
        return len(pressed)

    def prompt_begins(self) -> None:
        self._before = len(self.waiting)

    @property
    def pressed_since(self) -> bool:
        """Whether a key was pressed since the prompt began."""
        return len(self.waiting) > self._before

    def turn_ended(self, ask: Ask, keys: str, until: float) -> None:
        """A "#" that comes now still belongs to ``keys``: the code was whole without it."""
        if ask.expect is not Expect.CODE or keys.endswith("#"):
            return
        if self.waiting and self.waiting[0] == "#":
            self.waiting.popleft()
        elif not self.waiting:
            self._swallow_until = until
