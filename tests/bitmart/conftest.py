"""A scripted other end for the BitMart client, the client itself, and the way to what other rooms share."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from scripted_wire import NOW_MS, Clocks, Wire, ok, options

from server.exchange.bitmart import BitmartExchange

TESTS = Path(__file__).resolve().parent.parent
for shared in (TESTS, TESTS / "exchange"):  # the local server in venues/, and the conformance suite
    if str(shared) not in sys.path:
        sys.path.append(str(shared))

pytest.register_assert_rewrite("conformance", "conformance_protection", "conformance_trader")


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
