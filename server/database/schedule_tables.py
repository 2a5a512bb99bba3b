"""The table of the schedule: which slot of which profile was taken, and what became of it.

A slot is taken by whoever inserts its row. ``slot`` and ``begun_at`` are ms UTC by the clock of the venue,
every other instant by the clock of this machine. ``session`` tells clocks of a simulated venue apart that
have been at the same instants; at a real one it is 0.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, PrimaryKeyConstraint, String, Table

from server.database.tables import metadata

schedule_slot = Table(
    "schedule_slot",
    metadata,
    Column("exchange", String, nullable=False),
    Column("profile", String, nullable=False),
    Column("session", BigInteger, nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("every_ms", BigInteger, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("process", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String),
    Column("run_id", String(36)),
    Column("begun_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False, index=True),
    Column("ended_at", BigInteger),
    Column("alive_until", BigInteger),
    PrimaryKeyConstraint("exchange", "profile", "session", "slot"),
    sqlite_with_rowid=False,
)
