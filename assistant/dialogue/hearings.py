"""One code heard several times in a call: what all the hearings together say it is.

Whoever is asked again, or hears a wrong code read back, says the same digits once more. A digit
misheard once is often heard the next time, and what it was misheard as sounds like it both times:
so hearings are multiplied, place by place (Bayes' rule), each digit as likely as it sounded. A
code that the caller denied is hardly ever the one.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from assistant.nlu.types import Shares

UNHEARD = "?"  # a place that a hearing says nothing of

_DIGITS = "0123456789"
_MOST = 6  # hearings; more are of no use
_ALIKE = 0.5  # of the places, or it is another code
_EARLIER = 0.8  # weight of each hearing before the last: one voice on one line errs alike
_DENIED = 0.05  # of denials are misheard themselves, or the caller's mistake
_EDGES = (0.05, 0.97)  # a confidence beyond them says no more than they
_CERTAIN = 25.0  # nepers, of a digit that is taken as it is


@dataclass(frozen=True, slots=True)
class Sound:
    """How surely a digit was heard, 0..1, and which others it may be; None: it is to be taken as
    it is (a key)."""

    sure: float | None = None
    rivals: Shares = field(default=(), repr=False)

    def shares(self, digit: int) -> list[float]:
        """The chance of each of the ten digits to be the one that was said."""
        assert self.sure is not None
        right = min(_EDGES[1], max(_EDGES[0], self.sure))
        others = list(self.rivals or (1.0,) * len(_DIGITS))
        others[digit] = 0.0
        whole = sum(others)
        shares = [(1 - right) * other / whole for other in others]
        shares[digit] = right
        return shares


AS_IT_IS = Sound()
_SPOKEN = Sound(0.9)
Sounds = tuple[Sound, ...]


@dataclass(frozen=True, slots=True)
class Hearing:
    """``digits``: of a whole code, ``UNHEARD`` where this hearing gives none; ``sounds``: of
    each."""

    digits: str = field(repr=False)
    sounds: Sounds

    @property
    def whole(self) -> bool:
        return UNHEARD not in self.digits

    def alike(self, other: Hearing) -> bool:
        """Whether both can be the same code: as long, and mostly the same digits."""
        if len(self.digits) != len(other.digits):
            return False
        pairs = zip(self.digits, other.digits, strict=True)
        same = sum(a == b or UNHEARD in (a, b) for a, b in pairs)
        return same >= _ALIKE * len(self.digits)

    def without(self, places: Container[int]) -> Hearing:
        """The same, with nothing said of these places."""
        left = (UNHEARD if n in places else digit for n, digit in enumerate(self.digits))
        return replace(self, digits="".join(left))

    def doubted(self) -> Hearing:
        """The same of a code that was denied: no digit of it is to be taken as it is."""
        return replace(self, sounds=tuple(_SPOKEN if s.sure is None else s for s in self.sounds))


def part(digits: str, sounds: Sounds, start: int, length: int) -> Hearing:
    """A hearing of the ``digits`` from ``start`` on, in a code of ``length``."""
    after = length - start - len(digits)
    return Hearing(
        UNHEARD * start + digits + UNHEARD * after,
        (AS_IT_IS,) * start + sounds + (AS_IT_IS,) * after,
    )


def with_hearing(hearings: Sequence[Hearing], heard: Hearing) -> tuple[Hearing, ...]:
    """The hearings that can be of the same code as ``heard``, and it: after a whole one the last
    few. None is dropped for a part, or places that the part says nothing of would change."""
    every = (*(one for one in hearings if one.alike(heard)), heard)
    return every[-_MOST:] if heard.whole else every


def with_correction(hearings: Sequence[Hearing], given: Hearing) -> tuple[Hearing, ...]:
    """The hearings, the last of which says what is ``given``, and the others nothing of it."""
    places = [n for n, digit in enumerate(given.digits) if digit != UNHEARD]
    last = hearings[-1]
    digits, sounds = list(last.digits), list(last.sounds)
    for n in places:
        digits[n], sounds[n] = given.digits[n], given.sounds[n]
    mended = Hearing("".join(digits), tuple(sounds))
    return (*(one.without(places) for one in hearings[:-1]), mended)


def together(hearings: Sequence[Hearing], denied: Sequence[str]) -> tuple[str, tuple[float, ...]]:
    """The likeliest code, and how sure each of its digits is. ``hearings``: as long as one
    another, the last one last; together they say something of every place."""
    shares = [_shares(hearings, place) for place in range(len(hearings[0].digits))]
    wrong = {code for code in denied if len(code) == len(shares)}
    ruled_out = {
        code: (1 - _DENIED ** denied.count(code)) * _product(shares, code) for code in wrong
    }
    best = max(
        _candidates(shares, wrong),
        key=lambda code: _product(shares, code) - ruled_out.get(code, 0.0),
    )
    left = max(1e-9, 1 - sum(ruled_out.values()))
    sure: list[float] = []
    for place, digit in enumerate(best):
        share = shares[place][int(digit)]
        share -= sum(p for code, p in ruled_out.items() if code[place] == digit)
        sure.append(min(1.0, max(0.0, share / left)))
    return best, tuple(sure)


def _shares(hearings: Sequence[Hearing], place: int) -> list[float]:
    """The chance of each of the ten digits at a place."""
    scores, weight = [0.0] * len(_DIGITS), 1.0
    for heard in reversed(hearings):
        digit, sound = heard.digits[place], heard.sounds[place]
        if digit == UNHEARD:
            continue
        if sound.sure is None:
            scores[int(digit)] += _CERTAIN
            break  # whatever was heard before it
        for n, share in enumerate(sound.shares(int(digit))):
            scores[n] += weight * math.log(share)
        weight = _EARLIER
    top = max(scores)
    shares = [math.exp(score - top) for score in scores]
    return [share / sum(shares) for share in shares]


def _product(shares: Sequence[Sequence[float]], code: str) -> float:
    return math.prod(share[int(digit)] for share, digit in zip(shares, code, strict=True))


def _candidates(shares: Sequence[Sequence[float]], denied: Container[str]) -> list[str]:
    """The likeliest code, and, while that was denied, those that differ from it in one digit."""
    first = "".join(str(max(range(10), key=share.__getitem__)) for share in shares)
    if first not in denied:
        return [first]
    others = [
        first[:place] + digit + first[place + 1 :]
        for place in range(len(first))
        for digit in _DIGITS
        if digit != first[place]
    ]
    return [first, *others]
