"""After the read-back: the code denied, given anew, continued, or corrected digit by digit.

A handler that returns None could make nothing of the turn: it then counts as not understood."""

from __future__ import annotations

from dataclasses import replace

from assistant.dialogue.capture import (
    failed,
    gather,
    gathered,
    is_whole,
    read_back,
    recalled,
    settle,
    sounds_of,
    too_unsure,
    weighed,
    written,
)
from assistant.dialogue.code import (
    CODE_DIGITS,
    Progress,
    code_progress,
    edit_keys,
    place,
    places_of,
    replace_digits,
)
from assistant.dialogue.hearings import part, with_correction, with_hearing
from assistant.dialogue.replies import Result, Turn, ask, fix_key, question, says
from assistant.dialogue.state import DialogueState, Phase, without_code
from assistant.dialogue.types import Keyed

REREAD = 4  # digits; a shorter run after a read-back is a correction that names no place


def again(turn: Turn) -> Result:
    """Read the code back anew: a yes to "which digit is wrong?" confirms nothing."""
    return read_back(turn, turn.state)


def enough(turn: Turn) -> Result:
    """# on a code that was read back: it is all there is; it still wants a yes."""
    return read_back(turn, replace(turn.state, ended=True))


def denied(turn: Turn) -> Result:
    """The read-back was wrong. The last attempt asks for no single digit."""
    turn = replace(turn, state=_denying(turn.state))
    state = turn.state
    last = state.failed_captures + 1 >= turn.limits.code_attempts
    if state.phase is Phase.WHICH or last or state.keypad_only:
        return failed(turn, state, "code_restart")
    return _ask_which(turn)


def which(turn: Turn) -> Result:
    """ "Không phải" to "what is the last digit?": back to which one."""
    return _ask_which(turn)


def digits_again(turn: Turn) -> Result | None:
    """Digits after a read-back: the code anew, its continuation, or unclear."""
    state, digits = turn.state, _digits(turn)
    if is_whole(turn, digits) or (turn.span.card and len(digits) == CODE_DIGITS):
        return _recapture(turn, digits)
    if _continues(turn, digits):
        return _settled(turn, replace(state, read_back=None), digits, state.code)
    if len(digits) >= REREAD and (state.phase is Phase.WHICH or turn.heard.yes_no is False):
        return _recapture(turn, digits)
    if state.phase is Phase.WHICH:
        return denied(turn) if turn.heard.yes_no is False else None
    return _ask_which(turn)


def correct(turn: Turn) -> Result | None:
    """ "Số cuối là bảy", "không phải bảy mà là tám", "sai số thứ ba", "đọc lại từ đầu"."""
    wanted, state = turn.correction, turn.state
    if wanted.restart:
        return _restart(turn)
    count = len(wanted.digits) or wanted.count
    starts = _places(turn, count)
    if len(starts) > 1 and state.phase is not Phase.CODE:
        return _ask_which_of_them(turn)
    if len(starts) != 1:
        return None if state.phase in (Phase.CODE, Phase.WHICH) else _ask_which(turn)
    new = wanted.digits or (state.meant if state.phase is Phase.WHICH else "")
    state = replace(state, fix=(starts[0], count), corrections=state.corrections + 1)
    if state.corrections > turn.limits.corrections:
        return failed(turn, state, "code_restart")
    if len(new) == count:
        return _write(turn, state, _filled(turn, state, new))
    if fix_key(state) is None:
        return failed(turn, state, "code_restart")
    state = replace(state, phase=Phase.FIX, read_back=None)
    return ask(turn, state, question(state, turn.accepted))


def _places(turn: Turn, count: int) -> list[int]:
    """Where the digits that a correction means may begin: one place when it says which. Of a
    value while digits of it are asked for, those; while the code is given, what was said last."""
    wanted, state = turn.correction, turn.state
    if not wanted.wrong:
        start = None if wanted.position is None else place(wanted.position, count, len(state.code))
        return [] if start is None else [start]
    starts = places_of(wanted.wrong, state.code)
    if wanted.position is not None:
        inside = -len(starts) <= wanted.position < len(starts)
        return [starts[wanted.position]] if inside else []
    if state.phase is Phase.CODE and state.code.endswith(wanted.wrong):
        return starts[-1:]
    asked = range(state.fix[0], sum(state.fix)) if state.fix else ()
    return [start for start in starts if start in asked] or starts


def fill(turn: Turn) -> Result | None:
    """The digits that were asked for."""
    digits = _digits(turn)
    if turn.state.fix and len(digits) == turn.state.fix[1]:
        filled = _filled(turn, turn.state, digits)
        in_doubt = turn.span.unsure and filled.unsure & _asked(turn.state)
        return None if in_doubt else _write(turn, turn.state, filled)
    return _recapture(turn, digits) if is_whole(turn, digits) else None


def remembered(turn: Turn) -> DialogueState:
    """The state before a turn of which too much was in doubt, with what was heard of the code all
    the same."""
    state, digits = turn.state, turn.span.digits
    if not digits:
        return state
    if state.phase is Phase.FIX and state.fix and len(digits) == state.fix[1]:
        heard = _filled(turn, state, digits)
    elif state.phase is Phase.CODE:
        heard = gathered(turn)
    elif state.phase in (Phase.CONFIRM, Phase.WHICH, Phase.FIX) and is_whole(turn, digits):
        heard = recalled(turn, written(turn, state, digits))
    else:
        return state
    of_another = len(heard.hearings) <= len(state.hearings)  # those of the buffer's are kept
    return state if of_another and state.code else replace(state, hearings=heard.hearings)


def _ask_which(turn: Turn) -> Result:
    """Which digit is wrong? Not while some are in doubt: then nothing was read back yet."""
    if turn.state.unsure:
        return ask(turn, turn.state, question(turn.state, turn.accepted))
    state = replace(turn.state, phase=Phase.WHICH, fix=None, meant="")
    return ask(turn, state, question(state, turn.accepted))


def _ask_which_of_them(turn: Turn) -> Result:
    """The wrong digits stand in several places: which? What they should be is remembered."""
    state = replace(turn.state, corrections=turn.state.corrections + 1)
    if state.corrections > turn.limits.corrections:
        return failed(turn, state, "code_restart")
    if state.unsure:
        return ask(turn, state, question(state, turn.accepted))
    state = replace(state, phase=Phase.WHICH, fix=None, meant=turn.correction.digits)
    return ask(turn, state, says("which_of_them"))


def _digits(turn: Turn) -> str:
    if isinstance(turn.event, Keyed):
        return edit_keys("", turn.event.keys).digits
    return turn.span.digits


def _recapture(turn: Turn, digits: str) -> Result | None:
    """A new reading replaces the one before, and costs an attempt. The same once more is an
    answer of a kind, the first time; given again and again it costs an attempt too."""
    before = turn.state
    if digits == before.code:
        before = replace(before, repeats=before.repeats + 1)
        if before.repeats == 1:
            return _settled(turn, before, digits)
    else:
        before = _denying(before)
    state, action = failed(turn, before, "code_restart")
    if state.phase is Phase.CODE and not state.keypad_only:
        return _settled(turn, state, digits)
    return state, action


def _settled(turn: Turn, state: DialogueState, digits: str, before: str = "") -> Result | None:
    """What follows from ``digits`` after ``before``; None when too much was not heard well."""
    state = recalled(turn, _all_of_it(turn, written(turn, state, digits, before)))
    return None if too_unsure(turn, state) else settle(turn, state)


def _all_of_it(turn: Turn, state: DialogueState) -> DialogueState:
    """# after keyed digits: they are all there is, if they make a code."""
    if not isinstance(turn.event, Keyed) or not edit_keys("", turn.event.keys).ended:
        return state
    progress = code_progress(state.code, turn.accepted, state.card)
    return replace(state, ended=state.ended or progress is not Progress.INCOMPLETE)


def _continues(turn: Turn, digits: str) -> bool:
    """Whether ``digits`` go on from the code that was read back: the rest of twelve, or the last
    keys of a card whose first ten looked complete."""
    state = turn.state
    whole = state.code + digits
    if state.may_grow(turn.accepted):
        return code_progress(whole, turn.accepted, state.card) is not Progress.OVERFULL
    return isinstance(turn.event, Keyed) and state.ends_card(digits, turn.accepted)


def _write(turn: Turn, state: DialogueState, filled: DialogueState) -> Result:
    """What follows once the place that ``state`` asks for is ``filled``."""
    # what was in doubt was never read back
    lead = "readback" if _asked(state) & state.unsure else "readback_fixed"
    filled = replace(filled, fix=None, read_back=None, unsure=filled.unsure - _asked(state))
    return settle(turn, filled, lead)


def _filled(turn: Turn, state: DialogueState, digits: str) -> DialogueState:
    """The buffer with ``digits`` at the place asked for. One in doubt was heard before, and what
    was heard counts; one that the caller called wrong was not what he said."""
    start = state.fix[0] if state.fix else 0
    places = _asked(state)
    doubted = bool(places & state.unsure)
    sounds = sounds_of(turn, digits)
    unsure = turn.span.unsure if digits == turn.span.digits else ()
    given = part(digits, sounds, start, len(state.code))
    written = replace(
        state,
        code=replace_digits(state.code, start, digits),
        sounds=state.sounds[:start] + sounds + state.sounds[start + len(digits) :],
        unsure=(state.unsure - places) | {start + n for n in unsure},
    )
    hearings = [heard for heard in state.hearings if len(heard.digits) == len(written.code)]
    if not hearings:  # no whole code yet, or none any more
        return written
    if not doubted:
        return replace(written, hearings=with_correction(hearings, given))
    return weighed(turn, replace(written, hearings=with_hearing(hearings, given)))


def _asked(state: DialogueState) -> frozenset[int]:
    """The places that are asked for."""
    return frozenset(range(state.fix[0], sum(state.fix))) if state.fix else frozenset()


def _denying(state: DialogueState) -> DialogueState:
    """The state that knows what was read back to be wrong, keyed or not: once a read-back."""
    if not state.read_back:
        return state
    hearings = tuple(heard.doubted() for heard in state.hearings)
    wrong = (*state.denied, state.read_back)
    return replace(state, denied=wrong, hearings=hearings, read_back=None)


def _restart(turn: Turn) -> Result:
    """Drop the buffer. After a read-back it was a failed capture; before, the caller's wish."""
    if turn.state.phase is Phase.CODE:
        state, action = ask(turn, without_code(turn.state), says("code_restart"))
    else:
        state, action = failed(turn, turn.state, "code_restart")
    gathered = None
    if turn.span.digits and state.phase is Phase.CODE and not state.keypad_only:
        gathered = gather(replace(turn, state=state))
    return gathered or (state, action)
