"""What the market does to orders: fills, triggers, armed presets, liquidations, and the money they move."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from . import closing, positions
from .codes import ApiError
from .contracts import Contract
from .market import Quote
from .state import (
    FOK,
    GTC,
    IOC,
    LONG,
    MAKER_ONLY,
    ZERO,
    Account,
    Order,
    Plan,
    Trade,
    buys,
    direction,
    opens,
)

if TYPE_CHECKING:
    from .venue import Venue


def place(venue: Venue, account: Account, order: Order) -> None:
    """Takes an accepted order into the book: what crosses fills at once, what may rest rests."""
    account.orders[order.order_id] = order
    account.open_orders[order.order_id] = order
    if order.client_order_id:
        account.client_ids[order.client_order_id] = order
    quote = venue.quotes[order.symbol]
    order.frozen = _hold(venue, order)
    if order.mode == MAKER_ONLY and crosses(order, quote):
        closing.finish(venue, account, order)
        return
    if order.mode == FOK and sum(size for _, size in _takes(venue, order, quote)) < order.size:
        closing.finish(venue, account, order)
        return
    for price, size in list(_takes(venue, order, quote)):
        if order.is_open:
            execute(venue, account, order, price, size, maker=False)
    if order.type == "market" or order.mode in (IOC, FOK):
        closing.finish(venue, account, order)
    _run_triggers(venue, account, order.symbol)


def settle(venue: Venue, symbol: str) -> None:
    """Lets a new quote act: resting limits once, triggers until none is left, liquidations."""
    for account in venue.accounts.values():
        for order in [o for o in account.open_orders.values() if o.symbol == symbol]:
            if order.is_open and _reached(order, venue.quotes[symbol]):
                size = _quota(venue, order)
                if size and order.price is not None:
                    execute(venue, account, order, order.price, size, maker=True)
        _run_triggers(venue, account, symbol)
        if venue.options.liquidations:
            positions.liquidate(venue, account, symbol)


def _run_triggers(venue: Venue, account: Account, symbol: str) -> None:
    while plan := _triggered(account, symbol, venue.quotes[symbol]):
        fire(venue, account, plan)


def crosses(order: Order, quote: Quote) -> bool:
    """Whether a limit order would take liquidity."""
    if order.price is None:
        return True
    return order.price >= quote.ask if buys(order.side) else order.price <= quote.bid


def _reached(order: Order, quote: Quote) -> bool:
    """Whether the market came to a resting limit: quoted at its price, or traded through it."""
    if order.price is None:
        return False
    if buys(order.side):
        return quote.ask <= order.price or quote.last < order.price
    return quote.bid >= order.price or quote.last > order.price


def _quota(venue: Venue, order: Order) -> int:
    """How much of the order one price move may fill, in contracts."""
    step = venue.contracts[order.symbol].step
    quota = order.remaining
    if order.fill_cap is not None:
        quota = min(quota, max(0, order.fill_cap - order.deal_size))
    if venue.fill_share < 1:
        share = int((order.size * venue.fill_share).to_integral_value(ROUND_FLOOR))
        quota = min(quota, max(step, share) if venue.fill_share > 0 else 0)
    return quota - quota % step


def _takes(venue: Venue, order: Order, quote: Quote) -> Iterator[tuple[Decimal, int]]:
    """What the order takes from the book now: prices and sizes, best first."""
    left = _quota(venue, order)
    for price, size in quote.asks if buys(order.side) else quote.bids:
        if order.price is not None and (price > order.price if buys(order.side) else price < order.price):
            return
        taken = min(left, size)
        if not taken:
            return
        yield price, taken
        left -= taken


def _hold(venue: Venue, order: Order) -> Decimal:
    """Margin and fee that the open part of an opening order keeps."""
    if not opens(order.side) or not order.is_open:
        return ZERO
    contract, quote = venue.contracts[order.symbol], venue.quotes[order.symbol]
    price = order.price or (quote.ask if buys(order.side) else quote.bid)
    return cost(contract, price, order.remaining, order.leverage)


def cost(contract: Contract, price: Decimal, size: int, leverage: int) -> Decimal:
    """Initial margin and taker fee of opening ``size`` contracts at ``price``, USDT."""
    notional = price * size * contract.contract_size
    return notional / leverage + notional * contract.taker_fee


def execute(venue: Venue, account: Account, order: Order, price: Decimal, size: int, *, maker: bool) -> None:
    """One fill of an order: position, money, trade, state; then armed presets."""
    contract = venue.contracts[order.symbol]
    now = venue.clock.now_ms()
    done, gained = positions.apply(venue, account, order, price, size)
    if not done:
        closing.finish(venue, account, order)
        return
    fee = price * done * contract.contract_size * (contract.maker_fee if maker else contract.taker_fee)
    if gained is not None:
        venue.book_flow(account, order.symbol, 2, gained)
    venue.book_flow(account, order.symbol, 4, -fee)
    position = account.positions.get((order.symbol, positions.touched(account, order)))
    if position is not None:
        position.fees += fee
        position.realised -= fee
    order.deal_size += done
    order.deal_value += price * done
    order.updated_ms = now
    account.record(
        Trade(
            venue.new_id(),
            order.order_id,
            order.client_order_id,
            order.symbol,
            order.side,
            price,
            done,
            maker,
            gained if gained is not None else ZERO,
            fee,
            now,
        )
    )
    if not order.remaining:
        closing.finish(venue, account, order)
    else:
        order.frozen = _hold(venue, order)
    _arm(venue, account, order, done)
    positions.clear_flat(venue, account, order.symbol)


def wait_for(account: Account, plan: Plan) -> None:
    """Puts a plan order among the waiting ones."""
    account.plans[plan.order_id] = plan
    account.waiting[plan.order_id] = plan
    if plan.client_order_id:
        account.client_ids[plan.client_order_id] = plan


def _arm(venue: Venue, account: Account, order: Order, filled: int) -> None:
    """Turns the presets of an entry order into TP/SL orders, or lets them grow with its fills."""
    options = venue.options
    if not order.arms_presets or not opens(order.side):
        return
    if order.armed:
        if options.preset_category == 1:
            for plan in account.waiting.values():
                if plan.entry_id == order.order_id and plan.size is not None:
                    plan.size += filled
        return
    if options.presets_arm == "whole_fill" and order.remaining:
        return
    order.armed = True
    kind = direction(order.side)
    rows = (
        ("stop_loss", order.presets.stop_loss, order.presets.stop_loss_type),
        ("take_profit", order.presets.take_profit, order.presets.take_profit_type),
    )
    for name, price, price_type in rows:
        if price is None:
            continue
        side = 3 if kind == LONG else 2
        now = venue.clock.now_ms()
        plan = Plan(
            venue.new_id(), "", order.symbol, name, side,
            None if options.preset_category == 2 else order.deal_size,
            price, price, price_type, way(name, side), options.preset_category, "market", GTC,
            order.leverage, order.open_type, now, now, entry_id=order.order_id,
            hidden_reads=order.hidden_reads,
        )  # fmt: skip
        wait_for(account, plan)


def way(kind: str, side: int) -> int:
    """The `price_way` of a TP/SL order: 1 triggers rising to the price, 2 falling to it."""
    closes_long = side == 3
    return 2 if (kind == "stop_loss") == closes_long else 1


def would_trigger(plan: Plan, quote: Quote) -> bool:
    price = quote.reference(plan.price_type)
    return price >= plan.trigger if plan.price_way == 1 else price <= plan.trigger


def _triggered(account: Account, symbol: str, quote: Quote) -> Plan | None:
    """The plan order that goes first: stops before everything else, then the oldest."""
    due = [p for p in account.waiting.values() if p.symbol == symbol and would_trigger(p, quote)]
    return min(due, key=lambda plan: (plan.kind != "stop_loss", plan.order_id), default=None)


def fire(venue: Venue, account: Account, plan: Plan) -> None:
    """Turns a plan order into an order, which the book takes like any other."""
    closing.drop(venue, account, plan, "triggered")
    contract = venue.contracts[plan.symbol]
    size = plan.size or 0
    if plan.kind != "plan":
        position = account.held(plan.symbol, direction(plan.side))
        if position is None:
            return
        size = position.amount if plan.size is None else min(plan.size, position.amount)
    now = venue.clock.now_ms()
    limit = plan.category == "limit"
    order = Order(
        venue.new_id(), f"PLAN_{plan.order_id}", plan.symbol, plan.side,
        "limit" if limit else "market", plan.mode if limit else GTC, size,
        plan.executive if limit else None, plan.leverage, plan.open_type, now, now,
        presets=plan.presets, plan_id=plan.order_id,
    )  # fmt: skip
    if plan.kind == "plan":
        try:
            affordable(venue, account, contract, order)
        except ApiError:
            plan.status = "failed"
            return
    place(venue, account, order)


def affordable(venue: Venue, account: Account, contract: Contract, order: Order) -> None:
    """Raises the code for an insufficient balance."""
    quote = venue.quotes[contract.symbol]
    price = order.price or (quote.ask if buys(order.side) else quote.bid)
    needed = cost(contract, price, order.remaining, order.leverage)
    if needed > venue.balances(account)["available"]:
        raise ApiError(venue.options.insufficient_code)
