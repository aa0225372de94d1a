"""Expected against what happened. Pure: facts in, failures out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.batch.scenario import Scenario, TurnExpect
from assistant.batch.templates import Templates
from assistant.batch.turns import TurnRecord, correction_text
from assistant.call import call_cost
from assistant.dialogue.state import Phase
from assistant.dialogue.types import EndOfCall

_MASKED = re.compile(r"\d{2,}")
_SPOKEN = {
    "said",
    "digits",
    "correction",
    "verified",
    "listen_back",
}  # may hold a code, in words too
_HIDDEN = "•••"
NOTHING = "-"  # nothing was expected, or nothing came

# By what failed, whether nothing was expected, and whether nothing came.
_ELSE = "{what}: đợi {expected}, được {got}"
_SENTENCES = {
    ("error", True, False): "gặp lỗi: {got}",
    ("error", False, True): "đợi lỗi {expected} trước cuộc gọi, mà cuộc gọi vẫn chạy",
    ("error", False, False): "đợi lỗi {expected}, lại gặp {got}",
    ("crash", True, False): "lỗi chương trình: {got}",
    ("turn", False, False): "cuộc gọi kết thúc trước lượt này",
    ("never", False, False): "nghe câu không được nghe: {got}",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met. ``turn``: of the scenario, counted from 0; None: the
    call as a whole."""

    what: str
    expected: object = field(repr=False)
    got: object = field(repr=False)
    turn: int | None = None

    def as_dict(self, reveal: bool) -> dict[str, Any]:
        hide = not reveal and self.what in _SPOKEN
        return {
            "what": self.what,
            "turn": self.turn,
            "expected": _HIDDEN if hide else _shown(self.expected, reveal),
            "got": _HIDDEN if hide else _shown(self.got, reveal),
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a finished call."""

    ended: EndOfCall | None
    resets: int
    path: tuple[Phase, ...]
    verified: tuple[str, ...] = field(repr=False)
    rows: dict[str, int]
    password: str  # rows.password_state
    seconds: float
    misread: tuple[tuple[str, str], ...] = field(repr=False)  # digits meant, and heard
    turns: tuple[TurnRecord, ...] = field(repr=False)

    @property
    def prompts(self) -> list[str]:
        return [key for turn in self.turns for key in turn.prompts]

    def of(self, number: int) -> list[TurnRecord]:
        """The call's turns that answered the scenario's turn ``number``."""
        return [turn for turn in self.turns if turn.owner == number]

    def reply_to(self, number: int) -> list[str]:
        """The prompts between the last answer of this turn and the next listening."""
        mine = [i for i, turn in enumerate(self.turns) if turn.owner == number]
        keys: list[str] = []
        for turn in self.turns[mine[-1] + 1 :] if mine else ():
            keys += turn.prompts
            if turn.turn.listened is not None:
                break
        return keys

    def as_dict(self, scenario: Scenario, templates: Templates, reveal: bool) -> dict[str, Any]:
        waits = [t.turn.timings.waited for t in self.turns if t.turn.timings.waited is not None]
        return {
            "outcome": self.ended.value if self.ended else None,
            "resets": self.resets,
            "path": [phase.value for phase in self.path],
            "rows": self.rows,
            "password": self.password,
            "seconds": round(self.seconds, 2),
            "cost": call_cost(self.seconds, 1000),
            "waits": [round(wait, 3) for wait in waits],
            "compute_ms": [round(t.turn.timings.computing, 2) for t in self.turns],
            "turns": [turn.as_dict(reveal) for turn in self.turns],
            "digits": _digit_pairs(self, scenario, templates) if reveal else [],
        }


def check_call(scenario: Scenario, facts: Facts, templates: Templates) -> list[Failure]:
    """Every expectation that was not met, the call as a whole first."""
    failures = [*_check_whole(scenario, facts, templates)]
    for number, turn in enumerate(scenario.turns):
        failures += _check_turn(turn.expect, number, facts, templates)
    return failures


def _check_whole(scenario: Scenario, facts: Facts, templates: Templates) -> Iterator[Failure]:
    want = scenario.expect
    if want.error is not None:
        yield Failure("error", want.error, NOTHING)
    for what, wanted, got in (
        ("outcome", want.outcome, facts.ended),
        ("resets", want.resets, facts.resets),
        ("password", want.password, facts.password),
        ("verified", _filled(want.verified, templates), facts.verified),
        *((f"rows.{n}", getattr(want.rows, n), facts.rows[n]) for n in facts.rows),
    ):
        if wanted is not None and wanted != got:
            yield Failure(what, wanted, got)
    if not is_subsequence(want.prompts, facts.prompts):
        yield Failure("prompts", want.prompts, facts.prompts)
    if not is_subsequence(want.path, facts.path):
        yield Failure("path", want.path, facts.path)
    said = [key for key in want.never if key in facts.prompts]
    if said:
        yield Failure("never", want.never, said)
    for meant, heard in facts.misread:
        yield Failure("listen_back", meant, heard)
    yield from _check_limits(scenario, facts)


def _filled(wanted: Sequence[str] | None, templates: Templates) -> tuple[str, ...] | None:
    return None if wanted is None else tuple(templates.digits(one) for one in wanted)


def _check_limits(scenario: Scenario, facts: Facts) -> Iterator[Failure]:
    limits, turns = scenario.expect.limits, facts.turns
    listened = sum(turn.turn.listened is not None for turn in turns)
    waits = (turn.turn.timings.waited or 0.0 for turn in turns)
    computing = (turn.turn.timings.computing for turn in turns)
    for what, limit, got in (
        ("limits.turns", limits.turns, listened),
        ("limits.seconds", limits.seconds, round(facts.seconds, 2)),
        ("limits.wait", limits.wait, round(max(waits, default=0.0), 2)),
        ("limits.compute_ms", limits.compute_ms, round(max(computing, default=0.0), 1)),
    ):
        if limit is not None and got > limit:
            yield Failure(what, f"<= {limit}", got)


def _check_turn(
    want: TurnExpect, number: int, facts: Facts, templates: Templates
) -> Iterator[Failure]:
    given = want.model_fields_set
    turns = facts.of(number)
    if given and not turns:
        yield Failure("turn", "heard", "never heard", number)
        return
    last = turns[-1] if turns else None
    for name in ("state", "intent", "yes_no", "rejection", "said", "digits", "correction"):
        if name not in given or last is None:
            continue
        wanted, got = _wanted(name, want, templates), _got(name, turns)
        if wanted != got:
            yield Failure(name, wanted, got, number)
    if not is_subsequence(want.reply, facts.reply_to(number)):
        yield Failure("reply", want.reply, facts.reply_to(number), number)


def _wanted(name: str, want: TurnExpect, templates: Templates) -> object:
    value = getattr(want, name)
    return templates.digits(value) if name in ("digits", "correction") and value else value


def _got(name: str, turns: Sequence[TurnRecord]) -> object:
    last = turns[-1]
    heard = last.heard
    return {
        "state": last.turn.expect,
        "intent": next((t.heard.intent for t in reversed(turns) if t.heard.intent), None),
        "yes_no": heard.yes_no,
        "rejection": heard.rejection,
        "said": last.turn.said(reveal=True),
        "digits": "".join(turn.digits for turn in turns),
        "correction": correction_text(heard.correction),
    }[name]


def is_subsequence(wanted: Sequence[object], found: Sequence[object]) -> bool:
    """Whether ``wanted`` occurs in ``found`` in order, other things between them allowed."""
    rest = iter(found)
    return all(any(one == other for other in rest) for one in wanted)


def sentence(failure: Mapping[str, Any]) -> str:
    """A failure of a record (``Failure.as_dict``) in words, without an end."""
    what, turn = failure["what"], failure["turn"]
    template = _SENTENCES.get(
        (what, failure["expected"] == NOTHING, failure["got"] == NOTHING), _ELSE
    )
    told = template.format(
        what=what, expected=_in_words(failure["expected"]), got=_in_words(failure["got"])
    )
    return told if turn is None else f"lượt {turn + 1}, {told}"


def _in_words(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "“có”", False: "“không”", None: "không có gì"}[value]
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value)) or "không có gì"
    return str(value)


def _digit_pairs(facts: Facts, scenario: Scenario, templates: Templates) -> list[list[str]]:
    """(expected, heard) of every spoken turn that was heard and says which digits it holds."""
    pairs = []
    for number, turn in enumerate(scenario.turns):
        if turn.expect.digits and turn.kind != "keys" and facts.of(number):
            heard = "".join(one.digits for one in facts.of(number))
            pairs.append([templates.digits(turn.expect.digits), heard])
    return pairs


def _shown(value: object, reveal: bool) -> object:
    """As JSON; runs of digits masked where the data is not invented."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, tuple | list):
        return [_shown(one, reveal) for one in value]
    text = str(value)
    if isinstance(value, int | float):
        return value
    return text if reveal else _MASKED.sub(lambda m: "•" * len(m[0]), text)
