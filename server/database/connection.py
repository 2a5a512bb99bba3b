"""The open database: connections for reading and transactions for writing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.database import sqlite
from server.database.address import DatabaseAddress, DatabaseError


class Database:
    """Owns the engine and its connections; ``close`` it when done."""

    def __init__(self, address: DatabaseAddress, engine: AsyncEngine) -> None:
        self.address = address
        self.engine = engine

    @staticmethod
    def open(address: DatabaseAddress) -> Database:
        """Connects on first use. The schema is ``server.database.upgrade``'s business."""
        # Statements carry whole columns of facts, which nobody wants to read in an error.
        if address.file is not None:
            engine = create_async_engine(address.async_url, hide_parameters=True)
            sqlite.install(engine.sync_engine)
        else:
            engine = create_async_engine(address.async_url, hide_parameters=True, pool_pre_ping=True)
        return Database(address, engine)

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """A connection to read with; each statement sees what was stored when it began."""
        async with self.engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction: all of it is stored when the block ends, nothing when it raises."""
        async with self.engine.connect() as connection:
            await connection.execution_options(**{sqlite.WRITES: True})
            async with connection.begin():
                yield connection

    async def check(self) -> None:
        """Raises ``DatabaseError`` where the database does not answer."""
        try:
            async with self.engine.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")
        except (DBAPIError, OSError) as error:
            raise DatabaseError(f"{self.address} does not answer: {_cause(error)}") from error

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()


def _cause(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
