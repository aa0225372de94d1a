"""What a call is made of: the protocols the loop needs, and the bundle that wiring fills."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from assistant.accounts.phone import spoken_form
from assistant.accounts.types import AccountService, Outcome
from assistant.asr.types import RecognizerModel, Word
from assistant.dialogue import DialogueState, initial, step
from assistant.dialogue.types import Action, Ask, Event, Reply
from assistant.nlu.types import Expect, Grammar, Interpretation, Prior
from assistant.settings import DialogueLimits, Turns, Vad
from assistant.tts.renderer import Rendered


class Voice(Protocol):
    """Replies as audio at one rate, from memory."""

    rate: int

    def render(self, reply: Reply) -> Rendered: ...


class Conversation(Protocol):
    """What to do next. Remembers the state; decides nothing else."""

    def next(self, event: Event) -> Action: ...


class TableConversation:
    """The pure dialogue table with its state. ``phone``: the caller id, which is no code."""

    def __init__(
        self,
        limits: DialogueLimits,
        verifications_per_call: int,
        can_transfer: bool = False,
        phone: str | None = None,
    ) -> None:
        self._limits = limits
        self._verifications = verifications_per_call
        self._state: DialogueState = initial(
            can_transfer=can_transfer, own_number=spoken_form(phone)
        )

    def next(self, event: Event) -> Action:
        self._state, action = step(self._state, event, self._limits, self._verifications)
        return action


Understand = Callable[[tuple[Word, ...], Ask], Interpretation]
Phrases = Callable[[Expect | Grammar], tuple[str, ...] | None]
Priors = Callable[[Ask], Prior | None]
Submit = Callable[[Callable[[], Outcome]], "Future[Outcome]"]
Clock = Callable[[], float]


def run_inline(work: Callable[[], Outcome]) -> Future[Outcome]:
    """Run at once, in the caller's thread: for files, where nobody waits for the next frame.

    A live channel passes ``ThreadPoolExecutor(...).submit`` instead.
    """
    future: Future[Outcome] = Future()
    future.set_result(work())
    return future


def never_invented(phone: str | None, code: str) -> bool:
    """The safe answer where an account system cannot tell: mask."""
    return False


def no_prior(ask: Ask) -> None:
    """All readings of an answer are alike."""


@dataclass(frozen=True, slots=True)
class CallParts:
    """Shared by all calls of a process. ``invented``: is this pair test data, whose digits may
    be shown and recorded; ``clock``: seconds, for stage timings only, never for decisions."""

    model: RecognizerModel
    understand: Understand
    phrases: Phrases
    voice: Voice
    accounts: AccountService
    prior: Priors = no_prior
    turns: Turns = field(default_factory=Turns)
    vad: Vad = field(default_factory=Vad)
    limits: DialogueLimits = field(default_factory=DialogueLimits)
    invented: Callable[[str | None, str], bool] = never_invented
    submit: Submit = run_inline
    clock: Clock = time.perf_counter
