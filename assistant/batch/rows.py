"""What a scenario left in its throw-away database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from assistant.accounts.engine import open_engine, reading
from assistant.accounts.local import LocalAccounts, PasswordState
from assistant.batch.templates import Fixture
from assistant.settings import Settings

TABLES = ("attempts", "resets", "outbox", "audit")


def counts(settings: Settings) -> dict[str, int]:
    """Rows of each table."""
    engine = open_engine(settings.database_url)
    try:
        with reading(engine) as connection:
            return {
                table: int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - names from the constant above
                for table in TABLES
            }
    finally:
        engine.dispose()


def password_state(accounts: LocalAccounts, fixtures: Sequence[Fixture], password: str) -> str:
    """``works``: the password that was spoken opens one of the accounts; ``unchanged``: none
    was spoken; ``wrong``: one was spoken that opens nothing."""
    if not password:
        return "unchanged"
    states = (accounts.check_password(fixture.code, password) for fixture in fixtures)
    return "works" if PasswordState.MUST_CHANGE in states else "wrong"
