"""Looks at a venue that this process may not change: counts, raises alarms, and touches nothing.

It holds no lease, so that a process that may do something is never kept from it.
"""

from __future__ import annotations

import structlog

from server.exchange.errors import ExchangeError
from server.execution.desk import Desk, identity
from server.execution.holding import held_of
from server.orders.errors import OrdersUnavailable

EVERY_SEC = 5.0

log = structlog.get_logger(__name__)


class Lookout:
    """One venue. An alarm is raised once for each position that loses its stop."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._alarmed: frozenset[tuple[str, str]] = frozenset()

    async def watch(self) -> None:
        """Looks until it is cancelled. Nothing that goes wrong ends it."""
        while True:
            try:
                await self.look()
            except (ExchangeError, OrdersUnavailable) as error:
                log.warning("lookout.unanswered", exchange=self.desk.venue.name, error=str(error))
            except Exception:
                log.exception("lookout.failed", exchange=self.desk.venue.name)
            await self.desk.venue.wait(EVERY_SEC)

    async def look(self) -> int:
        """One look; how many positions have no stop. Raises ``VenueUnavailable``, ``OrdersUnavailable``."""
        desk = self.desk
        intents = await desk.orders.under_way(desk.venue.name, desk.account)
        positions = await desk.sightings.positions()
        triggers = await desk.sightings.triggers()
        owners = {(intent.symbol, intent.side): intent for intent in intents}
        naked = frozenset(
            (p.symbol, p.side)
            for p in positions
            if not held_of(p.symbol, p.side, positions, triggers).covered
        )
        for symbol, side in sorted(naked - self._alarmed):
            owner = owners.get((symbol, side))
            facts = {"symbol": symbol} if owner is None else identity(owner)
            desk.alarm("unprotected", **facts, side=side, detail="this process may not place a stop")
        self._alarmed = naked
        unsettled = sum(intent.state == "submitting" for intent in intents)
        desk.metrics.now(desk.venue.name, unprotected=len(naked), unsettled=unsettled)
        return len(naked)
