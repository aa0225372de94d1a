"""Keys that wait for the question they belong to."""

from __future__ import annotations

from collections import deque

from assistant.dialogue.types import Ask
from assistant.nlu.types import Expect

_KEYS = frozenset("0123456789*#")
_MOST = 200  # a broken line may send more than a person can press


class KeyQueue:
    """In the order in which they were pressed; what is no key is dropped. ``bounce``: s within
    which the key that answered a question, sent again, is the same press."""

    def __init__(self, bounce: float) -> None:
        self.waiting: deque[str] = deque(maxlen=_MOST)
        self._bounce = bounce
        self._pressed: deque[float] = deque(maxlen=_MOST)  # s; the last are of those waiting
        self._answered: tuple[str, float] | None = None  # the key of the last answer; s
        self._doubtful: tuple[str, float] | None = None  # it came again: bounced, or a digit?
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
            if not late_hash and not self._bounces(key, now):
                self._append(key, now)
        return len(pressed)

    def prompt_begins(self) -> None:
        self._before = len(self.waiting)

    @property
    def pressed_since(self) -> bool:
        """Whether a key was pressed since the prompt began."""
        return len(self.waiting) > self._before

    def turn_ended(self, ask: Ask, keys: str, now: float, until: float) -> None:
        """``keys`` were a turn. A "#" that comes by ``until`` still belongs to them: the code, or
        the one key, was whole without it. A "*" only asks to hear it again: a "#" after that is an
        answer. The one key again, at once, is a bounced one."""
        answer = len(keys) == 1 and keys in ask.instant_keys
        self._answered = (keys, self._last_taken(now)) if answer else None
        if self._answered and self.waiting:
            self._take_again()
        whole = ask.expect is Expect.CODE or answer
        if not whole or keys == "*" or keys.endswith("#"):
            return
        if self.waiting and self.waiting[0] == "#":
            self.waiting.popleft()
        elif not self.waiting:
            self._swallow_until = until

    def _append(self, key: str, now: float) -> None:
        self.waiting.append(key)
        self._pressed.append(now)

    def _last_taken(self, now: float) -> float:
        """When the last key that no longer waits was pressed."""
        place = len(self._pressed) - len(self.waiting) - 1
        return self._pressed[place] if 0 <= place < len(self._pressed) else now

    def _take_again(self) -> None:
        """Judge the keys that came before the answer was known to be one."""
        times = list(self._pressed)[-len(self.waiting) :]
        again = list(zip(self.waiting, times, strict=True))
        self.waiting.clear()
        for key, at in again:
            if not self._bounces(key, at):
                self._append(key, at)

    def _bounces(self, key: str, now: float) -> bool:
        """Whether the key is kept back as a second sending of the answer. Followed at once by
        another one it was the first digit of a code, dialled by a machine: it is put back."""
        answered, self._answered = self._answered, None
        doubtful, self._doubtful = self._doubtful, None
        if doubtful and now - doubtful[1] <= self._bounce:
            self._append(*doubtful)
        if answered and key == answered[0] and now - answered[1] <= self._bounce:
            self._doubtful = (key, now)
        return self._doubtful is not None
