"""Positions: what a fill does to them, their margin and liquidation price, and liquidation itself."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from . import closing
from .contracts import Contract
from .state import FINISH, LONG, SHORT, ZERO, Account, Order, Position, Trade, buys, direction, opens

if TYPE_CHECKING:
    from .venue import Venue


def profit(contract: Contract, kind: int, average: Decimal, price: Decimal, amount: int) -> Decimal:
    """Gain of ``amount`` contracts opened at ``average`` and valued at ``price``, USDT, without fees."""
    gain = (price - average) * amount * contract.contract_size
    return gain if kind == LONG else -gain


def touched(account: Account, order: Order) -> int:
    """The side of the symbol whose position a fill of the order changed."""
    if account.position_mode == "hedge_mode":
        return direction(order.side)
    kind = LONG if buys(order.side) else SHORT
    if not opens(order.side):
        return SHORT if kind == LONG else LONG
    return kind if account.held(order.symbol, kind) else (SHORT if kind == LONG else LONG)


def apply(
    venue: Venue, account: Account, order: Order, price: Decimal, size: int
) -> tuple[int, Decimal | None]:
    """Changes the position by a fill: the contracts really done, and the profit realised (None: opened only).

    A closing fill is cut to what is left of the position. In one-way mode a buy first reduces a short, a sell
    first a long.
    """
    if account.position_mode == "hedge_mode":
        if opens(order.side):
            _increase(venue, account, order, direction(order.side), price, size)
            return size, None
        return _decrease(venue, account, order.symbol, direction(order.side), price, size)
    kind = LONG if buys(order.side) else SHORT
    closed, gained = _decrease(venue, account, order.symbol, SHORT if kind == LONG else LONG, price, size)
    if opens(order.side) and size > closed:
        _increase(venue, account, order, kind, price, size - closed)
        closed = size
    return closed, gained


def _increase(venue: Venue, account: Account, order: Order, kind: int, price: Decimal, size: int) -> None:
    now = venue.clock.now_ms()
    contract = venue.contracts[order.symbol]
    position = account.held(order.symbol, kind)
    if position is None:
        position = Position(order.symbol, kind, order.leverage, order.open_type, now, now)
        account.positions[(order.symbol, kind)] = position
    total = position.amount + size
    position.average = (position.average * position.amount + price * size) / total
    position.amount = total
    position.margin += price * size * contract.contract_size / order.leverage
    position.updated_ms = now


def _decrease(
    venue: Venue, account: Account, symbol: str, kind: int, price: Decimal, size: int
) -> tuple[int, Decimal | None]:
    position = account.held(symbol, kind)
    if position is None:
        return 0, None
    done = min(size, position.amount)
    gained = profit(venue.contracts[symbol], kind, position.average, price, done)
    position.margin -= position.margin * done / position.amount
    position.amount -= done
    position.realised += gained
    position.close_volume += done
    position.close_value += price * done
    position.updated_ms = venue.clock.now_ms()
    return done, gained


def clear_flat(venue: Venue, account: Account, symbol: str) -> None:
    """A position that is gone takes its TP/SL orders and the open orders that would close it with it."""
    hedge = account.position_mode == "hedge_mode"
    for kind in (LONG, SHORT):
        position = account.positions.get((symbol, kind))
        if position is None or position.amount:
            continue
        for plan in [p for p in account.waiting.values() if p.symbol == symbol and p.kind != "plan"]:
            if direction(plan.side) == kind:
                closing.drop(venue, account, plan, "cancelled")
        for order in [o for o in account.open_orders.values() if o.symbol == symbol]:
            if hedge and not opens(order.side) and direction(order.side) == kind:
                closing.finish(venue, account, order)


def maintenance(contract: Contract, notional: Decimal) -> Decimal:
    """Maintenance margin of a notional: ratio of its tier, less the tier's deduction."""
    bracket = contract.bracket(notional)
    return notional * bracket.maintenance - bracket.cum


def liquidation_price(venue: Venue, account: Account, position: Position) -> Decimal:
    """Where margin and loss leave only the maintenance margin; 0 where no price does.

    Cross positions count what is available in the account as their margin.
    """
    contract = venue.contracts[position.symbol]
    base = position.amount * contract.contract_size
    if not base:
        return ZERO
    bracket = contract.bracket(position.average * base)
    margin = position.margin
    if position.open_type == "cross":
        margin += venue.balances(account)["available"]
    if position.kind == LONG:
        price = (position.average * base - margin - bracket.cum) / (base * (1 - bracket.maintenance))
    else:
        price = (position.average * base + margin + bracket.cum) / (base * (1 + bracket.maintenance))
    return max(ZERO, price - price % contract.tick)


def liquidate(venue: Venue, account: Account, symbol: str) -> None:
    """Closes positions whose mark price has reached their liquidation price, at that price."""
    mark = venue.quotes[symbol].mark
    for kind in (LONG, SHORT):
        position = account.held(symbol, kind)
        if position is None:
            continue
        price = liquidation_price(venue, account, position)
        if not (mark <= price if kind == LONG else mark >= price):
            continue
        amount, side, now = position.amount, (3 if kind == LONG else 2), venue.clock.now_ms()
        order = Order(
            venue.new_id(), "", symbol, side, "liquidate", 1, amount, None,
            position.leverage, position.open_type, now, now,
        )  # fmt: skip
        order.state, order.deal_size, order.deal_value = FINISH, amount, price * amount
        account.orders[order.order_id] = order
        _, gained = _decrease(venue, account, symbol, kind, price, amount)
        gained = gained if gained is not None else ZERO
        venue.book_flow(account, symbol, 5, gained)
        account.record(
            Trade(venue.new_id(), order.order_id, "", symbol, side, price, amount, False, gained, ZERO, now)
        )
        clear_flat(venue, account, symbol)
