"""Contracts, candles and books, as the client asks for them and puts them together."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest
from scripted_wire import NOW_MS, Clocks, Wire, error, ok

from server.exchange.bitmart import BitmartExchange
from server.exchange.errors import BookUnavailable, CandlesUnavailable, SymbolUnknown, VenueUnavailable
from server.exchange.port import Contract, RiskTier

MINUTE_MS = 60_000


def listed(symbol: str = "BTCUSDT", **changes: Any) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "product_type": 1,
        "open_timestamp": 1_594_080_000_000,
        "base_currency": symbol.removesuffix("USDT"),
        "quote_currency": "USDT",
        "last_price": "100.5",
        "turnover_24h": "458933659.7858",
        "contract_size": "0.001",
        "min_leverage": "1",
        "max_leverage": "100",
        "price_precision": "0.1",
        "vol_precision": "1",
        "max_volume": "500000",
        "min_volume": "1",
        "status": "Trading",
        **changes,
    }


@pytest.fixture(autouse=True)
def listing(wire: Wire) -> None:
    wire.answers["details"] = ok({"symbols": [listed("ETHUSDT"), listed()]})


async def test_contracts_are_kept_for_a_minute(venue: BitmartExchange, wire: Wire, clocks: Clocks) -> None:
    first, second = await asyncio.gather(venue.contracts(), venue.contracts())
    assert list(first) == list(second) == ["BTCUSDT", "ETHUSDT"]
    clocks.pass_(59)
    await venue.contracts()
    assert len(wire.sent("details")) == 1
    clocks.pass_(2)
    await venue.contracts()
    assert len(wire.sent("details")) == 2
    assert len(wire.sent("leverage-bracket")) == len(wire.sent("trade-fee-rate")) == 1


async def test_tiers_and_fees_come_from_the_venue(venue: BitmartExchange, wire: Wire) -> None:
    low = {"notional_floor": "0", "maint_margin_ratio": "0.004", "initial_leverage": 100}
    high = {"notional_floor": "9", "maint_margin_ratio": "0.02", "initial_leverage": 25}
    rules = [{"symbol": "BTCUSDT", "brackets": [high, low]}]
    wire.answers["leverage-bracket"] = ok({"rules": rules})
    wire.answers["trade-fee-rate"] = ok({"taker_fee_rate": "0.0008", "maker_fee_rate": "-0.0001"})
    contract = (await venue.contracts())["BTCUSDT"]
    assert isinstance(contract, Contract)
    assert contract.maintenance_margin_ratio == Decimal("0.004")
    assert contract.tier(Decimal("8.9")) == RiskTier(Decimal(0), Decimal("0.004"), 100)
    assert contract.tier(Decimal(9)) == RiskTier(Decimal(9), Decimal("0.02"), 25)
    # The higher of the account's rate and the standard one: fees are never thought too low.
    assert (contract.taker_fee_ratio, contract.maker_fee_ratio) == (Decimal("0.0008"), Decimal("0.0002"))


async def test_without_tiers_and_fees_the_documented_assumptions_hold(
    venue: BitmartExchange, wire: Wire, clocks: Clocks
) -> None:
    wire.answers["leverage-bracket"] = error(30014, 503)
    wire.answers["trade-fee-rate"] = error(30012, 403)
    contract = (await venue.contracts())["BTCUSDT"]
    assert isinstance(contract, Contract)
    assert contract.maintenance_margin_ratio == Decimal("0.005")
    assert contract.taker_fee_ratio == Decimal("0.0006")
    # They are asked for again soon.
    wire.answers["leverage-bracket"] = ok({"rules": []})
    clocks.pass_(61)
    wire.requests.clear()
    await venue.contracts()
    assert wire.sent("leverage-bracket")


def candles_of(request: httpx.Request) -> httpx.Response:
    """Complete minutes as the venue has them; the first is cut short where the start is within it."""
    start, end, step = (int(request.url.params[n]) for n in ("start_time", "end_time", "step"))
    assert end - start <= 500 * step * 60
    times = range(start - start % (step * 60), end + 1, step * 60)
    assert len(times) <= 500
    return ok(
        [
            {
                "timestamp": at + (at // 60) % 2,  # every other one comes a second late
                "open_price": "100",
                "high_price": "103",
                "low_price": "99",
                "close_price": "101" if at >= start else "0.1",
                "volume": "5000",
            }
            for at in reversed(times)
        ]
    )


async def test_candles_are_paged_sorted_and_in_base_amounts(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["kline"] = candles_of
    start = NOW_MS - NOW_MS % MINUTE_MS - 1200 * MINUTE_MS
    candles = await venue.candles("BTCUSDT", "1m", start + 1, NOW_MS + 10 * MINUTE_MS)
    assert len(candles) == 1200  # the first one asked for is not complete, the last one still forms
    assert int(candles.ts[0]) == start + MINUTE_MS
    assert int(candles.ts[-1]) <= NOW_MS < int(candles.ts[-1]) + MINUTE_MS
    assert set(candles.close) == {101.0} and set(candles.volume) == {5.0}
    requests = wire.sent("kline")
    assert len(requests) == 3
    assert all(int(r.url.params["end_time"]) * 1000 <= NOW_MS for r in requests)
    assert all(int(r.url.params["start_time"]) % 60 == 0 for r in requests)


@pytest.mark.parametrize(
    ("timeframe", "step"),
    [("1m", 1), ("5m", 5), ("15m", 15), ("30m", 30), ("1h", 60), ("4h", 240), ("1d", 1440)],
)
async def test_timeframes(venue: BitmartExchange, wire: Wire, timeframe: Any, step: int) -> None:
    wire.answers["kline"] = ok([])
    candles = await venue.candles("BTCUSDT", timeframe, NOW_MS - 2 * step * MINUTE_MS, NOW_MS)
    assert len(candles) == 0
    assert wire.sent("kline")[0].url.params["step"] == str(step)


async def test_a_range_in_the_future_or_before_the_listing_asks_nothing(
    venue: BitmartExchange, wire: Wire
) -> None:
    for start, end in ((NOW_MS + MINUTE_MS, NOW_MS + 9 * MINUTE_MS), (0, 1_594_080_000_000), (5, 5)):
        assert len(await venue.candles("BTCUSDT", "1m", start, end)) == 0
    assert not wire.sent("kline")


@pytest.mark.parametrize(
    "answer",
    [
        ok([{"timestamp": NOW_MS // 1000 - 60, "open_price": "1"}]),
        ok({}),
        error(40038),
        error(30014, 503),
    ],
    ids=str,
)
async def test_candles_that_cannot_be_had(venue: BitmartExchange, wire: Wire, answer: Any) -> None:
    wire.answers["kline"] = answer
    with pytest.raises((CandlesUnavailable, VenueUnavailable)):
        await venue.candles("BTCUSDT", "1m", NOW_MS - 5 * MINUTE_MS, NOW_MS)


async def test_candles_that_contradict_themselves(venue: BitmartExchange, wire: Wire) -> None:
    at = NOW_MS // 1000 // 60 * 60 - 60
    candle = {"open_price": "2", "high_price": "3", "low_price": "1", "close_price": "2", "volume": "1"}
    twice = [{**candle, "timestamp": at}, {**candle, "timestamp": at + 1, "close_price": "2.5"}]
    wire.answers["kline"] = ok(twice)
    with pytest.raises(CandlesUnavailable, match="two different"):
        await venue.candles("BTCUSDT", "1m", NOW_MS - 5 * MINUTE_MS, NOW_MS)
    wire.answers["kline"] = ok([{**candle, "timestamp": at, "high_price": "1.5"}])
    with pytest.raises(CandlesUnavailable, match="enclose"):
        await venue.candles("BTCUSDT", "1m", NOW_MS - 5 * MINUTE_MS, NOW_MS)


async def test_symbols_that_are_not_listed(venue: BitmartExchange) -> None:
    with pytest.raises(SymbolUnknown, match="BTCUSDT"):
        await venue.candles("BTCUSD", "1m", 0, NOW_MS)
    with pytest.raises(SymbolUnknown):
        await venue.top_of_book("NOSUCHUSDT")


DEPTH = {
    "symbol": "BTCUSDT",
    "timestamp": NOW_MS - 120,
    "bids": [["100.4", "65", "65"], ["100.3", "1", "66"]],
    "asks": [["100.6", "7", "7"]],
}
MARKS = [
    {"timestamp": NOW_MS // 1000, "close_price": "100.52"},
    {"timestamp": NOW_MS // 1000 - 60, "close_price": "99"},
]


@pytest.fixture
def book(wire: Wire) -> None:
    wire.answers |= {"depth": ok(DEPTH), "markprice-kline": ok(MARKS)}


@pytest.mark.usefixtures("book")
async def test_the_book_is_put_together_from_three_answers(venue: BitmartExchange, wire: Wire) -> None:
    book = await venue.top_of_book("BTCUSDT")
    assert (book.bid, book.ask) == (Decimal("100.4"), Decimal("100.6"))
    assert (book.bid_size, book.ask_size) == (65, 7)
    assert (book.last, book.mark, book.at_ms) == (Decimal("100.5"), Decimal("100.52"), NOW_MS - 120)
    assert dict(wire.sent("depth")[0].url.params) == {"symbol": "BTCUSDT"}


@pytest.mark.usefixtures("book")
async def test_only_the_present_has_a_book(venue: BitmartExchange) -> None:
    for at_ms in (NOW_MS - 4_900, NOW_MS, NOW_MS + 4_900):
        assert await venue.top_of_book("BTCUSDT", at_ms)
    for at_ms in (NOW_MS - 5_100, NOW_MS + 5_100, 0):
        with pytest.raises(BookUnavailable):
            await venue.top_of_book("BTCUSDT", at_ms)


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("depth", {**DEPTH, "bids": []}),
        ("depth", {**DEPTH, "asks": None}),
        ("depth", {**DEPTH, "asks": [["100.6"]]}),
        ("depth", {**DEPTH, "asks": [["100.4", "1", "1"]]}),
        ("depth", {**DEPTH, "bids": [["0", "1", "1"]]}),
        ("depth", {**DEPTH, "symbol": "ETHUSDT"}),
        ("markprice-kline", []),
        ("markprice-kline", [{"timestamp": 1}]),
    ],
)
async def test_no_book_is_made_up(venue: BitmartExchange, wire: Wire, name: str, data: Any) -> None:
    wire.answers[name] = ok(data)
    with pytest.raises(BookUnavailable):
        await venue.top_of_book("BTCUSDT")
