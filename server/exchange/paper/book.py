"""A deterministic top of book around the last recorded price."""

from __future__ import annotations

from decimal import Decimal

from engine.candles import STEP_MS, CandleSet
from server.exchange.paper.specification import Specification
from server.exchange.port import Book

_SHOWN_SHARE = Decimal("0.02")
"""Share of the last candle's volume that stands at each side; the recording has no sizes of its own."""


def book_around(
    specification: Specification, candle: CandleSet, at_ms: int, spread_ticks: int
) -> Book | None:
    """The book at ``at_ms`` around the close of the one ``candle``; None if that price is below one tick.

    ``last`` is the close on the nearest tick, ``mark`` the same. The spread is ``spread_ticks`` wide and lies
    around ``last``; of an odd one, the ask has the larger half. The book is true until the next candle should
    have closed: after that it keeps that instant as its ``at_ms``, so that its age shows.
    """
    tick = specification.tick_size
    last = specification.price(float(candle.close[0]))
    if last < tick:
        return None
    bid = max(last - (spread_ticks // 2) * tick, tick)
    size = max(specification.contracts(float(candle.volume[0]), _SHOWN_SHARE), specification.min_size)
    step = STEP_MS[candle.timeframe]
    return Book(
        symbol=specification.symbol,
        bid=bid,
        ask=bid + spread_ticks * tick,
        bid_size=size,
        ask_size=size,
        last=last,
        mark=last,
        at_ms=min(at_ms, int(candle.ts[0]) + 2 * step),
    )
