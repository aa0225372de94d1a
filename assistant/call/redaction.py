"""Keeping codes out of everything that is written, spoken digits included. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from assistant.dialogue.types import Reply, SayDigits
from assistant.nlu import tables
from assistant.nlu.types import Expect, Interpretation

MASK = "•"
_A_CODE_BEGINS = 2  # number words in a row; a lone "không" or "một" is an ordinary word


def carries_digits(expect: Expect, heard: Interpretation) -> bool:
    """Whether a turn may hold digits of a code or a password, in doubt yes."""
    if expect in (Expect.CODE, Expect.SECRET):
        return True
    if heard.digits is not None or heard.correction is not None:
        return True
    return heard.intent is None and heard.yes_no is None


def redact_words(words: Sequence[str], expect: Expect, heard: Interpretation) -> tuple[str, ...]:
    """The words of a turn with every number word of a code masked, one mask a word."""
    everywhere = carries_digits(expect, heard)
    names = _number_words() | (_near_forms() if everywhere else frozenset())
    written = {i for i, word in enumerate(words) if any(c.isdigit() for c in word)}
    numeric = [i in written or word in names for i, word in enumerate(words)]
    hidden = written.union(_runs(numeric, 1 if everywhere else _A_CODE_BEGINS))
    return tuple(MASK if i in hidden else word for i, word in enumerate(words))


def redact_keys(keys: str) -> str:
    """Keys with the digits masked; a single menu key is no secret."""
    return keys if len(keys) == 1 else "".join(MASK if k.isdigit() else k for k in keys)


def reveal_digits(text: str, reply: Reply) -> str:
    """The text of a reply with its digits instead of masks; for invented accounts only."""
    for part in reply.parts:
        if isinstance(part, SayDigits):
            ends = [sum(part.groups[: i + 1]) for i in range(len(part.groups))]
            groups = [part.digits[e - n : e] for e, n in zip(ends, part.groups, strict=True)]
            masks = [MASK * n for n in part.groups]
            text = text.replace(*_shown(part.secret, masks, groups), 1)
    return text


def _shown(secret: bool, masks: list[str], groups: list[str]) -> tuple[str, str]:
    """Mask and digits as the renderer writes them: a password in one piece."""
    return ("".join(masks) if secret else " ".join(masks)), " ".join(groups)


@cache
def _number_words() -> frozenset[str]:
    return tables.numbers().number_words


@cache
def _near_forms() -> frozenset[str]:
    """Words that a digit is misheard as, and that give it away all the same."""
    return frozenset(tables.numbers().near)


def _runs(flags: Sequence[bool], least: int) -> Iterable[int]:
    """Indexes inside runs of at least ``least`` true flags."""
    start = 0
    for i in range(len(flags) + 1):
        if i == len(flags) or not flags[i]:
            if i - start >= least:
                yield from range(start, i)
            start = i + 1
