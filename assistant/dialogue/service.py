"""From a confirmed code to the spoken password, and to the end of the call.

A handler that returns None could make nothing of the turn: it then counts as not understood."""

from __future__ import annotations

from dataclasses import replace

from assistant.dialogue.capture import read_back
from assistant.dialogue.replies import (
    Result,
    Turn,
    ask,
    finish,
    password_parts,
    prefixed,
    question,
    says,
)
from assistant.dialogue.state import Phase, forgotten
from assistant.dialogue.types import (
    EndOfCall,
    Reply,
    ResetDone,
    VerifyAndReset,
)


def greet(turn: Turn) -> Result:
    state = replace(turn.state, phase=Phase.MENU)
    return ask(turn, state, says("greeting") + question(state, turn.accepted))


def confirmed(turn: Turn) -> Result:
    """The only way to an account: a yes to the very code that was last read back."""
    state = turn.state
    if not state.code or state.code != state.read_back:
        return read_back(turn, state)
    if state.verifications >= turn.verifications_per_call:
        return _refuse_for_good(turn)
    action = VerifyAndReset(Reply(says("verifying"), slow=state.slow), state.code)
    state = replace(forgotten(state), phase=Phase.VERIFYING, verifications=state.verifications + 1)
    return state, action


def reset_done(turn: Turn) -> Result:
    """Speak the password. One that is not digits cannot be spelled from the clips."""
    password = turn.event.password if isinstance(turn.event, ResetDone) else ""
    if not (password.isascii() and password.isdigit()):
        return failed(turn)
    state = replace(turn.state, phase=Phase.SECRET, password=password, resets=turn.state.resets + 1)
    return ask(turn, state, says("reset_done") + password_parts(password))


def refused(turn: Turn) -> Result:
    """One sentence whatever the reason; another code may be tried while the limit allows."""
    if turn.state.verifications >= turn.verifications_per_call:
        return _refuse_for_good(turn)
    state = replace(turn.state, phase=Phase.CODE)
    return ask(turn, state, says("refused", "refused_retry"))


def _refuse_for_good(turn: Turn) -> Result:
    return finish(turn.state, EndOfCall.REFUSED, "refused", "other_routes", "goodbye")


def failed(turn: Turn) -> Result:
    """A failure of ours, or an event nobody can yield here: apologise and end."""
    return finish(turn.state, EndOfCall.FAILED, "failed", "other_routes", "goodbye")


def secret_again(turn: Turn) -> Result:
    """ "Chưa", "đọc lại mật khẩu đi": the password once more."""
    return ask(turn, turn.state, password_parts(turn.state.password or ""))


def secret_checked(turn: Turn) -> Result:
    """The caller reads the password back: right, or hear it again."""
    if turn.span.digits != turn.state.password:
        return secret_again(turn)
    return prefixed(secret_noted(turn), says("password_right"))


def secret_noted(turn: Turn) -> Result:
    """The caller has it: forget it and go on."""
    state = replace(turn.state, phase=Phase.MORE, password=None)
    return ask(turn, state, says("must_change") + question(state, turn.accepted))


def more(turn: Turn) -> Result:
    state = replace(turn.state, phase=Phase.MENU)
    return ask(turn, state, says("more_what") + question(state, turn.accepted))


def goodbye(turn: Turn) -> Result:
    return finish(turn.state, EndOfCall.DONE, "goodbye")
