"""Tables of what keeps symbols out: switches, the blacklist, and which symbols the next run looks at.

What was never switched has no row and is on. ``symbol`` and ``timeframe`` are empty texts where a switch has
none. ``until`` and every other instant are ms UTC by the clock of this machine; no ``until`` is for ever.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, PrimaryKeyConstraint, String, Table

from server.database.order_tables import metadata

switch = Table(
    "switch",
    metadata,
    Column("scope", String, nullable=False),
    Column("symbol", String, nullable=False),
    Column("timeframe", String, nullable=False),
    Column("on", Boolean, nullable=False),
    # Who switched decides who may switch back: only what a run switched off by itself comes on by itself.
    Column("cause", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("until", BigInteger),
    PrimaryKeyConstraint("scope", "symbol", "timeframe"),
    sqlite_with_rowid=False,
)

symbol_queue = Table(
    "symbol_queue",
    metadata,
    Column("symbol", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("queued_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

blacklist = Table(
    "blacklist",
    metadata,
    Column("symbol", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("until", BigInteger),
    sqlite_with_rowid=False,
)
