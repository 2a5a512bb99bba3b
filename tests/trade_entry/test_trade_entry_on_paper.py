"""Trade entry against the paper venue over its bundled candles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from trade_entry_bench import decided, fact_values, settings, signal

from server.exchange.paper.options import PaperOptions
from server.exchange.paper.venue import PaperExchange
from server.exchange.port import Contract
from server.trade_entry import TradeDecision


async def ready(side: str, symbol: str, zone_offset_ratio: float = 0.0) -> TradeDecision:
    """A signal on the newest candle, with a zone around the last price."""
    venue = PaperExchange(PaperOptions())
    now = await venue.now_ms()
    last = (await venue.top_of_book(symbol)).last
    price = float(last)
    facts = fact_values(
        "1m",
        {"1m": price * 0.0008, "5m": price * 0.002, "15m": price * 0.003},
        price * (1 + zone_offset_ratio),
        None,
    )
    made = replace(signal(symbol, side), as_of_ms=now, candle_open_ms=now - 60_000, price=last)
    return await decided(made, facts, settings(), venue)


@pytest.mark.parametrize("side", ["long", "short"])
async def test_every_bundled_contract_can_be_planned(side: str) -> None:
    listings = await PaperExchange(PaperOptions()).contracts()
    assert listings
    for symbol, listing in listings.items():
        assert isinstance(listing, Contract)
        decision = await ready(side, symbol)
        assert decision.status == "simulated", decision
        assert decision.plan is not None
        assert decision.decision_key.startswith(f"paper:main:scalper_micro:{symbol}:{side}:1m:")


async def test_a_long_waits_below_the_market_and_does_not_chase_it_down() -> None:
    waiting = await ready("long", "BTCUSDT", -0.01)
    assert waiting.plan is not None
    assert waiting.plan.entry.source == "zone_edge"
    assert (await ready("long", "BTCUSDT", 0.01)).reason == "skipped_out_of_zone"


async def test_a_symbol_without_candles_is_unavailable() -> None:
    venue = PaperExchange(PaperOptions())
    made = replace(signal("NOSUCHUSDT"), as_of_ms=await venue.now_ms())
    facts = fact_values("1m", {"1m": 1.0}, 100.0, None)
    decision = await decided(made, facts, settings(), venue)
    assert (decision.status, decision.reason) == ("error", "contract_unavailable")
    assert any("NOSUCHUSDT" in failure for failure in decision.details["failures"])
