"""What places orders and looks after them, put together: opened with a service that trades."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from uuid import uuid4

from server.database import Database
from server.durable import Durable, Workflow
from server.durable.engine import open_durable
from server.exchange.looked_at import as_allowed
from server.exchange.paper import PaperExchange
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
    *,
    rulesets: Rulesets | None = None,
    brief: Mapping[str, Workflow] | None = None,
    takes_work: bool = True,
    holder: str | None = None,
) -> AsyncGenerator[Trading]:
    """Takes up the work that is there, and watches over every venue until the end.

    A venue that is not simulated is changed only where ``settings.live`` holds; else it is looked at.
    ``takes_work``: entries that were left to any process, and those of processes that died; without it only
    what this one begins itself. ``holder``: by which this process holds leases, where it has some already.

    ``brief``: further workflows, which ``Durable`` calls so; ``rulesets``: where profiles are kept.

    Raises ``DurableError`` or ``DatabaseError``.
    """
    rulesets = rulesets or Rulesets(database)
    desks = {
        name: Desk(as_allowed(venue, live=settings.live), MAIN_ACCOUNT, orders, metrics, rulesets)
        for name, venue in venues.items()
    }
    workflows = {WORKFLOW: TradeEntry(desks, rulesets)}
    async with open_durable(settings.database, workflows, brief=brief, takes_work=takes_work) as durable:

        async def running() -> frozenset[str]:
            return frozenset(one.workflow_id for one in await durable.unfinished())

        own = holder or str(uuid4())
        guardians = {
            name: Guardian(desk, running, foreign_stop_ratio, leads=partial(_leads, desk), holder=own)
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


async def _leads(desk: Desk) -> bool:
    """Whether this process may look after the account. At the paper venue only who is in its session may, and
    who merely follows it leaves one that needs nobody, so that another can begin.

    Raises ``VenueUnavailable``, ``OrdersUnavailable``.
    """
    venue = desk.venue
    if not isinstance(venue, PaperExchange) or not venue.follows:
        return True
    if not await venue.in_session():
        return False
    return await venue.at_stake() or bool(await desk.orders.under_way(venue.name, desk.account))
