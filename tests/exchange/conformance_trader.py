"""The market that a conformance test trades in, and the trader that the suite speaks with."""

from __future__ import annotations

import uuid
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Protocol

from engine.models.base import Side
from server.exchange.port import Book, Contract, Exchange, Position
from server.exchange.trading import (
    Accepted,
    ClosingOrder,
    EntryOrder,
    OrderState,
    Outcome,
    Refused,
    TriggerKind,
    TriggerRequest,
)

LEVERAGE = 5


class Market(Protocol):
    """A venue under test and its hooks."""

    @property
    def venue(self) -> Exchange:
        """The adapter; running, with an account that holds nothing."""
        ...

    @property
    def symbol(self) -> str:
        """A contract that trades and has a book."""
        ...

    async def move(self, price: Decimal) -> None:
        """The market trades from the last price to ``price`` and stays there, with any volume.

        On return every resting order and trigger strictly between the two has filled, the book lies around
        ``price``, and the venue's answers show it.
        """
        ...

    async def trade_thinly(self, price: Decimal, size: Decimal) -> None:
        """The market trades at ``price`` and back, with so little volume that an order of ``size`` contracts
        resting before it fills in part: more than nothing, less than all."""
        ...


def new_id() -> str:
    """A client order id that no venue has seen: letters and digits, 24 of them."""
    return f"conf{uuid.uuid4().hex[:20]}"


class Trader:
    """One symbol of a venue as the tests trade it: prices on ticks, a size that can be halved."""

    def __init__(self, market: Market, contract: Contract, book: Book) -> None:
        self.market = market
        self.venue = market.venue
        self.symbol = market.symbol
        self.contract = contract
        self.start = book
        # Even, so that it can be halved on a step.
        pair = 2 * contract.size_step
        wanted = max(Decimal(60) / (book.last * contract.contract_size), 2 * contract.min_size)
        self.size = (wanted / pair).to_integral_value(ROUND_CEILING) * pair

    @staticmethod
    async def on(market: Market) -> Trader:
        """Sets the leverage, so that no test depends on what was there before."""
        contract = (await market.venue.contracts())[market.symbol]
        assert isinstance(contract, Contract)
        accepted(await market.venue.set_leverage(market.symbol, LEVERAGE, "isolated"))
        return Trader(market, contract, await market.venue.top_of_book(market.symbol))

    def price(self, percent: float) -> Decimal:
        """The price on a tick that lies about ``percent`` % from where the test began."""
        raw = self.start.last * (1 + Decimal(str(percent)) / 100)
        return (raw / self.contract.tick_size).to_integral_value(ROUND_FLOOR) * self.contract.tick_size

    def limit(self, percent: float, side: Side = "long", **changes: Any) -> EntryOrder:
        """A limit order that may only rest, ``percent`` % from where the test began."""
        order = EntryOrder(
            symbol=self.symbol,
            client_order_id=new_id(),
            side=side,
            type="limit",
            size=self.size,
            price=self.price(percent),
            time_in_force="post_only",
            leverage=LEVERAGE,
            margin_mode="isolated",
        )
        return replace(order, **changes)

    def at_market(self, side: Side = "long", **changes: Any) -> EntryOrder:
        """A market order."""
        order = self.limit(0, side, type="market", price=None, time_in_force="ioc")
        return replace(order, **changes)

    def trigger(self, kind: TriggerKind, percent: float, side: Side = "long", **changes: Any) -> Any:
        """A trigger of the whole position, ``percent`` % from where the test began."""
        request = TriggerRequest(
            symbol=self.symbol,
            client_order_id=new_id(),
            kind=kind,
            side=side,
            trigger_price=self.price(percent),
            size=None,
        )
        return replace(request, **changes)

    def closing(self, size: Decimal, side: Side = "long") -> ClosingOrder:
        """A market order that reduces."""
        return ClosingOrder(symbol=self.symbol, client_order_id=new_id(), side=side, size=size)

    async def opened(self, side: Side = "long") -> Position:
        """A position of ``size`` at the market."""
        accepted(await self.venue.submit(self.at_market(side)))
        position = await self.position()
        assert position is not None
        return position

    async def state(self, order: EntryOrder | ClosingOrder) -> OrderState:
        """The order as the venue has it."""
        state = await self.venue.order(self.symbol, order.client_order_id)
        assert state is not None
        return state

    async def position(self) -> Position | None:
        """The one position of the symbol."""
        positions = [p for p in await self.venue.positions() if p.symbol == self.symbol]
        assert len(positions) <= 1
        return positions[0] if positions else None

    async def triggers(self) -> dict[TriggerKind, Any]:
        """What waits for the symbol, by kind; of each kind at most one."""
        waiting = [t for t in await self.venue.trigger_orders() if t.symbol == self.symbol]
        by_kind = {trigger.kind: trigger for trigger in waiting}
        assert len(by_kind) == len(waiting)
        return by_kind

    async def nothing_rests(self) -> bool:
        """Whether no order of the symbol is open."""
        return not [o for o in await self.venue.open_orders() if o.symbol == self.symbol]


def accepted(outcome: Outcome) -> Accepted:
    """The outcome, which has to be this one."""
    assert isinstance(outcome, Accepted), outcome
    return outcome


def refused(outcome: Outcome, cause: str) -> None:
    """Proves the refusal and its cause; a refusal always says something."""
    assert isinstance(outcome, Refused), outcome
    assert outcome.cause == cause, outcome
    assert outcome.detail
