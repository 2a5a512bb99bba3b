"""What places orders and looks after them, put together: opened with a service that trades."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from server.database import Database
from server.durable import Durable
from server.durable.engine import open_durable
from server.exchange.looked_at import as_allowed
from server.exchange.port import Exchange
from server.execution.desk import Desk
from server.execution.dispatch import Dispatcher
from server.execution.guardian import Guardian
from server.execution.lookout import Lookout
from server.execution.operations import Operations
from server.execution.workflow import WORKFLOW, TradeEntry
from server.journal.rulesets import Rulesets
from server.metrics import Metrics
from server.orders.store import Orders
from server.settings import Settings
from server.trade_entry.decide import MAIN_ACCOUNT


@dataclass(frozen=True, slots=True)
class Trading:
    """``desks`` and ``guardians`` are by the name of their venue; one that may only be looked at has no
    guardian.
    """

    durable: Durable
    desks: Mapping[str, Desk]
    guardians: Mapping[str, Guardian]
    dispatcher: Dispatcher
    operations: Operations


@asynccontextmanager
async def open_trading(
    settings: Settings,
    database: Database,
    venues: Mapping[str, Exchange],
    orders: Orders,
    metrics: Metrics,
    foreign_stop_ratio: Callable[[], Decimal],
) -> AsyncGenerator[Trading]:
    """Takes up the work that is there, and watches over every venue until the end.

    A venue that is not simulated is changed only where ``settings.live`` holds; else it is looked at.

    Raises ``DurableError`` or ``DatabaseError``.
    """
    rulesets = Rulesets(database)
    desks = {
        name: Desk(as_allowed(venue, live=settings.live), MAIN_ACCOUNT, orders, metrics, rulesets)
        for name, venue in venues.items()
    }
    async with open_durable(settings.database, {WORKFLOW: TradeEntry(desks, rulesets)}) as durable:

        async def running() -> frozenset[str]:
            return frozenset(one.workflow_id for one in await durable.unfinished())

        guardians = {
            name: Guardian(desk, running, foreign_stop_ratio)
            for name, desk in desks.items()
            if desk.may_change
        }
        lookouts = [Lookout(desk) for desk in desks.values() if not desk.may_change]
        watches = [asyncio.create_task(one.watch()) for one in (*guardians.values(), *lookouts)]
        try:
            yield Trading(
                durable,
                desks,
                guardians,
                Dispatcher(durable, desks, rulesets, settings.dispatch, settings.decision_wait_sec),
                Operations(orders, desks, guardians, durable),
            )
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
            for guardian in guardians.values():
                await guardian.resign()
