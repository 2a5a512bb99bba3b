"""What the venue last showed to be open on each account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "open_state",
        sa.Column("exchange", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("positions", sa.Text(), nullable=False),
        sa.Column("orders", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "account", name=op.f("pk_open_state")),
        sqlite_with_rowid=False,
    )
