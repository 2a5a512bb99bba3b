"""Alembic's entry: migrates through the connection that ``server.database.migration`` holds the lock with."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from server.database.switch_tables import metadata

connection = context.config.attributes.get("connection")
if not isinstance(connection, Connection):
    raise RuntimeError("migrations are run by server.database.upgrade, which hands in its connection")

context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
