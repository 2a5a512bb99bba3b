"""Shortly before its zone ends, the rest of a waiting entry may take liquidity: at which price, or why not.

Pure. Execution asks while the order rests; what it does with the answer is its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

from server.exchange.port import Book
from server.trade_entry.preflight import MS_PER_SEC
from server.trade_entry.quantise import MONEY, clamp
from server.trade_entry.rest import PriceObstacle, Rest, price_obstacle
from server.trade_entry.slippage import capped, spread_bps
from server.trade_entry.ticket import Ticket

ConversionObstacle = (
    PriceObstacle
    | Literal[
        "disabled",
        "converted_before",
        "zone_has_time",
        "zone_over",
        "no_market",
        "spread_too_wide",
        "price_out_of_zone",
        "size_below_min",
    ]
)
"""Why the rest stays a resting order; ``zone_over`` also when no time is left at all,
``converted_before`` where it has happened already."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """An immediate-or-cancel limit of ``size`` contracts at ``price``, the most (long) or least it may cost.

    ``size`` is the rest, or less of it: it loses no more at the stop, fees included, and is worth no more (so
    that its margin is within the plan's) than the plan has left.
    """

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class NoConversion:
    """The rest is left as it is."""

    obstacle: ConversionObstacle


def convert(ticket: Ticket, book: Book, now_ms: int, rest: Rest) -> Conversion | NoConversion:
    """The order that replaces the rest of a waiting entry, by ``ticket.end_of_zone``.

    With less than ``ttl_threshold_sec`` left, a spread within ``max_spread_bps`` and the other side's best
    price in the zone (unless ``only_if_within_zone`` is off), at ``max_slippage_bps`` beyond it and inside
    the zone at most.
    """
    with localcontext(MONEY):
        rules, long = ticket.end_of_zone, ticket.side == "long"
        left_ms = ticket.zone_expires_at_ms - now_ms
        if not rules.enabled:
            return NoConversion("disabled")
        if left_ms > rules.ttl_threshold_sec * MS_PER_SEC:
            return NoConversion("zone_has_time")
        if left_ms <= 0:
            return NoConversion("zone_over")
        if book.bid <= 0 or book.ask < book.bid:
            return NoConversion("no_market")
        if spread_bps(book) > rules.max_spread_bps:
            return NoConversion("spread_too_wide")

        best = book.ask if long else book.bid
        price = capped(ticket.side, best, rules.max_slippage_bps, ticket.tick_size)
        if rules.only_if_within_zone:
            if not ticket.zone_low <= best <= ticket.zone_high:
                return NoConversion("price_out_of_zone")
            price = clamp(price, ticket.zone_low, ticket.zone_high)
        obstacle = price_obstacle(ticket, price)
        if obstacle is not None:
            return NoConversion(obstacle)
        size = rest.within(ticket, price, max(price, best))
        return Conversion(price, size) if size >= ticket.min_size else NoConversion("size_below_min")
