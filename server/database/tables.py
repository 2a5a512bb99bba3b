"""Tables of the journal.

Reading one symbol's day must not touch the other symbols, so decisions are ordered by symbol first and have
no row id of their own on SQLite. The decisions of one run are found by trying every symbol there is, which
spares an index as large as the table. What decisions come to repeats endlessly and is in ``outcome``, where
an empty text stands for what there is not. What they were made from is in ``block``: content that is stored
once however many runs share it, found by the SHA-256 of what is inside.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    false,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

symbol = Table(
    "symbol",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
)

outcome = Table(
    "outcome",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("status", String, nullable=False),
    Column("side", String, nullable=False),
    Column("execution_timeframe", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("blocking_timeframe", String, nullable=False),
    UniqueConstraint("status", "side", "execution_timeframe", "reason", "blocking_timeframe"),
)

ruleset = Table(
    "ruleset",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("fingerprint", String, nullable=False, unique=True),
    Column("profile", String, nullable=False, index=True),
    Column("first_seen", BigInteger, nullable=False),
    Column("canonical", LargeBinary, nullable=False),
)

block = Table(
    "block",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False, unique=True),
    Column("payload", LargeBinary, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", String(36), nullable=False, unique=True),
    Column("as_of", BigInteger, nullable=False, index=True),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("ruleset_id", Integer, ForeignKey("ruleset.id"), nullable=False),
    Column("mode", String, nullable=False),
    Column("exchange", String, nullable=False),
    Column("market_type", String, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("actor", String, nullable=False),
    Column("workers", SmallInteger, nullable=False),
    Column("status", String, nullable=False),
    Column("ready", Integer, nullable=False),
    Column("invalid", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("request_id", Integer, ForeignKey("block.id"), nullable=False),
    Column("errors_id", Integer, ForeignKey("block.id"), nullable=False),
    Column("alive_until", BigInteger),
    Column("excluded", Integer, nullable=False, server_default="0"),
    Column("degraded", Boolean, nullable=False, server_default=false()),
    Column("warnings_id", Integer, ForeignKey("block.id")),
    # Microseconds by stage, in the order of the stages.
    Column("timings", String),
)

run_part = Table(
    "run_part",
    metadata,
    Column("run_id", Integer, ForeignKey("run.id"), nullable=False),
    Column("part", SmallInteger, nullable=False),
    Column("symbols_id", Integer, ForeignKey("block.id"), nullable=False),
    PrimaryKeyConstraint("run_id", "part"),
    sqlite_with_rowid=False,
)

run_block = Table(
    "run_block",
    metadata,
    Column("run_id", Integer, nullable=False),
    Column("part", SmallInteger, nullable=False),
    Column("timeframe", String, nullable=False),
    Column("layout_id", Integer, ForeignKey("block.id"), nullable=False),
    Column("columns_id", Integer, ForeignKey("block.id"), nullable=False),
    PrimaryKeyConstraint("run_id", "part", "timeframe"),
    ForeignKeyConstraint(["run_id", "part"], ["run_part.run_id", "run_part.part"]),
    sqlite_with_rowid=False,
)

decision = Table(
    "decision",
    metadata,
    Column("symbol_id", Integer, ForeignKey("symbol.id"), nullable=False),
    Column("run_id", Integer, ForeignKey("run.id"), nullable=False),
    Column("outcome_id", Integer, ForeignKey("outcome.id"), nullable=False),
    PrimaryKeyConstraint("symbol_id", "run_id"),
    Index("ix_decision_outcome", "outcome_id", "run_id"),
    sqlite_with_rowid=False,
)

exclusion = Table(
    "exclusion",
    metadata,
    Column("symbol_id", Integer, ForeignKey("symbol.id"), nullable=False),
    Column("run_id", Integer, ForeignKey("run.id"), nullable=False),
    Column("reason", String, nullable=False),
    Column("details_id", Integer, ForeignKey("block.id"), nullable=False),
    PrimaryKeyConstraint("symbol_id", "run_id"),
    sqlite_with_rowid=False,
)

trade_decision = Table(
    "trade_decision",
    metadata,
    Column("symbol_id", Integer, nullable=False),
    Column("run_id", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String, index=True),
    Column("blocked_by", String, index=True),
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("symbol_id", "run_id"),
    ForeignKeyConstraint(["symbol_id", "run_id"], ["decision.symbol_id", "decision.run_id"]),
    sqlite_with_rowid=False,
)
