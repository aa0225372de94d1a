"""Watchers around the parts of a call: what was said, decided, decoded and asked of the accounts.

They stand where the real parts stand and change nothing; the call does not know them."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.accounts.types import AccountService, Outcome
from assistant.asr.types import EndReason, Recognizer, RecognizerModel, Transcript, Word
from assistant.audio.types import SAMPLE_BYTES
from assistant.call import TableConversation
from assistant.call.parts import Voice
from assistant.dialogue.state import Phase
from assistant.dialogue.types import Action, Event, Failed, Reply, SayDigits
from assistant.nlu.types import Prior
from assistant.tts.renderer import Rendered


@dataclass(slots=True)
class WatchedVoice:
    """Keeps every reply: ``said`` has one for each turn of the call."""

    inner: Voice
    said: list[Reply] = field(default_factory=list, repr=False)
    password: str = field(default="", repr=False)
    digits: list[tuple[str, bytes]] = field(default_factory=list, repr=False)  # meant, and heard

    @property
    def rate(self) -> int:
        return self.inner.rate

    @rate.setter
    def rate(self, value: int) -> None:
        raise AttributeError("the rate of a voice does not change")

    def render(self, reply: Reply) -> Rendered:
        rendered = self.inner.render(reply)
        self.said.append(reply)
        for part in reply.parts:
            if isinstance(part, SayDigits) and part.secret:
                self.password = part.digits
        meant = [part.digits for part in reply.parts if isinstance(part, SayDigits)]
        for digits, (start, end) in zip(meant, rendered.digit_spans, strict=True):
            places = (2 * round(start * rendered.rate), 2 * round(end * rendered.rate))
            self.digits.append((digits, rendered.pcm[slice(*places)]))
        return rendered


class WatchedTalk(TableConversation):
    """Keeps the phases that the conversation passes through."""

    path: tuple[Phase, ...] = ()

    def next(self, event: Event) -> Action:
        action = super().next(event)
        if self.path[-1:] != (self._state.phase,):
            self.path = (*self.path, self._state.phase)
        return action


@dataclass(slots=True)
class WatchedAccounts:
    """Keeps the codes that were verified. ``down``: the account system is away."""

    inner: AccountService
    down: bool = False
    codes: list[str] = field(default_factory=list, repr=False)

    def verify_and_reset(self, phone: str | None, code: str, call_id: str) -> Outcome:
        self.codes.append(code)
        return Failed() if self.down else self.inner.verify_and_reset(phone, code, call_id)


@dataclass(slots=True)
class WatchedModel:
    """Keeps how much sound each final transcript is of: word times count from its start."""

    inner: RecognizerModel
    heard: list[tuple[tuple[Word, ...], float]] = field(default_factory=list, repr=False)

    def recognizer(self) -> Recognizer:
        return _WatchedRecognizer(self.inner.recognizer(), self.heard)

    def seconds(self, words: tuple[Word, ...]) -> float | None:
        """The length of the utterance that gave exactly this tuple of words."""
        return next((seconds for found, seconds in self.heard if found is words), None)


class _WatchedRecognizer:
    def __init__(self, inner: Recognizer, heard: list[tuple[tuple[Word, ...], float]]) -> None:
        self._inner, self._heard = inner, heard
        self._fed = self._rate = 0

    def begin(self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None) -> None:
        self._fed, self._rate = 0, rate
        self._inner.begin(phrases, rate, prior)

    def feed(self, pcm: bytes) -> Transcript:
        self._fed += len(pcm)
        return self._inner.feed(pcm)

    def end(self, reason: EndReason) -> Transcript:
        transcript = self._inner.end(reason)
        self._heard.append((transcript.words, self._fed / (SAMPLE_BYTES * self._rate)))
        return transcript
