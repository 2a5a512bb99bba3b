"""A server of its own that speaks BitMart's wire format, the client at its other end, and its market."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
from venues.bitmart import DEMO_KEY, BitMart

from server.exchange.bitmart import BitmartExchange, BitmartOptions, ReadRetries

SYMBOL = "BTCUSDT"
START = Decimal(77_000)


class ServedMarket:
    """Satisfies `conformance_trader.Market`."""

    symbol = SYMBOL

    def __init__(self, server: BitMart, venue: BitmartExchange) -> None:
        self.server = server
        self.venue = venue

    async def move(self, price: Decimal) -> None:
        tick = self.server.venue.contracts[SYMBOL].tick
        self.server.venue.set_price(SYMBOL, price, price + tick, last=price, mark=price)

    async def trade_thinly(self, price: Decimal, size: Decimal) -> None:
        back = self.server.venue.quotes[SYMBOL].last
        self.server.venue.fill_share = Decimal("0.25")
        await self.move(price)
        await self.move(back)
        self.server.venue.fill_share = Decimal(1)


def client(url: str, transport: httpx.AsyncBaseTransport, **changes: Any) -> BitmartExchange:
    """A client that does not wait: no rates, quick retries."""
    given: dict[str, Any] = {
        "base_url": url,
        "api_key": DEMO_KEY.access,
        "secret": DEMO_KEY.secret,
        "memo": DEMO_KEY.memo,
        "rate_factor": 1000.0,
        "absence_rechecks_sec": (0.0, 0.0, 0.0),
        "retries": ReadRetries(first_wait_sec=0.01, longest_wait_sec=0.02, jitter_sec=0.0),
        "transport": transport,
    }
    return BitmartExchange(BitmartOptions(**{**given, **changes}))


@asynccontextmanager
async def opened(server: BitMart, venue: BitmartExchange) -> AsyncGenerator[ServedMarket]:
    """Open, with the market at `START`; at the end nothing undocumented must have been sent."""
    await venue.open()
    market = ServedMarket(server, venue)
    await market.move(START)
    try:
        yield market
    finally:
        await venue.aclose()
    assert not server.journal.undocumented
    assert not server.journal.without_id
    assert not server.journal.default_agents
