"""From outcomes to figures: one line per set, measure and condition. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.batch.calibration import Calibration, calibration
from assistant.batch.outcomes import Outcome
from assistant.batch.scoring import Alignment, Rate
from assistant.batch.trials import DIGITS, Measure

MOST_SPEAKERS = 8  # more of them are no groups to read
_WORST = 400  # clips that were wrong, kept in a saved run

# What a hit is, as people read it
KINDS = {
    Measure.DIGIT: "đúng chữ số",
    Measure.CODE: "đúng cả mã",
    Measure.STRING_10: "đúng cả chuỗi 10 số",
    Measure.STRING_10_TIGHT: "đúng cả chuỗi 10 số, liền",
    Measure.STRING_12: "đúng cả chuỗi 12 số",
    Measure.STRING_12_TIGHT: "đúng cả chuỗi 12 số, liền",
    Measure.YES_NO: "đúng/không đúng ý",
    Measure.DENIAL: "“không đúng” ghép bị nhận là đúng",
    Measure.WORDS: "đúng mọi từ",
    Measure.OTHER: "nhận nhầm lời lạ",
}
FALSE_ACCEPTS = (Measure.OTHER, Measure.DENIAL)  # what they count is taken for something else
# What hearing nothing is: a refusal of what should have been taken
_REFUSABLE = (*DIGITS, Measure.YES_NO, Measure.DENIAL)


@dataclass(frozen=True, slots=True)
class Score:
    """One line. ``rate``: hits of clips, of ``FALSE_ACCEPTS`` what went wrong; ``alignment``:
    errors per digit or word; ``sure``: without disputed labels."""

    set: str
    measure: Measure
    condition: str
    synthetic: bool
    rate: Rate
    alignment: Alignment | None = None
    refused: Rate | None = None
    groups: Mapping[str, Rate] = field(default_factory=dict)
    group_errors: Mapping[str, Alignment] = field(default_factory=dict)
    sure: Score | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.set, self.measure.value, self.condition

    def as_dict(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "set": self.set,
            "condition": self.condition,
            "measure": self.measure.value,
            "kind": KINDS[self.measure],
            "label": "synthetic" if self.synthetic else "human",
            **self.rate.as_dict(),
            "groups": {name: rate.as_dict() for name, rate in self.groups.items()},
        }
        if self.alignment is not None:
            low, high = self.alignment.interval
            out |= {
                "error_rate": self.alignment.error_rate,
                "error_low": round(low, 4),
                "error_high": round(high, 4),
                "pairs": pairs_of(self.alignment),
                "group_errors": {name: _errors(one) for name, one in self.group_errors.items()},
            }
        if self.refused is not None:
            out["refused"] = self.refused.as_dict()
        if self.sure is not None:
            out["sure"] = {k: v for k, v in self.sure.as_dict().items() if k != "pairs"}
        return out


def _errors(alignment: Alignment) -> dict[str, float | int | None]:
    low, high = alignment.interval
    return {
        "error_rate": alignment.error_rate,
        "length": alignment.length,
        "low": round(low, 4),
        "high": round(high, 4),
    }


def pairs_of(alignment: Alignment) -> list[tuple[str | None, str | None, int]]:
    """(expected, heard, how often), the commonest first, the right ones included."""
    order = sorted(alignment.pairs.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [(expected, heard, count) for (expected, heard), count in order]


def scores(outcomes: Iterable[Outcome]) -> list[Score]:
    """Every line there is, in the order in which the outcomes came."""
    lines: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for one in outcomes:
        lines[one.set, one.measure, one.condition].append(one)
    return [_score(found) for found in lines.values()]


def _score(found: Sequence[Outcome], whole: bool = True) -> Score:
    first = found[0]
    measure = Measure(first.measure)
    sure = [one for one in found if not one.disputed]
    counted = measure in (*DIGITS, Measure.WORDS)
    groups = _grouped(found)
    return Score(
        set=first.set,
        measure=measure,
        condition=first.condition,
        synthetic=all(one.synthetic for one in found),
        rate=Rate.of([is_hit(one) for one in found]),
        alignment=_alignment(found) if counted else None,
        refused=Rate.of([not one.heard for one in found]) if measure in _REFUSABLE else None,
        groups={name: Rate.of([is_hit(one) for one in group]) for name, group in groups.items()},
        group_errors={name: _alignment(g) for name, g in groups.items()} if counted else {},
        sure=_score(sure, whole=False) if whole and 0 < len(sure) < len(found) else None,
    )


def is_hit(one: Outcome) -> bool:
    """What a line counts: a clip that is right, of ``FALSE_ACCEPTS`` one that is taken."""
    taken = bool(one.heard) and not one.right
    return taken if one.measure in FALSE_ACCEPTS else one.right


def _alignment(found: Sequence[Outcome]) -> Alignment:
    alignment = Alignment()
    for one in found:
        alignment.add(one.expected, one.heard)
    return alignment


def _grouped(found: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """By sex and region, by speaker if they are few, and by answer or kind of noise."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    few = 1 < len({one.speaker for one in found}) <= MOST_SPEAKERS
    for one in found:
        names = list(one.groups)
        if few or one.synthetic:
            names.append(one.speaker)
        if one.measure == Measure.YES_NO:
            names.append(one.expected[0])
        for name in dict.fromkeys(names):
            groups[name].append(one)
    return dict(sorted(groups.items()))


def confusion(outcomes: Iterable[Outcome]) -> Counter[tuple[str | None, str | None]]:
    """(expected, heard) digits of all digit measures; None stands for nothing."""
    whole = Alignment()
    for one in outcomes:
        if one.measure in DIGITS:
            whole.add(one.expected, one.heard)
    return whole.pairs


# Which words a calibration is of: name → the measures they were heard in
POOLS = {
    "mọi từ": tuple(Measure),
    "chữ số": DIGITS,
    "đúng/không": (Measure.YES_NO,),
    "số đọc liền": (Measure.WORDS,),
    "lời lạ, tiếng động": (Measure.OTHER,),
}


def calibrations(outcomes: Iterable[Outcome]) -> dict[str, Calibration]:
    """Calibration of the words that were heard, by what they were heard in. A word that was
    heard in speech of others is wrong, whatever its confidence."""
    kept = list(outcomes)
    return {
        name: calibration(
            [
                (word.confidence, word.right)
                for one in kept
                if one.measure in measures
                for word in one.words
                if word.confidence is not None
            ]
        )
        for name, measures in POOLS.items()
    }


def worst(outcomes: Iterable[Outcome], most: int = _WORST) -> list[Outcome]:
    """Wrong clips: most errors first, among equals those that were surest of themselves."""

    def badness(one: Outcome) -> tuple[int, float]:
        wrong = [word.confidence or 0.0 for word in one.words if not word.right]
        found = Alignment()
        found.add(one.expected, one.heard)
        return found.errors, max(wrong, default=0.0)

    wrong = [one for one in outcomes if not one.right]
    return sorted(wrong, key=badness, reverse=True)[:most]
