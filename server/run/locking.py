"""The lock of a run that may place orders: one at a time per exchange, market and profile.

Or, with ``lock_per_symbol``, one at a time per symbol of these. The two exclude each other: each takes its
own first and then looks for the other's, so that of two that begin at once at most one goes on. A lock is
renewed while its run lives and ends by itself where the run died.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from server.instants import iso, machine_ms
from server.run.request import RunInProgress, RunUnavailable
from server.run.resolve import Resolved
from server.switches.errors import SwitchesUnavailable
from server.switches.run_locks import RunLock, RunLocks, run_key

RENEWALS = 3
"""A lock is renewed so many times before it would end."""

_PAGE = 1000

log = structlog.get_logger(__name__)


class Locking:
    """The locks that one run holds. ``lost``: one of them was taken away, or could not be renewed in time."""

    def __init__(
        self, locks: RunLocks, run: Resolved, run_id: str, wall_ms: Callable[[], int] = machine_ms
    ) -> None:
        self.lost = False
        self._locks, self._run, self._run_id, self._wall_ms = locks, run, run_id, wall_ms
        self._ttl_sec = run.ruleset.service.run_lock_sec
        self._key = run_key(run.venue.name, run.market_type, run.profile.name)
        self._held: dict[str, int] = {}

    async def whole(self) -> None:
        """Takes the lock of such runs. Raises `RunInProgress`, `RunUnavailable`."""
        holder = await self._take(self._key)
        if holder is None:
            others = await self._of_symbols()
            holder = others[0] if others else None
        if holder is not None:
            raise RunInProgress(self._told(holder))

    async def symbols(self, symbols: Sequence[str]) -> frozenset[str]:
        """Takes the lock of each symbol; those that another run holds.

        Raises `RunInProgress` while another run holds them all, `RunUnavailable`.
        """
        taken = frozenset([symbol for symbol in symbols if await self._take(f"{self._key}:{symbol}")])
        holder = await self._holder(self._key)
        if holder is not None:
            raise RunInProgress(self._told(holder))
        return taken

    async def renew(self) -> None:
        """Renews until it is cancelled."""
        while True:
            await asyncio.sleep(self._ttl_sec / RENEWALS)
            await self.confirm()

    async def confirm(self) -> None:
        """Renews at once, which shows whether everything is still held."""
        for key, until in list(self._held.items()):
            now_ms = self._wall_ms()
            try:
                renewed = await self._locks.renew(
                    key, run_id=self._run_id, ttl_sec=self._ttl_sec, now_ms=now_ms
                )
            except SwitchesUnavailable as error:
                log.warning("run.lock_not_renewed", run_id=self._run_id, lock=key, error=str(error))
                self.lost = self.lost or now_ms >= until
                continue
            if renewed:
                self._held[key] = now_ms + self._ttl_sec * 1000
            else:
                log.error("run.lock_lost", run_id=self._run_id, lock=key)
                self.lost = True
                self._held.pop(key, None)

    async def release(self) -> None:
        """Gives back whatever is held; what the database does not answer ends by itself."""
        for key in self._held:
            with suppress(SwitchesUnavailable):
                await self._locks.release(key, run_id=self._run_id)

    async def _take(self, key: str) -> RunLock | None:
        """Who holds it; None is this run."""
        now_ms = self._wall_ms()
        try:
            other = await self._locks.acquire(
                key, run_id=self._run_id, holder=self._run.actor, ttl_sec=self._ttl_sec, now_ms=now_ms
            )
        except SwitchesUnavailable as error:
            raise RunUnavailable(str(error)) from error
        if other is None:
            self._held[key] = now_ms + self._ttl_sec * 1000
        return other

    async def _holder(self, key: str) -> RunLock | None:
        try:
            found = await self._locks.page(key, now_ms=self._wall_ms())
        except SwitchesUnavailable as error:
            raise RunUnavailable(str(error)) from error
        return found.items[0] if found.items else None

    async def _of_symbols(self) -> list[RunLock]:
        """Locks of symbols of such runs, which are in the way of one that wants them all."""
        try:
            found = await self._locks.page(now_ms=self._wall_ms(), page_size=_PAGE)
        except SwitchesUnavailable as error:
            raise RunUnavailable(str(error)) from error
        return [lock for lock in found.items if lock.key.startswith(f"{self._key}:")]

    def _told(self, lock: RunLock) -> str:
        run = self._run
        what = f"a run of profile '{run.profile.name}' at {run.venue.name}"
        return f"{what} is under way since {iso(lock.since)}: {lock.run_id} of {lock.holder}"


@asynccontextmanager
async def locking(locks: RunLocks, run: Resolved, run_id: str) -> AsyncGenerator[Locking]:
    """Holds what is taken inside until the block ends. A dry run takes nothing: it is in nobody's way."""
    held = Locking(locks, run, run_id)
    renewing = asyncio.create_task(held.renew())
    try:
        if not run.dry_run and not run.lock_per_symbol:
            await held.whole()
        yield held
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await held.release()
