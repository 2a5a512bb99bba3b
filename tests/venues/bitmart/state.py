"""What the venue remembers of its customers: orders, plan orders, positions, fills, money."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

APPROVAL, CHECK, FINISH = 1, 2, 4
"""States of an order; a finished one is filled, cancelled or both by its ``deal_size``."""

OPEN_LONG, CLOSE_SHORT, CLOSE_LONG, OPEN_SHORT = 1, 2, 3, 4
LONG, SHORT = 1, 2
GTC, FOK, IOC, MAKER_ONLY = 1, 2, 3, 4

ZERO = Decimal(0)


def opens(side: int) -> bool:
    return side in (OPEN_LONG, OPEN_SHORT)


def buys(side: int) -> bool:
    return side in (OPEN_LONG, CLOSE_SHORT)


def direction(side: int) -> int:
    """The position a side acts on, `LONG` or `SHORT` (hedge mode)."""
    return LONG if side in (OPEN_LONG, CLOSE_LONG) else SHORT


@dataclass(slots=True)
class Presets:
    """Stop and target that travel with an opening order; None where there is none."""

    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit_type: int = 1
    stop_loss_type: int = 1


@dataclass(slots=True)
class Order:
    """A limit or market order. ``price`` is None for a market order.

    ``fill_cap`` is the most it may ever fill, in contracts; ``hidden_reads`` how many reads miss it yet.
    """

    order_id: int
    client_order_id: str
    symbol: str
    side: int
    type: str
    mode: int
    size: int
    price: Decimal | None
    leverage: int
    open_type: str
    created_ms: int
    updated_ms: int
    presets: Presets = field(default_factory=Presets)
    state: int = CHECK
    deal_size: int = 0
    deal_value: Decimal = ZERO
    frozen: Decimal = ZERO
    plan_id: int | None = None
    fill_cap: int | None = None
    hidden_reads: int = 0
    arms_presets: bool = True
    armed: bool = False

    @property
    def remaining(self) -> int:
        return self.size - self.deal_size

    @property
    def is_open(self) -> bool:
        return self.state != FINISH


@dataclass(slots=True)
class Plan:
    """A trigger. ``kind``: ``plan``, ``take_profit`` or ``stop_loss``; ``size`` None is the whole position.

    ``price_way`` 1 triggers when the price rises to ``trigger``, 2 when it falls to it. ``entry_id`` is the
    order whose presets it came from. ``category`` is ``limit`` or ``market``.
    """

    order_id: int
    client_order_id: str
    symbol: str
    kind: str
    side: int
    size: int | None
    trigger: Decimal
    executive: Decimal
    price_type: int
    price_way: int
    plan_category: int
    category: str
    mode: int
    leverage: int
    open_type: str
    created_ms: int
    updated_ms: int
    presets: Presets = field(default_factory=Presets)
    entry_id: int | None = None
    hidden_reads: int = 0
    status: str = "waiting"


@dataclass(slots=True)
class Position:
    """One side of a symbol. ``average`` is its open average price; amounts of money in USDT."""

    symbol: str
    kind: int
    leverage: int
    open_type: str
    opened_ms: int
    updated_ms: int
    amount: int = 0
    average: Decimal = ZERO
    margin: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    close_volume: int = 0
    close_value: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution; ``fee`` positive is paid, ``profit`` is before it."""

    trade_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: int
    price: Decimal
    size: int
    maker: bool
    profit: Decimal
    fee: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class Flow:
    """One change of the balance; ``flow_type`` as `transaction-history` numbers it."""

    tran_id: int
    symbol: str
    flow_type: int
    amount: Decimal
    at_ms: int


@dataclass(slots=True)
class Account:
    """One customer. ``wallet`` is the USDT balance with everything realised in it."""

    name: str
    wallet: Decimal
    position_mode: str = "hedge_mode"
    leverage: dict[str, tuple[int, str]] = field(default_factory=dict)
    positions: dict[tuple[str, int], Position] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    open_orders: dict[int, Order] = field(default_factory=dict)
    plans: dict[int, Plan] = field(default_factory=dict)
    waiting: dict[int, Plan] = field(default_factory=dict)
    client_ids: dict[str, Order | Plan] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    trades_of: dict[int, list[Trade]] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    timers: dict[str, int] = field(default_factory=dict)

    def record(self, trade: Trade) -> None:
        self.trades.append(trade)
        self.trades_of.setdefault(trade.order_id, []).append(trade)

    def held(self, symbol: str, kind: int) -> Position | None:
        """The position of that side, None where it is flat."""
        position = self.positions.get((symbol, kind))
        return position if position is not None and position.amount else None
