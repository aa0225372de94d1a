"""Which version the database has, and the way to the one this program needs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

MIGRATIONS = Path(__file__).resolve().parent / "migrations"


class Schema(StrEnum):
    """How a database compares with this program."""

    EMPTY = "empty"
    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"  # written by a newer program
    FOREIGN = "foreign"  # somebody else's tables


def state(connection: Connection) -> Schema:
    """Compare the database behind ``connection`` with the migrations of the package."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return Schema.EMPTY
    have = MigrationContext.configure(connection).get_current_revision()
    if have is None:
        return Schema.FOREIGN
    script = ScriptDirectory.from_config(_config(None))
    if have == script.get_current_head():
        return Schema.CURRENT
    known = {revision.revision for revision in script.walk_revisions()}
    return Schema.BEHIND if have in known else Schema.AHEAD


def head_revision() -> str:
    """The version this program needs."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or ""


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in the transaction that ``connection`` is in."""
    command.upgrade(_config(connection), "head")


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
