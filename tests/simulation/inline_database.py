"""The application's own database over an SQLite file without threads, and what befalls its transactions.

One engine serves every world, because compiling the statements costs more than running them: its connections
speak with whichever file is open at the moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.database import Database, DatabaseAddress, sqlite, upgrade


class Gate(Protocol):
    """Decides what befalls the transactions of one process."""

    async def before_read(self) -> None: ...
    async def before_write(self) -> None: ...
    async def after_write(self) -> None: ...


class File:
    """The database of one world, which outlives its processes; the newest one is the open one."""

    current: File

    def __init__(self, folder: Path) -> None:
        self.handle = _copy(folder)
        self.handle.isolation_level = None
        self.handle.execute("PRAGMA foreign_keys=ON")
        self.handle.execute("PRAGMA synchronous=OFF")
        File.current = self

    def close(self) -> None:
        self.handle.close()


class InlineDatabase(Database):
    """The open file as one process sees it."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(DatabaseAddress.of_file(Path("simulated.db")), _engine())
        self._gate = gate

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        await self._gate.before_read()
        connection = await _standing("read")
        try:
            yield connection
        except DBAPIError:
            await connection.rollback()
            raise

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        await self._gate.before_write()
        connection = await _standing("write")
        async with connection.begin():
            yield connection
        await self._gate.after_write()


_STANDING: dict[str, AsyncConnection] = {}


async def _standing(use: str) -> AsyncConnection:
    """One connection for reading and one for writing serve every world: to take one from a pool each time
    costs as much as a statement. Nothing else runs before a transaction is over.
    """
    if use not in _STANDING:
        made = await _engine().connect()
        await made.execution_options(**{sqlite.WRITES: use == "write"})
        _STANDING[use] = made
    return _STANDING[use]


@cache
def _template(folder: Path) -> Path:
    made = folder / "template.db"
    upgrade(DatabaseAddress.of_file(made))
    with sqlite3.connect(made) as connection:
        connection.execute("PRAGMA journal_mode=MEMORY")
    return made


def _copy(folder: Path) -> sqlite3.Connection:
    path = folder / "world.db"
    path.write_bytes(_template(folder).read_bytes())
    return sqlite3.connect(path, check_same_thread=False)


@cache
def _engine() -> AsyncEngine:
    engine = create_async_engine(
        DatabaseAddress.of_file(Path("simulated.db")).async_url,
        hide_parameters=True,
        connect_args={"async_creator_fn": _connect},
    )
    # As `sqlite.install` does, but for the settings of the file, which `File` makes.
    event.listen(engine.sync_engine, "begin", sqlite._begin)  # pyright: ignore[reportPrivateUsage]
    return engine


class _Cursor:
    """What the asynchronous dialect asks of a cursor; done at once."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    async def __aenter__(self) -> _Cursor:
        return self

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> Any:
        return self._cursor.lastrowid

    async def execute(self, *arguments: Any) -> Any:
        self._cursor.execute(*arguments)
        return self

    async def executemany(self, *arguments: Any) -> Any:
        self._cursor.executemany(*arguments)
        return self

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def close(self) -> None:
        self._cursor.close()


class _Now:
    """The dialect hands over functions to be run by a thread: they are run here."""

    def put_nowait(self, work: tuple[Any, Callable[[], Any]]) -> None:
        future, function = work
        future.set_result(function())


class _Connection:
    """What the asynchronous dialect asks of a connection; done at once, on the open file."""

    def __init__(self) -> None:
        self._tx = _Now()

    @property
    def _conn(self) -> sqlite3.Connection:
        return File.current.handle

    @property
    def _connection(self) -> sqlite3.Connection:
        return File.current.handle

    @property
    def isolation_level(self) -> str | None:
        return self._conn.isolation_level

    def cursor(self) -> _Cursor:
        return _Cursor(self._conn.cursor())

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        self._conn.create_function(*arguments, **options)

    async def commit(self) -> None:
        self._conn.commit()

    async def rollback(self) -> None:
        self._conn.rollback()

    async def close(self) -> None:
        """The file stays open: it belongs to its world."""

    def stop(self) -> None:
        """As `close`."""


def _connect(*_: Any, **__: Any) -> Awaitable[_Connection]:
    async def connected() -> _Connection:
        return _Connection()

    return connected()
