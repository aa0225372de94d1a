"""step(state, event) → (state, action): pure, total, never raises."""

from __future__ import annotations

from dataclasses import replace

from assistant.dialogue import anywhere
from assistant.dialogue.meaning import FROM_CALLER, Meaning, meaning_of
from assistant.dialogue.replies import Result, Turn
from assistant.dialogue.state import DialogueState, Phase, initial
from assistant.dialogue.table import LISTENING, TABLE, Row
from assistant.dialogue.types import Event
from assistant.settings import DialogueLimits

__all__ = ["initial", "step"]

ABOUT_A_CODE = frozenset({Phase.CONFIRM, Phase.WHICH, Phase.FIX})


def step(
    state: DialogueState,
    event: Event,
    limits: DialogueLimits,
    verifications_per_call: int = 3,
) -> Result:
    """The next state, and what to do in it.

    ``verifications_per_call``: how often a call may ask the account system
    (settings ``security.verifications_per_call``)."""
    rows = TABLE[state.phase]
    meaning, row = _look_up(rows, meaning_of(state, event, rows, limits.accepted_ids))
    if meaning in FROM_CALLER:
        state = replace(state, turns=state.turns + 1)
    turn = Turn(_counted(state, meaning), event, meaning, limits, verifications_per_call)
    if meaning in FROM_CALLER and state.turns > limits.max_turns:
        return anywhere.too_long(turn)
    result = row.handler(turn)
    if result is None:
        turn = replace(turn, state=_counted(state, Meaning.NO_MATCH), meaning=Meaning.NO_MATCH)
        result = anywhere.no_match(turn)
    return result if meaning is Meaning.SILENCE else _bounded(turn, result)


def _bounded(turn: Turn, result: Result) -> Result:
    """The result, or goodbye where the caller goes in circles: every turn is understood, and none
    brings the call further."""
    before, (after, action) = turn.state, result
    if _goes_on(before, after):
        return replace(after, idle=0), action
    if before.idle + 1 >= turn.limits.idle_turns:
        return anywhere.too_long(turn)
    return replace(after, idle=before.idle + 1), action


def _goes_on(before: DialogueState, after: DialogueState) -> bool:
    """Whether something was reached, or a limit of its own was counted. To and fro between the
    read-back and what is wrong with it reaches nothing."""
    if after.phase is not before.phase and not {before.phase, after.phase} <= ABOUT_A_CODE:
        return True
    return len(after.code) > len(before.code) or _limited(after) != _limited(before)


def _limited(state: DialogueState) -> tuple[int, ...]:
    return state.failed_captures, state.corrections, state.repeats, state.verifications


def _look_up(rows: dict[Meaning, Row], meaning: Meaning) -> tuple[Meaning, Row]:
    """The row of ``meaning``; speech without one was no match, an event without one a fault."""
    if meaning not in rows:
        said = meaning in FROM_CALLER and Meaning.NO_MATCH in rows
        meaning = Meaning.NO_MATCH if said else Meaning.UNEXPECTED
    return meaning, rows[meaning]


def _counted(state: DialogueState, meaning: Meaning) -> DialogueState:
    """Rows of silences and misses end where the caller is heard and understood."""
    if state.phase not in LISTENING or meaning is Meaning.SILENCE:
        return state
    misses = state.misses if meaning in (Meaning.NO_MATCH, Meaning.WAIT) else 0
    return replace(state, silences=0, free_silences=0, misses=misses)
