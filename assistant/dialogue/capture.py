"""From the request to a code that was read back: collect fragments and keys in one buffer.

A handler that returns None could make nothing of the turn: it then counts as not understood."""

from __future__ import annotations

from dataclasses import replace

from assistant.dialogue.code import (
    CARD_DIGITS,
    CITIZEN_DIGITS,
    CODE_DIGITS,
    Progress,
    code_progress,
    edit_keys,
    groups_with,
    likely_length,
    may_be_citizen_id,
    whole_code,
)
from assistant.dialogue.hearings import (
    AS_IT_IS,
    Hearing,
    Sound,
    Sounds,
    together,
    with_hearing,
)
from assistant.dialogue.replies import (
    CODE_ASK,
    HAVE,
    Result,
    Turn,
    ask,
    finish,
    prefixed,
    question,
    read_back_parts,
    says,
)
from assistant.dialogue.state import DialogueState, Phase, forgotten, without_code
from assistant.dialogue.types import EndOfCall, Keyed
from assistant.nlu.types import Intent

WHOLE = (Progress.COMPLETE, Progress.MAYBE_COMPLETE)

_LOST = 2  # digits; a pause before as few is rare, and a digit not heard is not
_DOUBT = 0.3  # of a digit that was not heard well, where nobody says how sure it is
MENU_CODE = 4  # digits; a run as long as a first group at the menu is a code, not a key


def begin(turn: Turn) -> Result:
    """Ask for the code. Keys typed ahead of the question ("8" and the code) count; a lone one
    is a key pressed twice."""
    state = replace(forgotten(turn.state), phase=Phase.CODE)
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
    gathered = gather(replace(turn, state=state))
    return gathered or prefixed((state, action), says("sorry_low_confidence"))


def gather(turn: Turn) -> Result | None:
    """Append what was said to the buffer. A fragment that would overflow it but is a whole code
    by itself was a fresh start, and so is one that repeats all before; any other overflow is said,
    never cut off. Ten digits of a card are a fresh start too, and stay open unless all of it was
    said: they may be its end, or all but its last three.
    None when too much of it was not heard well."""
    state = gathered(turn)
    return None if too_unsure(turn, state) else settle(turn, state)


def gathered(turn: Turn) -> DialogueState:
    """The state with the buffer that follows from what was said."""
    state = turn.state
    digits, card = turn.span.digits, turn.span.card or state.card
    whole = state.code + digits
    fresh = turn.span.card and len(digits) == CODE_DIGITS and len(whole) not in CARD_DIGITS
    fresh = fresh or _begins_anew(turn, digits)
    fresh = fresh or (state.again and len(digits) > _missing(turn, state))
    if not fresh and code_progress(whole, turn.accepted, card) is Progress.OVERFULL:
        fresh = is_whole(turn, digits)
        card = card and not fresh
    whole_card = turn.span.whole_card and fresh
    state = replace(state, card=card and not whole_card, ended=whole_card, again=False)
    return recalled(turn, written(turn, state, digits, "" if fresh else state.code))


def _begins_anew(turn: Turn, digits: str) -> bool:
    """Whether the caller, asked to go on, reads all of it again: what was collected, and more.
    Not where both together make a code, even if it repeats itself."""
    before, whole = turn.state.code, turn.state.code + digits
    if len(before) < MENU_CODE or not digits.startswith(before):
        return False
    no_citizen_id = len(whole) == CITIZEN_DIGITS and not may_be_citizen_id(whole)
    return no_citizen_id or code_progress(whole, turn.accepted, turn.state.card) not in WHOLE


def written(turn: Turn, state: DialogueState, digits: str, before: str = "") -> DialogueState:
    """The buffer with ``digits``, given in this turn, after ``before``; which of them were not
    heard well is kept beside it."""
    kept = frozenset(place for place in state.unsure if place < len(before))
    new = frozenset(len(before) + place for place in turn.span.unsure)
    sounds = (*state.sounds[: len(before)], *sounds_of(turn, digits))
    return replace(state, code=before + digits, sounds=sounds, unsure=kept | new)


def sounds_of(turn: Turn, digits: str) -> Sounds:
    """Of each of the ``digits`` that this turn gave."""
    span = turn.span
    if span.digits != digits:
        return (AS_IT_IS,) * len(digits)
    sure = span.confidences or (None,) * len(digits)
    known = [_DOUBT if c is None and n in span.unsure else c for n, c in enumerate(sure)]
    return tuple(map(Sound, known, span.rivals or ((),) * len(digits)))


def recalled(turn: Turn, state: DialogueState) -> DialogueState:
    """The buffer, once it is whole, as all hearings of this code in this call have it."""
    if code_progress(state.code, turn.accepted, state.card) not in WHOLE:
        return state
    state = _trimmed(turn, state)
    hearings = with_hearing(state.hearings, Hearing(state.code, state.sounds))
    state = replace(state, hearings=hearings)
    return state if len(hearings) == 1 else weighed(turn, state)


def weighed(turn: Turn, state: DialogueState) -> DialogueState:
    """The likeliest code by the hearings, and which of its digits are in doubt."""
    heard = [one for one in state.hearings if len(one.digits) == len(state.code)]
    code, sure = together(heard, state.denied)
    limit = turn.limits.heard_confidence
    unsure = frozenset(n for n, share in enumerate(sure) if share < limit)
    return replace(state, code=code, sounds=tuple(map(Sound, sure)), unsure=unsure)


def too_unsure(turn: Turn, state: DialogueState) -> bool:
    """Whether what was said now leaves more in doubt than is asked for group by group."""
    groups = _unsure_groups(turn, state)
    return bool(turn.span.unsure) and len(groups) > turn.limits.unsure_groups


def _unsure_groups(turn: Turn, state: DialogueState) -> list[tuple[int, int]]:
    return groups_with(state.unsure, likely_length(len(state.code), turn.accepted))


def _trimmed(turn: Turn, state: DialogueState) -> DialogueState:
    """A complete card reduced to the code in it; anything else as it is."""
    if code_progress(state.code, turn.accepted, state.card) not in WHOLE:
        return state
    code = whole_code(state.code)
    before = len(state.code) - len(code)
    unsure = frozenset(place - before for place in state.unsure if place >= before)
    card, sounds = state.card and not before, state.sounds[before:]
    return replace(state, code=code, card=card, sounds=sounds, unsure=unsure)


def keys(turn: Turn) -> Result:
    """Keys on the buffer: digits append, * deletes the last digit, # ends."""
    assert isinstance(turn.event, Keyed)
    edit = edit_keys(turn.state.code, turn.event.keys)
    if turn.state.again and len(edit.digits) > len(turn.state.code) + _missing(turn, turn.state):
        edit = edit_keys("", turn.event.keys)
    state = replace(turn.state, phase=Phase.CODE, code=edit.digits, read_back=None, fix=None)
    unsure = frozenset(place for place in state.unsure if place < edit.kept)
    sounds = (*state.sounds[: edit.kept], *(AS_IT_IS,) * (len(edit.digits) - edit.kept))
    state = replace(state, ended=edit.ended, again=False, sounds=sounds, unsure=unsure)
    progress = code_progress(state.code, turn.accepted, state.card)
    if progress is Progress.INCOMPLETE:
        state = replace(state, ended=False)
        return _too_few(turn, state) if edit.ended else _ask(turn, state)
    return settle(turn, recalled(turn, state))


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
    """What follows from the buffer: go on, ask for a group that was not heard well, read it back,
    or say it is too long."""
    progress = code_progress(state.code, turn.accepted, state.card)
    if progress is Progress.OVERFULL:
        return failed(turn, state, "code_too_many")
    if progress is Progress.INCOMPLETE:
        return _go_on(turn, replace(state, phase=Phase.CODE, read_back=None, fix=None))
    state = _trimmed(turn, state)
    if state.code == state.own_number:
        return _own_number(turn, state)
    unsure = _unsure_groups(turn, state)
    if not unsure:
        return read_back(turn, state, lead)
    if len(unsure) > turn.limits.unsure_groups:  # those of a fragment became more of the whole
        return prefixed(failed(turn, state, "code_restart"), says("sorry_low_confidence"))
    return _ask_group(turn, state, unsure[0])


def _go_on(turn: Turn, state: DialogueState) -> Result:
    """Ask for what is missing. Whoever said all but a digit or two in one breath has said all of
    it, as far as he knows: then all of it is asked for again, and the rest alone will do too."""
    breath = len(turn.span.digits) == len(state.code) and not state.card
    if breath and _missing(turn, state) <= _LOST:
        state = replace(state, again=True)
        return ask(turn, state, says("code_too_few") + question(without_code(state), turn.accepted))
    state = replace(state, again=False)
    said = question(state, turn.accepted)
    return ask(turn, state, said if state.keypad_only else said[-1:])


def _missing(turn: Turn, state: DialogueState) -> int:
    """Digits that the buffer lacks of the likeliest code."""
    return likely_length(len(state.code), turn.accepted) - len(state.code)


def _own_number(turn: Turn, state: DialogueState) -> Result:
    """The caller gave the number that the call comes from. Another number that looks like a phone's
    may be a code: no first digits are ruled out (domain.md)."""
    lost = failed(turn, state, "code_again")
    return prefixed(lost, says("code_is_phone"))


def _ask_group(turn: Turn, state: DialogueState, group: tuple[int, int]) -> Result:
    """Keep the rest of the code and ask for one group of it. Of ten digits that may grow, say
    that they are ten: "the last three" means those."""
    have = says(HAVE[len(state.code)]) if state.may_grow(turn.accepted) else ()
    state = replace(state, phase=Phase.FIX, fix=group, read_back=None)
    return ask(turn, state, have + says("unsure_group") + question(state, turn.accepted))


def read_back(turn: Turn, state: DialogueState, lead: str = "readback") -> Result:
    """Say the code in groups; only what was said here can be confirmed. From now on the caller
    knows what was heard."""
    state = _trimmed(turn, state)
    state = replace(state, phase=Phase.CONFIRM, read_back=state.code, fix=None, meant="")
    state = replace(state, unsure=frozenset())
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
