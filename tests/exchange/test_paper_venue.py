"""The paper venue through its port, over what ships."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from recordings import START_MS, candles, columns

from server.exchange.errors import BookUnavailable, SymbolUnknown
from server.exchange.paper import PaperExchange, PaperOptions
from server.exchange.paper.errors import MarketDataError
from server.exchange.port import Balance, Contract, Exchange
from server.instants import iso

Write = Callable[[str, dict[str, Any]], Path]
EVER = (0, 2**50)
MINUTE_MS = 60_000
DAY_MS = 1440 * MINUTE_MS
LAST_MS = 1_748_964_720_000  # 2025-06-03T15:32:00Z


def bundled(**options: Any) -> Exchange:
    return PaperExchange(PaperOptions(**options))


async def test_without_options_it_stands_at_the_end_of_the_bundled_candles() -> None:
    venue = bundled()
    assert venue.name == "paper"
    assert iso(await venue.now_ms()) == "2025-06-03T15:32:00Z"
    newest = await venue.candles("BTCUSDT", "1m", LAST_MS - 5 * MINUTE_MS, 2**50)
    assert [iso(int(ts)) for ts in newest.ts[-1:]] == ["2025-06-03T15:31:00Z"]
    assert await venue.balance() == Balance(equity_usdt=Decimal(1000), available_usdt=Decimal(1000))
    assert list(await venue.positions()) == []
    assert list(await venue.open_orders()) == []


async def test_every_bundled_symbol_can_be_traded() -> None:
    venue = bundled()
    listings = await venue.contracts()
    assert sorted(listings) == list(listings)
    assert set(listings) == {
        f"{base}USDT" for base in ("BTC", "ETH", "SOL", "XRP", "BNB", "LINK", "AVAX", "SUI")
    }
    for symbol, contract in listings.items():
        assert isinstance(contract, Contract)
        assert contract.status == "trading"
        assert contract.turnover_24h_usdt is not None
        assert contract.turnover_24h_usdt > 100_000_000
        book = await venue.top_of_book(symbol)
        assert book.ask - book.bid == contract.tick_size
        assert book.at_ms == LAST_MS


async def test_a_fixed_instant_hides_everything_after_it() -> None:
    at_ms = LAST_MS - DAY_MS - 30_000
    venue = bundled(at_ms=at_ms)
    minutes = await venue.candles("ETHUSDT", "1m", *EVER)
    forming = minutes.between(len(minutes) - 1, len(minutes))
    assert forming.ts[0] == at_ms - 30_000
    assert forming.open[0] == forming.high[0] == forming.low[0] == forming.close[0]
    book = await venue.top_of_book("ETHUSDT")
    assert book.last == Decimal(str(minutes.close[-2]))
    assert book.at_ms == at_ms


async def test_a_book_of_the_past_is_the_book_of_a_venue_that_stands_there() -> None:
    at_ms = LAST_MS - 3 * DAY_MS + 12_345
    assert await bundled().top_of_book("SOLUSDT", at_ms) == await bundled(at_ms=at_ms).top_of_book("SOLUSDT")


async def test_a_wider_spread() -> None:
    book = await bundled(spread_ticks=7).top_of_book("BTCUSDT")
    assert book.ask - book.bid == Decimal("0.7")
    assert book.bid < book.last < book.ask


@pytest.mark.parametrize(
    ("at_ms", "asked_ms", "message"),
    [
        (LAST_MS, LAST_MS + 1, r"2025-06-03T15:32:00\.001Z is after the venue's clock, 2025-06-03T15:32:00Z"),
        (START_MS, None, "no candle had closed at 2025-05-26T00:00:00Z"),
    ],
)
async def test_no_book_is_said_and_not_made_up(at_ms: int, asked_ms: int | None, message: str) -> None:
    with pytest.raises(BookUnavailable, match=message):
        await bundled(at_ms=at_ms).top_of_book("BTCUSDT", asked_ms)


async def test_a_symbol_without_specification_has_candles_but_no_book(write: Write, tmp_path: Path) -> None:
    write("NEWUSDT-1m.parquet", columns(candles("1m", 30)))
    venue = bundled(market_data=tmp_path)
    assert (await venue.contracts())["NEWUSDT"].status == "unspecified"
    assert len(await venue.candles("NEWUSDT", "5m", *EVER)) == 6
    with pytest.raises(BookUnavailable, match=r"no contract specification; add one to contracts\.json"):
        await venue.top_of_book("NEWUSDT")


async def test_the_book_stands_on_the_candle_that_closed_last_of_any_timeframe(
    write: Write, tmp_path: Path
) -> None:
    minutes = candles("1m", 13)
    quarters = candles("15m", 4, start_ms=START_MS - 30 * MINUTE_MS, seed=5)
    write("BTCUSDT-1m.parquet", columns(minutes))
    write("BTCUSDT-15m.parquet", columns(quarters))
    for minute, last, true_until in [(10, minutes.close[9], 10), (14, minutes.close[12], 14), (16, 0, 16)]:
        at_ms = START_MS + minute * MINUTE_MS
        book = await bundled(market_data=tmp_path, at_ms=at_ms).top_of_book("BTCUSDT")
        assert book.last == Decimal(str(last or quarters.close[2]))
        assert book.at_ms == START_MS + true_until * MINUTE_MS


async def test_an_unknown_symbol_is_answered_with_its_neighbours() -> None:
    for ask in (bundled().top_of_book("BTCUSD"), bundled().candles("BTCUSD", "1m", *EVER)):
        with pytest.raises(SymbolUnknown, match=r"lists no symbol 'BTCUSD'; did you mean BTCUSDT") as caught:
            await ask
        assert caught.value.nearest[0] == "BTCUSDT"


async def test_turnover_needs_a_whole_day_of_candles(write: Write, tmp_path: Path) -> None:
    day = candles("1m", 1441)
    write("BTCUSDT-1m.parquet", columns(day))
    for minutes, known in [(1439, False), (1440, True), (1441, True)]:
        venue = bundled(market_data=tmp_path, at_ms=START_MS + minutes * MINUTE_MS)
        contract = (await venue.contracts())["BTCUSDT"]
        assert isinstance(contract, Contract)
        assert (contract.turnover_24h_usdt is not None) is known
        if contract.turnover_24h_usdt is not None:
            part = day.between(minutes - 1440, minutes)
            wanted = (part.volume * (part.high + part.low + part.close) / 3).sum()
            assert float(contract.turnover_24h_usdt) == pytest.approx(wanted, abs=0.01)


async def test_a_running_clock_walks_through_the_recording_and_stops_at_its_end() -> None:
    seconds = [0.0]
    options = PaperOptions(start_ms=LAST_MS - 10 * MINUTE_MS, speed=60)
    venue = PaperExchange(options, monotonic=lambda: seconds[0])
    seen: list[str] = []
    for real in (0, 1, 5.5, 9, 11, 100):
        seconds[0] = real
        newest = await venue.candles("BTCUSDT", "1m", *EVER)
        seen.append(f"{iso(await venue.now_ms())[11:19]} {iso(int(newest.ts[-1]))[11:16]}")
    assert seen == [
        "15:22:00 15:21",
        "15:23:00 15:22",
        "15:27:30 15:27",
        "15:31:00 15:30",
        "15:32:00 15:31",
        "15:32:00 15:31",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spread_ticks": 0}, "at least 1 tick, not 0"),
        ({"balance_usdt": Decimal(-1)}, "0 USDT or more, not -1"),
        ({"balance_usdt": Decimal("NaN")}, "0 USDT or more, not NaN"),
        ({"at_ms": 1, "start_ms": 1}, "neither a start nor a speed"),
        ({"at_ms": 1, "speed": 2.0}, "neither a start nor a speed"),
        ({"speed": 2.0}, "a speed needs an instant to start from"),
        ({"start_ms": 1, "speed": 0.0}, "above 0"),
        ({"start_ms": 1, "speed": float("inf")}, "above 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PaperOptions(**options)


def test_a_clock_cannot_start_at_the_end_of_the_recording() -> None:
    with pytest.raises(
        MarketDataError, match=r"ends at 2025-06-03T15:32:00Z, a clock cannot run from 2025-06"
    ):
        bundled(start_ms=LAST_MS)
