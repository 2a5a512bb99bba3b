"""Money of the paper account: what fills do to cash and positions, and what margin they need.

Linear contracts: profit = (exit - entry) x contracts x contract size, for a short the other way round.
Margin is isolated: a position can lose what was set aside for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from engine.models.base import Side
from server.exchange.paper.specification import Specification
from server.exchange.paper.state import Held, Order, State, Trigger
from server.exchange.trading import Fill, TriggerKind

Specifications = Mapping[str, Specification]
ZERO = Decimal(0)
_DECIMALS = -8
"""What is paid and earned is counted in steps of 1e-8 USDT, so that sums are exact."""


def sign(side: Side) -> int:
    """1 for what gains when the price rises, -1 for what gains when it falls."""
    return 1 if side == "long" else -1


def profit(side: Side, entry: Decimal, price: Decimal, base: Decimal) -> Decimal:
    """Profit in quote currency of ``base`` units between two prices."""
    return (price - entry) * base * sign(side)


def order_margin(specification: Specification, price: Decimal, leverage: int) -> Decimal:
    """What an order holds for each contract until it fills: its initial margin and the taker fee.

    What does not come out even is rounded down: an order that takes just what is free has enough.
    """
    notional = price * specification.contract_size
    with localcontext(rounding=ROUND_FLOOR):
        return notional / leverage + notional * specification.taker_fee_ratio


def held_by_orders(state: State) -> Decimal:
    """Margin of what the open orders have not filled."""
    return sum((order.held_per_contract * order.remaining for order in state.open_orders.values()), ZERO)


def unrealised(position: Held, specification: Specification, mark: Decimal) -> Decimal:
    """Profit of the position if it were closed at ``mark`` without a fee."""
    base = position.size * specification.contract_size
    return profit(position.side, position.entry_price, mark, base)


def liquidation_price(position: Held, specification: Specification) -> Decimal | None:
    """Where margin and loss leave just the maintenance margin; None where no price does.

    From margin + (P - entry) x base = ratio x P x base for a long, mirrored for a short.
    """
    way = sign(position.side)
    per_unit = position.margin_usdt / (position.size * specification.contract_size)
    price = (position.entry_price - way * per_unit) / (1 - way * specification.maintenance_margin_ratio)
    return price if price > 0 else None


def liquidation_fill(position: Held, specification: Specification, opening: Decimal) -> Decimal:
    """The price on a tick at which a position is liquidated in a candle that opens at ``opening``.

    At the liquidation price or, where the candle opens beyond it, there; never beyond the price at which the
    margin is used up.
    """
    way, tick = sign(position.side), specification.tick_size
    against, along = (ROUND_FLOOR, ROUND_CEILING) if way > 0 else (ROUND_CEILING, ROUND_FLOOR)
    wanted = liquidation_price(position, specification) or opening
    reached = min(way * wanted, way * opening) * way
    per_unit = position.margin_usdt / (position.size * specification.contract_size)
    bankrupt = position.entry_price - way * per_unit
    reached = (reached / tick).to_integral_value(against) * tick
    bankrupt = (bankrupt / tick).to_integral_value(along) * tick
    return max(way * reached, way * bankrupt) * way


def open_position(
    state: State,
    specification: Specification,
    order: Order,
    price: Decimal,
    size: Decimal,
    at_ms: int,
    *,
    maker: bool,
) -> None:
    """Books an execution that opens or adds, and arms what the order brings along with its first fill."""
    notional = price * size * specification.contract_size
    ratio = specification.maker_fee_ratio if maker else specification.taker_fee_ratio
    fee = _counted(notional * ratio)
    state.cash_usdt -= fee
    position = state.position(order.symbol, order.side)
    if position is None:
        state.hold(
            Held(
                symbol=order.symbol,
                side=order.side,
                size=size,
                entry_price=price,
                leverage=order.leverage,
                margin_usdt=notional / order.leverage,
                opened_at_ms=at_ms,
            )
        )
    else:
        total = position.size + size
        position.entry_price = (position.entry_price * position.size + price * size) / total
        position.size = total
        position.margin_usdt += notional / order.leverage
    # A stop may have closed what this order had filled: what it fills now is again without one.
    if position is None or order.filled_size == 0:
        _arm(state, order, at_ms)
    order.fill(price, size, at_ms)
    _record(state, order, price, size, fee, ZERO, at_ms, closes=False)
    if order.remaining == 0:
        state.close_order(order, at_ms)


def reduce_position(
    state: State,
    specification: Specification,
    order: Order,
    position: Held,
    price: Decimal,
    at_ms: int,
    *,
    fee_limit: Decimal | None = None,
) -> None:
    """Books a market order that closes ``position``, or as much of it as the order's size is.

    ``fee_limit``: the fee is no more than that. The order is counted as filled by what there was.
    """
    size = min(order.size, position.size)
    base = size * specification.contract_size
    realised = _counted(profit(position.side, position.entry_price, price, base))
    fee = _counted(price * base * specification.taker_fee_ratio)
    if fee_limit is not None:
        fee = min(fee, _counted(fee_limit))
    state.cash_usdt += realised - fee
    order.fill(price, size, at_ms)
    _record(state, order, price, size, fee, realised, at_ms, closes=True)
    if size == position.size:
        state.drop(position, at_ms)
    else:
        position.margin_usdt -= position.margin_usdt * size / position.size
        position.size -= size


def _counted(amount: Decimal) -> Decimal:
    exponent = amount.as_tuple().exponent
    fine = isinstance(exponent, int) and exponent < _DECIMALS
    return amount.quantize(Decimal(1).scaleb(_DECIMALS)) if fine else amount


def _arm(state: State, order: Order, at_ms: int) -> None:
    attached: dict[TriggerKind, Decimal | None] = {
        "stop_loss": order.stop_loss,
        "take_profit": order.take_profit,
    }
    for kind, price in attached.items():
        if price is not None:
            number = state.number()
            state.triggers[str(number)] = Trigger(
                number=number,
                client_order_id="",
                symbol=order.symbol,
                side=order.side,
                kind=kind,
                trigger_price=price,
                size=None,
                created_at_ms=at_ms,
            )


def _record(
    state: State,
    order: Order,
    price: Decimal,
    size: Decimal,
    fee: Decimal,
    realised: Decimal,
    at_ms: int,
    *,
    closes: bool,
) -> None:
    state.fills.append(
        Fill(
            symbol=order.symbol,
            order_id=str(order.number),
            client_order_id=order.client_order_id,
            side=order.side,
            closes=closes,
            price=price,
            size=size,
            fee_usdt=fee,
            realised_pnl_usdt=realised,
            at_ms=at_ms,
        )
    )
