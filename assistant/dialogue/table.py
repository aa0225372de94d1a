"""The conversation, as one literal table: phase × meaning → handler, and where it may lead.

A handler is a pure function of the turn. The phases beside it are all that it may lead to;
the tests hold it to them, and the diagram in ARCHITECTURE.md is drawn from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assistant.dialogue import anywhere, capture, correct, service
from assistant.dialogue.meaning import Meaning
from assistant.dialogue.replies import Result, Turn
from assistant.dialogue.state import Phase

Handler = Callable[[Turn], Result | None]


@dataclass(frozen=True, slots=True)
class Row:
    """``handler`` returns None when the turn does not fit after all: then it was no match."""

    handler: Handler
    leads_to: frozenset[Phase]


def to(handler: Handler, *phases: Phase) -> Row:
    return Row(handler, frozenset(phases))


P, M = Phase, Meaning

LISTENING = (P.MENU, P.CODE, P.CONFIRM, P.WHICH, P.FIX, P.SECRET, P.MORE)


def anywhere_in(phase: Phase) -> dict[Meaning, Row]:
    """What holds in every listening phase: it stays there, or the call ends."""
    return {
        M.FAQ: to(anywhere.answer, phase),
        M.CODE_UNKNOWN: to(anywhere.answer, phase),
        M.MENU: to(anywhere.help_, phase),
        M.REPEAT: to(anywhere.repeat, phase),
        M.SLOWER: to(anywhere.slower, phase),
        M.HELLO: to(anywhere.hello, phase),
        M.WAIT: to(anywhere.wait, phase),
        M.NO_MATCH: to(anywhere.no_match, phase, P.ENDED),
        M.SILENCE: to(anywhere.silence, phase, P.ENDED),
        M.AGENT: to(anywhere.agent, P.ENDED),
        M.STOP: to(anywhere.stop, P.ENDED),
        M.HUNG_UP: to(anywhere.hang_up, P.ENDED),
        M.UNEXPECTED: to(service.failed, P.ENDED),
    }


# A code that is complete is read back (CONFIRM), unless a group or two of it were not heard well:
# then only those are asked for, one after the other (FIX). A code that is lost starts again (CODE),
# and the last attempt lost ends the call.
TABLE: dict[Phase, dict[Meaning, Row]] = {
    P.START: {
        M.STARTED: to(service.greet, P.MENU),
        M.HUNG_UP: to(anywhere.hang_up, P.ENDED),
        M.UNEXPECTED: to(service.failed, P.ENDED),
    },
    P.MENU: anywhere_in(P.MENU)
    | {
        M.RESET: to(capture.begin, P.CODE, P.CONFIRM, P.MORE, P.ENDED),
        M.DIGITS: to(capture.begin_with_digits, P.CODE, P.FIX, P.CONFIRM, P.MORE, P.ENDED),
    },
    P.CODE: anywhere_in(P.CODE)
    | {
        M.DIGITS: to(capture.gather, P.CODE, P.FIX, P.CONFIRM, P.ENDED),
        M.KEYS: to(capture.keys, P.CODE, P.FIX, P.CONFIRM, P.ENDED),
        M.CORRECTION: to(correct.correct, P.CODE, P.FIX, P.CONFIRM, P.ENDED),
        M.YES: to(capture.not_yet, P.CODE),
        M.NO: to(capture.is_wrong, P.CODE),
        M.RESET: to(capture.ask_again, P.CODE),
        M.FAQ: to(anywhere.answer, P.CODE, P.FIX, P.CONFIRM, P.ENDED),
        M.CODE_UNKNOWN: to(anywhere.answer, P.CODE, P.FIX, P.CONFIRM, P.ENDED),
    },
    P.CONFIRM: anywhere_in(P.CONFIRM)
    | {
        M.YES: to(service.confirmed, P.VERIFYING, P.CONFIRM, P.ENDED),
        M.NO: to(correct.denied, P.WHICH, P.CODE, P.ENDED),
        M.CORRECTION: to(correct.correct, P.CONFIRM, P.FIX, P.WHICH, P.CODE, P.ENDED),
        M.DIGITS: to(correct.digits_again, P.CONFIRM, P.FIX, P.WHICH, P.CODE, P.ENDED),
        M.KEYS: to(capture.keys, P.CODE, P.CONFIRM, P.ENDED),
        M.ENOUGH: to(correct.enough, P.CONFIRM),
    },
    P.WHICH: anywhere_in(P.WHICH)
    | {
        M.CORRECTION: to(correct.correct, P.CONFIRM, P.FIX, P.WHICH, P.CODE, P.ENDED),
        M.DIGITS: to(correct.digits_again, P.CONFIRM, P.FIX, P.WHICH, P.CODE, P.ENDED),
        M.KEYS: to(capture.keys, P.CODE, P.CONFIRM, P.ENDED),
        M.YES: to(correct.again, P.CONFIRM),
        M.ENOUGH: to(correct.enough, P.CONFIRM),
        M.NO: to(correct.denied, P.CODE, P.ENDED),
        M.NO_MATCH: to(anywhere.no_match, P.WHICH, P.CODE, P.ENDED),
    },
    P.FIX: anywhere_in(P.FIX)
    | {
        M.DIGITS: to(correct.fill, P.CONFIRM, P.FIX, P.CODE, P.ENDED),
        M.KEYS: to(correct.fill, P.CONFIRM, P.FIX, P.CODE, P.ENDED),
        M.CORRECTION: to(correct.correct, P.CONFIRM, P.FIX, P.WHICH, P.CODE, P.ENDED),
        M.NO: to(correct.which, P.WHICH, P.FIX),
        M.NO_MATCH: to(anywhere.no_match, P.FIX, P.CODE, P.ENDED),
    },
    P.VERIFYING: {
        M.RESET_DONE: to(service.reset_done, P.SECRET, P.ENDED),
        M.REFUSED: to(service.refused, P.CODE, P.ENDED),
        M.FAILED: to(service.failed, P.ENDED),
        M.HUNG_UP: to(anywhere.hang_up, P.ENDED),
        M.UNEXPECTED: to(service.failed, P.ENDED),
    },
    P.SECRET: anywhere_in(P.SECRET)
    | {
        M.YES: to(service.secret_noted, P.MORE),
        M.NO: to(service.secret_again, P.SECRET),
        M.RESET: to(service.secret_again, P.SECRET),
        M.DIGITS: to(service.secret_checked, P.SECRET, P.MORE),
    },
    P.MORE: anywhere_in(P.MORE)
    | {
        M.YES: to(service.more, P.MENU),
        M.NO: to(service.goodbye, P.ENDED),
        M.DIGITS: to(capture.begin_with_digits, P.CODE, P.FIX, P.CONFIRM, P.MORE, P.ENDED),
        M.RESET: to(capture.begin, P.CODE, P.CONFIRM, P.MORE, P.ENDED),
    },
    P.ENDED: {M.UNEXPECTED: to(anywhere.over, P.ENDED)},
}
