"""Signed endpoints on plan orders: triggers, stops and targets, and the presets of unfilled orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from . import closing, matching, orders
from .codes import ApiError
from .contracts import Contract
from .effects import Effects
from .params import Params
from .state import GTC, Account, Plan, Presets, buys, direction, opens
from .venue import Venue


def submit_tp_sl_order(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """A stop or a target of an open position; 40021 where there is none."""
    contract = venue.tradable(params.text("symbol"))
    kind = params.text("type")
    if kind not in ("take_profit", "stop_loss"):
        raise ApiError(40042, kind)
    side = params.choice("side", (2, 3), 0, 40041)
    if not side:
        raise ApiError(40041)
    trigger, executive = params.price("trigger_price", contract), params.price("executive_price", contract)
    if trigger is None or executive is None:
        raise ApiError(40007, "trigger_price and executive_price are required")
    price_type = params.choice("price_type", (1, 2), 0, 49998)
    if not price_type:
        raise ApiError(40007, "price_type is missing")
    plan_category = params.choice("plan_category", (1, 2), 2, 49998)
    category = _category(params, "market")
    client_id = orders.new_client_id(account, params)
    size = params.size(contract, contract.max_volume) if params.has("size") else None
    position = account.held(contract.symbol, direction(side))
    if position is None:
        raise ApiError(40021)
    if size is not None and size > position.amount:
        raise ApiError(40020)
    if size is None and plan_category == 1:
        size = position.amount
    now = venue.clock.now_ms()
    plan = Plan(
        0, client_id, contract.symbol, kind, side, size if plan_category == 1 else None,
        trigger, executive, price_type, matching.way(kind, side), plan_category, category, GTC,
        position.leverage, position.open_type, now, now, hidden_reads=effects.hidden_reads,
    )  # fmt: skip
    _check_trigger(venue, plan)
    _check_room(venue, account)
    plan.order_id = venue.new_id()
    matching.wait_for(account, plan)
    return {"order_id": str(plan.order_id), "client_order_id": plan.client_order_id}


def submit_plan_order(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """A limit or market order that waits for a price."""
    contract = venue.tradable(params.text("symbol"))
    side = params.choice("side", (1, 2, 3, 4), 0, 40041)
    if not side:
        raise ApiError(40041)
    category = params.text("type") or "limit"
    if category not in ("limit", "market"):
        raise ApiError(40042, category)
    mode = params.choice("mode", (1, 2, 3, 4), GTC, 49998)
    size = params.size(contract, contract.max_volume)
    leverage = orders.checked_leverage(contract, params.text("leverage"))
    open_type = params.text("open_type")
    if open_type not in ("cross", "isolated"):
        raise ApiError(40045, open_type)
    trigger = params.price("trigger_price", contract)
    executive = params.price("executive_price", contract)
    price_way = params.choice("price_way", (1, 2), 0, 49998)
    price_type = params.choice("price_type", (1, 2), 0, 49998)
    if trigger is None or not price_way or not price_type:
        raise ApiError(40007, "trigger_price, price_way and price_type are required")
    if category == "limit" and executive is None:
        raise ApiError(40007, "executive_price is missing")
    client_id = orders.new_client_id(account, params)
    if not opens(side) and account.held(contract.symbol, direction(side)) is None:
        raise ApiError(40021)
    presets = _presets(contract, params)
    now = venue.clock.now_ms()
    plan = Plan(
        0, client_id, contract.symbol, "plan", side, size, trigger, executive or Decimal(0), price_type,
        price_way, params.choice("plan_category", (1, 2), 1, 49998), category, mode, leverage, open_type,
        now, now, presets=presets, hidden_reads=effects.hidden_reads,
    )  # fmt: skip
    _check_room(venue, account)
    plan.order_id = venue.new_id()
    matching.wait_for(account, plan)
    return {"order_id": plan.order_id}


def _category(params: Params, default: str) -> str:
    category = params.text("category") or default
    if category not in ("limit", "market"):
        raise ApiError(40042, category)
    return category


def _presets(contract: Contract, params: Params) -> Presets:
    return Presets(
        params.price("preset_take_profit_price", contract),
        params.price("preset_stop_loss_price", contract),
        params.choice("preset_take_profit_price_type", (1, 2), 1, 49998),
        params.choice("preset_stop_loss_price_type", (1, 2), 1, 49998),
    )


def _check_trigger(venue: Venue, plan: Plan) -> None:
    """A stop or target on the wrong side of the price is refused, one too far away too (40031)."""
    quote = venue.quotes[plan.symbol]
    if matching.would_trigger(plan, quote):
        raise ApiError(venue.options.fires_at_once, "trigger_price would trigger at once")
    most = venue.options.max_trigger_deviation
    reference = quote.reference(plan.price_type)
    if most is not None and abs(plan.trigger - reference) > reference * most:
        raise ApiError(40031)


def _check_room(venue: Venue, account: Account) -> None:
    if len(account.waiting) >= venue.options.max_plans:
        raise ApiError(40028)


def _waiting(account: Account, params: Params, symbol: str) -> Plan:
    """The waiting plan order: 40037 or 40035 where there is none, 40036 where it waits no more."""
    order_id, client_id = params.order_id(), params.text("client_order_id")
    plan = account.plans.get(order_id) if order_id is not None else account.client_ids.get(client_id)
    if not isinstance(plan, Plan) or plan.symbol != symbol:
        raise ApiError(40037 if order_id is not None else 40035)
    if plan.status != "waiting":
        raise ApiError(40036)
    return plan


def cancel_plan_order(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """Cancels plan orders and TP/SL orders alike."""
    contract = venue.contract(params.text("symbol"))
    if params.order_id() is None and not params.text("client_order_id"):
        raise ApiError(40037)
    closing.drop(venue, account, _waiting(account, params, contract.symbol), "cancelled")
    return {}


def modify_tp_sl_order(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """Moves a waiting stop or target in place; its size is not a parameter."""
    contract = venue.tradable(params.text("symbol"))
    plan = _waiting(account, params, contract.symbol)
    if plan.kind == "plan":
        raise ApiError(40036)
    trigger = params.price("trigger_price", contract)
    price_type = params.choice("price_type", (1, 2), 0, 49998)
    if trigger is None or not price_type:
        raise ApiError(40007, "trigger_price and price_type are required")
    plan_category = params.choice("plan_category", (1, 2), plan.plan_category, 49998)
    executive = params.price("executive_price", contract)
    if plan_category == 1 and executive is None:
        raise ApiError(40007, "executive_price is missing")
    if plan_category != plan.plan_category:
        raise ApiError(49998, "plan_category")
    category = _category(params, plan.category)
    before = plan.trigger, plan.price_type
    plan.trigger, plan.price_type = trigger, price_type
    try:
        _check_trigger(venue, plan)
    except ApiError:
        plan.trigger, plan.price_type = before
        raise
    plan.executive = executive or plan.executive
    plan.category = category
    plan.updated_ms = venue.clock.now_ms()
    return {"order_id": str(plan.order_id)}


def modify_plan_order(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """For plain plan orders only: stops and targets are refused (40036)."""
    contract = venue.tradable(params.text("symbol"))
    plan = _waiting(account, params, contract.symbol)
    if plan.kind != "plan":
        raise ApiError(40036)
    trigger = params.price("trigger_price", contract)
    price_type = params.choice("price_type", (1, 2), 0, 49998)
    category = params.text("type")
    executive = params.price("executive_price", contract)
    if trigger is None or not price_type:
        raise ApiError(40007, "trigger_price and price_type are required")
    if category not in ("limit", "market"):
        raise ApiError(40042, category)
    if category == "limit" and executive is None:
        raise ApiError(40007, "executive_price is missing")
    plan.trigger, plan.price_type, plan.category = trigger, price_type, category
    plan.executive = executive or plan.executive
    plan.updated_ms = venue.clock.now_ms()
    return {"order_id": str(plan.order_id)}


def modify_preset_plan_order(venue: Venue, account: Account, params: Params, effects: Effects) -> Any:
    """Changes the presets of an order that is open and has not filled; 40036 otherwise."""
    contract = venue.tradable(params.text("symbol"))
    order = orders.found(account, params, contract.symbol)
    if not order.is_open or order.deal_size or not opens(order.side):
        raise ApiError(40036)
    given = _presets(contract, params)
    old = order.presets
    changed = Presets(
        given.take_profit if given.take_profit is not None else old.take_profit,
        given.stop_loss if given.stop_loss is not None else old.stop_loss,
        given.take_profit_type if params.has("preset_take_profit_price_type") else old.take_profit_type,
        given.stop_loss_type if params.has("preset_stop_loss_price_type") else old.stop_loss_type,
    )
    if order.price is not None:
        orders.check_presets(changed, order.price, long=buys(order.side))
    order.presets = changed
    order.updated_ms = venue.clock.now_ms()
    return {"order_id": str(order.order_id)}


def whole_size(account: Account, plan: Plan) -> int:
    """The size a plan order shows: that of the position where it covers the whole of it."""
    if plan.size is not None:
        return plan.size
    position = account.held(plan.symbol, direction(plan.side))
    return position.amount if position is not None else 0
