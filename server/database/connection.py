"""The open database: connections for reading and transactions for writing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.database import sqlite
from server.database.address import DatabaseAddress, DatabaseError

T = TypeVar("T")


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

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """What a function reads, in a thread: one hand-over however many statements it makes."""

        def asked() -> T:
            with self._threads.connect() as connection:
                return question(connection)

        return await asyncio.to_thread(asked)

    async def change(self, work: Callable[[Connection], T]) -> T:
        """A transaction of a function, in a thread: all of it is stored when it returns."""

        def changed() -> T:
            with self._threads.connect() as connection:
                connection.execution_options(**{sqlite.WRITES: True})
                with connection.begin():
                    return work(connection)

        return await asyncio.to_thread(changed)

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
        if "_threads" in self.__dict__:
            await asyncio.to_thread(self._threads.dispose)

    @cached_property
    def _threads(self) -> Engine:
        """The engine of functions that run in threads."""
        if self.address.file is None:
            return create_engine(self.address.sync_url, hide_parameters=True, pool_pre_ping=True)
        engine = create_engine(self.address.sync_url, hide_parameters=True)
        sqlite.install(engine)
        return engine


def _cause(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
