"""What a caller may say in every listening phase, silence and misunderstanding included."""

from __future__ import annotations

from dataclasses import replace

from assistant.dialogue.capture import gather
from assistant.dialogue.correct import remembered
from assistant.dialogue.replies import (
    FAQ_ANSWERS,
    FIND_CODE,
    SORRY,
    Parts,
    Result,
    Turn,
    ask,
    finish,
    hint,
    listen,
    password_parts,
    prefixed,
    question,
    question_again,
    says,
)
from assistant.dialogue.state import EMPTY_REPLY, DialogueState, Phase, without_code
from assistant.dialogue.types import EndOfCall
from assistant.nlu.types import Intent, Rejection

GIVES_CODE = frozenset({Phase.CODE, Phase.WHICH, Phase.FIX})


def answer(turn: Turn) -> Result:
    """FAQ: the answer, then the same question. Digits of the same breath are kept."""
    intent = turn.heard.intent
    find = intent in (None, Intent.CODE_UNKNOWN, Intent.FAQ_FIND_CODE)
    keys = FIND_CODE[turn.accepted] if find or intent is None else (FAQ_ANSWERS[intent],)
    return prefixed(_resume(turn), says(*keys))


def help_(turn: Turn) -> Result:
    """The menu at the menu; elsewhere what can be asked, then the same question."""
    if turn.state.phase is Phase.MENU:
        return ask(turn, turn.state, says("menu"))
    return prefixed(_resume(turn), says("can_help"))


def hello(turn: Turn) -> Result:
    return ask(turn, turn.state, says("hello") + question(turn.state, turn.accepted))


def wait(turn: Turn) -> Result:
    """Keep listening; the next silences are not counted, and "nhắc lại" still repeats the
    question."""
    state = replace(turn.state, free_silences=turn.limits.wait_silences)
    _, action = ask(turn, state, says("wait"))
    return state, action


def repeat(turn: Turn) -> Result:
    """The last reply again; after a password, the password."""
    if turn.state.password is not None:
        return ask(turn, turn.state, password_parts(turn.state.password))
    parts = turn.state.last_reply.parts or question(turn.state, turn.accepted)
    return ask(turn, turn.state, parts)


def slower(turn: Turn) -> Result:
    return repeat(replace(turn, state=replace(turn.state, slow=True)))


def agent(turn: Turn) -> Result:
    if turn.state.can_transfer:
        return finish(turn.state, EndOfCall.AGENT, "agent_transfer", transfer=True)
    return finish(turn.state, EndOfCall.AGENT, "agent_hours", "goodbye")


def stop(turn: Turn) -> Result:
    end = EndOfCall.DONE if _served(turn.state) else EndOfCall.CALLER_STOPPED
    return finish(turn.state, end, *_last_words(turn.state))


def no_match(turn: Turn) -> Result:
    """Not understood: say so by its kind and ask again, then with keys, then goodbye. Speech
    that fails while the code is given or mended ends in an attempt by keys alone."""
    state = remembered(turn)
    state = replace(state, misses=state.misses + 1)
    if state.misses >= turn.limits.no_match_goodbye:
        return _give_up(state, EndOfCall.NOT_UNDERSTOOD, "goodbye_not_understood", "other_routes")
    if state.phase in GIVES_CODE and state.misses >= turn.limits.code_attempts:
        state = replace(state, keypad_only=True)
        if state.phase is not Phase.CODE:
            state = replace(without_code(state), phase=Phase.CODE)
    unclear = Rejection.LOW_CONFIDENCE if turn.span.unsure else Rejection.UNKNOWN
    sorry = says(SORRY[turn.heard.rejection or unclear])
    return ask(turn, state, sorry + _escalated(turn, state, state.misses))


def silence(turn: Turn) -> Result:
    """Nobody spoke: reprompt, then with keys, then goodbye."""
    state = turn.state
    if state.free_silences:
        state = replace(state, free_silences=state.free_silences - 1)
        return state, listen(turn, state, EMPTY_REPLY)
    state = replace(state, silences=state.silences + 1)
    if state.silences >= turn.limits.no_input_goodbye:
        return _give_up(state, EndOfCall.NO_INPUT, "goodbye_silence")
    writing = state.phase is Phase.SECRET  # silent because busy with pen and paper
    hinted = state.silences >= turn.limits.no_input_hint
    lead = () if writing or hinted else says("silence")
    return ask(turn, state, lead + _escalated(turn, state, state.silences))


def hang_up(turn: Turn) -> Result:
    return finish(turn.state, EndOfCall.CALLER_HUNG_UP)


def too_long(turn: Turn) -> Result:
    """The limit on turns: the call ends well instead of costing on."""
    return _give_up(turn.state, EndOfCall.NOT_UNDERSTOOD, "goodbye_not_understood", "other_routes")


def over(turn: Turn) -> Result:
    """The call has ended: nothing more is said."""
    return finish(turn.state, turn.state.end or EndOfCall.CALLER_HUNG_UP)


def _resume(turn: Turn) -> Result:
    gathered = None
    if turn.state.phase is Phase.CODE and turn.span.digits:
        gathered = gather(turn)
    return gathered or ask(turn, turn.state, question_again(turn.state, turn.accepted))


def _escalated(turn: Turn, state: DialogueState, times: int) -> Parts:
    if times >= turn.limits.no_input_hint:
        return hint(state)
    return question(state, turn.accepted)


def _give_up(state: DialogueState, end: EndOfCall, *keys: str) -> Result:
    if state.phase in (Phase.SECRET, Phase.MORE):  # the job is done
        return finish(state, EndOfCall.DONE, *_last_words(state))
    return finish(state, end, *keys, "goodbye")


def _last_words(state: DialogueState) -> tuple[str, ...]:
    return ("must_change", "goodbye") if state.phase is Phase.SECRET else ("goodbye",)


def _served(state: DialogueState) -> bool:
    return state.resets > 0 or state.phase is Phase.MORE
