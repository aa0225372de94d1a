"""What the dialogue expects, and what an utterance turned out to mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Expect(StrEnum):
    """What the dialogue waits for. The only thing that flows backwards: it picks the
    recognizer's grammar, the end-of-turn patience and the reading of "không"."""

    MENU = "menu"  # reset intent, FAQ, agent, repeat
    CODE = "code"  # digits of the insurance code (10 or 12, or a 15-character card)
    CONFIRM = "confirm"  # yes/no after the read-back, or a correction of single digits
    CONFIRM_OR_MORE = "confirm_or_more"  # the same of a code that may go on: or its next digits
    WHICH = "which"  # the read-back was wrong: which digit, or all of them again
    SECRET = "secret"  # noqa: S105 - the password was spoken: repeat, slower, done, read back
    MORE = "more"  # "anything else?": yes/no, FAQ, another reset, goodbye


class Grammar(StrEnum):
    """What a recognizer listens for where a state's usual sentences will not do. It is understood
    as its ``expect`` is."""

    DIGITS = "digits"  # asked once more, one digit at a time

    @property
    def expect(self) -> Expect:
        return Expect.CODE


JOINT = "_"
"""Between the syllables of a word that a recognizer hears whole: "nhân_viên"."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is likely to be said. Called with the words of a reading: nepers by which it is
    likelier than others, whatever it sounds like. ``alone``: answers, each in its forms, one of
    which is often all that is said; how likely each is to be that is told with the first of one
    or two words. ``whole``: called likewise, with the words of the best reading: how many digits
    a whole code would have that was misheard so; none where it is one, or hardly a misheard one.
    """

    weigh: Callable[[Sequence[str]], float]
    alone: tuple[tuple[str, ...], ...] = ()
    whole: Callable[[Sequence[str]], tuple[int, ...]] = lambda words: ()

    def __call__(self, words: Sequence[str]) -> float:
        return self.weigh(words)


FEW_WORDS = 2
"""Words at most that may be one answer ``alone``, misheard."""

CONFIRMING = frozenset({Expect.CONFIRM, Expect.CONFIRM_OR_MORE, Expect.WHICH})
"""After a read-back: where a yes is a yes to a code, and a correction one of it."""

COLLECTING = frozenset({Expect.CODE, Expect.CONFIRM_OR_MORE})
"""Where digits go on from those before."""


Shares = tuple[float, ...]
"""Of each of the ten digits, how likely it is by the sound alone (sum 1); () where nobody knows."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One word as a recognizer heard it; nlu knows no engine. ``confidence``: 0..1 or None;
    ``rivals``: which digit may have been said instead; ``chances``: of the first of one or two
    words, how likely each answer ``alone`` of the ``Prior`` is to be what was said (0..1), if
    known."""

    text: str = field(repr=False)
    confidence: float | None = None
    rivals: Shares = field(default=(), repr=False)
    chances: tuple[float, ...] = ()


class Intent(StrEnum):
    RESET = "reset"
    REPEAT = "repeat"
    SLOWER = "slower"
    AGENT = "agent"
    STOP = "stop"
    CODE_UNKNOWN = "code_unknown"
    MENU = "menu"  # hear the menu / what can you do
    WAIT = "wait"  # "chờ chút": keep listening, count nothing
    HELLO = "hello"  # "alo, nghe không": the line, not a request
    FAQ_FEE = "faq_fee"
    FAQ_EMAIL_ROUTE = "faq_email_route"
    FAQ_ADD_EMAIL = "faq_add_email"
    FAQ_CHANGE_PASSWORD = "faq_change_password"  # noqa: S105
    FAQ_UPDATE_ACCOUNT = "faq_update_account"
    FAQ_FIND_CODE = "faq_find_code"
    FAQ_FRAUD = "faq_fraud"


FAQS = frozenset(i for i in Intent if i.value.startswith("faq_"))


class Rejection(StrEnum):
    """Why an utterance carries nothing to act on. Each has its own reprompt."""

    EMPTY = "empty"  # the recognizer heard no word
    UNKNOWN = "unknown"  # words, but nothing of the tables
    AMBIGUOUS = "ambiguous"  # two readings tie: ask again
    LOW_CONFIDENCE = "low_confidence"


@dataclass(frozen=True, slots=True)
class DigitSpan:
    """A run of digits in an utterance. ``digits`` is text ("0123…"), never an integer.

    ``confidences``: of each digit, 0..1, None where unknown; empty when nothing is known of any.
    ``rivals``: of each digit, which others it may be; empty likewise.
    ``unsure``: 0-based places of the digits heard with too little confidence to be taken. In a
    part of a code they lie close together, with enough beside them: one that was heard worse comes
    as a rejection."""

    digits: str = field(repr=False)
    confidences: tuple[float | None, ...] = ()
    card: bool = False  # announced or shaped as a 15-character card; of a whole one, its last ten
    unsure: tuple[int, ...] = ()
    whole_card: bool = False  # all of a card was said in this turn: nothing can follow
    rivals: tuple[Shares, ...] = field(default=(), repr=False)

    @property
    def confidence(self) -> float | None:
        """The lowest of the run; None when none is known."""
        return min((c for c in self.confidences if c is not None), default=None)


@dataclass(frozen=True, slots=True)
class Correction:
    """A change to the code that was read back.

    ``position``: 0-based index of the first digit to replace, negative counts from the end
    (-1 the last digit, -2 with two digits "hai số cuối"). ``digits``: the new digits; empty
    when the caller only said where it is wrong ("sai số cuối"), so the dialogue asks for it.
    ``wrong``: the digits to replace, by value ("không phải bảy mà là tám"); ``position`` then
    counts among the places where they stand ("số bảy thứ hai"), None: it was not said.
    ``restart`` means "đọc lại từ đầu": drop everything that was collected.
    """

    position: int | None = None
    count: int = 1  # how many digits are meant when ``digits`` is empty
    digits: str = field(default="", repr=False)
    restart: bool = False
    wrong: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The meaning of one utterance in the state that asked for it.

    More than one field may be set: "vâng, cho hỏi mất bao nhiêu tiền" is an FAQ and no yes;
    "không, số cuối là bảy" is ``yes_no=False`` with a correction. ``score`` is the phrase
    match, 0..100 (rapidfuzz); it ranks, it never overrides a rule.
    """

    text: str = field(default="", repr=False)
    intent: Intent | None = None
    digits: DigitSpan | None = None
    yes_no: bool | None = None
    correction: Correction | None = None
    rejection: Rejection | None = None
    score: float | None = None
