"""From the request to a code that was read back: collect fragments and keys in one buffer.

A handler that returns None could make nothing of the turn: it then counts as not understood."""

from __future__ import annotations

from dataclasses import replace

from assistant.dialogue.code import (
    CARD_DIGITS,
    CODE_DIGITS,
    Progress,
    code_progress,
    edit_keys,
    whole_code,
)
from assistant.dialogue.replies import (
    CODE_ASK,
    Result,
    Turn,
    ask,
    finish,
    question,
    read_back_parts,
    says,
)
from assistant.dialogue.state import DialogueState, Phase, without_code
from assistant.dialogue.types import EndOfCall, Keyed
from assistant.nlu.types import Intent

WHOLE = (Progress.COMPLETE, Progress.MAYBE_COMPLETE)

MENU_CODE = 5  # digits; a run this long at the menu is a code, not a key that was named


def begin(turn: Turn) -> Result:
    """Ask for the code. Keys typed ahead of the question ("8" and the code) count; a lone one
    is a key pressed twice."""
    state = replace(without_code(turn.state), phase=Phase.CODE)
    if state.verifications >= turn.verifications_per_call:
        state = replace(state, phase=Phase.MORE)
        return ask(turn, state, says("no_more_resets") + question(state, turn.accepted))
    ahead = turn.event.keys[1:] if isinstance(turn.event, Keyed) else ""
    if len(ahead) > 1:
        return keys(replace(turn, state=state, event=Keyed(ahead)))
    first = "code_keypad_only" if state.keypad_only else CODE_ASK[turn.accepted]
    return ask(turn, state, says(first))


def begin_with_digits(turn: Turn) -> Result | None:
    """A code said before it was asked for is taken; None when the run is too short to be one
    and nothing else asks for a reset."""
    if len(turn.span.digits) < MENU_CODE:
        return begin(turn) if turn.heard.intent is Intent.RESET else None
    state, action = begin(turn)
    if state.phase is not Phase.CODE:
        return state, action
    return gather(replace(turn, state=state))


def gather(turn: Turn) -> Result:
    """Append what was said to the buffer. A fragment that would overflow it but is a whole code
    by itself was a fresh start; any other overflow is said, never cut off. Ten digits of a
    card are a fresh start too, and stay open: they may be its end, or all but its last three."""
    state = turn.state
    digits, card = turn.span.digits, turn.span.card or state.card
    code = state.code + digits
    if turn.span.card and len(digits) == CODE_DIGITS and len(code) not in CARD_DIGITS:
        code = digits
    elif code_progress(code, turn.accepted, card) is Progress.OVERFULL and is_whole(turn, digits):
        code, card = digits, False
    return settle(turn, replace(state, code=code, card=card, ended=False))


def keys(turn: Turn) -> Result:
    """Keys on the buffer: digits append, * deletes the last digit, # ends."""
    assert isinstance(turn.event, Keyed)
    edit = edit_keys(turn.state.code, turn.event.keys)
    state = replace(turn.state, phase=Phase.CODE, code=edit.digits, read_back=None, fix=None)
    state = replace(state, ended=edit.ended)
    progress = code_progress(state.code, turn.accepted, state.card)
    if progress is Progress.INCOMPLETE:
        state = replace(state, ended=False)
        return _too_few(turn, state) if edit.ended else _ask(turn, state)
    return settle(turn, state)


def not_yet(turn: Turn) -> Result:
    """ "Xong rồi" before the code is complete."""
    return _too_few(turn, turn.state)


def is_wrong(turn: Turn) -> Result:
    """ "Sai rồi" in the middle of the code: nothing is dropped unless the caller says so."""
    if not turn.state.code:
        return ask_again(turn)
    have = question(turn.state, turn.accepted)[:1]
    return ask(turn, turn.state, have + says("code_go_on_or_restart"))


def ask_again(turn: Turn) -> Result:
    return _ask(turn, turn.state)


def _ask(turn: Turn, state: DialogueState) -> Result:
    return ask(turn, state, question(state, turn.accepted))


def _too_few(turn: Turn, state: DialogueState) -> Result:
    if not state.code:
        return _ask(turn, state)
    return ask(turn, state, says("code_too_few") + question(state, turn.accepted))


def settle(turn: Turn, state: DialogueState, lead: str = "readback") -> Result:
    """What follows from the buffer: go on, read it back, or say it is too long."""
    progress = code_progress(state.code, turn.accepted, state.card)
    if progress is Progress.OVERFULL:
        return failed(turn, state, "code_too_many")
    if progress is Progress.INCOMPLETE:
        state = replace(state, phase=Phase.CODE, read_back=None, fix=None)
        said = question(state, turn.accepted)
        return ask(turn, state, said if state.keypad_only else said[-1:])
    return read_back(turn, state, lead)


def read_back(turn: Turn, state: DialogueState, lead: str = "readback") -> Result:
    """Say the code in groups; only what was said here can be confirmed."""
    code = whole_code(state.code)
    card = state.card and code == state.code
    state = replace(state, phase=Phase.CONFIRM, code=code, card=card, read_back=code, fix=None)
    return ask(turn, state, read_back_parts(state, turn.accepted, lead))


def failed(turn: Turn, state: DialogueState, key: str) -> Result:
    """A capture was lost: a fresh start, then keys only, then goodbye with the other routes."""
    if state.keypad_only:
        return finish(
            state,
            EndOfCall.NOT_UNDERSTOOD,
            "goodbye_not_understood",
            "other_routes",
            "goodbye",
        )
    state = replace(
        without_code(state), phase=Phase.CODE, failed_captures=state.failed_captures + 1
    )
    if state.failed_captures >= turn.limits.code_attempts:
        state = replace(state, keypad_only=True)
        return ask(turn, state, question(state, turn.accepted))
    return ask(turn, state, says(key))


def is_whole(turn: Turn, digits: str) -> bool:
    """Whether ``digits`` alone are an accepted code."""
    return code_progress(digits, turn.accepted) in WHOLE
