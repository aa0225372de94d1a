"""How full is the thing the dialogue waits for? Pure: from the question and what was heard."""

from __future__ import annotations

from assistant.asr.endpoint import Slot
from assistant.dialogue.code import Accepted, Progress
from assistant.dialogue.types import Ask
from assistant.nlu.types import DigitSpan, Expect, Intent, Interpretation, Rejection

_A_CODE_BEGINS = 2  # digits in a row outside the code question: the caller is reading a code
_BEGINNINGS = frozenset({Intent.WAIT, Intent.HELLO})  # "chờ chút", "alo": digits follow
_SLOTS = {
    Progress.INCOMPLETE: Slot.INCOMPLETE,
    Progress.MAYBE_COMPLETE: Slot.INCOMPLETE,
    Progress.COMPLETE: Slot.COMPLETE,
    Progress.OVERFULL: Slot.OPEN,
}


def slot_of(ask: Ask, partial: Interpretation, accepted: Accepted) -> Slot:
    """The slot after a partial result. Between the digits of a code callers pause for a second
    and more; after its last digit, and after any other answer, nobody needs to."""
    heard = partial.digits or DigitSpan("")
    if ask.expect is Expect.CODE:
        if heard.digits:
            return _SLOTS[ask.progress(heard, accepted)]
        return Slot.OPEN if _is_answer(partial) else Slot.INCOMPLETE
    begins = 1 if ask.expect is Expect.CONFIRM_OR_MORE else _A_CODE_BEGINS
    if len(heard.digits) >= begins and partial.correction is None:
        return _SLOTS[ask.progress(heard, accepted)]
    more = ask.expect is Expect.CONFIRM_OR_MORE and partial.rejection is Rejection.AMBIGUOUS
    return Slot.INCOMPLETE if more else Slot.OPEN  # a lone digit: the next one, or an answer?


def _is_answer(partial: Interpretation) -> bool:
    """Said all: a request, a yes or no, a correction. "Mã số của tôi là" is none of these."""
    intent = partial.intent if partial.intent not in _BEGINNINGS else None
    said = (intent, partial.yes_no, partial.correction)
    return any(meaning is not None for meaning in said)
