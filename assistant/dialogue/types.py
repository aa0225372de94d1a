"""Events in, actions out. One action yields exactly one event."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from assistant.dialogue.code import Accepted, Progress, code_progress, edit_keys
from assistant.nlu.types import DigitSpan, Expect, Grammar, Interpretation

# --- what is said ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """A prompt of ``audio_prompts/prompts.yaml``, by key."""

    key: str


@dataclass(frozen=True, slots=True)
class SayDigits:
    """Digits spliced from clips. ``groups``: sizes, e.g. (4, 3, 3); ``secret``: a password
    (slow, write-along pauses, replaced by a tone in recordings, never logged)."""

    digits: str = field(repr=False)
    groups: tuple[int, ...]
    secret: bool = False


Spoken = Say | SayDigits


@dataclass(frozen=True, slots=True)
class Reply:
    """What the assistant says next. ``slow``: speak this reply slowed down. Without parts
    nothing is said: keep listening."""

    parts: tuple[Spoken, ...]
    slow: bool = False


# --- events ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallStarted:
    pass


@dataclass(frozen=True, slots=True)
class Heard:
    interpretation: Interpretation


@dataclass(frozen=True, slots=True)
class Keyed:
    """Keys of one turn in order, e.g. "8", "0123#", "**". Characters 0-9 * #."""

    keys: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Silence:
    """No speech and no key within the time of the expectation."""


@dataclass(frozen=True, slots=True)
class ResetDone:
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Unknown phone, unknown code, mismatch, locked: all the same to the caller."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure of ours: database down, remote system away."""


@dataclass(frozen=True, slots=True)
class HungUp:
    pass


Event = CallStarted | Heard | Keyed | Silence | ResetDone | Refused | Failed | HungUp


# --- actions --------------------------------------------------------------------------


class EndOfCall(StrEnum):
    """Why a call ended; for the audit trail and the reports."""

    DONE = "done"
    CALLER_STOPPED = "caller_stopped"
    CALLER_HUNG_UP = "caller_hung_up"
    REFUSED = "refused"
    NO_INPUT = "no_input"
    NOT_UNDERSTOOD = "not_understood"
    AGENT = "agent"
    FAILED = "failed"
    BUSY = "busy"  # more calls than the limit: told to call later


@dataclass(frozen=True, slots=True)
class Ask:
    """Say ``reply``, then listen. Yields Heard, Keyed, Silence or HungUp.

    ``digits_so_far``: how many digits of the code the next ones are appended to (0..15); never
    the digits themselves. ``keypad_only``: speech is not listened to. ``collected``: those
    digits, for ``progress`` alone. ``wants``: exactly so many digits fill the answer (a digit
    being corrected, a password read back); None: a whole code does. ``card``: a health
    card was announced. ``instant_keys``: keys that, pressed first, are the whole turn; after others
    wait the inter-digit time. ``overtaken``: keyed digits that the reply reads back; keys that come
    before it has got to them cannot answer it, and may be the end of a card. ``grammar``: what to
    listen for in place of ``expect``'s own."""

    reply: Reply
    expect: Expect
    digits_so_far: int = 0
    keypad_only: bool = False
    collected: str = field(default="", repr=False)
    wants: int | None = None
    card: bool = False
    instant_keys: str = "#"
    overtaken: str = field(default="", repr=False)
    grammar: Grammar | None = None

    def unheard(self) -> Ask:
        """The same question for keys that come before its digits were spoken."""
        if not self.overtaken:
            return self
        return replace(self, instant_keys="#", collected=self.overtaken, card=True)

    def progress(self, heard: DigitSpan, accepted: Accepted) -> Progress:
        """How complete the answer would be with ``heard``, the digits of a partial transcript:
        INCOMPLETE and MAYBE_COMPLETE ask for patience, COMPLETE for none."""
        if self.wants == len(heard.digits) or heard.whole_card:
            return Progress.COMPLETE
        whole = self.collected + heard.digits
        return code_progress(whole, accepted, self.card or heard.card)

    def keys_enough(self, keys: str, accepted: Accepted) -> bool:
        """Whether ``keys`` (pressed in this turn, in order) end the turn at once."""
        if keys and keys[0] in self.instant_keys:
            return True
        edit = edit_keys("" if self.wants else self.collected, keys)
        if self.wants and len(edit.digits) == self.wants:
            return True
        return edit.ended or code_progress(edit.digits, accepted, self.card) is Progress.COMPLETE


@dataclass(frozen=True, slots=True)
class VerifyAndReset:
    """Say ``reply`` ("please wait"), verify caller and code and reset, in one transaction.
    Yields ResetDone, Refused or Failed. The only action that touches an account."""

    reply: Reply
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finish:
    """Say ``reply``, then end the call (``transfer``: hand it to an agent where the channel
    can). Yields HungUp."""

    reply: Reply
    reason: EndOfCall
    transfer: bool = False


Action = Ask | VerifyAndReset | Finish
