"""The laws on candles that do not ship; skipped where the recorded market data is absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from closed_bar_laws import (
    MINUTE,
    facts_are_of_the_candles_that_closed_last,
    one_pass_equals_minute_by_minute,
)
from shipped import Candles, shipped_rules

from engine.candles import STEP_MS, CandleSet, resample
from server.exchange.paper.parquet import read_columns


def read(path: Path) -> CandleSet:
    symbol, timeframe = path.stem.rsplit("-", 1)
    assert timeframe in STEP_MS
    return CandleSet.from_columns(symbol, timeframe, *read_columns(path))  # type: ignore[arg-type]


def minutes_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*-1m.parquet"))


def test_every_recorded_file_passes_the_door(market_data: Path) -> None:
    paths = sorted((market_data / "klines").rglob("*.parquet"))
    assert len(paths) > 100
    for path in paths:
        assert len(read(path)) > 0


@pytest.mark.parametrize("recorded_in", ["2023-07", "2026-01"])
def test_replay_is_live_in_other_markets(recorded_in: str, market_data: Path) -> None:
    paths = minutes_of(market_data / "klines" / recorded_in)
    random = np.random.default_rng(7)
    for path in paths[:: max(1, len(paths) // 3)]:
        minutes = read(path)
        candles: Candles = {(minutes.symbol, "1m"): minutes, (minutes.symbol, "5m"): resample(minutes, "5m")}
        first, last = int(minutes.ts[0]) + 300 * MINUTE, int(minutes.ts[-1]) + MINUTE
        chosen = first + random.integers(0, max(1, (last - first) // MINUTE), 25) * MINUTE
        instants = sorted({*chosen.tolist(), last})
        one_pass_equals_minute_by_minute(shipped_rules(), [minutes.symbol], candles, instants)
        for at in instants[::6]:
            facts_are_of_the_candles_that_closed_last(shipped_rules(), minutes.symbol, candles, at)
