"""What lies between a process and its venue: time, and everything that goes wrong on the way.

A request that has left is the wire's own: it arrives, or does not, whatever becomes of the process.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar, cast

from course import OF_CANCELS, OF_CHANGES, OF_NAMED, OF_READS, OF_SUBMITS, Course, Fault

from engine.candles import CandleSet, Timeframe
from server.exchange.errors import VenueUnavailable
from server.exchange.port import Balance, Book, Exchange, Listing, OpenOrder, Position
from server.exchange.trading import (
    Accepted,
    ClosingOrder,
    EntryOrder,
    Fill,
    MarginMode,
    OrderState,
    Outcome,
    Refusal,
    Refused,
    TriggerOrder,
    TriggerRequest,
    Unknown,
)

if TYPE_CHECKING:
    from world import Process, World

T = TypeVar("T")

STALE_SEC = 1.5
"""How far a read of the venue may lag behind."""

_CAUSES: Mapping[str, tuple[Refusal, ...]] = {
    "submit": ("would_cross", "would_cross", "price_limit", "insufficient_margin", "other"),
    "leverage": ("leverage", "other"),
    "stop": ("other", "other", "invalid_price", "not_permitted"),
    "target": ("other",),
    "close": ("other",),
    "cancel": ("other",),
    "amend": ("other",),
}


class Chaos:
    """Draws what goes wrong. ``fired`` counts faults by what they befell."""

    def __init__(self, course: Course, time: Callable[[], float]) -> None:
        self._course, self._time = course, time
        self.rng = course.rng
        self.count = 0
        self.over = False
        self.fired: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.cause = ""
        self.away_until = 0.0
        self.excused: list[tuple[float, float]] = []

    @property
    def away(self) -> bool:
        """The venue does not answer at all."""
        return self._time() < self.away_until

    def draw(self, what: str, faults: Sequence[Fault]) -> Fault | None:
        """The fault of the next request or write, if it meets one."""
        number, self.count = self.count, self.count + 1
        if what in self._course.forced:
            return self._forced(what)
        if self.over:
            return None
        certain = number in self._course.points
        chance = self._time() < self._course.chaos_sec and self.rng.random() < self._course.rate
        if not (certain or chance):
            return None
        fault = self.rng.choice(faults)
        self.fired[f"{what} {fault}"] += 1
        self.excuse(8.0)
        return fault

    def _forced(self, what: str) -> Fault | None:
        planned, number = self._course.forced[what], self.asked[what]
        self.asked[what] += 1
        fault, _, self.cause = planned[number].partition(":") if number < len(planned) else ("", "", "")
        if not fault:
            return None
        self.excuse(8.0)
        self.fired[f"{what} {fault}"] += 1
        return fault  # type: ignore[return-value]

    def excuse(self, seconds: float) -> None:
        """For so long nobody can be blamed for what takes time."""
        self.excused.append((self._time(), self._time() + seconds))

    def way(self) -> float:
        """Seconds that a request takes in one direction."""
        return self.rng.uniform(*self._course.latency)


class Wire:
    """The venue as one process has it. Satisfies `server.exchange.port.Exchange`."""

    def __init__(self, world: World, process: Process, venue: Exchange) -> None:
        self._world, self._process, self._venue = world, process, venue
        self._chaos = world.chaos
        self._seen: dict[tuple[Any, ...], tuple[float, Any]] = {}
        self.name = venue.name

    @property
    def attaches_protection(self) -> bool:
        return self._venue.attaches_protection

    @property
    def receive_window_ms(self) -> int:
        return self._venue.receive_window_ms

    def orders_obstacle(self) -> str | None:
        return self._venue.orders_obstacle()

    async def wait(self, seconds: float) -> None:
        self._process.check()
        await self._venue.wait(seconds)
        self._process.check()

    async def now_ms(self) -> int:
        self._process.check()
        if self._chaos.away and self._chaos.rng.random() < 0.1:
            raise VenueUnavailable(self.name, "time", "the simulated venue is away")
        return await self._venue.now_ms()

    # -- reads

    async def contracts(self) -> Mapping[str, Listing]:
        return await self._read("contracts", (), self._venue.contracts)

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        return await self._venue.candles(symbol, timeframe, start_ms, end_ms)

    async def top_of_book(self, symbol: str, at_ms: int | None = None) -> Book:
        # What the process asks about the present is still the present when it arrives.
        async def present() -> Book:
            now = await self._venue.now_ms()
            return await self._venue.top_of_book(symbol, None if at_ms is None else min(at_ms, now))

        return await self._read("book", (symbol,), present)

    async def balance(self) -> Balance:
        return await self._read("balance", (), self._venue.balance)

    async def positions(self) -> Sequence[Position]:
        return await self._read("positions", (), self._venue.positions, lags=True)

    async def open_orders(self) -> Sequence[OpenOrder]:
        return await self._read("open_orders", (), self._venue.open_orders, lags=True)

    async def trigger_orders(self) -> Sequence[TriggerOrder]:
        return await self._read("triggers", (), self._venue.trigger_orders, lags=True)

    async def order(self, symbol: str, client_order_id: str) -> OrderState | None:
        return await self._read(
            "order", (client_order_id,), lambda: self._venue.order(symbol, client_order_id), lags=True
        )

    async def fills(self, symbol: str, since_ms: int) -> Sequence[Fill]:
        return await self._read("fills", (symbol, since_ms), lambda: self._venue.fills(symbol, since_ms))

    async def realised_pnl(self, since_ms: int) -> Decimal:
        return await self._read("pnl", (), lambda: self._venue.realised_pnl(since_ms))

    # -- changes

    async def set_leverage(self, symbol: str, leverage: int, margin_mode: MarginMode) -> Outcome:
        return await self._change(
            "leverage", OF_CHANGES, lambda _: self._venue.set_leverage(symbol, leverage, margin_mode)
        )

    async def submit(self, order: EntryOrder) -> Outcome:
        async def perform(fault: Fault | None) -> Outcome:
            sent = replace(order, stop_loss=None, take_profit=None) if fault == "unarmed" else order
            outcome = await self._venue.submit(sent)
            if fault == "partial" and isinstance(outcome, Accepted):
                await self._world.hands.fill(order.client_order_id, Decimal("0.4"))
            return outcome

        return await self._change("submit", OF_SUBMITS, perform)

    async def close(self, order: ClosingOrder) -> Outcome:
        return await self._change("close", OF_NAMED, lambda _: self._venue.close(order))

    async def cancel(self, symbol: str, client_order_id: str) -> Outcome:
        async def perform(fault: Fault | None) -> Outcome:
            if fault == "market_first":
                share = self._chaos.rng.choice((Decimal("0.3"), Decimal(1)))
                await self._world.hands.fill(client_order_id, share)
            return await self._venue.cancel(symbol, client_order_id)

        return await self._change("cancel", OF_CANCELS, perform)

    async def place_trigger(self, request: TriggerRequest) -> Outcome:
        kind = "stop" if request.kind == "stop_loss" else "target"
        return await self._change(kind, OF_NAMED, lambda _: self._venue.place_trigger(request))

    async def amend_trigger(
        self, trigger: TriggerOrder, trigger_price: Decimal, size: Decimal | None
    ) -> Outcome:
        return await self._change(
            "amend", OF_CHANGES, lambda _: self._venue.amend_trigger(trigger, trigger_price, size)
        )

    async def cancel_trigger(self, trigger: TriggerOrder) -> Outcome:
        return await self._change("cancel", OF_CHANGES, lambda _: self._venue.cancel_trigger(trigger))

    # -- the way there and back

    async def _read(
        self,
        what: str,
        key: tuple[Any, ...],
        ask: Callable[[], Awaitable[T]],
        *,
        lags: bool = False,
    ) -> T:
        process, chaos = self._process, self._chaos
        process.check()
        fault = chaos.draw(what, self._world.side.of_reads or OF_READS)
        if fault == "crash_before":
            process.die()
        await asyncio.sleep(chaos.way())
        process.check()
        if fault == "slow":
            await asyncio.sleep(chaos.rng.uniform(1, 4))
        if chaos.away or fault == "unavailable":
            raise VenueUnavailable(self.name, what, "the simulated venue does not answer")
        if fault == "bug":
            raise RuntimeError(f"a simulated defect in {what}")
        answer = await ask()
        if fault == "hidden":
            answer = cast("T", ())
        known = self._seen.get((what, *key))
        loop = asyncio.get_running_loop()
        if fault == "stale" and lags:
            if known is not None and loop.time() - known[0] <= STALE_SEC:
                answer = known[1]
            elif isinstance(answer, OrderState) and await self._new(answer):
                answer = None
        else:
            self._seen[what, *key] = loop.time(), answer
        await asyncio.sleep(chaos.way())
        if fault == "crash_after":
            process.die()
        process.check()
        return answer  # type: ignore[return-value]

    async def _new(self, order: OrderState) -> bool:
        return await self._venue.now_ms() - order.created_at_ms < STALE_SEC * 1000

    async def _change(
        self, what: str, faults: Sequence[Fault], perform: Callable[[Fault | None], Awaitable[Outcome]]
    ) -> Outcome:
        process, chaos = self._process, self._chaos
        process.check()
        fault = chaos.draw(what, self._world.side.of_changes or faults)
        if fault == "crash_before":
            process.die()
        if fault == "bug":
            raise RuntimeError(f"a simulated defect in {what}")
        if chaos.away:
            fault = chaos.rng.choice(("lost_request", "not_sent", "lost_reply"))
        there, back = chaos.way(), chaos.way()
        if fault in ("slow", "late"):
            there = chaos.rng.uniform(1.2, self.receive_window_ms / 1000 - 0.1)
        if fault in ("lost_request", "error_before", "not_sent", "refused"):
            await asyncio.sleep(there + back)
            process.check()
            if fault == "not_sent":
                return Refused("not_sent", "too many requests")
            if fault == "refused":
                cause = chaos.cause or chaos.rng.choice(_CAUSES[what])
                return Refused(cause, "the simulated venue does not want it")
            return Unknown("the reply was lost")
        under_way = self._world.send(self._arrive(there, perform, fault))
        if fault == "late":
            await asyncio.sleep(1.0)
            process.check()
            return Unknown("no reply in time")
        outcome = await asyncio.shield(under_way)
        await asyncio.sleep(back)
        if fault == "crash_after":
            process.die()
        process.check()
        if fault in ("lost_reply", "error_after"):
            return Unknown("the reply was lost")
        if (
            fault == "duplicate_ack"
            and isinstance(outcome, Accepted)
            and what in ("submit", "stop", "target", "close")
        ):
            return Refused("duplicate_client_order_id", "the simulated venue has seen this id")
        return outcome

    async def _arrive(
        self, there: float, perform: Callable[[Fault | None], Awaitable[Outcome]], fault: Fault | None
    ) -> Outcome:
        await asyncio.sleep(there)
        try:
            outcome = await perform(fault)
            await self._world.looked()
        except Exception as error:
            self._world.unexpected.append(error)
            raise
        return outcome
