"""The venue's clock, its candles, and the venue by hand."""

from __future__ import annotations

import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from .bitmart import Candle, Clock, Folder, Options, Rows
from .caller import AT_MS, caller, code


async def test_system_time_is_the_venues() -> None:
    asks = caller()
    assert (await asks.data("/system/time"))["server_time"] == AT_MS
    asks.server.clock.advance(1500)
    assert (await asks.data("/system/time"))["server_time"] == AT_MS + 1500
    assert (await asks.data("/system/service"))["service"][0]["service_type"] == "contract"


ROOT = Path(__file__).resolve().parents[2]


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


async def test_market_follows_recorded_candles(market_data: Path) -> None:
    folder = market_data / "klines" / "2025-05"
    asks = caller(Options(follow_candles=True), clock=Clock(1_748_476_800_000))  # 2025-05-29 00:00
    venue = asks.server.venue
    venue.candle_source = Folder(folder)
    await asks.data("/system/time")
    contract = venue.contracts["BTCUSDT"]
    for minutes in (1, 7):
        asks.server.clock.advance(minutes * 60_000)
        now_s = (await asks.data("/system/time"))["server_time"] // 1000
        assert venue.quotes["BTCUSDT"].last == venue.candle_source.price_at(contract, now_s)
    got = await asks.data(
        "/contract/public/kline", symbol="BTCUSDT", step=5, start_time=now_s - 900, end_time=now_s - 1
    )
    assert len(got) == 4  # the first cut, two whole ones, the running one
    one = await asks.data(
        "/contract/public/kline", symbol="BTCUSDT", step=1, start_time=got[1]["timestamp"], end_time=now_s - 1
    )
    assert got[1]["close_price"] == one[4]["close_price"]
    assert Decimal(got[1]["volume"]) == sum(Decimal(row["volume"]) for row in one[:5])


def test_by_hand() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.venues.bitmart_server",
        "--clock",
        str(AT_MS),
        "--fault",
        "delay=0",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[1]
            assert httpx.get(f"{address}/system/time").json()["data"] == {"server_time": AT_MS}
            assert "POST /_control/price" in httpx.get(f"{address}/_control/").json()["known"]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)
    assert process.returncode == 0
