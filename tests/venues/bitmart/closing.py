"""How orders and plan orders end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .state import FINISH, ZERO, Account, Order, Plan

if TYPE_CHECKING:
    from .venue import Venue


def finish(venue: Venue, account: Account, order: Order) -> None:
    """Closes an order: filled, cancelled, or cancelled after a part."""
    if not order.is_open:
        return
    order.state = FINISH
    order.frozen = ZERO
    order.updated_ms = venue.clock.now_ms()
    account.open_orders.pop(order.order_id, None)


def cancel_all(venue: Venue, account: Account, symbol: str, *, plans: bool) -> None:
    """Cancels every open order of a symbol, and its plan orders where asked."""
    for order in [o for o in account.open_orders.values() if o.symbol == symbol]:
        finish(venue, account, order)
    if plans:
        for plan in [p for p in account.waiting.values() if p.symbol == symbol]:
            drop(venue, account, plan, "cancelled")


def drop(venue: Venue, account: Account, plan: Plan, status: str) -> None:
    """Takes a plan order out of the waiting ones."""
    plan.status = status
    plan.updated_ms = venue.clock.now_ms()
    account.waiting.pop(plan.order_id, None)
