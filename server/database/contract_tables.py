"""Table of contracts: what each venue listed when it was last read, and when that was.

The instant is ms UTC by this machine's clock.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, String, Table, Text

from server.database.tables import metadata

contract = Table(
    "contract",
    metadata,
    Column("exchange", String, nullable=False),
    Column("symbol", String, nullable=False),
    Column("specification", Text, nullable=False),
    Column("read_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("exchange", "symbol"),
    sqlite_with_rowid=False,
)
