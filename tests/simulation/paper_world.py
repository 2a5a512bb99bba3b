"""The paper venue of one world: its candles, the hands of market and people, and what is true there."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

from aims import course_of
from driven import DrivenHistory

from server.exchange.paper import PaperExchange, PaperOptions
from server.exchange.paper.account import open_position
from server.exchange.port import Contract, Position
from server.exchange.trading import ClosingOrder, Fill, OrderState, TriggerOrder
from server.execution.names import is_ours
from server.trade_entry.preflight import Market

if TYPE_CHECKING:
    from course import Course, Fault
    from world import Process, World

SYMBOL = "BTCUSDT"


@dataclass(frozen=True, slots=True)
class Truth:
    """What the venue has, seen without any fault. ``uncovered``: positions that no stop covers whole."""

    live_entries: tuple[str, ...]
    positions: tuple[Position, ...]
    triggers: tuple[TriggerOrder, ...]
    uncovered: tuple[tuple[str, str], ...]


class PaperSide:
    """The venue and whoever stands beside it."""

    name = "paper"
    secrets: tuple[str, ...] = ()
    of_changes: tuple[Fault, ...] | None = None
    of_reads: tuple[Fault, ...] | None = None

    @staticmethod
    def drawn(seed: int) -> Course:
        """The world of this seed."""
        return course_of(seed)

    def __init__(self, world: World) -> None:
        course = world.course
        self.venue = PaperExchange(
            PaperOptions(attaches_protection=course.attaches, seed=course.seed),
            monotonic=world.loop.time,
            clock=world.clock,
        )
        self.venue.market.histories.clear()
        self.venue.market.histories[SYMBOL] = DrivenHistory(SYMBOL, course.rows)
        self.hands = Hands(self.venue)

    async def begin(self) -> None:
        """Asks for what a plan needs while nothing goes wrong."""
        contract = (await self.venue.contracts())[SYMBOL]
        assert isinstance(contract, Contract)
        self.market = Market(contract, await self.venue.top_of_book(SYMBOL), await self.venue.balance())

    def calm(self) -> None:
        """What goes wrong here is the wire's."""

    def connect(self, process: Process | None) -> PaperExchange:
        """One account serves every process."""
        return self.venue

    async def opened(self, venue: Any) -> None:
        """Nothing to open."""

    async def minute(self) -> None:
        """The market is a recording: it moves by itself."""

    def problems(self) -> list[str]:
        """Nothing to complain about."""
        return []

    async def truth(self) -> Truth:
        positions, triggers = tuple(await self.venue.positions()), tuple(await self.venue.trigger_orders())
        orders = await self.venue.open_orders()
        return Truth(
            tuple(o.client_order_id for o in orders if not o.reduce_only),
            positions,
            triggers,
            tuple((p.symbol, p.side) for p in positions if not covered(p, triggers)),
        )

    async def order(self, name: str) -> OrderState | None:
        return await self.venue.order(SYMBOL, name)

    async def fills(self) -> list[Fill]:
        return list(await self.venue.fills(SYMBOL, 0))


def covered(position: Position, triggers: tuple[TriggerOrder, ...]) -> bool:
    stops = [
        t for t in triggers if (t.symbol, t.side, t.kind) == (position.symbol, position.side, "stop_loss")
    ]
    if any(stop.size is None for stop in stops):
        return True
    return sum((stop.size or Decimal(0) for stop in stops), Decimal(0)) >= position.size


class Hands:
    """What the market, or a person at the venue, does out of turn."""

    def __init__(self, venue: PaperExchange) -> None:
        self._venue = venue

    async def fill(self, name: str, share: Decimal) -> None:
        """Fills a share of what is open of an order, at its limit."""
        async with self._venue._turn() as (account, now_ms):  # pyright: ignore[reportPrivateUsage]
            state = account.state
            order = state.open_orders.get(name)
            if order is None or order.price is None:
                return
            size = (order.remaining * share).to_integral_value(ROUND_FLOOR)
            if size > 0:
                specification = self._venue.market.specifications[order.symbol]
                open_position(state, specification, order, order.price, size, now_ms, maker=True)

    async def take_stop(self) -> None:
        """Somebody takes every stop away."""
        for trigger in await self._venue.trigger_orders():
            if trigger.kind == "stop_loss":
                await self._venue.cancel_trigger(trigger)

    async def move_stop(self, by: Decimal) -> None:
        """Somebody moves every stop."""
        for trigger in await self._venue.trigger_orders():
            if trigger.kind == "stop_loss":
                await self._venue.amend_trigger(trigger, trigger.trigger_price + by, trigger.size)

    async def lose_order(self) -> None:
        """The venue ends an entry order by itself."""
        for order in await self._venue.open_orders():
            if is_ours(order.client_order_id):
                await self._venue.cancel(order.symbol, order.client_order_id)

    async def forget_order(self) -> None:
        """The venue knows nothing of an entry order any more."""
        async with self._venue._turn() as (account, _):  # pyright: ignore[reportPrivateUsage]
            account.state.open_orders.clear()

    async def close(self) -> None:
        """Somebody closes every position."""
        for number, position in enumerate(await self._venue.positions()):
            now = await self._venue.now_ms()
            await self._venue.close(
                ClosingOrder(
                    symbol=position.symbol,
                    client_order_id=f"hand{number}{now}",
                    side=position.side,
                    size=position.size,
                )
            )
