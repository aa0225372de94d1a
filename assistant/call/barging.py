"""Does somebody speak over a prompt? First in doubt, then in earnest.

A voice pauses the prompt at once, before anyone can know what it is. A word makes it a turn;
without one the prompt goes on: it was a cough. The echo of our own prompt is taken out first.
"""

from __future__ import annotations

from collections import deque

from assistant.asr.vad import VoiceActivity, level
from assistant.call.echo import EchoPath
from assistant.call.listening import FILLER, Answer, Sound
from assistant.dialogue.types import Heard, Keyed
from assistant.settings import Turns, Vad


def convincing(answer: Answer, confidence: float) -> bool:
    """Whether this is worth the rest of a prompt. A cough is most often taken for one short word:
    a lone one must be a yes or no, or sure."""
    if not isinstance(answer.event, Heard):
        return isinstance(answer.event, Keyed)
    words = [word for word in answer.words if word.text != FILLER]
    if len(words) > 1 or answer.event.interpretation.yes_no is not None:
        return True
    return any(word.confidence is None or word.confidence >= confidence for word in words)


class BargeIn:
    """Watches both sides of the line, frame by frame."""

    def __init__(self, turns: Turns, vad: Vad, activity: VoiceActivity, rate: int) -> None:
        self._turns, self._vad = turns, vad
        self._activity, self._rate = activity, rate
        self._echo = EchoPath(rate)
        looked_at = max(1, round(turns.echo_window / turns.frame))
        back = looked_at + round(turns.echo_delay / turns.frame)
        self._heard: deque[bytes] = deque(maxlen=looked_at)
        self._said: deque[bytes] = deque(maxlen=back)
        self._least = max(1, round(turns.barge_in / turns.frame))
        self._voiced: deque[bool] = deque(maxlen=2 * self._least)
        self._pauses = 0
        self._doubted = self._quiet = 0  # frames since the pause; since the last voice

    def hear(self, frame: bytes) -> None:
        self._heard.append(frame)

    def say(self, frame: bytes) -> None:
        self._said.append(frame)

    def begin(self) -> None:
        """Another prompt."""
        self._voiced.clear()
        self._pauses = 0

    def speaks(self, sound: Sound) -> bool:
        """Whether the caller has begun to speak; True once, then ``nothing`` is asked."""
        self._voiced.append(sound.speech)
        if sum(self._voiced) < self._least or self._pauses >= self._turns.barge_pauses:
            return False
        self._voiced.clear()
        if self._is_echo():
            return False
        self._pauses += 1
        self._doubted = self._quiet = 0
        return True

    def nothing(self, sound: Sound) -> bool:
        """Whether the voice that paused the prompt has led to nothing."""
        self._doubted += 1
        self._quiet = 0 if sound.speech else self._quiet + 1
        frame, turns = self._turns.frame, self._turns
        return self._quiet * frame >= turns.barge_quiet or self._doubted * frame >= turns.barge_most

    def _is_echo(self) -> bool:
        """Whether what was heard is gone, or nearly, once our own voice is taken out of it."""
        heard = b"".join(self._heard)
        missing = (self._said.maxlen or 0) - len(self._said)
        said = bytes(missing * len(self._heard[-1])) + b"".join(self._said)
        rest = self._echo.without(heard, said)
        if rest is heard:
            return False
        tail = self._least * len(self._heard[-1])
        before, after = (level(side[-tail:], self._rate) for side in (heard, rest))
        audible = max(self._activity.floor + self._vad.start_margin, self._vad.quietest)
        return after < max(audible, before - self._turns.echo_rest)
