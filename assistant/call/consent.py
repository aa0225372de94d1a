"""May this call be kept? Asked once, before the conversation; anything but a yes means no.

The question stands in front of the dialogue and is no part of its table: a call without
capturing has no trace of it. What the caller says instead of an answer is passed on."""

from __future__ import annotations

from collections.abc import Callable

from assistant.call.parts import Conversation
from assistant.dialogue.types import (
    Action,
    Ask,
    CallStarted,
    Event,
    Heard,
    HungUp,
    Keyed,
    Reply,
    Say,
)
from assistant.nlu.types import Expect

PROMPT = "capture_ask"
_YES, _NO = "1", "2"


class ConsentTalk:
    """A conversation that asks for consent first. ``finished`` gets the answer at the end."""

    def __init__(self, inner: Conversation, finished: Callable[[bool], None]) -> None:
        self._inner, self._finished = inner, finished
        self._asking = self._over = False
        self.given = False

    def next(self, event: Event) -> Action:
        if isinstance(event, CallStarted):
            self._asking = True
            return Ask(Reply((Say(PROMPT),)), Expect.CONFIRM, instant_keys="0123456789*#")
        if self._asking and not isinstance(event, HungUp):
            return self._answered(event)
        action = self._inner.next(event)
        if isinstance(event, HungUp) and not self._over:
            self._over = True
            self._finished(self.given)
        return action

    def _answered(self, event: Event) -> Action:
        self._asking = False
        self.given = is_yes(event)
        greeting = self._inner.next(CallStarted())
        return self._inner.next(event) if _is_request(event) else greeting


def is_yes(event: Event) -> bool:
    """An unmistakable yes: said as such, or key 1. Silence and doubt are none."""
    if isinstance(event, Keyed):
        return event.keys == _YES
    if not isinstance(event, Heard):
        return False
    heard = event.interpretation
    return heard.yes_no is True and heard.rejection is None


def _is_request(event: Event) -> bool:
    """Not an answer but what the caller rang for."""
    if isinstance(event, Keyed):
        return event.keys[:1] not in (_YES, _NO)
    if isinstance(event, Heard):
        heard = event.interpretation
        return heard.yes_no is None and (heard.intent is not None or heard.digits is not None)
    return False
