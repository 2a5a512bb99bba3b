"""A scripted other end for the BitMart client, and the client itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from scripted_wire import NOW_MS, Clocks, Wire, ok, options

from server.exchange.bitmart import BitmartExchange


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def wire() -> Wire:
    return Wire(
        {
            "time": ok({"server_time": NOW_MS}),
            "get-position-mode": ok({"position_mode": "hedge_mode"}),
            "leverage-bracket": ok({"rules": []}),
            "trade-fee-rate": ok(
                {"symbol": "BTCUSDT", "taker_fee_rate": "0.0006", "maker_fee_rate": "0.0002"}
            ),
        }
    )


@pytest.fixture
async def venue(wire: Wire, clocks: Clocks) -> AsyncGenerator[BitmartExchange]:
    """Open, in hedge mode, with nothing asked for yet but what opening asks."""
    exchange = BitmartExchange(options(wire, clocks))
    await exchange.open()
    wire.requests.clear()
    yield exchange
    await exchange.aclose()
