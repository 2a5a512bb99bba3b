"""Where a paper venue keeps its account: a JSON document and pages of its past, in memory or in the database.

A change is read, made and written in one exclusive turn, so several processes can share one account, and a
process that is killed leaves the account as its last finished turn left it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import Database
from server.database.order_tables import paper_ledger


class LedgerUnavailable(Exception):
    """The ledger did not answer; whether a turn that was ending has been kept is not known."""


@dataclass(slots=True)
class Turn:
    """An exclusive turn: ``document`` is what is kept; what it is set to is kept when the turn ends.

    ``pages`` are added then, by keys that were never used; ``clears`` takes away those there were before.
    """

    document: str | None
    pages: dict[str, str] = field(default_factory=dict[str, str])
    clears: bool = False


class Ledger(Protocol):
    """Keeps one document, None before it was ever written, and pages that never change."""

    async def read(self) -> str | None:
        """The document as the last finished turn of any process left it."""
        ...

    async def page(self, key: str) -> str | None:
        """A page that a finished turn has added; None where it has been cleared away."""
        ...

    def turn(self) -> AbstractAsyncContextManager[Turn]:
        """Waits until nobody else has a turn. Nothing is kept of one that ends with an error."""
        ...


class MemoryLedger:
    """Lives as long as the process; several venues of one event loop may share it."""

    def __init__(self) -> None:
        self._document: str | None = None
        self._pages: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def read(self) -> str | None:
        return self._document

    async def page(self, key: str) -> str | None:
        return self._pages.get(key)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[Turn]:
        async with self._lock:
            turn = Turn(self._document)
            yield turn
            self._document = turn.document
            self._pages = turn.pages if turn.clears else {**self._pages, **turn.pages}


class TableLedger:
    """Rows of ``paper_ledger``: the document is called ``name``, its pages ``name/key``. It survives the
    process and is shared by all that name it alike.
    """

    def __init__(self, database: Database, name: str = "paper") -> None:
        self._database = database
        self._name = name
        # Turns of one process wait here, where waiting is cheap, and not for the lock of the database.
        self._lock = asyncio.Lock()
        self._select = select(paper_ledger.c.document).where(paper_ledger.c.name == name)

    async def read(self) -> str | None:
        with _named():
            async with self._database.read() as connection:
                return await connection.scalar(self._select) or None

    async def page(self, key: str) -> str | None:
        wanted = select(paper_ledger.c.document).where(paper_ledger.c.name == self._page(key))
        with _named():
            async with self._database.read() as connection:
                return await connection.scalar(wanted)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[Turn]:
        with _named():
            async with self._lock, self._database.write() as connection:
                turn = Turn(await self._lock_row(connection))
                before = turn.document
                yield turn
                if turn.document != before:
                    await self._write(connection, turn)

    async def _write(self, connection: AsyncConnection, turn: Turn) -> None:
        now = int(time.time() * 1000)
        own = paper_ledger.c.name == self._name
        row = {"document": turn.document, "recorded_at": now}
        await connection.execute(update(paper_ledger).where(own).values(row))
        if turn.clears:
            pages = paper_ledger.c.name.startswith(self._page(""), autoescape=True)
            await connection.execute(delete(paper_ledger).where(pages))
        for key, document in turn.pages.items():
            row = {"name": self._page(key), "document": document, "recorded_at": now}
            await connection.execute(insert(paper_ledger).values(row))

    def _page(self, key: str) -> str:
        return f"{self._name}/{key}"

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
