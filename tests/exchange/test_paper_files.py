"""A folder of candle files: what is found in it, and what each way of being broken says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from recordings import START_MS, candles, columns

from server.exchange.errors import ExchangeError
from server.exchange.paper import PaperExchange, PaperOptions
from server.exchange.paper.catalogue import read_catalogue
from server.exchange.paper.errors import CandleFileBroken, MarketDataError
from server.exchange.port import Contract

Write = Callable[[str, dict[str, Any]], Path]
EVER = (0, 2**50)
MINUTE_MS = 60_000


def changed(name: str, row: int, value: float) -> dict[str, Any]:
    table = columns(candles("1m", 30))
    table[name][row] = value
    return table


def without(name: str) -> dict[str, Any]:
    table = columns(candles("1m", 30))
    del table[name]
    return table


def replaced(name: str, column: Any) -> dict[str, Any]:
    return {**columns(candles("1m", 30)), name: column}


BROKEN = {
    "a column is missing": (without("low"), r"there is no column 'low'; found \['ts_ms', 'open', "),
    "the time is missing": (without("ts_ms"), r"there is no column 'ts_ms'"),
    "the time is a date": (
        replaced("ts_ms", pa.array(range(30), pa.timestamp("ms"))),
        r"column 'ts_ms' is timestamp\[ms\], not whole milliseconds",
    ),
    "a price is text": (replaced("open", ["1"] * 30), r"column 'open' is string, not numbers"),
    "unsorted": (changed("ts_ms", 7, START_MS), r", row 7: the open times are not ascending"),
    "a duplicate": (changed("ts_ms", 8, START_MS + 7 * MINUTE_MS), r", row 8: the open time is a duplicate"),
    "between two minutes": (changed("ts_ms", 9, START_MS + 9 * MINUTE_MS + 1), r", row 9: .* multiple of 1m"),
    "not a number": (changed("close", 11, np.nan), r", row 11: close is not a finite number"),
    "infinite": (changed("volume", 12, np.inf), r", row 12: volume is not a finite number"),
    "an empty cell": (
        replaced("high", pa.array([200.0] * 13 + [None] + [200.0] * 16)),
        r", row 13: high is not a finite number",
    ),
    "high below close": (changed("high", 14, 1.0), r", row 14: high and low do not enclose open and close"),
}


@pytest.mark.parametrize(("table", "message"), BROKEN.values(), ids=BROKEN)
async def test_a_broken_file_says_which_row_and_leaves_the_other_symbols_alone(
    write: Write, tmp_path: Path, table: dict[str, Any], message: str
) -> None:
    path = write("ETHUSDT-1m.parquet", table)
    write("BTCUSDT-1m.parquet", columns(candles("1m", 30)))
    venue = PaperExchange(PaperOptions(market_data=tmp_path))
    with pytest.raises(CandleFileBroken, match=re.escape(str(path)) + ".*" + message) as caught:
        await venue.candles("ETHUSDT", "1m", *EVER)
    assert caught.value.symbol == "ETHUSDT"
    assert len(await venue.candles("BTCUSDT", "1m", *EVER)) == 30
    assert list(await venue.contracts()) == ["BTCUSDT", "ETHUSDT"]
    with pytest.raises(ExchangeError, match=re.escape(str(path))):
        await venue.top_of_book("ETHUSDT")
    assert (await venue.top_of_book("BTCUSDT")).at_ms == START_MS + 30 * MINUTE_MS


async def test_a_file_that_is_not_parquet_is_listed_and_says_so(write: Write, tmp_path: Path) -> None:
    write("BTCUSDT-1m.parquet", columns(candles("1m", 30)))
    (tmp_path / "ETHUSDT-1m.parquet").write_text("ts_ms,open\n")
    venue = PaperExchange(PaperOptions(market_data=tmp_path))
    with pytest.raises(CandleFileBroken, match=r"ETHUSDT-1m\.parquet: Parquet"):
        await venue.candles("ETHUSDT", "1m", *EVER)
    assert await venue.now_ms() == START_MS + 30 * MINUTE_MS


async def test_an_empty_file_is_a_symbol_without_candles(write: Write, tmp_path: Path) -> None:
    write("BTCUSDT-1m.parquet", columns(candles("1m", 30)))
    write("ETHUSDT-1m.parquet", {name: column[:0] for name, column in columns(candles("1m", 1)).items()})
    venue = PaperExchange(PaperOptions(market_data=tmp_path))
    assert len(await venue.candles("ETHUSDT", "1m", *EVER)) == 0
    assert len(await venue.candles("ETHUSDT", "5m", *EVER)) == 0


def test_the_folder_is_searched_at_any_depth_and_other_files_are_reported(
    write: Write, tmp_path: Path
) -> None:
    table = columns(candles("1m", 5))
    write("BTCUSDT-1m.parquet", table)
    write("deep/er/BTCUSDT-1h.parquet", {**table, "ts_ms": START_MS + np.arange(5) * 60 * MINUTE_MS})
    write("deep/ETHUSDT-1m.parquet", table)
    other = {write("BTCUSDT-3m.parquet", table), write("BTCUSDT-bbo-2024-08-08.parquet", table)}
    catalogue = read_catalogue(tmp_path)
    assert {symbol: list(files) for symbol, files in catalogue.files.items()} == {
        "BTCUSDT": ["1m", "1h"],
        "ETHUSDT": ["1m"],
    }
    assert set(catalogue.ignored) == other


def test_a_folder_that_cannot_be_served_is_named(write: Write, tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match="absent: this folder of market data does not exist"):
        PaperExchange(PaperOptions(market_data=tmp_path / "absent"))
    with pytest.raises(MarketDataError, match=r"no <SYMBOL>-<timeframe>\.parquet in here \(1m, 5m, "):
        PaperExchange(PaperOptions(market_data=tmp_path))
    (tmp_path / "BTCUSDT-1m.parquet").write_bytes(b"")
    with pytest.raises(MarketDataError, match="no candle file here has a readable row"):
        PaperExchange(PaperOptions(market_data=tmp_path))


@pytest.mark.parametrize(
    ("spans", "common"),
    [
        ({"A": [(0, 60)], "B": [(0, 60)]}, 60),
        ({"A": [(0, 60)], "B": [(0, 45)]}, 45),
        ({"A": [(0, 60)], "B": [(50, 90)], "C": [(55, 100)]}, 60),
        ({"A": [(0, 30), (100, 160)], "B": [(0, 40)], "C": [(120, 150)]}, 150),  # two pairs: the later one
        ({"A": [(0, 30)], "B": [(100, 130)]}, 130),
    ],
)
def test_the_default_instant_is_the_last_at_which_the_most_symbols_have_a_closed_candle(
    write: Write, tmp_path: Path, spans: dict[str, list[tuple[int, int]]], common: int
) -> None:
    for symbol, parts in spans.items():
        for first, last in parts:
            part = candles("1m", last - first, start_ms=START_MS + first * MINUTE_MS)
            write(f"{first}/{symbol}USDT-1m.parquet", columns(part))
    recording = read_catalogue(tmp_path).recording()
    assert (recording.common_ms - START_MS) // MINUTE_MS == common
    assert recording.first_ms == START_MS + MINUTE_MS
    assert (recording.last_ms - START_MS) // MINUTE_MS == max(last for p in spans.values() for _, last in p)


async def test_a_folders_own_contracts_amend_the_bundled_ones(write: Write, tmp_path: Path) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT", "NEWUSDT", "OTHERUSDT"):
        write(f"{symbol}-1m.parquet", columns(candles("1m", 30)))
    entry = """{"symbol": "%s", "base": "X", "quote": "USDT", "tick_size": "0.5", "size_step": "1",
      "contract_size": "0.01", "min_size": "1", "min_leverage": 1, "max_leverage": 20, "maker_fee_ratio": "0",
      "taker_fee_ratio": "0.001", "maintenance_margin_ratio": "0.02", "origin": "assumed"}"""
    own = ", ".join(entry % symbol for symbol in ("BTCUSDT", "NEWUSDT"))
    (tmp_path / "contracts.json").write_text(f'{{"version": 1, "contracts": [{own}]}}')
    listings = await PaperExchange(PaperOptions(market_data=tmp_path)).contracts()
    ticks = {s: str(found.tick_size) for s, found in listings.items() if isinstance(found, Contract)}
    assert ticks == {"BTCUSDT": "0.5", "ETHUSDT": "0.01", "NEWUSDT": "0.5"}
    assert listings["OTHERUSDT"].status == "unspecified"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"version": 1, "contracts": [{"symbol": "BTCUSDT"}]}', r"contracts\.0\.tick_size: Field required"),
        ('{"version": 1, "contracts": [], "tick": 1}', "tick: Extra inputs are not permitted"),
        ("{", "contracts.json: document: Invalid JSON"),
    ],
)
def test_a_broken_contracts_file_is_named_with_its_field(
    write: Write, tmp_path: Path, text: str, message: str
) -> None:
    write("BTCUSDT-1m.parquet", columns(candles("1m", 30)))
    (tmp_path / "contracts.json").write_text(text)
    with pytest.raises(MarketDataError, match=message):
        PaperExchange(PaperOptions(market_data=tmp_path))
