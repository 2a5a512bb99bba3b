"""What ships is what the manifest says, fits the contract specifications, and is small."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from engine.candles import CandleSet
from server.bundled import make
from server.exchange.paper.parquet import read_columns
from server.exchange.paper.specification import read_specifications
from server.exchange.paper.venue import BUNDLED
from server.instants import iso

MANIFEST = json.loads((BUNDLED / "manifest.json").read_text())
FILES = {entry["file"]: entry for entry in MANIFEST["files"]}


def load(name: str) -> CandleSet:
    entry = FILES[name]
    return CandleSet.from_columns(entry["symbol"], entry["timeframe"], *read_columns(BUNDLED / name))


def test_every_shipped_file_is_in_the_manifest_and_no_other() -> None:
    assert {f"candles/{path.name}" for path in (BUNDLED / "candles").iterdir()} == set(FILES)


def test_the_bundle_is_small() -> None:
    assert sum(path.stat().st_size for path in (BUNDLED / "candles").iterdir()) < 2_400_000


@pytest.mark.parametrize("name", FILES)
def test_a_shipped_file_is_what_the_manifest_says(name: str) -> None:
    entry, candles = FILES[name], load(name)
    assert hashlib.sha256((BUNDLED / name).read_bytes()).hexdigest() == entry["sha256"]
    assert (len(candles), iso(int(candles.ts[0])), iso(int(candles.ts[-1]))) == (
        entry["rows"],
        entry["first"],
        entry["last"],
    )
    assert entry["first"] == make.FIRST
    assert entry["last"] == make.LAST
    assert np.all(np.diff(candles.ts) == 60_000)
    assert entry["licence"] == "MIT"
    assert entry["repository"].endswith(make.REPOSITORY)
    assert (BUNDLED / MANIFEST["licence_text"]).read_text().startswith("MIT License")


@pytest.mark.parametrize("name", FILES)
def test_every_recorded_price_lies_on_a_tick(name: str) -> None:
    candles = load(name)
    tick = read_specifications(BUNDLED / "contracts.json")[candles.symbol].tick_size
    prices = np.unique(np.concatenate([candles.open, candles.high, candles.low, candles.close]))
    assert all(Decimal(repr(float(price))) % tick == 0 for price in prices)


@pytest.mark.parametrize("name", FILES)
def test_no_value_was_altered(name: str, market_data: Path) -> None:
    shipped = load(name)
    source = CandleSet.from_columns(
        shipped.symbol, "1m", *read_columns(market_data / "klines" / make.SET / Path(name).name)
    )
    part = source.since(int(shipped.ts[0])).closed(int(shipped.ts[-1]) + 60_000)
    for column in ("ts", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(shipped, column), getattr(part, column))


def test_every_recorded_symbol_has_a_specification(market_data: Path) -> None:
    recorded = {path.stem.partition("-")[0] for path in (market_data / "klines").rglob("*.parquet")}
    assert recorded <= set(read_specifications(BUNDLED / "contracts.json"))
