"""What a paper venue has to remember: one JSON document with the account, its orders and its positions.

The objects are changed in place by `matching` and `desk`; whoever reads them makes the port's values out of
them (`statement`). Money and sizes are decimals, written as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from engine.models.base import Side
from server.exchange.trading import Fill, OrderSide, OrderType, TriggerKind

_HOT = 100
"""So many closed orders and so many fills stay in the document; older ones go to pages, a hundred at once."""


class Order(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An order of any kind, open or closed. ``held_per_contract``: margin that it holds until it fills."""

    number: int
    client_order_id: str
    symbol: str
    side: Side
    order_side: OrderSide
    type: OrderType
    price: Decimal | None
    size: Decimal
    leverage: int
    reduces: bool
    created_at_ms: int
    updated_at_ms: int
    held_per_contract: Decimal = Decimal(0)
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    filled_size: Decimal = Decimal(0)
    average_price: Decimal | None = None

    @property
    def remaining(self) -> Decimal:
        """Contracts that have not filled."""
        return self.size - self.filled_size

    def fill(self, price: Decimal, size: Decimal, at_ms: int) -> None:
        """Counts an execution of the order."""
        paid = (self.average_price or Decimal(0)) * self.filled_size + price * size
        self.filled_size += size
        self.average_price = paid / self.filled_size
        self.updated_at_ms = at_ms


class Held(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A position. ``margin_usdt`` is what was set aside for it when it was opened."""

    symbol: str
    side: Side
    size: Decimal
    entry_price: Decimal
    leverage: int
    margin_usdt: Decimal
    opened_at_ms: int


class Trigger(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A market order that waits; ``size`` None is the whole position."""

    number: int
    client_order_id: str
    symbol: str
    side: Side
    kind: TriggerKind
    trigger_price: Decimal
    size: Decimal | None
    created_at_ms: int


class Session(msgspec.Struct, frozen=True):
    """A running clock that processes share: at ``began_unix_ms`` of this world it was ``start_ms``."""

    start_ms: int
    speed: float
    began_unix_ms: int


class Page(msgspec.Struct):
    """Closed orders by client id and fills, oldest first: what has happened and changes no more."""

    orders: dict[str, Order]
    fills: list[Fill]


class State(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The account. Candles have been matched up to ``matched_ms``; ``cash_usdt`` is equity less what is
    unrealised. ``pages`` counts what has been taken out by `fold`.
    """

    cash_usdt: Decimal
    matched_ms: int = 0
    session: Session | None = None
    next_number: int = 1
    open_orders: dict[str, Order] = {}
    closed_orders: dict[str, Order] = {}
    positions: dict[str, Held] = {}
    triggers: dict[str, Trigger] = {}
    leverages: dict[str, int] = {}
    fills: list[Fill] = []
    pages: int = 0

    @property
    def at_stake(self) -> bool:
        """Whether the market can still change the account."""
        return bool(self.open_orders or self.positions)

    def symbols_at_stake(self) -> list[str]:
        """Their symbols, sorted."""
        orders = {order.symbol for order in self.open_orders.values()}
        return sorted(orders | {position.symbol for position in self.positions.values()})

    def number(self) -> int:
        """The next order number."""
        number = self.next_number
        self.next_number += 1
        return number

    def position(self, symbol: str, side: Side) -> Held | None:
        """Long and short of one symbol are two positions."""
        return self.positions.get(_place(symbol, side))

    def hold(self, position: Held) -> None:
        """Adds a position."""
        self.positions[_place(position.symbol, position.side)] = position

    def drop(self, position: Held, at_ms: int) -> None:
        """Takes a closed position away, and what waited to reduce it."""
        del self.positions[_place(position.symbol, position.side)]
        for trigger in list(self.triggers_of(position.symbol, position.side)):
            self.end_trigger(trigger, trigger.size or position.size, position.leverage, at_ms)

    def triggers_of(self, symbol: str, side: Side) -> Iterator[Trigger]:
        """What waits to reduce a position, oldest first."""
        return (t for t in self.triggers.values() if t.symbol == symbol and t.side == side)

    def end_trigger(self, trigger: Trigger, size: Decimal, leverage: int, at_ms: int) -> Order:
        """Takes a trigger away; what is left of it is an order that its client id finds."""
        del self.triggers[str(trigger.number)]
        order = trigger_order(trigger, size, leverage)
        order.updated_at_ms = at_ms
        if trigger.client_order_id:
            self.closed_orders[trigger.client_order_id] = order
        return order

    def close_order(self, order: Order, at_ms: int) -> None:
        """The order never changes again."""
        order.updated_at_ms = at_ms
        self.open_orders.pop(order.client_order_id, None)
        self.closed_orders[order.client_order_id] = order

    def knows(self, client_order_id: str) -> bool:
        """Whether an order, trigger or closing has this id, pages aside."""
        return (
            client_order_id in self.open_orders
            or client_order_id in self.closed_orders
            or any(t.client_order_id == client_order_id for t in self.triggers.values())
        )

    def fold(self) -> Page | None:
        """Takes out the older half of a history that has grown long; None of one that has not."""
        if max(len(self.closed_orders), len(self.fills)) < 2 * _HOT:
            return None
        old = list(self.closed_orders)[:-_HOT]
        page = Page({key: self.closed_orders.pop(key) for key in old}, self.fills[:-_HOT])
        del self.fills[:-_HOT]
        self.pages += 1
        return page


def trigger_order(trigger: Trigger, size: Decimal, leverage: int) -> Order:
    """The market order that a trigger becomes, nothing of it filled."""
    return Order(
        number=trigger.number,
        client_order_id=trigger.client_order_id,
        symbol=trigger.symbol,
        side=trigger.side,
        order_side="sell" if trigger.side == "long" else "buy",
        type="market",
        price=None,
        size=size,
        leverage=leverage,
        reduces=True,
        created_at_ms=trigger.created_at_ms,
        updated_at_ms=trigger.created_at_ms,
    )


def encode(document: State | Page) -> str:
    """The document, whose order of keys is that of the objects."""
    return msgspec.json.encode(document).decode()


def decode(document: str) -> State:
    """Raises `msgspec.ValidationError` for a document of another make."""
    return msgspec.json.decode(document, type=State)


def decode_page(document: str) -> Page:
    """Raises `msgspec.ValidationError` for a document of another make."""
    return msgspec.json.decode(document, type=Page)


def _place(symbol: str, side: Side) -> str:
    return f"{symbol} {side}"
