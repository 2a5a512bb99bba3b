"""What is open on the account: read at the venue, compared with our own orders, and stored.

That a venue does not answer never means that nothing is open: the run is degraded then, goes by what the
database knows, and places nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import structlog

from server.exchange.errors import ExchangeError
from server.exchange.port import Exchange, OpenOrder, Position
from server.instants import iso
from server.orders.errors import OrdersUnavailable
from server.orders.intent import Intent
from server.orders.open_state import OpenState
from server.orders.store import Orders
from server.run.judged import Open
from server.run.request import FieldProblem, RequestProblem, RunUnavailable
from server.run.resolve import Resolved
from server.trade_entry.decide import MAIN_ACCOUNT

MS_PER_SEC = 1000
HELD = "open", "closing"
"""States of an intent that has a position; those before them have an order, or are about to."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What is open, by symbol. ``source``: whether the venue said so just now, or the database knows it from
    before; ``failure`` is why the venue, which was asked, did not say it.
    """

    source: Literal["venue", "database"]
    symbols: Mapping[str, Open] = field(default_factory=dict[str, Open])
    failure: str | None = None

    @property
    def degraded(self) -> bool:
        """Whether the venue did not say what is open."""
        return self.failure is not None

    def of(self, symbol: str) -> Open:
        """What the symbol has open."""
        return self.symbols.get(symbol, Open())


async def reconcile(run: Resolved, orders: Orders, *, reads_venue: bool, stores: bool) -> Reconciled:
    """``reads_venue``: the venue is asked; otherwise, as when it does not answer, what is stored counts.
    ``stores``: what it says is stored. Entries of ours that are under way count in any case.

    Raises `RequestProblem` where a live run would go by a state that is too old, `RunUnavailable` where the
    database does not answer.
    """
    try:
        own = await orders.under_way(run.venue.name, MAIN_ACCOUNT)
        if not reads_venue:
            known = await orders.open_state(run.venue.name, MAIN_ACCOUNT)
            if not run.dry_run:
                await _fresh(run, known)
            return Reconciled(source="database", symbols=_counted(known, own))
        limit_sec = float(run.ruleset.service.symbol_timeout_sec)
        seen = await _read(run.venue, limit_sec)
        if isinstance(seen, OpenState):
            if stores:
                await orders.keep_open_state(run.venue.name, MAIN_ACCOUNT, seen)
            return Reconciled(source="venue", symbols=_counted(seen, own))
        known = await orders.open_state(run.venue.name, MAIN_ACCOUNT)
    except OrdersUnavailable as error:
        raise RunUnavailable(str(error)) from error
    log.warning("run.degraded", exchange=run.venue.name, error=seen)
    return Reconciled(source="database", symbols=_counted(known, own), failure=seen)


async def _read(venue: Exchange, limit_sec: float) -> OpenState | str:
    """Both lists of the venue, or why they are not known."""
    try:
        async with asyncio.timeout(limit_sec):
            at = await venue.now_ms()
            positions, orders = await asyncio.gather(venue.positions(), venue.open_orders())
    except TimeoutError:
        return f"{venue.name} did not say within {limit_sec:g} s what is open"
    except ExchangeError as error:
        return str(error)
    return OpenState.of(at, positions, orders)


async def _fresh(run: Resolved, known: OpenState | None) -> None:
    """Raises `RequestProblem` where what is stored is no ground for placing orders."""
    limit_sec = run.ruleset.service.open_state_max_age_sec
    if known is not None:
        age_ms = await run.venue.now_ms() - known.at
        if 0 <= age_ms <= limit_sec * MS_PER_SEC:
            return
        said = f"what is stored of open positions and orders is of {iso(known.at)}, older than {limit_sec} s"
    else:
        said = "nothing is stored of open positions and orders"
    message = f"orders need to know what is open: {said}"
    raise RequestProblem([FieldProblem("sync_tables", message, "impossible", choices=("true",))])


def _counted(known: OpenState | None, own: Sequence[Intent]) -> dict[str, Open]:
    """A position counts once, be it the venue's, an entry's of ours or both; so does an order."""
    held, resting = (
        _places(known.positions if known else (), own),
        _resting(known.orders if known else (), own),
    )
    return {symbol: Open(held[symbol], resting[symbol]) for symbol in sorted({*held, *resting})}


def _places(positions: Sequence[Position], own: Sequence[Intent]) -> Counter[str]:
    places = {(p.symbol, p.side) for p in positions} | {(i.symbol, i.side) for i in own if i.state in HELD}
    return Counter(symbol for symbol, _ in places)


def _resting(orders: Sequence[OpenOrder], own: Sequence[Intent]) -> Counter[str]:
    """An entry may have another id at the venue after it was quoted again, so the greater number counts."""
    shown = Counter(order.symbol for order in orders)
    meant = Counter(intent.symbol for intent in own if intent.state not in HELD)
    return shown | meant
