"""Where an entry goes whose price was refused: the maker price of now, as far as the plan bears it.

Pure. Execution asks after a proven refusal; how often is its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

from server.exchange.port import Book
from server.trade_entry.entry_price import maker_price
from server.trade_entry.quantise import MONEY
from server.trade_entry.rest import PriceObstacle, Rest, price_obstacle
from server.trade_entry.ticket import Ticket

RequoteObstacle = PriceObstacle | Literal["no_market", "price_out_of_zone", "size_below_min"]


@dataclass(frozen=True, slots=True)
class Requote:
    """A resting limit of ``size`` contracts at ``price``, in the zone.

    ``size`` is the rest, or less of it: it loses no more at the stop, fees included, and is worth no more
    than the plan has left.
    """

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class NoRequote:
    """No price is left that the plan allows."""

    obstacle: RequoteObstacle


def requote(ticket: Ticket, book: Book, rest: Rest) -> Requote | NoRequote:
    """The order that replaces the rest of an entry whose price the venue refused."""
    with localcontext(MONEY):
        if book.bid <= 0 or book.ask < book.bid:
            return NoRequote("no_market")
        price = maker_price(ticket.side, book, ticket.tick_size, ticket.inside_ticks)
        if not ticket.zone_low <= price <= ticket.zone_high:
            return NoRequote("price_out_of_zone")
        obstacle = price_obstacle(ticket, price)
        if obstacle is not None:
            return NoRequote(obstacle)
        size = rest.within(ticket, price, price)
        return Requote(price, size) if size >= ticket.min_size else NoRequote("size_below_min")
