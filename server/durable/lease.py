"""The lease of a process: proof, for as long as the process lives, that what it began is still its own.

A lease is a numbered slot, held by a lock that the system drops with the process: on PostgreSQL an advisory
lock on a connection of its own, which PgBouncer must pass through in session mode; for an SQLite file a lock
on the file ``<database>.slotN`` beside it. Those files stay, empty; a process whose file is deleted starts
over.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Protocol

import psycopg

from server.database import DatabaseAddress
from server.durable.port import DurableError

_SLOTS = 1000
"""More processes than that on one database are a mistake."""

_SPACE = 0x454E5452
"""Advisory locks of leases are in this key space: "ENTR"."""

_ANSWER_SEC = 2.0
"""A connection that does not answer for so long is lost."""

_KEEPALIVE = "-c tcp_keepalives_idle=3 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3"
"""The server drops the lock of a machine that has vanished within six seconds."""


class Lease(Protocol):
    """A slot that this process holds."""

    @property
    def slot(self) -> int:
        """Its number."""
        ...

    @property
    def can_outlive(self) -> bool:
        """The lock may be lost while the process lives on, which takes it a moment to notice."""
        ...

    async def held(self) -> bool:
        """It is still ours."""
        ...

    async def is_free(self, slot: int) -> bool:
        """Nobody holds the other slot."""
        ...

    async def release(self) -> None:
        """Gives it back; does nothing where it is lost."""
        ...


async def take_lease(address: DatabaseAddress) -> Lease:
    """The first free slot. Raises ``DurableError`` where there is none or the database does not answer."""
    if address.file is not None:
        return _FileLease.take(address.file)
    return await _PostgresLease.take(address)


class _FileLease:
    can_outlive = False

    def __init__(self, database: Path, slot: int, descriptor: int) -> None:
        self._database = database
        self._descriptor: int | None = descriptor
        self.slot = slot

    @classmethod
    def take(cls, database: Path) -> _FileLease:
        for slot in range(_SLOTS):
            try:
                descriptor = _locked(_slot_file(database, slot))
            except OSError as error:
                raise DurableError(f"{_slot_file(database, slot)}: {error.strerror}") from error
            if descriptor is not None:
                return cls(database, slot, descriptor)
        raise DurableError(f"{database}: every one of {_SLOTS} slots is taken")

    async def held(self) -> bool:
        if self._descriptor is None:
            return False
        try:
            named = _slot_file(self._database, self.slot).stat()
        except OSError:
            return False
        # Another process would make and lock a new file where this one was deleted.
        return os.path.samestat(os.fstat(self._descriptor), named)

    async def is_free(self, slot: int) -> bool:
        descriptor = _locked(_slot_file(self._database, slot))
        if descriptor is None:
            return False
        os.close(descriptor)
        return True

    async def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _slot_file(database: Path, slot: int) -> Path:
    return database.with_name(f"{database.name}.slot{slot}")


def _locked(path: Path) -> int | None:
    """A descriptor that holds the lock of the file; ``None`` where another one does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


class _PostgresLease:
    can_outlive = True

    def __init__(self, connection: psycopg.AsyncConnection, slot: int) -> None:
        self._connection = connection
        self.slot = slot

    @classmethod
    async def take(cls, address: DatabaseAddress) -> _PostgresLease:
        try:
            connection = await psycopg.AsyncConnection.connect(
                address.url.render_as_string(hide_password=False),
                autocommit=True,
                application_name="entrygate lease",
                options=_KEEPALIVE,
                connect_timeout=10,
            )
        except psycopg.Error as error:
            # The message may carry the connection string.
            raise DurableError(f"{address} does not answer") from error
        try:
            for slot in range(_SLOTS):
                if await _try_lock(connection, slot):
                    return cls(connection, slot)
        except psycopg.Error as error:
            await connection.close()
            raise DurableError(f"{address} does not answer") from error
        except BaseException:
            await connection.close()
            raise
        await connection.close()
        raise DurableError(f"{address}: every one of {_SLOTS} slots is taken")

    async def held(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_SEC):
                await self._connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError):
            await self._connection.close()
            return False
        return True

    async def is_free(self, slot: int) -> bool:
        try:
            if not await _try_lock(self._connection, slot):
                return False
            await self._connection.execute("SELECT pg_advisory_unlock(%s, %s)", (_SPACE, slot))
        except psycopg.Error:
            return False
        return True

    async def release(self) -> None:
        await self._connection.close()


async def _try_lock(connection: psycopg.AsyncConnection, slot: int) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_SPACE, slot))
    row = await cursor.fetchone()
    return row is not None and bool(row[0])
