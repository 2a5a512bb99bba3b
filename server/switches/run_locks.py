"""Locks of runs: one run at a time per exchange, market and profile, whatever the process.

A lock is a lease with the run's id as its holder, so it ends by itself where the run died.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import Database
from server.database.answering import failing_as
from server.database.order_tables import lease
from server.instants import iso
from server.journal.answers import Page, offset_of
from server.orders import leases
from server.orders.operator import store_action
from server.switches.errors import NoSuchLock, SwitchesUnavailable

_PREFIX = "run "
_MS_PER_SEC = 1000
_TRIES = 3
_c = lease.c


def run_key(exchange: str, market: str, profile: str) -> str:
    """The name of the lock of such runs."""
    return f"{exchange}:{market}:{profile}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLock:
    """Who holds a lock: the run, ``holder`` in words, since when and until when without a renewal (ms UTC
    by this machine's clock).
    """

    key: str
    run_id: str
    holder: str
    since: int
    until: int


class RunLocks:
    """Every method raises `SwitchesUnavailable` where the database does not answer: then nothing is held."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def acquire(
        self, key: str, *, run_id: str, holder: str, ttl_sec: float, now_ms: int
    ) -> RunLock | None:
        """None: this run has the lock for ``ttl_sec``, renewed by `renew`. Else who has it."""
        with failing_as(SwitchesUnavailable, "the lock of the run cannot be taken"):
            for _ in range(_TRIES):
                async with self.database.write() as connection:
                    ttl_ms = round(ttl_sec * _MS_PER_SEC)
                    if await leases.take(connection, _PREFIX + key, run_id, ttl_ms, now_ms, holder):
                        return None
                    # It may end between the two statements, and is then free to take.
                    if (held := await _held(connection, key)) is not None:
                        return held
        raise SwitchesUnavailable(f"the lock {key} was neither taken nor found")

    async def renew(self, key: str, *, run_id: str, ttl_sec: float, now_ms: int) -> bool:
        """False: the run has lost the lock, to an operator or, having been away too long, to another run."""
        with failing_as(SwitchesUnavailable, "the lock of the run cannot be renewed"):
            async with self.database.write() as connection:
                ttl_ms = round(ttl_sec * _MS_PER_SEC)
                return await leases.prolong(connection, _PREFIX + key, run_id, ttl_ms, now_ms)

    async def release(self, key: str, *, run_id: str) -> None:
        """Gives the lock back, if the run has it."""
        with failing_as(SwitchesUnavailable, "the lock of the run cannot be given back"):
            async with self.database.write() as connection:
                await leases.give_back(connection, _PREFIX + key, run_id)

    async def page(
        self, key: str | None = None, *, now_ms: int, page: int = 1, page_size: int = 50
    ) -> Page[RunLock]:
        """Locks that are held, by name."""
        where = [_is_lock(), _c.until > now_ms] + ([] if key is None else [_c.name == _PREFIX + key])
        with failing_as(SwitchesUnavailable, "locks cannot be read"):
            async with self.database.read() as connection:
                total = await connection.scalar(select(func.count()).select_from(lease).where(*where))
                query = select(lease).where(*where).order_by(_c.name)
                rows = await connection.execute(query.offset(offset_of(page, page_size)).limit(page_size))
                found = tuple(_lock(*row) for row in rows)
        return Page(found, page, page_size, total or 0)

    async def force_release(self, key: str, *, actor: str, reason: str, now_ms: int) -> RunLock:
        """Takes a lock from its run, which notices at its next renewal; what it was. Raises `NoSuchLock`,
        and ``ValueError`` without an actor or a reason.
        """
        held = (_c.name == _PREFIX + key) & (_c.until > now_ms)
        with failing_as(SwitchesUnavailable, "the lock cannot be released"):
            async with self.database.write() as connection:
                row = (await connection.execute(delete(lease).where(held).returning(*_c))).first()
                if row is None:
                    raise NoSuchLock(key)
                gone = _lock(*row)
                details = {"run_id": gone.run_id, "holder": gone.holder, "since": iso(gone.since)}
                await store_action(connection, "release_lock", key, actor, reason, details)
        return gone


async def _held(connection: AsyncConnection, key: str) -> RunLock | None:
    row = (await connection.execute(select(lease).where(_c.name == _PREFIX + key))).first()
    return None if row is None else _lock(*row)


def _is_lock() -> ColumnElement[bool]:
    return _c.name.startswith(_PREFIX, autoescape=True)


def _lock(name: str, holder: str, until: int, since: int | None, about: str | None) -> RunLock:
    return RunLock(
        key=name.removeprefix(_PREFIX), run_id=holder, holder=about or "", since=since or 0, until=until
    )
