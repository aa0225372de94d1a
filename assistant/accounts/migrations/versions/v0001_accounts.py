"""Accounts, attempts, resets, audit, outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from assistant.accounts.tables import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQLITE_TRIGGER = """
CREATE TRIGGER audit_no_{what} BEFORE {what} ON audit
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END
"""
_POSTGRES_FUNCTION = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$
"""
_POSTGRES_TRIGGER = """
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()
"""


def upgrade() -> None:
    _accounts()
    _attempts_and_resets()
    _audit()
    _outbox()
    op.create_table(
        "store_key",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("check_value", sa.String, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_store_key_single"),
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code_mac", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("phone_mac", sa.LargeBinary, nullable=False),
        sa.Column("contact", sa.LargeBinary),
        sa.Column("invented", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.String),
        sa.Column("password_set_at", UtcTime),
        sa.Column("password_expires_at", UtcTime),
        sa.Column("must_change", sa.Boolean, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("updated_at", UtcTime, nullable=False),
    )
    op.create_index("ix_accounts_phone_mac", "accounts", ["phone_mac"])


def _attempts_and_resets() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("call_mac", sa.LargeBinary, nullable=False),
        sa.Column("phone_mac", sa.LargeBinary, nullable=False),
        sa.Column("code_mac", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
    )
    op.create_index("ix_attempts_call_mac", "attempts", ["call_mac"])
    op.create_index("ix_attempts_phone", "attempts", ["phone_mac", "at"])
    op.create_index("ix_attempts_code", "attempts", ["code_mac", "at"])
    op.create_table(
        "resets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), nullable=False),
    )
    op.create_index("ix_resets_account", "resets", ["account_id", "at"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("account_id", sa.Integer),
        sa.Column("call_mac", sa.LargeBinary),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(_SQLITE_TRIGGER.format(what=what))
    else:
        op.execute(_POSTGRES_FUNCTION)
        op.execute(_POSTGRES_TRIGGER)


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("contact", sa.LargeBinary),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", UtcTime, nullable=False),
        sa.Column("sent_at", UtcTime),
    )
    op.create_index("ix_outbox_due", "outbox", ["sent_at", "due_at"])
