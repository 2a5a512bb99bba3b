"""Tables of trade entry: what is meant to happen, what has happened, and what is in force.

An ``order_intent`` row is committed before anything leaves for a venue and is never deleted; one row per
decision key, whatever becomes of it. ``order_name`` has every client order id that an intent ever gave out,
stored before it is used. ``order_event`` is its journey, in order. ``symbol_hold`` keeps a symbol
from being entered again, ``trading_halt`` everything. ``open_state`` is what the venue last showed to be
open. ``operator_action`` is who changed what and why.
Money and sizes are decimal texts. Instants are ms UTC: ``…_at`` by the clock of the venue, ``recorded_at`` by
the clock of this machine.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from server.database.tables import metadata

order_intent = Table(
    "order_intent",
    metadata,
    Column("decision_key", String, primary_key=True),
    Column("client_order_id", String(32), nullable=False, unique=True),
    Column("trade_id", String, nullable=False),
    Column("decision_sha256", LargeBinary(32), nullable=False),
    Column("exchange", String, nullable=False),
    Column("account", String, nullable=False),
    Column("symbol", String, nullable=False),
    Column("side", String, nullable=False),
    Column("profile", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("run_id", String(36), nullable=False),
    Column("actor", String, nullable=False),
    # What the decision came to: the trading_decision of the run's answer, its status and reason.
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("decision", Text, nullable=False),
    # Where the order is: see server.orders.intent. The ticket is what execution works from.
    Column("state", String, nullable=False),
    Column("ticket", Text),
    Column("attempt", Integer, nullable=False),
    Column("exchange_order_id", String),
    Column("progress", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_order_intent_state", "exchange", "account", "state"),
    Index("ix_order_intent_created", "created_at"),
    Index("ix_order_intent_symbol", "symbol", "created_at"),
)

order_name = Table(
    "order_name",
    metadata,
    Column("client_order_id", String(32), primary_key=True),
    Column("decision_key", String, ForeignKey("order_intent.decision_key"), nullable=False, index=True),
    Column("purpose", String, nullable=False),
    Column("number", Integer, nullable=False),
    sqlite_with_rowid=False,
)

order_event = Table(
    "order_event",
    metadata,
    Column("decision_key", String, ForeignKey("order_intent.decision_key"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("details", Text, nullable=False),
    PrimaryKeyConstraint("decision_key", "number"),
    sqlite_with_rowid=False,
)

symbol_hold = Table(
    "symbol_hold",
    metadata,
    Column("exchange", String, nullable=False),
    Column("account", String, nullable=False),
    Column("symbol", String, nullable=False),
    Column("decision_key", String, nullable=False),
    Column("cause", String, nullable=False),
    # None: until the order of the decision key is done.
    Column("until", BigInteger),
    PrimaryKeyConstraint("exchange", "account", "symbol"),
    sqlite_with_rowid=False,
)

open_state = Table(
    "open_state",
    metadata,
    Column("exchange", String, nullable=False),
    Column("account", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    # Both lists as the venue showed them, replaced whole: what is not in them is not open.
    Column("positions", Text, nullable=False),
    Column("orders", Text, nullable=False),
    PrimaryKeyConstraint("exchange", "account"),
    sqlite_with_rowid=False,
)

trading_halt = Table(
    "trading_halt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("halted", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
)

daily_loss = Table(
    "daily_loss",
    metadata,
    Column("exchange", String, nullable=False),
    Column("account", String, nullable=False),
    Column("day", BigInteger, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("loss_usdt", String, nullable=False),
    Column("limit_usdt", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    # A manual reset forgives the loss up to then.
    Column("forgiven_usdt", String, nullable=False),
    PrimaryKeyConstraint("exchange", "account", "day"),
    sqlite_with_rowid=False,
)

operator_action = Table(
    "operator_action",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("details", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("until", BigInteger, nullable=False),
    # Since when this holder has it, by the clock of ``until``, and for whom or what.
    Column("since", BigInteger),
    Column("about", String),
)

paper_ledger = Table(
    "paper_ledger",
    metadata,
    Column("name", String, primary_key=True),
    Column("document", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
)
