"""The journal: runs, decisions, what they were made from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Makes every table."""
    op.create_table(
        "block",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_block"),
        sa.UniqueConstraint("sha256", name="uq_block_sha256"),
    )
    op.create_table(
        "outcome",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("execution_timeframe", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("blocking_timeframe", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outcome"),
        sa.UniqueConstraint(
            "status", "side", "execution_timeframe", "reason", "blocking_timeframe", name="uq_outcome_status"
        ),
    )
    op.create_table(
        "ruleset",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ruleset"),
        sa.UniqueConstraint("fingerprint", name="uq_ruleset_fingerprint"),
    )
    op.create_index("ix_ruleset_profile", "ruleset", ["profile"])
    op.create_table(
        "symbol",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_symbol"),
        sa.UniqueConstraint("name", name="uq_symbol_name"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.Column("ruleset_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("exchange", sa.String(), nullable=False),
        sa.Column("market_type", sa.String(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("workers", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("ready", sa.Integer(), nullable=False),
        sa.Column("invalid", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("errors_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["errors_id"], ["block.id"], name="fk_run_errors_id"),
        sa.ForeignKeyConstraint(["request_id"], ["block.id"], name="fk_run_request_id"),
        sa.ForeignKeyConstraint(["ruleset_id"], ["ruleset.id"], name="fk_run_ruleset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("run_id", name="uq_run_run_id"),
    )
    op.create_index("ix_run_as_of", "run", ["as_of"])
    op.create_table(
        "decision",
        sa.Column("symbol_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("outcome_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcome.id"], name="fk_decision_outcome_id"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_decision_run_id"),
        sa.ForeignKeyConstraint(["symbol_id"], ["symbol.id"], name="fk_decision_symbol_id"),
        sa.PrimaryKeyConstraint("symbol_id", "run_id", name="pk_decision"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_decision_outcome", "decision", ["outcome_id", "run_id"])
    op.create_table(
        "run_part",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("symbols_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_part_run_id"),
        sa.ForeignKeyConstraint(["symbols_id"], ["block.id"], name="fk_run_part_symbols_id"),
        sa.PrimaryKeyConstraint("run_id", "part", name="pk_run_part"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_block",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("timeframe", sa.String(), nullable=False),
        sa.Column("layout_id", sa.Integer(), nullable=False),
        sa.Column("columns_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["columns_id"], ["block.id"], name="fk_run_block_columns_id"),
        sa.ForeignKeyConstraint(["layout_id"], ["block.id"], name="fk_run_block_layout_id"),
        sa.ForeignKeyConstraint(
            ["run_id", "part"], ["run_part.run_id", "run_part.part"], name="fk_run_block_run_id"
        ),
        sa.PrimaryKeyConstraint("run_id", "part", "timeframe", name="pk_run_block"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trade_decision",
        sa.Column("symbol_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String()),
        sa.Column("blocked_by", sa.String()),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["symbol_id", "run_id"],
            ["decision.symbol_id", "decision.run_id"],
            name="fk_trade_decision_symbol_id",
        ),
        sa.PrimaryKeyConstraint("symbol_id", "run_id", name="pk_trade_decision"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_trade_decision_blocked_by", "trade_decision", ["blocked_by"])
    op.create_index("ix_trade_decision_reason", "trade_decision", ["reason"])
