"""What the paper venue does when it is asked: requests applied to a state that stands at the venue's now.

Pure: a state, a book, the contract. A refused request has changed nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from server.exchange.paper import admission
from server.exchange.paper.account import open_position, reduce_position
from server.exchange.paper.specification import Specification
from server.exchange.paper.state import Order, State, Trigger
from server.exchange.port import Book
from server.exchange.trading import (
    Accepted,
    ClosingOrder,
    EntryOrder,
    MarginMode,
    Outcome,
    Refused,
    TriggerOrder,
    TriggerRequest,
)


@dataclass(frozen=True, slots=True)
class DeskRules:
    """``price_limit_ratio``: how far a limit may be from the mark. ``attaches_protection`` is the port's."""

    price_limit_ratio: Decimal
    attaches_protection: bool


def set_leverage(
    state: State, specification: Specification, leverage: int, margin_mode: MarginMode
) -> Outcome:
    """Sets the leverage that new orders of the symbol have to have."""
    refusal = admission.refused_leverage(state, specification, leverage, margin_mode)
    if refusal is not None:
        return refusal
    state.leverages[specification.symbol] = leverage
    return Accepted()


def submit(
    state: State,
    specification: Specification,
    order: EntryOrder,
    book: Book,
    available: Decimal,
    now_ms: int,
    rules: DeskRules,
) -> Outcome:
    """Takes an entry order: what crosses trades at the touch at once, what may rest then rests.

    A market order fills whole: the recording has no depth beyond the touch. A limit takes no more than the
    size that stands there.
    """
    refusal = _refused_entry(state, specification, order, book, available, rules)
    if refusal is not None:
        return refusal
    state.leverages[order.symbol] = order.leverage
    taken = Order(
        number=state.number(),
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        order_side="buy" if order.side == "long" else "sell",
        type=order.type,
        price=order.price,
        size=order.size,
        leverage=order.leverage,
        reduces=False,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        held_per_contract=admission.held_per_contract(order, specification, book),
        stop_loss=order.stop_loss,
        take_profit=order.take_profit,
    )
    state.open_orders[order.client_order_id] = taken
    at_once = _at_once(order, book)
    if at_once > 0:
        touch = admission.entry_price(order, book)
        open_position(state, specification, taken, touch, at_once, now_ms, maker=False)
    rests = order.type == "limit" and order.time_in_force in ("gtc", "post_only")
    if taken.remaining and not rests:
        state.close_order(taken, now_ms)
    return Accepted(str(taken.number))


def close(
    state: State, specification: Specification, request: ClosingOrder, book: Book, now_ms: int
) -> Outcome:
    """Reduces a position at the touch, by no more than there is."""
    position = state.position(request.symbol, request.side)
    refusal = admission.refused_id(state, request.client_order_id) or admission.refused_size(
        specification, request.size, opens=False, at_market=True
    )
    if refusal is not None:
        return refusal
    if position is None:
        return _no_position(request.symbol, request.side)
    order = Order(
        number=state.number(),
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        side=request.side,
        order_side="sell" if request.side == "long" else "buy",
        type="market",
        price=None,
        size=request.size,
        leverage=position.leverage,
        reduces=True,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )
    touch = book.bid if request.side == "long" else book.ask
    reduce_position(state, specification, order, position, touch, now_ms)
    state.close_order(order, now_ms)
    return Accepted(str(order.number))


def cancel(state: State, symbol: str, client_order_id: str, now_ms: int) -> Outcome:
    """Closes an open order; what has filled stays filled."""
    order = state.open_orders.get(client_order_id)
    if order is None or order.symbol != symbol:
        return Refused("no_such_order", f"no order {client_order_id} of {symbol} is open")
    state.close_order(order, now_ms)
    return Accepted(str(order.number))


def place_trigger(
    state: State, specification: Specification, request: TriggerRequest, last: Decimal, now_ms: int
) -> Outcome:
    """Adds a trigger to a position."""
    refusal = admission.refused_id(state, request.client_order_id)
    if refusal is not None:
        return refusal
    position = state.position(request.symbol, request.side)
    if position is None:
        return _no_position(request.symbol, request.side)
    refusal = _refused_part(specification, request.size) or admission.refused_trigger(
        request.kind, position, request.trigger_price, specification, last
    )
    if refusal is not None:
        return refusal
    number = state.number()
    state.triggers[str(number)] = Trigger(
        number=number,
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        side=request.side,
        kind=request.kind,
        trigger_price=request.trigger_price,
        size=request.size,
        created_at_ms=now_ms,
    )
    return Accepted(str(number))


def amend_trigger(
    state: State,
    specification: Specification,
    trigger: TriggerOrder,
    trigger_price: Decimal,
    size: Decimal | None,
    last: Decimal,
) -> Outcome:
    """Moves a trigger; refused, it stays where it was."""
    waiting = _waiting(state, trigger)
    position = state.position(trigger.symbol, trigger.side)
    if waiting is None or position is None:
        return _no_trigger(trigger)
    refusal = _refused_part(specification, size) or admission.refused_trigger(
        waiting.kind, position, trigger_price, specification, last
    )
    if refusal is not None:
        return refusal
    waiting.trigger_price, waiting.size = trigger_price, size
    return Accepted(trigger.order_id)


def cancel_trigger(state: State, trigger: TriggerOrder, now_ms: int) -> Outcome:
    """Takes a trigger away."""
    waiting = _waiting(state, trigger)
    position = state.position(trigger.symbol, trigger.side)
    if waiting is None or position is None:
        return _no_trigger(trigger)
    state.end_trigger(waiting, waiting.size or position.size, position.leverage, now_ms)
    return Accepted(trigger.order_id)


def _refused_entry(
    state: State,
    specification: Specification,
    order: EntryOrder,
    book: Book,
    available: Decimal,
    rules: DeskRules,
) -> Refused | None:
    at_market = order.type == "market"
    if at_market != (order.price is None):
        return Refused("invalid_price", f"a {order.type} order has {'no' if at_market else 'a'} price")
    if at_market and order.time_in_force == "post_only":
        return Refused("would_cross", "a market order cannot be post-only")
    if not rules.attaches_protection and (order.stop_loss is not None or order.take_profit is not None):
        return Refused("other", "this venue attaches no stop and no take profit to an order")
    wanted = state.leverages.get(order.symbol)
    if wanted is not None and wanted != order.leverage:
        return Refused("leverage", f"{order.symbol} is set to {wanted}x, the order says {order.leverage}x")
    return (
        admission.refused_id(state, order.client_order_id)
        or admission.refused_leverage(state, specification, order.leverage, order.margin_mode)
        or admission.refused_size(specification, order.size, opens=True, at_market=at_market)
        or (None if at_market else admission.refused_price(specification, order.price))
        or admission.refused_limit(order, book, rules.price_limit_ratio)
        or admission.refused_protection(order, specification, book)
        or admission.refused_margin(order, specification, book, available)
    )


def _at_once(order: EntryOrder, book: Book) -> Decimal:
    """Contracts that trade the moment the order arrives."""
    if order.type == "market":
        return order.size
    if not admission.crosses(order, book):
        return Decimal(0)
    there = book.ask_size if order.side == "long" else book.bid_size
    if order.time_in_force == "fok" and there < order.size:
        return Decimal(0)
    return min(order.size, there)


def _refused_part(specification: Specification, size: Decimal | None) -> Refused | None:
    if size is None:
        return None
    return admission.refused_size(specification, size, opens=False, at_market=True)


def _waiting(state: State, trigger: TriggerOrder) -> Trigger | None:
    waiting = state.triggers.get(trigger.order_id)
    return waiting if waiting is not None and waiting.symbol == trigger.symbol else None


def _no_position(symbol: str, side: str) -> Refused:
    return Refused("no_position", f"there is no {side} position in {symbol}")


def _no_trigger(trigger: TriggerOrder) -> Refused:
    return Refused("no_such_order", f"no trigger {trigger.order_id} of {trigger.symbol} is waiting")
