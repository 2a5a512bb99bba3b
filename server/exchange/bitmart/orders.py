"""The bodies of what is sent to change something, and the answers to it. Only documented fields."""

from __future__ import annotations

import re
from decimal import Decimal

from server.exchange.bitmart.enums import (
    CLOSING,
    LAST_PRICE,
    OPENING,
    PARTIAL,
    TIMES_IN_FORCE,
    WHOLE_POSITION,
)
from server.exchange.bitmart.wire import Envelope, WireError, plain, row
from server.exchange.port import Position
from server.exchange.trading import (
    Accepted,
    ClosingOrder,
    EntryOrder,
    MarginMode,
    Outcome,
    Refused,
    TriggerOrder,
    TriggerRequest,
    Unknown,
)

Body = dict[str, str | int]

_CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}")


def entry_body(order: EntryOrder) -> Body | Refused:
    """``submit-order`` that opens. Protection travels as presets that the last price triggers."""
    wrong = _unsendable(order.client_order_id, order.size)
    if wrong is not None:
        return wrong
    body: Body = {
        "symbol": order.symbol,
        "client_order_id": order.client_order_id,
        "side": OPENING[order.side],
        "type": order.type,
        "size": int(order.size),
        "leverage": str(order.leverage),
        "open_type": order.margin_mode,
    }
    if order.type == "limit":
        if order.price is None:
            return Refused("invalid_price", "a limit order needs a price")
        if _protects_nothing(order, order.price):
            return Refused("invalid_price", "the stop or the take profit is on the wrong side of the price")
        body["mode"] = TIMES_IN_FORCE[order.time_in_force]
        body["price"] = plain(order.price)
    elif order.price is not None:
        return Refused("invalid_price", "a market order has no price")
    for name, price in (("take_profit", order.take_profit), ("stop_loss", order.stop_loss)):
        if price is not None:
            body[f"preset_{name}_price"] = plain(price)
            body[f"preset_{name}_price_type"] = LAST_PRICE
    return body


def closing_body(order: ClosingOrder, held: Position, margin_mode: MarginMode) -> Body | Refused:
    """``submit-order`` that only reduces: its ``side`` says so. Leverage and mode are the position's.

    The venue refuses a size above the position's, so it is cut to that.
    """
    wrong = _unsendable(order.client_order_id, order.size)
    if wrong is not None:
        return wrong
    return {
        "symbol": order.symbol,
        "client_order_id": order.client_order_id,
        "side": CLOSING[order.side],
        "type": "market",
        "size": int(min(order.size, held.size)),
        "leverage": str(held.leverage),
        "open_type": margin_mode,
    }


def trigger_body(request: TriggerRequest) -> Body | Refused:
    """``submit-tp-sl-order``: a market order for the whole position, or for ``size`` of it."""
    wrong = _unsendable(request.client_order_id, request.size)
    if wrong is not None:
        return wrong
    body: Body = {
        "symbol": request.symbol,
        "client_order_id": request.client_order_id,
        "type": request.kind,
        "side": CLOSING[request.side],
        "trigger_price": plain(request.trigger_price),
        "executive_price": plain(request.trigger_price),  # required, and without meaning for a market order
        "price_type": LAST_PRICE,
        "plan_category": WHOLE_POSITION if request.size is None else PARTIAL,
        "category": "market",
    }
    if request.size is not None:
        body["size"] = int(request.size)
    return body


def amending_body(trigger: TriggerOrder, trigger_price: Decimal, size: Decimal | None) -> Body | Refused:
    """``modify-tp-sl-order``, which cannot change the size: that would take another trigger."""
    if size is not None and size != trigger.size:
        detail = f"the size of a trigger cannot be changed in place (it is {trigger.size or 'the position'})"
        return Refused("invalid_size", detail)
    return {
        "symbol": trigger.symbol,
        "order_id": trigger.order_id,
        "trigger_price": plain(trigger_price),
        "executive_price": plain(trigger_price),
        "price_type": LAST_PRICE,
        "plan_category": WHOLE_POSITION if trigger.size is None else PARTIAL,
        "category": "market",
    }


def cancelling_body(symbol: str, client_order_id: str) -> Body | Refused:
    """``cancel-order``. Never without an id: that would cancel every order of the symbol."""
    if not _CLIENT_ID.fullmatch(client_order_id):
        return Refused("no_such_order", f"{client_order_id!r} can be no client order id")
    return {"symbol": symbol, "client_order_id": client_order_id}


def accepted(answer: Envelope) -> Accepted:
    """A success; its order id where it has one (an integer in some answers, a text in others)."""
    try:
        return Accepted(row(answer.data).identifier("order_id"))
    except WireError:
        return Accepted()  # the code says that it was taken; the order is found by its client id


def leverage_outcome(answer: Envelope, symbol: str, leverage: int, margin_mode: MarginMode) -> Outcome:
    """Accepted only if the answer itself states what was asked for."""
    try:
        item = row(answer.data)
        stated = item.text("symbol"), item.decimal("leverage"), item.text("open_type")
    except WireError as error:
        return Unknown(f"the answer does not state the leverage: {error}")
    if stated != (symbol, Decimal(leverage), margin_mode):
        detail = f"the venue states {stated[1]}x {stated[2]} of {stated[0]}, not {leverage}x {margin_mode}"
        return Refused("leverage", detail)
    return Accepted()


def _protects_nothing(order: EntryOrder, price: Decimal) -> bool:
    """Whether the stop or the take profit would fire as soon as the order has filled at its price."""
    loss, gain = (order.stop_loss, order.take_profit)
    if order.side == "short":
        loss, gain = gain, loss
    return (loss is not None and loss >= price) or (gain is not None and gain <= price)


def _unsendable(client_order_id: str, size: Decimal | None) -> Refused | None:
    """What the wire cannot carry: sizes are whole contracts, client ids letters and digits."""
    if not _CLIENT_ID.fullmatch(client_order_id):
        return Refused("other", "a client order id is 1 to 32 letters and digits")
    if size is not None and (size <= 0 or size != size.to_integral_value()):
        return Refused("invalid_size", f"a size is a whole number of contracts above 0, not {size}")
    return None
