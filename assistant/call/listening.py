"""One answer: sound and keys, until one of them is a turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from assistant.asr.endpoint import EndPointer, Slot, patience
from assistant.asr.types import EndReason, Recognizer, Transcript, Word
from assistant.call.parts import CallParts
from assistant.call.patience import slot_of
from assistant.dialogue.types import Ask, Event, Heard, Keyed, Silence
from assistant.nlu.types import Interpretation

FILLER = "[unk]"


@dataclass(frozen=True, slots=True)
class Sound:
    """A frame of the caller and whether voice activity found speech in it."""

    pcm: bytes = field(repr=False)
    speech: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """How a turn ended. ``decode``, ``understand``: milliseconds; ``early``: sound that already
    belongs to the next answer (speech that followed keys)."""

    event: Event
    reason: EndReason
    waited: float
    words: tuple[Word, ...] = field(default=(), repr=False)
    decode: float | None = None
    understand: float | None = None
    early: tuple[Sound, ...] = field(default=(), repr=False)


class Listener:
    """Listens for the answer to one question. Nothing here knows the time but the frames."""

    def __init__(self, parts: CallParts, recognizer: Recognizer, ask: Ask, rate: int) -> None:
        self._parts = parts
        self._recognizer = recognizer
        self._ask = ask
        self._rate = rate
        self._turns = parts.turns
        self._shortest = min(patience(parts.turns, slot) for slot in Slot)
        self._hears = not ask.keypad_only
        self._keys = ""
        self._since_key = 0  # frames
        self._early: list[Sound] = []
        self._begin()

    @property
    def partial(self) -> tuple[Word, ...]:
        """The words so far."""
        return self._partial

    @property
    def engaged(self) -> bool:
        """Whether there are words or a key: somebody means to answer. One word may yet be a
        cough; what becomes of it is known at its end."""
        return self._words > 1 or bool(self._keys)

    def pre_roll(self, sounds: Iterable[Sound]) -> None:
        """Sound from before listening began: an eager caller's first word."""
        for sound in sounds:
            self._hear(sound)

    def accept(self, sound: Sound, queue: deque[str]) -> Answer | None:
        """One frame on; takes from ``queue`` the keys that belong to this turn."""
        if queue and not self._keys:
            spoken = self._interrupt()
            if spoken is not None:
                return spoken  # the keys stay in the queue for the next question
        while queue:
            self._keys += queue.popleft()
            self._since_key = 0
            self._early.clear()
            if self._ask.keys_enough(self._keys, self._parts.limits.accepted_ids):
                return self._keyed()
        return self._after_key(sound) if self._keys else self._spoken(sound)

    def conclude(self) -> Answer | None:
        """Nothing more is coming: the words after all, or None. Closes the utterance."""
        answer = self._heard(EndReason.SILENCE)
        return answer if any(word.text != FILLER for word in answer.words) else None

    def close(self) -> None:
        """Give the utterance up: the call is over."""
        if self._hears:
            self._hears = False
            self._recognizer.end(EndReason.INTERRUPTED)

    # --- speech ---------------------------------------------------------------------------

    def _begin(self) -> None:
        self._end_pointer = EndPointer(self._turns, self._turns.frame)
        self._partial: tuple[Word, ...] = ()
        self._words = self._fillers = 0
        self._slot = Slot.OPEN
        self._understood: tuple[Word, ...] | None = None  # the partial that the slot is of
        if self._hears:
            parts, ask = self._parts, self._ask
            grammar = parts.phrases(ask.grammar or ask.expect)
            self._recognizer.begin(grammar, self._rate, parts.prior(ask))

    def _hear(self, sound: Sound) -> EndReason | None:
        if self._hears:
            self._update(self._recognizer.feed(sound.pcm).words)
        self._update_slot()
        speech = sound.speech and self._hears
        return self._end_pointer.accept(speech, self._words, self._slot, self._fillers)

    def _update_slot(self) -> None:
        """Understand the partial result, once it matters: that costs more than a frame."""
        waits = self._end_pointer.settled + 2 * self._turns.frame
        if self._understood is not self._partial and waits >= self._shortest:
            self._understood = self._partial
            self._slot = self._slot_of(self._partial)

    def _update(self, partial: tuple[Word, ...]) -> None:
        if partial is self._partial:  # nothing was decoded since the last frame
            return
        self._partial = partial
        self._fillers = sum(word.text == FILLER for word in partial)
        self._words = len(partial) - self._fillers

    def _slot_of(self, words: tuple[Word, ...]) -> Slot:
        heard = self._parts.understand(words, self._ask) if words else Interpretation()
        return slot_of(self._ask, heard, self._parts.limits.accepted_ids)

    def _spoken(self, sound: Sound) -> Answer | None:
        reason = self._hear(sound)
        if reason is None:
            return None
        if reason is EndReason.NO_INPUT:
            return self._nobody()
        return self._heard(reason)

    def _nobody(self) -> Answer:
        """Nobody spoke, as far as anyone could tell; the last decoding may know better."""
        answer = self._heard(EndReason.NO_INPUT)
        if any(word.text != FILLER for word in answer.words):
            return answer
        return Answer(Silence(), EndReason.NO_INPUT, answer.waited, decode=answer.decode)

    def _heard(self, reason: EndReason) -> Answer:
        waited = self._end_pointer.waited
        clock = self._parts.clock
        start = clock()
        transcript = self._finish(reason)
        decoded = clock()
        heard = self._parts.understand(transcript.words, self._ask)
        understood = clock()
        return Answer(
            event=Heard(heard),
            reason=reason,
            waited=waited,
            words=transcript.words,
            decode=1000 * (decoded - start),
            understand=1000 * (understood - decoded),
        )

    def _finish(self, reason: EndReason) -> Transcript:
        if not self._hears:
            return Transcript((), reason)
        self._hears = False
        return self._recognizer.end(reason)

    # --- keys -----------------------------------------------------------------------------

    def _interrupt(self) -> Answer | None:
        """A key ends what was being said; words before it are a turn of their own."""
        if not self._hears:
            return None
        answer = self._heard(EndReason.INTERRUPTED)
        if any(word.text != FILLER for word in answer.words):
            return answer
        self._hears = True
        self._begin()
        return None

    def _after_key(self, sound: Sound) -> Answer | None:
        """Between two keys: the time-out ends the turn, and so does speech, which is kept."""
        self._since_key += 1
        if self._hears:
            self._early.append(sound)
            self._hear(sound)
        spoke = self._words > 0
        if spoke or self._since_key * self._turns.frame >= self._turns.inter_digit:
            return self._keyed(tuple(self._early) if spoke else ())
        return None

    def _keyed(self, early: tuple[Sound, ...] = ()) -> Answer:
        waited = self._since_key * self._turns.frame
        self.close()
        return Answer(Keyed(self._keys), EndReason.INTERRUPTED, waited, early=early)
