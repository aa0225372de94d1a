"""Which prompts make a reply: tables of keys, and the question a phase is waiting on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from assistant.dialogue.code import CODE_DIGITS, Accepted, groups
from assistant.dialogue.meaning import KEYS, Meaning
from assistant.dialogue.state import EMPTY_REPLY, EXPECT, DialogueState, Phase, forgotten
from assistant.dialogue.types import (
    Action,
    Ask,
    EndOfCall,
    Event,
    Finish,
    Heard,
    Keyed,
    Reply,
    Say,
    SayDigits,
    Spoken,
)
from assistant.nlu.types import (
    Correction,
    DigitSpan,
    Expect,
    Grammar,
    Intent,
    Interpretation,
    Rejection,
)
from assistant.settings import DialogueLimits

Result = tuple[DialogueState, Action]
Parts = tuple[Spoken, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One event in its state, and the limits that hold."""

    state: DialogueState
    event: Event
    meaning: Meaning
    limits: DialogueLimits
    verifications_per_call: int

    @property
    def accepted(self) -> Accepted:
        return self.limits.accepted_ids

    @property
    def heard(self) -> Interpretation:
        """What was said; an empty interpretation when the event is not speech."""
        return self.event.interpretation if isinstance(self.event, Heard) else Interpretation()

    @property
    def span(self) -> DigitSpan:
        return self.heard.digits or DigitSpan("")

    @property
    def correction(self) -> Correction:
        return self.heard.correction or Correction()


# --- tables ---------------------------------------------------------------------------

CODE_ASK: dict[Accepted, str] = {
    "both": "code_ask_both",
    "bhxh": "code_ask_bhxh",
    "cccd": "code_ask_cccd",
}
FIND_CODE: dict[Accepted, tuple[str, ...]] = {
    "both": ("faq_find_code", "find_citizen_id"),
    "bhxh": ("faq_find_code",),
    "cccd": ("find_citizen_id",),
}
FAQ_ANSWERS: dict[Intent, str] = {
    Intent.FAQ_FEE: "faq_fee",
    Intent.FAQ_EMAIL_ROUTE: "faq_email_route",
    Intent.FAQ_ADD_EMAIL: "faq_add_email",
    Intent.FAQ_CHANGE_PASSWORD: "faq_change_password",
    Intent.FAQ_UPDATE_ACCOUNT: "faq_update_account",
    Intent.FAQ_FRAUD: "faq_fraud",
}
SORRY: dict[Rejection, str] = {
    Rejection.EMPTY: "sorry_empty",
    Rejection.UNKNOWN: "sorry_unknown",
    Rejection.AMBIGUOUS: "sorry_ambiguous",
    Rejection.LOW_CONFIDENCE: "sorry_low_confidence",
}
QUESTIONS: dict[Phase, str] = {
    Phase.MENU: "menu_short",
    Phase.SECRET: "secret_ask",
    Phase.MORE: "more_ask",
}
HINTS: dict[Phase, str] = {
    Phase.MENU: "hint_menu",
    Phase.CODE: "hint_code",
    Phase.CONFIRM: "hint_confirm",
    Phase.WHICH: "hint_which",
    Phase.FIX: "hint_fix",
    Phase.SECRET: "secret_ask",
    Phase.MORE: "hint_more",
}
HAVE = tuple(f"have_{n}" for n in range(13))  # have_0 is never said
FIX_ONE = tuple(f"fix_{n}" for n in range(1, 12))  # the twelfth is always the last
FIX_FIRST = {n: f"fix_first_{n}" for n in (2, 3, 4)}
FIX_NEXT = {n: f"fix_next_3_after_{n}" for n in (3, 4, 6)}  # groups inside a code
FIX_LAST = {1: "fix_last", 2: "fix_last_2", 3: "fix_last_3", 4: "fix_last_4"}


def says(*keys: str) -> Parts:
    return tuple(Say(key) for key in keys)


# --- questions ------------------------------------------------------------------------


def question(state: DialogueState, accepted: Accepted) -> Parts:
    """The open question of the phase, short: the caller has just heard it."""
    if state.phase is Phase.CODE:
        return _code_question(state)
    if state.phase is Phase.CONFIRM:
        return says("confirm_or_more" if state.may_grow(accepted) else "confirm_ask")
    if state.phase is Phase.WHICH:
        return says("which_or_more" if state.may_grow(accepted) else "which_wrong")
    if state.phase is Phase.FIX:
        return says(fix_key(state) or "which_wrong")
    return says(QUESTIONS[state.phase])


def question_again(state: DialogueState, accepted: Accepted) -> Parts:
    """The open question after an answer in between: the code is read back anew."""
    if state.phase is Phase.CONFIRM:
        return read_back_parts(state, accepted)
    return question(state, accepted)


def hint(state: DialogueState) -> Parts:
    """What to press, for a caller who was not heard or understood twice."""
    if state.phase is Phase.CODE and (state.code or state.keypad_only):
        parts = says("code_keypad_go_on" if state.code else "code_keypad_only")
        return says(HAVE[len(state.code)]) + parts if state.code else parts
    return says(HINTS[state.phase])


def read_back_parts(state: DialogueState, accepted: Accepted, lead: str = "readback") -> Parts:
    code = SayDigits(state.code, groups(len(state.code)))
    return (Say(lead), code, *question(replace(state, phase=Phase.CONFIRM), accepted))


def password_parts(password: str) -> Parts:
    """The password twice, then what to press."""
    digits = SayDigits(password, groups(len(password)), secret=True)
    return (Say("password_first"), digits, Say("password_again"), digits, Say("secret_ask"))


def fix_key(state: DialogueState) -> str | None:
    """The prompt that asks for the digits in ``state.fix``; None when there is none."""
    if state.fix is None:
        return None
    start, count = state.fix
    if start + count == len(state.code) and count in FIX_LAST:
        return FIX_LAST[count]
    if count == 1:
        return FIX_ONE[start] if start < len(FIX_ONE) else None
    if start == 0:
        return FIX_FIRST.get(count)
    return FIX_NEXT.get(start) if count == 3 else None


def _code_question(state: DialogueState) -> Parts:
    if not state.code:
        return says("code_keypad_only" if state.keypad_only else "code_again")
    go_on = "code_keypad_go_on" if state.keypad_only else "code_go_on"
    return says(HAVE[len(state.code)], go_on)


# --- actions --------------------------------------------------------------------------


def ask(turn: Turn, state: DialogueState, parts: Parts) -> Result:
    """Say ``parts``, listen in ``state.phase``, and remember the reply for "nhắc lại". A reply
    with a password is not remembered: it is spoken anew from the state, which forgets it."""
    reply = Reply(parts, slow=state.slow)
    secret = any(isinstance(p, SayDigits) and p.secret for p in parts)
    state = replace(state, last_reply=EMPTY_REPLY if secret else reply)
    return state, listen(turn, state, reply)


def listen(turn: Turn, state: DialogueState, reply: Reply) -> Ask:
    """The Ask of ``state.phase`` with any reply."""
    confirms = state.phase in (Phase.CONFIRM, Phase.WHICH)
    grows = state.phase is Phase.CODE or (confirms and state.may_grow(turn.accepted))
    grows = grows and not state.again
    collected = state.code if grows else ""
    wants = state.fix[1] if state.phase is Phase.FIX and state.fix else None
    if state.phase is Phase.SECRET and state.password:
        wants = len(state.password)
    return Ask(
        reply,
        Expect.CONFIRM_OR_MORE if confirms and grows else EXPECT[state.phase],
        digits_so_far=len(collected),
        keypad_only=state.keypad_only and state.phase in (Phase.CODE, Phase.FIX),
        collected=collected,
        wants=wants,
        card=grows and state.card,
        instant_keys=_instant_keys(state.phase, grows),
        overtaken=_overtaken(turn, state),
        grammar=_grammar(state),
    )


def _grammar(state: DialogueState) -> Grammar | None:
    """Digits one by one where some were asked for once more."""
    if state.phase is Phase.FIX:
        return Grammar.DIGITS
    again = state.phase is Phase.CODE and (state.failed_captures or state.misses)
    return Grammar.DIGITS if again else None


def _instant_keys(phase: Phase, grows: bool) -> str:
    """Keys that are a whole answer. After ten digits that may be twelve, 1 and 2 may be digits."""
    if phase in (Phase.CODE, Phase.FIX) or (phase is Phase.CONFIRM and grows):
        return "#"
    return "".join(KEYS[phase]) if phase in (Phase.CONFIRM, Phase.WHICH) else "0123456789*#"


def _overtaken(turn: Turn, state: DialogueState) -> str:
    """Keyed digits that are read back as a whole code and may be the first of a card: the rest is
    under way. (Those that may grow into twelve have no keys that answer at once.)"""
    keyed = isinstance(turn.event, Keyed) and len(state.code) == CODE_DIGITS and not state.ended
    reads = state.phase is Phase.CONFIRM and turn.accepted != "cccd"
    return state.code if keyed and reads and not state.may_grow(turn.accepted) else ""


def prefixed(result: Result, parts: Parts) -> Result:
    """``result`` with ``parts`` said before its own reply."""
    state, action = result
    reply = replace(action.reply, parts=parts + action.reply.parts)
    if isinstance(action, Ask) and state.last_reply.parts:
        state = replace(state, last_reply=reply)
    return state, replace(action, reply=reply)


def finish(
    state: DialogueState, end: EndOfCall, *keys: str, transfer: bool = False
) -> tuple[DialogueState, Finish]:
    """Say ``keys`` and end the call; nothing of the caller's stays in the state."""
    reply = Reply(says(*keys), slow=state.slow)
    state = replace(
        forgotten(state), phase=Phase.ENDED, password=None, last_reply=EMPTY_REPLY, end=end
    )
    return state, Finish(reply, end, transfer)
