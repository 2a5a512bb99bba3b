"""The lease of whoever looks after an account: of several processes one at a time has it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

import structlog

from server.orders.errors import OrdersUnavailable
from server.orders.store import Orders

LEASE_MS = 12_000
"""Of real time: so long after its death another process looks after everything."""

RENEW_SEC = 4.0
"""Of real time: how often the lease is renewed during a look that takes long."""

log = structlog.get_logger(__name__)


def wall_ms() -> int:
    """The clock of this machine, which leases go by, ms UTC."""
    return time.time_ns() // 1_000_000


def lease_of(exchange: str, account: str) -> str:
    """Name of the lease that whoever looks after an account holds."""
    return f"guardian:{exchange}:{account}"


class WatchLease:
    """``holder`` names this process among others, ``clock`` is what the lease goes by."""

    def __init__(
        self,
        orders: Orders,
        exchange: str,
        account: str,
        holder: str | None = None,
        clock: Callable[[], int] = wall_ms,
    ) -> None:
        self._orders, self._clock = orders, clock
        self._name, self._holder = lease_of(exchange, account), holder or str(uuid4())

    async def taken(self) -> bool:
        """Whether this process has it, for a while from now. Raises ``OrdersUnavailable``."""
        return await self._orders.lease(self._name, self._holder, LEASE_MS, self._clock())

    async def lost(self) -> None:
        """Renews it until another process has it."""
        while True:
            await asyncio.sleep(RENEW_SEC)
            try:
                if not await self.taken():
                    return
            except OrdersUnavailable as error:
                log.warning("guardian.lease_not_renewed", error=str(error))

    async def release(self) -> None:
        """Leaves it to others at once; what the database does not answer ends by itself."""
        with suppress(OrdersUnavailable):
            await self._orders.release(self._name, self._holder)
