"""The slots of the schedule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "schedule_slot",
        sa.Column("exchange", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("session", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("every_ms", sa.BigInteger(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("run_id", sa.String(length=36), nullable=True),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("alive_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("exchange", "profile", "session", "slot", name=op.f("pk_schedule_slot")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_schedule_slot_recorded_at"), "schedule_slot", ["recorded_at"])
