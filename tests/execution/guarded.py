"""One guardian over a real database and a paper account, some of whose answers fail when they are told to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import structlog
from order_rows import begun, event, ticket

from server.exchange.errors import VenueUnavailable
from server.exchange.paper import ManualClock, PaperExchange, PaperOptions
from server.exchange.port import Listing
from server.exchange.trading import (
    Accepted,
    EntryOrder,
    Fill,
    Outcome,
    TriggerOrder,
    TriggerRequest,
)
from server.execution.desk import Desk
from server.execution.guardian import Guardian
from server.execution.progress import Attempt, Progress
from server.execution.view import Report
from server.instants import at
from server.journal.rulesets import Rulesets
from server.metrics import Metrics
from server.orders.intent import Intent
from server.orders.permission import FreeBalance
from server.orders.store import Orders
from server.trade_entry.quantise import floor_to

NOW = at("2025-06-01T07:46:00Z")


class Troubled(PaperExchange):
    """A paper venue. ``fails``: what an answer raises instead, by the name of the method and, where there is
    one, the symbol; ``before``: what happens first; ``left_over``: triggers that it never took away.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(PaperOptions(balance_usdt=Decimal(100_000)), clock=clock)
        self.fails: dict[str, Exception] = {}
        self.before: dict[str, Callable[[], Awaitable[object]]] = {}
        self.left_over: list[TriggerOrder] = []

    async def _meet(self, *names: str) -> None:
        for name in names:
            if name in self.before:
                await self.before[name]()
            if name in self.fails:
                raise self.fails[name]

    async def contracts(self) -> Mapping[str, Listing]:
        await self._meet("contracts")
        return await super().contracts()

    async def open_orders(self) -> Any:
        await self._meet("open_orders")
        return await super().open_orders()

    async def fills(self, symbol: str, since_ms: int) -> Sequence[Fill]:
        await self._meet("fills", f"fills {symbol}")
        return await super().fills(symbol, since_ms)

    async def place_trigger(self, request: TriggerRequest) -> Outcome:
        await self._meet(f"place {request.kind}")
        return await super().place_trigger(request)

    async def trigger_orders(self) -> Sequence[TriggerOrder]:
        return [*await super().trigger_orders(), *self.left_over]

    async def cancel_trigger(self, trigger: TriggerOrder) -> Outcome:
        if trigger not in self.left_over:
            return await super().cancel_trigger(trigger)
        self.left_over.remove(trigger)
        return Accepted(trigger.order_id)


@dataclass
class Guarded:
    """The guardian and everything around it. ``told``: alarms as (name, symbol or other subject)."""

    orders: Orders
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    running: set[str] = field(default_factory=set[str])
    wall: list[int] = field(default_factory=lambda: [1_000_000])
    told: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    meanwhile: Callable[[], Awaitable[object]] | None = None

    def __post_init__(self) -> None:
        self.venue = Troubled(self.clock)
        self.metrics = Metrics()
        self.rules = Rulesets(self.orders.database)  # nothing is sent here, so none is asked for
        self.desk = Desk(self.venue, "main", self.orders, self.metrics, self.rules)
        self.guardian = self.another()
        structlog.configure(processors=[self._hear], cache_logger_on_first_use=False)

    def another(self, metrics: Metrics | None = None) -> Guardian:
        """The guardian of another process."""
        desk = self.desk if metrics is None else Desk(self.venue, "main", self.orders, metrics, self.rules)
        return Guardian(desk, self._running, lambda: Decimal("0.02"), wall_ms=lambda: self.wall[0])

    async def _running(self) -> frozenset[str]:
        if self.meanwhile is not None:
            await self.meanwhile()
        return frozenset(self.running)

    def _hear(self, _: object, level: str, fields: Any) -> Any:
        name = str(fields.get("event"))
        if name.startswith("alarm."):
            subject = fields.get("symbol") or fields.get("subject") or ""
            self.told.append((name.removeprefix("alarm."), str(subject)))
        raise structlog.DropEvent

    async def look(self, times: int = 1) -> Report:
        """Looks, each time after a while."""
        for _ in range(times):
            self.clock.move_to(self.clock.now_ms() + 5000)
            await self.guardian.look_if_leading()
        assert self.guardian.last is not None
        return self.guardian.last

    def gauges(self) -> tuple[float, float]:
        """Positions without a stop and unsettled orders, as Prometheus is told."""
        return gauges(self.metrics)

    async def position(self, symbol: str, size: int = 5) -> None:
        """A long position without a stop, at the market."""
        book = await self.venue.top_of_book(symbol)
        outcome = await self.venue.submit(
            EntryOrder(
                symbol=symbol,
                client_order_id=f"BY{symbol}{self.clock.now_ms()}",
                side="long",
                type="limit",
                size=Decimal(size),
                price=book.ask,
                time_in_force="ioc",
                leverage=5,
                margin_mode="isolated",
            )
        )
        assert isinstance(outcome, Accepted), outcome

    async def intent(self, symbol: str, state: Any = "open", **progress: Any) -> Intent:
        """A stored intent of a long entry around the price of now, ``open`` with all of it filled."""
        stored = await begun(self.orders, symbol)
        book = await self.venue.top_of_book(symbol)
        tick = Decimal("0.1") if symbol == "BTCUSDT" else Decimal("0.01")
        stop = floor_to(book.bid * Decimal("0.99"), tick)
        target = floor_to(book.bid * Decimal("1.02"), tick)
        plan = ticket(stored, 100)
        plan = plan.model_copy(
            update={
                "entry": book.ask,
                "price": book.ask,
                "stop": stop,
                "targets": (plan.targets[0].model_copy(update={"price": target}),),
                "tick_size": tick,
            }
        )
        recorded = await self.orders.record(
            stored,
            ticket=plan,
            decision={"status": "pending"},
            names=[(stored.client_order_id, "entry", 0)],
            events=[event("recorded", NOW)],
            now_ms=NOW,
            free=FreeBalance(Decimal(1_000_000)),
        )
        assert isinstance(recorded, Intent), recorded
        attempt = Attempt(
            name=stored.client_order_id,
            price=book.ask,
            size=Decimal(5),
            time_in_force="gtc",
            attached=True,
            sent_at=NOW,
            filled=Decimal(5) if state == "open" else Decimal(0),
            average=book.ask if state == "open" else None,
            done=state == "open",
        )
        known = Progress(
            leverage_set=True, attempts=(attempt,), acknowledged=True, first_fill_at=NOW, protected=True
        )
        known = known.with_(**progress)
        return await self.orders.change(
            recorded,
            state=state,
            status="submitted",
            progress=known.to_json() if state != "recorded" else {},
            events=[event("filled", NOW)],
        )

    async def stops(self) -> list[str]:
        """Symbols whose position has a stop."""
        return sorted(t.symbol for t in await self.venue.trigger_orders() if t.kind == "stop_loss")


def gauges(metrics: Metrics) -> tuple[float, float]:
    """Of the paper venue; -1 where nothing was told."""
    lines = dict(line.rsplit(" ", 1) for line in metrics.render().decode().splitlines() if line[0] != "#")
    names = ("entrygate_unprotected_positions", "entrygate_unsettled_orders")
    first, second = (float(lines.get(f'{name}{{exchange="paper"}}', -1)) for name in names)
    return first, second


UNAVAILABLE = VenueUnavailable("paper", "test", "it does not answer")
