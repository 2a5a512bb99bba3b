"""The page for Prometheus: what this process has counted, and what the database says of all of them."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from server.metrics import Metrics
from server.orders.errors import OrdersUnavailable
from server.orders.reading import Standing
from server.orders.store import Orders

log = structlog.get_logger(__name__)

_NOTHING = Standing(0, 0, 0)


async def rendered(metrics: Metrics, orders: Orders, venues: Iterable[str]) -> bytes:
    """Everything in Prometheus' text format.

    Another process may look after the orders, so that its gauges are read from the database; where that does
    not answer, what this process saw last stands.
    """
    try:
        standings = await orders.standings()
    except OrdersUnavailable as error:
        log.warning("metrics.unanswered", error=str(error))
        return metrics.render()
    for name in {*venues, *standings}:
        found = standings.get(name, _NOTHING)
        metrics.stored(name, unprotected=found.unprotected, unsettled=found.unsettled)
    return metrics.render()
