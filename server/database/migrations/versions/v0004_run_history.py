"""Run history: a run's row from its start, what it left out, its warnings, how long its stages took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    """Widens ``run`` and makes ``exclusion``. What was recorded before keeps what it had."""
    # SQLite cannot drop NOT NULL from a column, nor make a table anew that others refer to.
    op.execute("ALTER TABLE run ADD COLUMN ended_at BIGINT")
    op.execute("UPDATE run SET ended_at = finished_at")
    op.execute("ALTER TABLE run DROP COLUMN finished_at")
    op.execute("ALTER TABLE run RENAME COLUMN ended_at TO finished_at")
    op.add_column("run", sa.Column("alive_until", sa.BigInteger(), nullable=True))
    op.add_column("run", sa.Column("excluded", sa.Integer(), server_default="0", nullable=False))
    op.add_column("run", sa.Column("degraded", sa.Boolean(), server_default=sa.false(), nullable=False))
    name = op.f("fk_run_warnings_id")
    op.execute(f"ALTER TABLE run ADD COLUMN warnings_id INTEGER CONSTRAINT {name} REFERENCES block (id)")
    op.add_column("run", sa.Column("timings", sa.String(), nullable=True))
    op.create_table(
        "exclusion",
        sa.Column("symbol_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("details_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["details_id"], ["block.id"], name=op.f("fk_exclusion_details_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_exclusion_run_id")),
        sa.ForeignKeyConstraint(["symbol_id"], ["symbol.id"], name=op.f("fk_exclusion_symbol_id")),
        sa.PrimaryKeyConstraint("symbol_id", "run_id", name=op.f("pk_exclusion")),
        sqlite_with_rowid=False,
    )
