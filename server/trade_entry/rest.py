"""What of a waiting entry may be ordered at another price: no more may be lost than was planned.

Pure. An end-of-zone conversion and a re-quote both ask here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from server.trade_entry.liquidation import estimate
from server.trade_entry.quantise import floor_to, times
from server.trade_entry.size import loss_each
from server.trade_entry.ticket import Ticket

PriceObstacle = Literal["price_past_stop", "price_past_target", "liquidation_too_near"]
"""Why the plan does not bear a price; the last one also where its ticket does not say what it would need."""


def price_obstacle(ticket: Ticket, price: Decimal) -> PriceObstacle | None:
    """Whether the position could be opened at ``price`` with the plan's stop, targets and leverage."""
    long, first = ticket.side == "long", ticket.targets[0].price
    if price <= ticket.stop if long else price >= ticket.stop:
        return "price_past_stop"
    if price >= first if long else price <= first:
        return "price_past_target"
    maintenance, least = ticket.maintenance_margin_ratio, ticket.liquidation_min_stop_multiple
    if maintenance is None or least is None:
        return "liquidation_too_near"
    kept = maintenance + ticket.taker_fee_ratio
    found = estimate(ticket.side, price, ticket.stop, ticket.leverage, kept, ticket.tick_size)
    return "liquidation_too_near" if found.stop_multiple < least else None


@dataclass(frozen=True, slots=True)
class Rest:
    """``size`` contracts that have not filled, and what is left for them of the plan: of its loss at the stop
    with fees, and of its value (so that the margin is within the plan's) in contracts x price.
    """

    size: Decimal
    loss_usdt: Decimal
    value: Decimal

    @staticmethod
    def planned(ticket: Ticket, size: Decimal) -> Rest:
        """``size`` contracts as they were planned."""
        return Rest(size, size * _loss_each(ticket, ticket.price), size * ticket.price)

    @staticmethod
    def after(ticket: Ticket, fills: Iterable[tuple[Decimal, Decimal]]) -> Rest:
        """The plan less what has filled of it, as (worst price, size)."""
        rest = Rest.planned(ticket, ticket.size)
        for price, size in fills:
            loss, value = size * _loss_each(ticket, price), size * price
            rest = Rest(rest.size - size, rest.loss_usdt - loss, rest.value - value)
        return rest

    def within(self, ticket: Ticket, worst: Decimal, dearest: Decimal) -> Decimal:
        """What of it keeps to the plan when filled at ``worst`` and valued at ``dearest``.

        On a size step; may be too small to be ordered.
        """
        step = ticket.size_step
        by_loss = times(self.loss_usdt, _loss_each(ticket, worst) * step) * step
        by_value = times(self.value, dearest * step) * step
        return min(floor_to(self.size, step), by_loss, by_value)


def _loss_each(ticket: Ticket, price: Decimal) -> Decimal:
    return loss_each(price, ticket.stop, ticket.contract_size, ticket.taker_fee_ratio)
