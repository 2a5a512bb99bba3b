"""Trade entry: intents and their journeys, holds, halts, daily loss, operator actions, the paper venue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Makes the tables of trade entry."""
    op.create_table(
        "daily_loss",
        sa.Column("exchange", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("loss_usdt", sa.String(), nullable=False),
        sa.Column("limit_usdt", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("forgiven_usdt", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "account", "day", name=op.f("pk_daily_loss")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "operator_action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_action")),
    )
    op.create_table(
        "order_intent",
        sa.Column("decision_key", sa.String(), nullable=False),
        sa.Column("client_order_id", sa.String(length=32), nullable=False),
        sa.Column("trade_id", sa.String(), nullable=False),
        sa.Column("decision_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("exchange", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("exchange_order_id", sa.String(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("decision_key", name=op.f("pk_order_intent")),
        sa.UniqueConstraint("client_order_id", name=op.f("uq_order_intent_client_order_id")),
    )
    op.create_index("ix_order_intent_created", "order_intent", ["created_at"], unique=False)
    op.create_index("ix_order_intent_state", "order_intent", ["exchange", "account", "state"], unique=False)
    op.create_index("ix_order_intent_symbol", "order_intent", ["symbol", "created_at"], unique=False)
    op.create_table(
        "paper_ledger",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_paper_ledger")),
    )
    op.create_table(
        "symbol_hold",
        sa.Column("exchange", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("decision_key", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("exchange", "account", "symbol", name=op.f("pk_symbol_hold")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trading_halt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("halted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trading_halt")),
    )
    op.create_table(
        "order_event",
        sa.Column("decision_key", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_key"], ["order_intent.decision_key"], name=op.f("fk_order_event_decision_key")
        ),
        sa.PrimaryKeyConstraint("decision_key", "number", name=op.f("pk_order_event")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "order_name",
        sa.Column("client_order_id", sa.String(length=32), nullable=False),
        sa.Column("decision_key", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_key"], ["order_intent.decision_key"], name=op.f("fk_order_name_decision_key")
        ),
        sa.PrimaryKeyConstraint("client_order_id", name=op.f("pk_order_name")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_order_name_decision_key"), "order_name", ["decision_key"], unique=False)
