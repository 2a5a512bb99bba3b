"""Alembic's entry: migrates through the connection that ``server.database.migration`` holds the lock with."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from server.database import contract_tables, order_tables, schedule_tables, switch_tables
from server.database.tables import metadata

TABLES = (contract_tables, order_tables, schedule_tables, switch_tables)
"""What declares tables beside those of the journal; to import it adds them to ``metadata``."""

connection = context.config.attributes.get("connection")
if not isinstance(connection, Connection):
    raise RuntimeError("migrations are run by server.database.upgrade, which hands in its connection")

context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
