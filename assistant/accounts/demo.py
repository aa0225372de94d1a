"""Invented accounts for demos and tests, drawn at run time and marked as invented."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from assistant.accounts.local import LocalAccounts
from assistant.accounts.phone import to_e164
from assistant.accounts.registry import NewAccount

# Mobile prefixes that no operator has: right in form, nobody's number.
FREE_PREFIXES = ("050", "053", "054", "057")


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An invented pair; ``phone`` as people write it (0…), ``code`` ten digits."""

    phone: str = field(repr=False)
    code: str = field(repr=False)


def draw(rng: random.Random) -> DemoAccount:
    """One invented pair. ``rng`` may be seeded: nothing here is a secret."""
    phone = rng.choice(FREE_PREFIXES) + "".join(rng.choices("0123456789", k=7))
    return DemoAccount(phone, "".join(rng.choices("0123456789", k=10)))


def seed(accounts: LocalAccounts, rng: random.Random, count: int = 3) -> list[DemoAccount]:
    """Register ``count`` invented accounts, with different codes and phones."""
    drawn: dict[str, DemoAccount] = {}
    phones: set[str] = set()
    while len(drawn) < count:
        account = draw(rng)
        if account.code not in drawn and account.phone not in phones:
            drawn[account.code] = account
            phones.add(account.phone)
    new = [NewAccount(to_e164(a.phone) or "", a.code, invented=True) for a in drawn.values()]
    accounts.register(new)
    return list(drawn.values())
