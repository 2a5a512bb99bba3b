"""Signed endpoints on orders, leverage and modes. Each returns the ``data`` of the answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from . import closing, matching
from .codes import ApiError
from .contracts import Contract
from .effects import Effects
from .params import Params, plain
from .state import GTC, MAKER_ONLY, Account, Order, Presets, buys, direction, opens
from .venue import Venue

STOP_PARAMETERS = ("stop_price", "trigger_price", "price_way", "executive_price")
MODES = ("hedge_mode", "one_way_mode")
SHORTEST_TIMER_S = 5


def submit_order(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """Accepts an order; the answer says nothing about its fills."""
    contract = venue.tradable(params.text("symbol"))
    side = params.choice("side", (1, 2, 3, 4), 0, 40041)
    if not side:
        raise ApiError(40041)
    kind = params.text("type") or "limit"
    if kind not in ("limit", "market"):
        raise ApiError(40042, kind)
    mode = params.choice("mode", (1, 2, 3, 4), GTC, 49998)
    if mode == MAKER_ONLY and kind != "limit":
        raise ApiError(49998, "mode 4 is for limit orders")
    params.choice("stp_mode", (1, 2, 3), 1, 49998)
    size = params.size(contract, _largest(contract, kind))
    price = params.price("price", contract) if kind == "limit" else None
    if kind == "limit" and price is None:
        raise ApiError(40007, "price is missing")
    client_id = new_client_id(account, params)
    leverage, open_type = _margin(venue, account, contract, params, side)
    if opens(side) and any(params.has(name) for name in STOP_PARAMETERS):
        raise ApiError(40021)
    order = Order(
        0, client_id, contract.symbol, side, kind, mode, size, price, leverage, open_type,
        venue.clock.now_ms(), venue.clock.now_ms(),
        presets=_presets(contract, params, side, price),
    )  # fmt: skip
    if opens(side):
        _check_tier(contract, price or venue.quotes[contract.symbol].last, size, leverage)
        matching.affordable(venue, account, contract, order)
    else:
        _check_closing(account, order)
    if (
        mode == MAKER_ONLY
        and venue.options.post_only == "refuse"
        and matching.crosses(order, venue.quotes[contract.symbol])
    ):
        raise ApiError(40011, "maker only")
    order.order_id = venue.new_id()
    order.hidden_reads = effects.hidden_reads
    order.arms_presets = not effects.loses_presets
    if effects.fill_share is not None:
        order.fill_cap = int(size * effects.fill_share)
    if opens(side):
        account.leverage[contract.symbol] = (leverage, open_type)
    matching.place(venue, account, order)
    return {"order_id": order.order_id, "price": plain(price) if price is not None else "market price"}


def _largest(contract: Contract, kind: str) -> int:
    """The size limit of an order type; a market limit of 0 means that of limit orders."""
    return (contract.market_max_volume if kind == "market" else 0) or contract.max_volume


def new_client_id(account: Account, params: Params) -> str:
    client_id = params.client_order_id()
    if client_id in account.client_ids:
        raise ApiError(40050)
    return client_id


def _margin(venue: Venue, account: Account, contract: Contract, params: Params, side: int) -> tuple[int, str]:
    """Leverage and margin mode of an order: both must fit an open position of the symbol."""
    open_type = params.text("open_type")
    if open_type not in ("cross", "isolated"):
        raise ApiError(40045, open_type)
    text = params.text("leverage")
    known = account.leverage.get(contract.symbol)
    leverage = checked_leverage(contract, text) if text else (known[0] if known else contract.min_leverage)
    if not opens(side):
        position = account.held(contract.symbol, direction(side))
        return (position.leverage if position else leverage), open_type
    for kind in (1, 2):
        position = account.held(contract.symbol, kind)
        if position is None:
            continue
        if position.open_type != open_type:
            raise ApiError(40012, "open_type differs from the position's")
        if position.leverage != leverage and venue.options.leverage_must_match_position:
            raise ApiError(40012, "leverage differs from the position's")
    return leverage, open_type


def checked_leverage(contract: Contract, text: str) -> int:
    """Raises 40040 for what is no whole number, 40029 and 40030 outside the contract's range."""
    if not (text.isascii() and text.isdigit()):
        raise ApiError(40040, text)
    leverage = int(text)
    if leverage > contract.max_leverage:
        raise ApiError(40029)
    if leverage < contract.min_leverage:
        raise ApiError(40030)
    return leverage


def _check_tier(contract: Contract, price: Decimal, size: int, leverage: int) -> None:
    """The leverage must be allowed for the order's notional."""
    if leverage > contract.bracket(price * size * contract.contract_size).leverage:
        raise ApiError(40029, "for this notional")


def _presets(contract: Contract, params: Params, side: int, price: Decimal | None) -> Presets:
    """Stop and target of an opening order, on their sides of its limit price."""
    presets = Presets(
        params.price("preset_take_profit_price", contract),
        params.price("preset_stop_loss_price", contract),
        params.choice("preset_take_profit_price_type", (1, 2), 1, 49998),
        params.choice("preset_stop_loss_price_type", (1, 2), 1, 49998),
    )
    given = [value for value in (presets.take_profit, presets.stop_loss) if value is not None]
    if given and not opens(side):
        raise ApiError(49998, "presets are for opening orders")
    if price is not None:
        check_presets(presets, price, long=buys(side))
    return presets


def check_presets(presets: Presets, price: Decimal, *, long: bool) -> None:
    """Raises 40044 for a stop or a target on the wrong side of the price."""
    stop, target = presets.stop_loss, presets.take_profit
    if stop is not None and (stop >= price if long else stop <= price):
        raise ApiError(40044, "preset_stop_loss_price")
    if target is not None and (target <= price if long else target >= price):
        raise ApiError(40044, "preset_take_profit_price")


def _check_closing(account: Account, order: Order) -> None:
    """A closing order needs a position and what of it no other open order closes already."""
    position = account.held(order.symbol, direction(order.side))
    if position is None:
        raise ApiError(40021)
    taken = sum(
        other.remaining
        for other in account.open_orders.values()
        if other.symbol == order.symbol and other.side == order.side
    )
    if order.size > position.amount - taken:
        raise ApiError(40020)


def found(account: Account, params: Params, symbol: str) -> Order:
    """The order of ``order_id`` (40037 if there is none) or ``client_order_id`` (40035)."""
    order_id = params.order_id()
    client_id = params.text("client_order_id")
    order = account.orders.get(order_id) if order_id is not None else account.client_ids.get(client_id)
    if not isinstance(order, Order) or order.symbol != symbol:
        raise ApiError(40037 if order_id is not None else 40035)
    return order


def cancel_order(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """Without an id every order of the symbol is cancelled, as documented."""
    contract = venue.contract(params.text("symbol"))
    if params.order_id() is None and not params.text("client_order_id"):
        closing.cancel_all(venue, account, contract.symbol, plans=False)
        return {}
    order = found(account, params, contract.symbol)
    if not order.is_open:
        raise ApiError(40036)
    closing.finish(venue, account, order)
    return {}


def cancel_orders(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    contract = venue.contract(params.text("symbol"))
    closing.cancel_all(venue, account, contract.symbol, plans=False)
    return {}


def cancel_all_after(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """The dead-man timer of a symbol: whole seconds, at least 5, or 0 to disarm it."""
    contract = venue.contract(params.text("symbol"))
    timeout = params.integer("timeout", 49998)
    if timeout is None or (timeout != 0 and timeout < SHORTEST_TIMER_S):
        raise ApiError(49998, "timeout")
    now = venue.clock.now_ms()
    account.timers.pop(contract.symbol, None)
    if timeout:
        account.timers[contract.symbol] = now + timeout * 1000
    return {"result": True, "set_time": now // 1000, "cancel_time": now // 1000 + timeout}


def modify_limit_order(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """Gives an open limit order another price or size; it goes through the book again."""
    contract = venue.tradable(params.text("symbol"))
    order = found(account, params, contract.symbol)
    if not order.is_open or order.type != "limit":
        raise ApiError(40036)
    price = params.price("price", contract) or order.price
    size = params.size(contract, contract.max_volume) if params.has("size") else order.size
    if size <= order.deal_size:
        raise ApiError(40044, "size")
    order.price, order.size = price, size
    order.updated_ms = venue.clock.now_ms()
    matching.place(venue, account, order)
    return {"order_id": order.order_id, "client_order_id": order.client_order_id}


def submit_leverage(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """Sets leverage and margin mode; 40012 with a position of another margin mode."""
    contract = venue.tradable(params.text("symbol"))
    open_type = params.text("open_type")
    if open_type not in ("cross", "isolated"):
        raise ApiError(40045, open_type)
    text = params.text("leverage")
    if not text:
        raise ApiError(40040, "leverage is missing")
    leverage = checked_leverage(contract, text)
    held = [p for kind in (1, 2) if (p := account.held(contract.symbol, kind)) is not None]
    if any(position.open_type != open_type for position in held):
        raise ApiError(40012, "a position with another margin type is open")
    for position in held:
        margin = position.average * position.amount * contract.contract_size / leverage
        if margin - position.margin > venue.balances(account)["available"]:
            raise ApiError(venue.options.insufficient_code)
        position.leverage, position.margin = leverage, margin
    account.leverage[contract.symbol] = (leverage, open_type)
    return {
        "symbol": contract.symbol,
        "leverage": str(leverage),
        "open_type": open_type,
        "max_value": str(contract.max_leverage),
    }


def set_position_mode(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """40059 while the account has positions or orders."""
    mode = params.text("position_mode")
    if mode not in MODES:
        raise ApiError(49998, mode)
    if mode != account.position_mode:
        if account.open_orders or account.waiting or any(p.amount for p in account.positions.values()):
            raise ApiError(40059)
        account.position_mode = mode
    return {"position_mode": mode}


def claim(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """Simulated trading only: tops the balance up."""
    amount = Decimal(10_000)
    venue.book_flow(account, "", 1, amount)
    return {"currency": "USDT", "amount": plain(amount)}
