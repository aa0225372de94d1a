"""When is a turn over? Pure rules that count audio seconds, never the clock."""

from __future__ import annotations

from enum import StrEnum

from assistant.asr.types import EndReason
from assistant.settings import Turns


class Slot(StrEnum):
    """How full the thing is that the dialogue waits for; it decides the patience."""

    OPEN = "open"  # not a code: an ordinary answer
    INCOMPLETE = "incomplete"  # a code with digits missing: pauses inside it are normal
    COMPLETE = "complete"  # nothing can follow


def patience(turns: Turns, slot: Slot) -> float:
    """Seconds of silence after speech that end the turn."""
    return {
        Slot.OPEN: turns.end_silence,
        Slot.INCOMPLETE: turns.code_silence,
        Slot.COMPLETE: turns.complete_silence,
    }[slot]


class EndPointer:
    """One turn. Feed it every frame with what voice activity and the recognizer say of it.

    Voice activity tells when, the words tell whether: a cough or a running engine without a
    word is no answer, and speech so quiet that only the recognizer noticed it still is one.
    """

    def __init__(self, turns: Turns, frame: float) -> None:
        self._turns = turns
        self._frame = frame
        self._frames = 0
        self._words = 0
        self._voiced = 0  # frames
        self._first: float | None = None  # seconds: the first sign of speech
        self._spoke: float | None = None  # seconds: end of the last voiced frame
        self._grew: float | None = None  # seconds: the last time a word was added

    @property
    def now(self) -> float:
        """Seconds since listening began."""
        return self._frames * self._frame

    @property
    def waited(self) -> float:
        """Seconds since the last sign of speech; since the beginning when there was none."""
        spoke, grew = self._spoke or 0.0, self._grew or 0.0
        # A word shows up some time after its sound. One that shows up much later than the last
        # sound was too quiet for voice activity: then the words say when.
        return self.now - (grew if grew - spoke > self._turns.word_lag else spoke)

    @property
    def settled(self) -> float:
        """Seconds in which nothing new came, by the ear or by the words; before the shortest
        patience is over nobody needs to know how full the slot is."""
        return max(self.waited, self.now - (self._grew or 0.0) - self._turns.stall)

    @property
    def started(self) -> bool:
        return self._first is not None

    def accept(self, speech: bool, words: int, slot: Slot, fillers: int = 0) -> EndReason | None:
        """One frame on. None: go on.

        ``words``: how many the partial transcript has; ``fillers``: how many more it could not
        name. Those alone are an answer only with enough voice under them: the filler word is
        also what becomes of a cough.
        """
        self._frames += 1
        if speech:
            self._voiced += 1
            self._spoke = self.now
        if self._voiced * self._frame >= self._turns.filler_voiced:
            words += fillers
        if words != self._words:
            self._words, self._grew = words, self.now
        if self._first is None and (speech or words):
            self._first = self.now
        return self._judge(speech, slot)

    def _judge(self, speech: bool, slot: Slot) -> EndReason | None:
        if self._first is not None and self._words and self._quiet(slot):
            return EndReason.COMPLETE if slot is Slot.COMPLETE else EndReason.SILENCE
        if not self._words:
            return EndReason.NO_INPUT if self._nobody(speech) else None
        if self._first is not None and self.now - self._first >= self._turns.max_utterance:
            return EndReason.TOO_LONG
        return None

    def _quiet(self, slot: Slot) -> bool:
        return self.settled >= patience(self._turns, slot)

    def _nobody(self, speech: bool) -> bool:
        """Nobody said a word in time; someone in mid-breath gets a little longer."""
        limit = self._turns.no_input
        busy = speech or (self._spoke is not None and self.waited < self._turns.end_silence)
        return self.now >= limit + (self._turns.no_input_grace if busy else 0.0)
