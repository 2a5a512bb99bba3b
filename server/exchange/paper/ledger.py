"""Where a paper venue keeps its account: one JSON document, in memory or as a row of the database.

A change is read, made and written in one exclusive turn, so several processes can share one account, and a
process that is killed leaves the account as its last finished turn left it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import Database
from server.database.order_tables import paper_ledger


class LedgerUnavailable(Exception):
    """The ledger did not answer; whether a turn that was ending has been kept is not known."""


@dataclass(slots=True)
class Turn:
    """An exclusive turn: ``document`` is what is kept; what it is set to is kept when the turn ends."""

    document: str | None


class Ledger(Protocol):
    """Keeps one document; None is one that was never written."""

    async def read(self) -> str | None:
        """The document as the last finished turn of any process left it."""
        ...

    def turn(self) -> AbstractAsyncContextManager[Turn]:
        """Waits until nobody else has a turn. Nothing is kept of one that ends with an error."""
        ...


class MemoryLedger:
    """Lives as long as the process; several venues of one event loop may share it."""

    def __init__(self) -> None:
        self._document: str | None = None
        self._lock = asyncio.Lock()

    async def read(self) -> str | None:
        return self._document

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[Turn]:
        async with self._lock:
            turn = Turn(self._document)
            yield turn
            self._document = turn.document


class TableLedger:
    """One row of ``paper_ledger``; survives the process and is shared by all that name it alike."""

    def __init__(self, database: Database, name: str = "paper") -> None:
        self._database = database
        self._name = name
        # Turns of one process wait here, where waiting is cheap, and not for the lock of the database.
        self._lock = asyncio.Lock()
        own = paper_ledger.c.name == name
        self._select = select(paper_ledger.c.document).where(own)
        self._update = update(paper_ledger).where(own)

    async def read(self) -> str | None:
        with _named():
            async with self._database.read() as connection:
                return await connection.scalar(self._select) or None

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[Turn]:
        with _named():
            async with self._lock, self._database.write() as connection:
                turn = Turn(await self._lock_row(connection))
                before = turn.document
                yield turn
                if turn.document is not None and turn.document != before:
                    row = {"document": turn.document, "recorded_at": int(time.time() * 1000)}
                    await connection.execute(self._update, row)

    async def _lock_row(self, connection: AsyncConnection) -> str | None:
        locked = self._select.with_for_update()
        document = await connection.scalar(locked)
        if document is None:
            # An empty row, so that processes that begin at once have something to wait for.
            await connection.execute(_EMPTY_ROW, {"name": self._name})
            document = await connection.scalar(locked)
        return document or None


_EMPTY_ROW = text(
    "INSERT INTO paper_ledger (name, document, recorded_at) VALUES (:name, '', 0) ON CONFLICT DO NOTHING"
)


@contextmanager
def _named() -> Generator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        raise LedgerUnavailable(cause.partition("\n")[0] or type(error).__name__) from error
