"""What is kept of a call: one record a turn, the order of things, the price."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from assistant.asr.types import EndReason, Word
from assistant.call.redaction import carries_digits, redact_keys, redact_words
from assistant.nlu.types import Expect, Interpretation

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Timings:
    """Where a turn's time went. ``waited``: audio seconds from the last sign of speech to the
    decision that the turn is over; the others: milliseconds of computing after it."""

    waited: float | None = None
    decode: float | None = None
    understand: float | None = None
    dialogue: float | None = None
    account: float | None = None
    render: float | None = None

    @property
    def computing(self) -> float:
        """Milliseconds from the end-of-turn decision to the reply's first sample."""
        stages = (self.decode, self.understand, self.dialogue, self.account, self.render)
        return sum(stage for stage in stages if stage is not None)

    def as_dict(self) -> dict[str, float | None]:
        names = ("waited", "decode", "understand", "dialogue", "account", "render")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer. Times are seconds of the call's audio.

    ``asked``: the assistant began to speak; ``listened``: it began to listen; ``ended``: the
    answer was over. ``prompt`` has its digits masked, unless the account is invented."""

    expect: Expect | None  # None: a reply that asked nothing
    prompt: str
    asked: float
    listened: float | None = None
    ended: float | None = None
    end_reason: EndReason | None = None
    words: tuple[Word, ...] = field(default=(), repr=False)
    keys: str = field(default="", repr=False)
    heard: Interpretation | None = field(default=None, repr=False)
    event: str | None = None
    action: str | None = None
    timings: Timings = Timings()

    @property
    def sensitive(self) -> bool:
        """Whether the caller's sound in this turn may hold digits of a code or a password."""
        if self.keys or self.expect is None:  # speech may have begun under the last key
            return True
        return carries_digits(self.expect, self.heard or Interpretation())

    def said(self, reveal: bool) -> str:
        """The caller's words or keys for people; masked unless the account is invented."""
        if self.keys:
            return self.keys if reveal else redact_keys(self.keys)
        words = tuple(word.text for word in self.words)
        if not reveal and self.expect is not None:
            words = redact_words(words, self.expect, self.heard or Interpretation())
        return " ".join(words)

    def as_dict(self, reveal: bool) -> dict[str, Any]:
        """For ``--json``; masked unless the account is invented."""
        heard = self.heard
        return {
            "expect": self.expect.value if self.expect else None,
            "prompt": self.prompt,
            "asked": round(self.asked, 3),
            "listened": None if self.listened is None else round(self.listened, 3),
            "ended": None if self.ended is None else round(self.ended, 3),
            "end_reason": self.end_reason.value if self.end_reason else None,
            "said": self.said(reveal),
            "by_keys": bool(self.keys),
            "confidences": [word.confidence for word in self.words],
            "intent": heard.intent.value if heard and heard.intent else None,
            "yes_no": heard.yes_no if heard else None,
            "digits": len(heard.digits.digits) if heard and heard.digits else 0,
            "rejection": heard.rejection.value if heard and heard.rejection else None,
            "event": self.event,
            "action": self.action,
            "timings": self.timings.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened, ``at`` seconds of the call's audio. Never holds caller data."""

    at: float
    what: str


def call_cost(seconds: float, fee_per_minute: int) -> int:
    """What the caller pays, in đồng: a started minute counts as a minute."""
    return max(1, math.ceil(seconds / _MINUTE)) * fee_per_minute
