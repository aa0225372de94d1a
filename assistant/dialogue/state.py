"""What the dialogue remembers between two turns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from assistant.dialogue.code import CARD_DIGITS, Accepted, Progress, code_progress
from assistant.dialogue.hearings import Hearing, Sounds
from assistant.dialogue.types import EndOfCall, Reply
from assistant.nlu.types import Expect


class Phase(StrEnum):
    START = "start"  # nothing said yet
    MENU = "menu"
    CODE = "code"  # collecting digits, spoken or keyed, into one buffer
    CONFIRM = "confirm"  # the code was read back: right?
    WHICH = "which"  # it was wrong: which digit, or the whole code again
    FIX = "fix"  # these digits were wrong, or not heard well: what are they?
    VERIFYING = "verifying"  # the account system works
    SECRET = "secret"  # noqa: S105 - the password was spoken
    MORE = "more"  # anything else?
    ENDED = "ended"


EXPECT: dict[Phase, Expect] = {
    Phase.MENU: Expect.MENU,
    Phase.CODE: Expect.CODE,
    Phase.CONFIRM: Expect.CONFIRM,
    Phase.WHICH: Expect.WHICH,
    Phase.FIX: Expect.CODE,
    Phase.SECRET: Expect.SECRET,
    Phase.MORE: Expect.MORE,
}
"""The listening phases, and how an utterance in them is to be read. In FIX "không" is zero. After
a read-back that may go on it is CONFIRM_OR_MORE."""

EMPTY_REPLY = Reply(())


@dataclass(frozen=True, slots=True)
class DialogueState:
    """One call's memory. Counters are per call unless said otherwise."""

    phase: Phase = Phase.START
    code: str = field(default="", repr=False)  # the buffer
    card: bool = False  # a health card was announced: three digits precede the code
    ended: bool = False  # the caller pressed #: the buffer is all there is
    again: bool = False  # the buffer lacks a digit or two, and all of it was asked for once more
    read_back: str | None = field(default=None, repr=False)  # what the caller last heard
    fix: tuple[int, int] | None = None  # start and count of the digits asked for
    meant: str = field(
        default="", repr=False
    )  # said instead of digits that stand in several places
    sounds: Sounds = field(default=(), repr=False)  # of each digit in the buffer
    unsure: frozenset[int] = frozenset()  # places in the buffer that were not heard well
    hearings: tuple[Hearing, ...] = field(default=(), repr=False)  # of the whole code in this call
    denied: tuple[str, ...] = field(default=(), repr=False)  # read back, and wrong
    password: str | None = field(default=None, repr=False)
    last_reply: Reply = field(default=EMPTY_REPLY, repr=False)
    slow: bool = False
    keypad_only: bool = False
    can_transfer: bool = False  # the channel can hand the call to an agent
    own_number: str = field(default="", repr=False)  # the caller's, as it is said: no code
    failed_captures: int = 0
    corrections: int = 0  # of the code being captured
    repeats: int = 0  # of a code that was read back, given once more as it was
    verifications: int = 0
    resets: int = 0
    silences: int = 0  # in a row
    misses: int = 0  # not-understood turns in a row; a silence between does not end the row
    free_silences: int = 0  # left of those granted by "chờ chút"
    turns: int = 0  # of the caller
    idle: int = 0  # turns in a row that brought the call no further; silences are not counted
    end: EndOfCall | None = None

    def may_grow(self, accepted: Accepted) -> bool:
        """Whether the code that was read back may still be the start of a longer one."""
        progress = code_progress(self.code, accepted, self.card)
        return not self.ended and progress is Progress.MAYBE_COMPLETE

    def ends_card(self, keyed: str, accepted: Accepted) -> bool:
        """Whether ``keyed`` digits after the code that was read back are the last ones of a card,
        whose first ten looked complete."""
        return accepted != "cccd" and len(self.code + keyed) in CARD_DIGITS


def initial(*, can_transfer: bool = False, own_number: str = "") -> DialogueState:
    """The state before CallStarted. ``can_transfer``: the channel can hand a call to an agent;
    ``own_number``: ten digits, empty when unknown."""
    return DialogueState(can_transfer=can_transfer, own_number=own_number)


def forgotten(state: DialogueState) -> DialogueState:
    """The state with everything about the code forgotten, earlier hearings too."""
    return replace(without_code(state), hearings=(), denied=())


def without_code(state: DialogueState) -> DialogueState:
    """The state with an empty buffer; what was heard of the same code before is remembered."""
    return replace(
        state,
        code="",
        card=False,
        ended=False,
        again=False,
        read_back=None,
        fix=None,
        meant="",
        sounds=(),
        unsure=frozenset(),
        corrections=0,
    )
