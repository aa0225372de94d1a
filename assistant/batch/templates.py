"""Places in a scenario that are filled in while it runs: ``{code:0:4|pairs}``. Pure.

``{NAME.FIELD!CHANGE:FROM:TO|STYLE}``: NAME an account (the first one when left out), FIELD
``code``, ``phone`` or ``password`` (the one last spoken); ``!last``, ``!3``: that digit (counted
from 1) changed; ``:FROM:TO``: a slice; ``|STYLE``: how it is said (nlu/saying.py).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from assistant.accounts.demo import FREE_PREFIXES
from assistant.batch.scenario import Account, Scenario
from assistant.batch.scenario_text import ANY_PLACE, DRAWN_CODES, PLACE, place_trouble
from assistant.dialogue.code import may_be_citizen_id
from assistant.errors import UsageError
from assistant.nlu.saying import Region, Style, say_digits

_REGIONS = {"vi": Region.NORTH, "vi-vn-x-central": Region.SOUTH, "vi-vn-x-south": Region.SOUTH}
_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Fixture:
    """An account as it is in this run."""

    name: str
    phone: str = field(repr=False)
    code: str = field(repr=False)
    invented: bool = True
    contact: str | None = field(default=None, repr=False)


def draw_fixtures(accounts: Sequence[Account], rng: random.Random) -> tuple[Fixture, ...]:
    """Accounts with their random phones and codes drawn, all different."""
    drawn: list[Fixture] = []
    for account in accounts:
        phone = account.phone if account.phone != "random" else random_phone(rng)
        code = _code(account.code, rng)
        drawn.append(Fixture(account.name, phone, code, account.invented, account.contact))
    return tuple(drawn)


def random_phone(rng: random.Random) -> str:
    """A number of no operator."""
    return rng.choice(FREE_PREFIXES) + "".join(rng.choices(_DIGITS, k=7))


def _code(wanted: str, rng: random.Random) -> str:
    if wanted not in DRAWN_CODES:
        return wanted
    while True:
        code = "".join(rng.choices(_DIGITS, k=DRAWN_CODES[wanted]))
        if wanted != "random":
            code = f"{rng.randint(1, 96):03}" + code[3:]
        if may_be_citizen_id(code) == (wanted != "random"):
            return code


def _changed(code: str, at: int) -> str:
    """``code`` with another digit there; a citizen id that it was not only if nothing else is."""
    others = [code[:at] + str((int(code[at]) + n) % 10) + code[at + 1 :] for n in range(3, 10)]
    kept = (c for c in others if may_be_citizen_id(code) or not may_be_citizen_id(c))
    return next(kept, others[0])


def caller_phone(scenario: Scenario, fixtures: Sequence[Fixture], rng: random.Random) -> str | None:
    """The caller id of this run; None when withheld."""
    wanted = scenario.caller.phone
    if wanted == "withheld":
        return None
    if wanted == "stranger" or (wanted == "account" and not fixtures):
        return random_phone(rng)
    by_name = {fixture.name: fixture.phone for fixture in fixtures}
    return fixtures[0].phone if wanted == "account" else by_name.get(wanted, wanted)


class Templates:
    """Fills places; knows the fixtures, and the password once it was spoken."""

    def __init__(self, fixtures: Sequence[Fixture], rng: random.Random) -> None:
        self._fixtures = {fixture.name: fixture for fixture in fixtures}
        self._first = fixtures[0].name if fixtures else ""
        self._rng = rng
        self.password = ""

    def digits(self, text: str) -> str:
        """``text`` with every place as digits: for keys and expectations."""
        return ANY_PLACE.sub(lambda found: self._value(found[0]), text)

    def words(self, text: str, region: str) -> str:
        """``text`` with every place in words: for what is said."""

        def said(found: re.Match[str]) -> str:
            value, style = self._value(found[0]), found[0][:-1].partition("|")[2]
            return " ".join(say_digits(value, style or Style.SINGLES, self._rng, _REGIONS[region]))

        return ANY_PLACE.sub(said, text)

    def _value(self, place: str) -> str:
        match = re.fullmatch(PLACE, place)
        if match is None:
            raise _unknown(place, f"{place_trouble(place, said=True)}.")
        name, what, change, start, stop, _ = match.groups()
        value = self._field(name or self._first, what)
        if change:
            at = len(value) - 1 if change == "last" else int(change) - 1
            if not 0 <= at < len(value):
                raise _unknown(f"!{change}", "Vị trí đếm từ 1 tới độ dài của mã.")
            value = _changed(value, at)
        return value[int(start) if start else None : int(stop) if stop else None]

    def _field(self, name: str, what: str) -> str:
        if what == "password":
            return self.password
        if name not in self._fixtures:
            raise _unknown(name, f"Các tài khoản: {', '.join(self._fixtures) or 'chưa có'}.")
        return str(getattr(self._fixtures[name], what))


def _unknown(what: str, hint: str) -> UsageError:
    return UsageError("scenario-place", f"Kịch bản nhắc tới {what}, không có ở đây.", hint)
