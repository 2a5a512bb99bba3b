"""The port's values made out of the state of a paper account. Marks are the last price by symbol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from server.exchange.paper.account import (
    ZERO,
    Specifications,
    held_by_orders,
    liquidation_price,
    unrealised,
)
from server.exchange.paper.register import Account
from server.exchange.paper.state import Order, State, trigger_order
from server.exchange.port import Balance, OpenOrder, Position
from server.exchange.trading import Fill, OrderState, TriggerOrder

Marks = Mapping[str, Decimal]


def balance(state: State, specifications: Specifications, marks: Marks) -> Balance:
    """Free is what no position and no order holds as margin, and never less than nothing."""
    open_profit = sum(
        (unrealised(p, specifications[p.symbol], marks[p.symbol]) for p in state.positions.values()), ZERO
    )
    held = sum((position.margin_usdt for position in state.positions.values()), ZERO)
    equity = state.cash_usdt + open_profit
    free = equity - held - held_by_orders(state)
    return Balance(equity_usdt=equity, available_usdt=max(free, ZERO))


def positions(state: State, specifications: Specifications, marks: Marks) -> Sequence[Position]:
    """In the order in which they were opened."""
    return tuple(
        Position(
            symbol=held.symbol,
            side=held.side,
            size=held.size,
            entry_price=held.entry_price,
            mark_price=marks[held.symbol],
            leverage=held.leverage,
            margin_usdt=held.margin_usdt,
            unrealised_pnl_usdt=unrealised(held, specifications[held.symbol], marks[held.symbol]),
            liquidation_price=liquidation_price(held, specifications[held.symbol]),
            opened_at_ms=held.opened_at_ms,
        )
        for held in state.positions.values()
    )


def open_orders(state: State) -> Sequence[OpenOrder]:
    """Oldest first."""
    return tuple(
        OpenOrder(
            symbol=order.symbol,
            order_id=str(order.number),
            client_order_id=order.client_order_id,
            side=order.order_side,
            type=order.type,
            price=order.price,
            size=order.size,
            filled_size=order.filled_size,
            reduce_only=order.reduces,
            created_at_ms=order.created_at_ms,
        )
        for order in state.open_orders.values()
    )


def trigger_orders(state: State) -> Sequence[TriggerOrder]:
    """Oldest first."""
    return tuple(
        TriggerOrder(
            symbol=trigger.symbol,
            order_id=str(trigger.number),
            client_order_id=trigger.client_order_id,
            kind=trigger.kind,
            side=trigger.side,
            trigger_price=trigger.trigger_price,
            size=trigger.size,
            created_at_ms=trigger.created_at_ms,
        )
        for trigger in state.triggers.values()
    )


def order_state(account: Account, symbol: str, client_order_id: str) -> OrderState | None:
    """The order, closing or trigger of that id. A waiting trigger is open, with the size it would close."""
    state = account.state
    found, status = state.open_orders.get(client_order_id), "open"
    if found is None:
        found, status = state.closed_orders.get(client_order_id), "closed"
    if found is None:
        found = account.archive.orders.get(client_order_id)
    if found is not None:
        return _as_state(found, status) if found.symbol == symbol else None
    for trigger in state.triggers.values():
        if trigger.client_order_id == client_order_id and trigger.symbol == symbol and client_order_id:
            position = state.position(symbol, trigger.side)
            there = position.size if position else ZERO
            return _as_state(trigger_order(trigger, trigger.size or there, 1), "open")
    return None


def fills(account: Account, symbol: str, since_ms: int) -> Sequence[Fill]:
    """Oldest first."""
    return tuple(fill for fill in _since(account, since_ms) if fill.symbol == symbol)


def realised_pnl(account: Account, since_ms: int) -> Decimal:
    """Profits less losses and fees."""
    return sum((fill.realised_pnl_usdt - fill.fee_usdt for fill in _since(account, since_ms)), ZERO)


def _since(account: Account, since_ms: int) -> Iterator[Fill]:
    yield from account.archive.since(since_ms)
    yield from (fill for fill in account.state.fills if fill.at_ms >= since_ms)


def _as_state(order: Order, status: str) -> OrderState:
    return OrderState(
        symbol=order.symbol,
        order_id=str(order.number),
        client_order_id=order.client_order_id,
        status="open" if status == "open" else "closed",
        size=order.size,
        filled_size=order.filled_size,
        average_price=order.average_price,
        price=order.price,
        created_at_ms=order.created_at_ms,
        updated_at_ms=order.updated_at_ms,
    )
