"""Alembic's entry: runs on the connection, and in the transaction, that schema.upgrade opened."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from assistant.accounts import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata if tables else None,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
