"""What an order that takes liquidity may cost: the spread, and how far beyond the best price it goes."""

from __future__ import annotations

from decimal import Decimal

from engine.models.base import Side
from server.exchange.port import Book
from server.trade_entry.quantise import ceil_to, floor_to

BPS = Decimal(10_000)


def spread_bps(book: Book) -> Decimal:
    """The spread over the middle of a book with positive prices."""
    return (book.ask - book.bid) / ((book.ask + book.bid) / 2) * BPS


def capped(side: Side, best: Decimal, slippage_bps: Decimal, tick: Decimal) -> Decimal:
    """The worst price that is still taken: ``slippage_bps`` beyond ``best``, rounded to a tick toward it.

    ``best`` is the best price of the other side, on a tick; the answer is never better than it.
    """
    share = slippage_bps / BPS
    if side == "long":
        return max(best, floor_to(best * (1 + share), tick))
    return min(best, ceil_to(best * (1 - share), tick))
