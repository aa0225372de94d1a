"""What an event amounts to in the phase it arrives in. Tables first, then one choice."""

from __future__ import annotations

from collections.abc import Container
from enum import StrEnum

from assistant.dialogue.code import Accepted, edit_keys
from assistant.dialogue.state import DialogueState, Phase
from assistant.dialogue.types import (
    CallStarted,
    Event,
    Failed,
    Heard,
    HungUp,
    Keyed,
    Refused,
    ResetDone,
    Silence,
)
from assistant.nlu.types import FAQS, Intent, Interpretation


class Meaning(StrEnum):
    """The columns of the transition table."""

    STARTED = "started"
    RESET = "reset"
    YES = "yes"
    NO = "no"
    DIGITS = "digits"  # spoken, or keyed where keys are an answer
    KEYS = "keys"  # keys that edit the buffer: digits, * deletes, # ends
    ENOUGH = "enough"  # # where a code is already complete
    CORRECTION = "correction"
    REPEAT = "repeat"
    SLOWER = "slower"
    AGENT = "agent"
    STOP = "stop"
    MENU = "menu"
    WAIT = "wait"
    HELLO = "hello"
    CODE_UNKNOWN = "code_unknown"
    FAQ = "faq"
    NO_MATCH = "no_match"
    SILENCE = "silence"
    RESET_DONE = "reset_done"
    REFUSED = "refused"
    FAILED = "failed"
    HUNG_UP = "hung_up"
    UNEXPECTED = "unexpected"  # an event that no action of this phase yields


FROM_CALLER = frozenset(Meaning) - {
    Meaning.STARTED,
    Meaning.RESET_DONE,
    Meaning.REFUSED,
    Meaning.FAILED,
    Meaning.HUNG_UP,
    Meaning.UNEXPECTED,
}

EVENTS: dict[type[Event], Meaning] = {
    CallStarted: Meaning.STARTED,
    Silence: Meaning.SILENCE,
    ResetDone: Meaning.RESET_DONE,
    Refused: Meaning.REFUSED,
    Failed: Meaning.FAILED,
    HungUp: Meaning.HUNG_UP,
}

INTENTS: dict[Intent, Meaning] = {
    Intent.RESET: Meaning.RESET,
    Intent.REPEAT: Meaning.REPEAT,
    Intent.SLOWER: Meaning.SLOWER,
    Intent.AGENT: Meaning.AGENT,
    Intent.STOP: Meaning.STOP,
    Intent.CODE_UNKNOWN: Meaning.CODE_UNKNOWN,
    Intent.MENU: Meaning.MENU,
    Intent.WAIT: Meaning.WAIT,
    Intent.HELLO: Meaning.HELLO,
    **dict.fromkeys(FAQS, Meaning.FAQ),
}

# A request outranks digits and a yes ("vâng, cho hỏi mất bao nhiêu tiền" is a question); these
# intents do not outrank digits: "chờ chút … không một hai" is a code.
BELOW_DIGITS = frozenset({Meaning.RESET, Meaning.REPEAT, Meaning.MENU, Meaning.WAIT, Meaning.HELLO})

# One key is one answer here. In CODE and FIX every key edits the buffer instead. At CONFIRM,
# * still deletes the last digit, and # (typed after a code that was already full) confirms
# nothing. 0 is no agent while digits are keyed: it begins most codes.
KEYS: dict[Phase, dict[str, Meaning]] = {
    Phase.MENU: {"8": Meaning.RESET, "0": Meaning.AGENT, "9": Meaning.MENU, "*": Meaning.MENU},
    Phase.CONFIRM: {"1": Meaning.YES, "2": Meaning.NO, "#": Meaning.ENOUGH},
    Phase.WHICH: {"#": Meaning.ENOUGH},
    Phase.SECRET: {"*": Meaning.REPEAT, "#": Meaning.YES, "0": Meaning.AGENT},
    Phase.MORE: {
        "8": Meaning.RESET,
        "0": Meaning.AGENT,
        "1": Meaning.YES,
        "2": Meaning.NO,
        "9": Meaning.MENU,
        "*": Meaning.MENU,
        "#": Meaning.NO,
    },
}
OTHER_KEY: dict[Phase, Meaning] = {Phase.MENU: Meaning.MENU}  # anything else repeats the menu


def meaning_of(
    state: DialogueState, event: Event, known: Container[Meaning], accepted: Accepted
) -> Meaning:
    """The meaning of ``event``, out of those ``known`` to the phase where several would do.
    ``accepted``: the codes there are; they say whether digits may go on from those read back."""
    if isinstance(event, Keyed):
        return _keyed(state, event.keys, accepted)
    if isinstance(event, Heard):
        return _heard(state, event.interpretation, known, accepted)
    return EVENTS[type(event)]


def _keyed(state: DialogueState, keys: str, accepted: Accepted) -> Meaning:
    phase = state.phase
    if not keys:
        return Meaning.SILENCE
    if phase in (Phase.CODE, Phase.FIX):
        return Meaning.KEYS
    table = KEYS.get(phase, {})
    if phase in (Phase.CONFIRM, Phase.WHICH):
        digits = edit_keys("", keys).digits
        if len(digits) > 1 and state.ends_card(digits, accepted):  # "111" too
            return Meaning.DIGITS
        return _keyed_on_code(table, keys, state.may_grow(accepted))
    return table.get(keys[0], OTHER_KEY.get(phase, Meaning.NO_MATCH))


def _keyed_on_code(table: dict[str, Meaning], keys: str, grows: bool) -> Meaning:
    """A code was read back: one key (or one pressed repeatedly) answers, more are digits. Where
    the code may go on "11" are two digits, and "1#" is still the answer."""
    answer = keys.rstrip("#") or "#"
    if not grows and len(set(answer)) == 1:
        answer = answer[0]
    if answer in table:
        return table[answer]
    if keys[0] == "*":
        return Meaning.KEYS
    return Meaning.DIGITS if any(k in "0123456789" for k in keys) else Meaning.NO_MATCH


def _heard(
    state: DialogueState, heard: Interpretation, known: Container[Meaning], accepted: Accepted
) -> Meaning:
    if heard.rejection is not None:
        return Meaning.NO_MATCH
    for meaning in _candidates(state, heard, accepted):
        if meaning in known:
            return meaning
    return Meaning.NO_MATCH


def _candidates(state: DialogueState, heard: Interpretation, accepted: Accepted) -> list[Meaning]:
    intent = INTENTS[heard.intent] if heard.intent is not None else None
    answer = {True: Meaning.YES, False: Meaning.NO, None: None}[heard.yes_no]
    digits = _digits_meaning(state, heard, accepted)
    correction = Meaning.CORRECTION if heard.correction is not None else None
    order = (
        [correction, digits, intent, answer]
        if intent in BELOW_DIGITS
        else [intent, correction, digits, answer]
    )
    return [m for m in order if m is not None]


def _digits_meaning(
    state: DialogueState, heard: Interpretation, accepted: Accepted
) -> Meaning | None:
    """Digits, unless they say a key ("tám", "số một") or repeat the code after a yes. Digits not
    heard well are no key and confirm nothing, and where a code may go on they go on."""
    if heard.digits is None or not heard.digits.digits:
        return None
    if heard.digits.unsure:
        return Meaning.DIGITS
    digits = heard.digits.digits
    read = state.phase is Phase.WHICH or digits == state.read_back
    if heard.yes_no is True and read and digits == state.code:
        return Meaning.YES
    if state.phase is Phase.CONFIRM and state.may_grow(accepted):
        return Meaning.DIGITS
    return KEYS.get(state.phase, {}).get(digits, Meaning.DIGITS)
