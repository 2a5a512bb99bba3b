"""How SQLite files are used: in WAL, waiting for locks, with transactions that begin when they say so."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, event

WAIT_MS = 30_000
"""How long a statement waits for another process's lock."""

WRITES = "entrygate_writes"
"""Execution option of a connection whose transactions write."""


def install(engine: Engine) -> None:
    """Prepares every connection of an SQLite engine."""
    event.listen(engine, "connect", _connect)
    event.listen(engine, "begin", _begin)


def prove_writable(connection: Connection) -> None:
    """Raises ``OperationalError`` for a file that can only be read: to begin a transaction does not tell."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    connection.exec_driver_sql(f"PRAGMA user_version = {int(version)}")


def _connect(connection: Any, _record: object) -> None:
    # The driver begins transactions late and never before DDL; SQLAlchemy's "begin" does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout={WAIT_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        # What is committed survives a loss of power: an order's intent is stored before the order leaves.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA journal_mode")
        if cursor.fetchone()[0] != "wal":
            _to_wal(cursor)
    finally:
        cursor.close()


def _to_wal(cursor: Any) -> None:
    # The change of mode does not wait for locks by itself, and two processes may start on a new file at once.
    deadline = time.monotonic() + WAIT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin(connection: Connection) -> None:
    # One that reads first and writes later cannot wait for the lock, so one that will write takes it now.
    # Statements that only read need no transaction.
    if connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
