"""Keyed endpoints on orders, plan orders, fills, transactions and fees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .codes import ApiError
from .params import Params, plain
from .plans import whole_size
from .state import ZERO, Account, Order, Plan, Trade
from .venue import Venue

DAY_MS = 86_400_000
MOST_ROWS = 200
MOST_OPEN = 100
FLOWS = {1: "Transfer", 2: "Realized PNL", 3: "Funding Fee", 4: "Commission Fee", 5: "Liquidation Clearance"}


def get_open_orders(venue: Venue, account: Account, params: Params) -> Any:
    symbol, kind = params.text("symbol"), params.text("type")
    state = params.text("order_state") or "all"
    limit = _limit(params, MOST_OPEN, MOST_OPEN)
    if kind not in ("", "limit", "market", "trailing") or state not in ("all", "partially_filled"):
        raise ApiError(49998)
    chosen = [
        order
        for order in reversed(account.open_orders.values())
        if (not symbol or order.symbol == symbol)
        and (not kind or order.type == kind)
        and (state == "all" or order.deal_size)
        and _visible(order)
    ]
    return [_order(account, order) for order in chosen[:limit]]


def order(venue: Venue, account: Account, params: Params) -> Any:
    """One order; 40035 where there is none (yet)."""
    venue.contract(params.text("symbol"))
    order_id, client_id = params.order_id(), params.text("client_order_id")
    found: Order | Plan | None = None
    if order_id is not None:
        found = account.orders.get(order_id)
    elif client_id and venue.options.order_by_client_id:
        found = account.client_ids.get(client_id)
    else:
        raise ApiError(40007, "order_id is missing")
    if not isinstance(found, Order) or found.symbol != params.text("symbol") or not _visible(found):
        raise ApiError(40035)
    return _order(account, found) | {
        "account": "futures",
        "executive_order_id": _born_from(found),
        "activation_price": "",
        "callback_rate": "",
        "activation_price_type": 0,
    }


def order_history(venue: Venue, account: Account, params: Params) -> Any:
    """Finished orders of a symbol, newest first."""
    symbol = params.text("symbol")
    if not symbol:
        raise ApiError(40034, "symbol is missing")
    venue.contract(symbol)
    since, until = _range(venue, params, unit_ms=1000)
    order_id, client_id = params.order_id(), params.text("client_order_id")
    rows: list[dict[str, Any]] = []
    for found in _asked_for(account, order_id, client_id):
        if found.created_ms < since:
            break
        if found.symbol != symbol or found.is_open or found.created_ms > until or not _visible(found):
            continue
        plan = account.plans.get(found.plan_id) if found.plan_id is not None else None
        rows.append(
            _order(account, found)
            | {
                "account": "futures",
                "trigger_price": plain(plan.trigger) if plan else "0",
                "execution_price": plain(plan.executive) if plan else "0",
                "executive_order_id": _born_from(found),
                "activation_price_type": 0,
                "activation_price": "0",
                "callback_rate": "0",
            }
        )
        if len(rows) == MOST_ROWS:
            break
    return rows


def _asked_for(account: Account, order_id: int | None, client_id: str) -> Iterable[Order]:
    """The order of these ids where any is given, else all of them, newest first."""
    if order_id is None and not client_id:
        return reversed(account.orders.values())
    found = account.orders.get(order_id) if order_id is not None else account.client_ids.get(client_id)
    if not isinstance(found, Order) or (client_id and found.client_order_id != client_id):
        return ()
    return (found,)


def _born_from(order: Order) -> str:
    return "" if order.plan_id is None else str(order.plan_id)


def _order(account: Account, order: Order) -> dict[str, Any]:
    presets = order.presets
    average = order.deal_value / order.deal_size if order.deal_size else ZERO
    return {
        "order_id": str(order.order_id),
        "client_order_id": order.client_order_id,
        "price": plain(order.price) if order.price is not None else "0",
        "size": str(order.size),
        "symbol": order.symbol,
        "state": order.state,
        "side": order.side,
        "type": order.type,
        "position_mode": account.position_mode,
        "leverage": str(order.leverage),
        "open_type": order.open_type,
        "deal_avg_price": plain(average),
        "deal_size": str(order.deal_size),
        "preset_take_profit_price_type": presets.take_profit_type if presets.take_profit else 0,
        "preset_stop_loss_price_type": presets.stop_loss_type if presets.stop_loss else 0,
        "preset_take_profit_price": plain(presets.take_profit) if presets.take_profit else "",
        "preset_stop_loss_price": plain(presets.stop_loss) if presets.stop_loss else "",
        "create_time": order.created_ms,
        "update_time": order.updated_ms,
    }


def current_plan_order(venue: Venue, account: Account, params: Params) -> Any:
    symbol, kind, wanted = params.text("symbol"), params.text("type"), params.text("plan_type")
    if kind not in ("", "limit", "market") or wanted not in ("", "plan", "profit_loss"):
        raise ApiError(49998)
    limit = _limit(params, MOST_OPEN, MOST_OPEN)
    chosen = [
        plan
        for plan in reversed(account.waiting.values())
        if (not symbol or plan.symbol == symbol)
        and (not kind or plan.category == kind)
        and (not wanted or (plan.kind == "plan") == (wanted == "plan"))
        and _visible(plan)
    ]
    return [_plan(account, plan) for plan in chosen[:limit]]


def _plan(account: Account, plan: Plan) -> dict[str, Any]:
    return {
        "order_id": str(plan.order_id),
        "client_order_id": plan.client_order_id,
        "executive_price": plain(plan.executive),
        "trigger_price": plain(plan.trigger),
        "size": str(whole_size(account, plan)),
        "symbol": plan.symbol,
        "state": 2,
        "side": plan.side,
        "mode": plan.mode,
        "position_mode": account.position_mode,
        "price_way": plan.price_way,
        "price_type": plan.price_type,
        "plan_category": plan.plan_category,
        "type": plan.kind,
        "leverage": str(plan.leverage),
        "open_type": plan.open_type,
        "create_time": plan.created_ms,
        "update_time": plan.updated_ms,
    }


def trades(venue: Venue, account: Account, params: Params) -> Any:
    """Fills, newest first, at most 200."""
    symbol, client_id, order_id = params.text("symbol"), params.text("client_order_id"), params.order_id()
    if symbol:
        venue.contract(symbol)
    since, until = _range(venue, params, unit_ms=1000)
    rows: list[dict[str, Any]] = []
    chosen: Sequence[Trade] = account.trades
    if order_id is not None or client_id:
        found = list(_asked_for(account, order_id, client_id))
        chosen = account.trades_of.get(found[0].order_id, ()) if found else ()
    for trade in reversed(chosen):
        if trade.at_ms < since:
            break
        if (symbol and trade.symbol != symbol) or trade.at_ms > until:
            continue
        rows.append(
            {
                "order_id": str(trade.order_id),
                "trade_id": str(trade.trade_id),
                "symbol": trade.symbol,
                "side": trade.side,
                "price": plain(trade.price),
                "vol": str(trade.size),
                "exec_type": "Maker" if trade.maker else "Taker",
                "profit": trade.profit > 0,
                "realised_profit": plain(trade.profit),
                "paid_fees": plain(trade.fee),
                "account": "futures",
                "create_time": trade.at_ms,
            }
        )
        if len(rows) == MOST_ROWS:
            break
    return rows


def transaction_history(venue: Venue, account: Account, params: Params) -> Any:
    """Changes of the balance, newest first; the times of its range are milliseconds."""
    symbol = params.text("symbol")
    wanted = params.choice("flow_type", (0, 1, 2, 3, 4, 5), 0, 49998)
    limit = params.integer("page_size", 49998)
    limit = 100 if limit is None else limit
    if not 1 <= limit <= 1000:
        raise ApiError(49998, "page_size")
    since, until = _range(venue, params, unit_ms=1)
    chosen = [
        flow
        for flow in reversed(account.flows)
        if since <= flow.at_ms <= until
        and (not symbol or flow.symbol == symbol)
        and (not wanted or flow.flow_type == wanted)
    ]
    return [
        {
            "symbol": flow.symbol,
            "flow_type": flow.flow_type,
            "type": FLOWS[flow.flow_type],
            "amount": plain(flow.amount),
            "asset": "USDT",
            "account": "futures",
            "time": str(flow.at_ms),
            "tran_id": str(flow.tran_id),
        }
        for flow in chosen[:limit]
    ]


def trade_fee_rate(venue: Venue, account: Account, params: Params) -> Any:
    contract = venue.contract(params.text("symbol"))
    return {
        "symbol": contract.symbol,
        "taker_fee_rate": plain(contract.taker_fee),
        "maker_fee_rate": plain(contract.maker_fee),
    }


def get_position_mode(venue: Venue, account: Account, params: Params) -> Any:
    return {"position_mode": account.position_mode}


def _visible(found: Order | Plan) -> bool:
    """Counts a read that would have shown it; True once it may be seen."""
    if found.hidden_reads:
        found.hidden_reads -= 1
        return False
    return True


def _limit(params: Params, default: int, most: int) -> int:
    limit = params.integer("limit", 49998)
    if limit is None:
        return default
    if not 1 <= limit <= most:
        raise ApiError(49998, "limit")
    return limit


def _range(venue: Venue, params: Params, *, unit_ms: int) -> tuple[int, int]:
    """The time range asked for, in ms: seven days by default, ninety at most, else 40039.

    A value in another unit than the endpoint's is far off, and refused.
    """
    now = venue.clock.now_ms()
    start, end = params.integer("start_time", 40039), params.integer("end_time", 40039)
    until = now if end is None else end * unit_ms + unit_ms - 1
    since = until - 7 * DAY_MS if start is None else start * unit_ms
    if since > until or until - since > 90 * DAY_MS + unit_ms or until > now + 400 * DAY_MS:
        raise ApiError(40039)
    return since, until
