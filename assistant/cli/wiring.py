"""From settings to the parts of a call: the one place that knows every room."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from assistant.accounts.local import LocalAccounts
from assistant.accounts.open import open_accounts
from assistant.accounts.remote import RemoteAccounts
from assistant.accounts.types import Outcome
from assistant.asr.engines import Model, open_model
from assistant.asr.types import Word
from assistant.batch.capture_queue import CaptureQueue
from assistant.batch.captures import Captures
from assistant.batch.hearing import Stage
from assistant.call import Call, CallParts, TableConversation
from assistant.call.apology import BUSY
from assistant.call.capture import CapturingModel
from assistant.call.consent import ConsentTalk
from assistant.dialogue.types import Action, Ask, EndOfCall, Event, Finish, Refused
from assistant.nlu import DEFAULT_LIMITS, Prior, interpret, phrases, prior
from assistant.nlu.types import Interpretation
from assistant.settings import Settings, Understanding
from assistant.tts.renderer import Renderer

_TELEPHONE, _WIDEBAND = 8_000, 16_000  # Hz; what a channel carries


@dataclass(frozen=True, slots=True)
class Wired:
    """Everything open and checked; to be closed when the last call has ended."""

    parts: CallParts
    model: Model
    voice: Renderer
    accounts: LocalAccounts | RemoteAccounts
    rate: int
    captures: CaptureQueue | None = None  # None: nothing is captured

    def close(self) -> None:
        """What was captured is written before this returns."""
        if self.captures is not None:
            self.captures.close()
        self.accounts.close()


def understand(
    words: tuple[Word, ...], ask: Ask, limits: Understanding = DEFAULT_LIMITS
) -> Interpretation:
    """What the words mean in the state that waits for them."""
    heard = (word.as_heard() for word in words)
    return interpret(heard, ask.expect, ask.digits_so_far, limits, ask.wants)


def likely(ask: Ask, limits: Understanding = DEFAULT_LIMITS) -> Prior | None:
    """What is likely to be said in answer, for choosing among readings."""
    return prior(ask.grammar or ask.expect, ask.digits_so_far, limits)


def open_parts(settings: Settings) -> Wired:
    """Model, prompts, captures, accounts, in this order. Raises the error of what is missing."""
    model = open_model(settings.model, settings.asr)
    rate = _TELEPHONE if model.rate <= _TELEPHONE else _WIDEBAND
    voice = Renderer.open(settings.prompts, rate, settings.voice)
    capture, captures = settings.capture, None
    if capture.enabled:
        captures = CaptureQueue(Captures(capture), capture.most_waiting)
    accounts = open_accounts(settings)
    parts = CallParts(
        model=model,
        understand=partial(understand, limits=settings.understanding),
        phrases=phrases,
        prior=partial(likely, limits=settings.understanding),
        voice=voice,
        accounts=accounts,
        turns=settings.turns,
        vad=settings.vad,
        limits=settings.dialogue,
        invented=accounts.is_invented,
    )
    return Wired(parts, model, voice, accounts, rate, captures)


def new_call(
    wired: Wired, settings: Settings, phone: str | None, can_transfer: bool = False
) -> Call:
    """A call from ``phone`` (None: withheld) that has not begun. ``can_transfer``: the channel
    can hand it to an agent."""
    verifications = settings.security.verifications_per_call
    talk = TableConversation(settings.dialogue, verifications, can_transfer, phone)
    if wired.captures is not None:
        return _captured_call(wired, wired.captures, phone, talk)
    return Call(wired.parts, talk, phone, uuid.uuid4().hex, wired.rate)


def _captured_call(
    wired: Wired, captures: CaptureQueue, phone: str | None, talk: TableConversation
) -> Call:
    """A call that asks for consent first; with it, turns without digits are kept, encrypted."""
    model = CapturingModel(wired.parts.model)

    def finished(consent: bool) -> None:
        if consent:
            for utterance in model.utterances(call.turns, call.reveal):
                captures.put(call.call_id, utterance, datetime.now(UTC))

    parts = replace(wired.parts, model=model)
    asking = ConsentTalk(talk, finished)
    call = Call(parts, asking, phone, uuid.uuid4().hex, wired.rate)
    return call


def open_stage(settings: Settings) -> Stage:
    """Model and voice for scenarios; every scenario opens a throw-away database of its own."""
    model = open_model(settings.model, settings.asr)
    rate = _TELEPHONE if model.rate <= _TELEPHONE else _WIDEBAND
    whole = settings.asr.model_copy(update={"partial_every": settings.audio.max_seconds})
    return Stage(
        settings=settings,
        model=model,
        patient=model.with_settings(whole),
        voice=Renderer.open(settings.prompts, rate, settings.voice),
        understand=partial(understand, limits=settings.understanding),
        phrases=phrases,
        prior=partial(likely, limits=settings.understanding),
        rate=rate,
    )


class OnlyInvented:
    """Accounts for lines that vouch for no caller id (browser, microphone): test data alone can
    be reset through them, whatever number the caller claims."""

    def __init__(self, accounts: LocalAccounts | RemoteAccounts) -> None:
        self._accounts = accounts

    def verify_and_reset(self, phone: str | None, code: str, call_id: str) -> Outcome:
        if not self._accounts.is_invented(phone, code):
            return Refused()
        return self._accounts.verify_and_reset(phone, code, call_id)


class BusyTone:
    """A conversation of one sentence: call later."""

    def next(self, event: Event) -> Action:
        return Finish(BUSY, EndOfCall.BUSY)


class LiveExchange:
    """Makes the calls of live lines. ``trusted``: channels whose caller id counts. An account is
    worked on in a thread of its own: hashing a password takes longer than a frame."""

    def __init__(self, wired: Wired, settings: Settings, trusted: frozenset[str]) -> None:
        pool = ThreadPoolExecutor(settings.security.argon2_concurrency, "accounts")
        self._wired = replace(wired, parts=replace(wired.parts, submit=pool.submit))
        demo = replace(self._wired.parts, accounts=OnlyInvented(wired.accounts))
        self._demo = replace(self._wired, parts=demo)
        self._settings = settings
        self._trusted = trusted

    def new(self, phone: str | None, channel: str) -> Call:
        trusted = channel in self._trusted
        can_transfer = trusted and self._settings.telephone.agent is not None
        return new_call(self._wired if trusted else self._demo, self._settings, phone, can_transfer)

    def busy(self) -> Call:
        return Call(self._wired.parts, BusyTone(), None, uuid.uuid4().hex, self._wired.rate)
