"""The venue's clock and its candles."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .bitmart import Candle, Clock, Rows
from .caller import AT_MS, caller, code


async def test_system_time_is_the_venues() -> None:
    asks = caller()
    assert (await asks.data("/system/time"))["server_time"] == AT_MS
    asks.server.clock.advance(1500)
    assert (await asks.data("/system/time"))["server_time"] == AT_MS + 1500
    assert (await asks.data("/system/service"))["service"][0]["service_type"] == "contract"


def minute(at_s: int, close: int) -> Candle:
    prices = (Decimal(close + change) for change in (-1, 2, -3, 0))
    return Candle(at_s, *prices, Decimal(10))


async def test_candles_come_with_the_running_one_and_the_first_one_cut() -> None:
    asks = caller(clock=Clock(6 * 300_000 + 90_000))
    rows = {("BTCUSDT", 1): [minute(60 * i, 70_000 + i) for i in range(40)]}
    asks.server.venue.candle_source = Rows(rows)
    asks.server.venue.set_price("BTCUSDT", "77000.0")
    got = await asks.data(
        "/contract/public/kline", symbol="BTCUSDT", step=5, start_time=4 * 300 + 120, end_time=6 * 300 + 90
    )
    assert [row["timestamp"] for row in got] == [1200, 1500, 1800]
    assert [row["volume"] for row in got] == ["30", "50", "20"]  # three minutes, five, two so far
    assert [row["close_price"] for row in got] == ["70024", "70029", "77000"]
    assert got[0]["open_price"] == "70021"
    mark = await asks.data(
        "/contract/public/markprice-kline", symbol="BTCUSDT", step=1, start_time=1860, end_time=1890
    )
    assert [(row["close_price"], row["volume"]) for row in mark] == [("77000", "0")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"step": 7, "start_time": 0, "end_time": 60}, 40038),
        ({"step": 1, "start_time": 0}, 40039),
        ({"step": 1, "start_time": 60, "end_time": 0}, 40039),
        ({"step": 1, "start_time": AT_MS - 60_000, "end_time": AT_MS}, 40039),
    ],
)
async def test_candle_parameters(query: dict[str, int], expected: int) -> None:
    assert code(await caller().get("/contract/public/kline", symbol="BTCUSDT", **query)) == expected


async def test_candles_are_at_most_five_hundred() -> None:
    now = AT_MS // 1000
    got = await caller().data(
        "/contract/public/kline", symbol="BTCUSDT", step=1, start_time=now - 86_400, end_time=now
    )
    assert len(got) == 500
    assert got[-1]["timestamp"] == now - now % 60
