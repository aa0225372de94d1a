"""From settings to the parts of a call: the one place that knows every room."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from assistant.accounts.local import LocalAccounts
from assistant.accounts.open import open_accounts
from assistant.accounts.remote import RemoteAccounts
from assistant.asr.types import Word
from assistant.asr.vosk_adapter import VoskModel
from assistant.batch.captures import Captures
from assistant.batch.hearing import Stage
from assistant.call import Call, CallParts, TableConversation
from assistant.call.capture import CapturingModel
from assistant.call.consent import ConsentTalk
from assistant.dialogue.types import Ask
from assistant.nlu import HeardWord, interpret, phrases
from assistant.nlu.types import Interpretation
from assistant.settings import Settings
from assistant.tts.renderer import Renderer

_TELEPHONE, _WIDEBAND = 8_000, 16_000  # Hz; what a channel carries


@dataclass(frozen=True, slots=True)
class Wired:
    """Everything open and checked. Close ``accounts`` at the end."""

    parts: CallParts
    model: VoskModel
    voice: Renderer
    accounts: LocalAccounts | RemoteAccounts
    rate: int


def understand(words: tuple[Word, ...], ask: Ask) -> Interpretation:
    """What the words mean in the state that waits for them."""
    heard = [HeardWord(word.text, word.confidence) for word in words]
    return interpret(heard, ask.expect, ask.digits_so_far)


def open_parts(settings: Settings) -> Wired:
    """Model, prompts and accounts, in this order. Raises the coded error of what is missing."""
    model = VoskModel.open(settings.model, settings.asr)
    rate = _TELEPHONE if model.rate <= _TELEPHONE else _WIDEBAND
    voice = Renderer.open(settings.prompts, rate, settings.voice)
    accounts = open_accounts(settings)
    parts = CallParts(
        model=model,
        understand=understand,
        phrases=phrases,
        voice=voice,
        accounts=accounts,
        turns=settings.turns,
        vad=settings.vad,
        limits=settings.dialogue,
        invented=accounts.is_invented,
    )
    return Wired(parts, model, voice, accounts, rate)


def new_call(wired: Wired, settings: Settings, phone: str | None) -> Call:
    """A call from ``phone`` (None: withheld) that has not begun."""
    talk = TableConversation(settings.dialogue, settings.security.verifications_per_call)
    if settings.capture.enabled:
        return _captured_call(wired, settings, phone, talk)
    return Call(wired.parts, talk, phone, uuid.uuid4().hex, wired.rate)


def _captured_call(
    wired: Wired, settings: Settings, phone: str | None, talk: TableConversation
) -> Call:
    """A call that asks for consent first; with it, turns without digits are kept, encrypted."""
    model = CapturingModel(wired.parts.model)
    captures = Captures(settings.capture)

    def finished(consent: bool) -> None:
        if consent:
            for utterance in model.utterances(call.turns, call.reveal):
                captures.add(utterance, datetime.now(UTC))

    parts = replace(wired.parts, model=model)
    asking = ConsentTalk(talk, finished)
    call = Call(parts, asking, phone, uuid.uuid4().hex, wired.rate)
    return call


def open_stage(settings: Settings) -> Stage:
    """Model and voice for scenarios; every scenario opens a throw-away database of its own."""
    model = VoskModel.open(settings.model, settings.asr)
    rate = _TELEPHONE if model.rate <= _TELEPHONE else _WIDEBAND
    whole = settings.asr.model_copy(update={"partial_every": settings.audio.max_seconds})
    return Stage(
        settings=settings,
        model=model,
        patient=VoskModel(model.folder, model.kaldi, whole),
        voice=Renderer.open(settings.prompts, rate, settings.voice),
        understand=understand,
        phrases=phrases,
        rate=rate,
    )
