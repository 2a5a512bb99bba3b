"""What keeps symbols out: switches, the queue of the next run, the blacklist; since when a lease is held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Makes the tables, and room in leases for what they are held for."""
    op.create_table(
        "blacklist",
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_blacklist")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "switch",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("on", sa.Boolean(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("scope", "symbol", "timeframe", name=op.f("pk_switch")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "symbol_queue",
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_symbol_queue")),
        sqlite_with_rowid=False,
    )
    op.add_column("lease", sa.Column("since", sa.BigInteger(), nullable=True))
    op.add_column("lease", sa.Column("about", sa.String(), nullable=True))
