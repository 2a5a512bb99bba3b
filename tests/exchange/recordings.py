"""Constructed candles, and what is needed to write and compare them."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.candles import STEP_MS, CandleSet, Timeframe

START_MS = 1_748_217_600_000  # 2025-05-26T00:00:00Z, a Monday
COLUMNS = ("open", "high", "low", "close", "volume")


def candles(timeframe: Timeframe, count: int, *, start_ms: int = START_MS, seed: int = 1) -> CandleSet:
    """A walk in steps of 0.5 around 100, so that every price is exact in binary and in decimals."""
    random = np.random.default_rng(seed)
    close = 100 + np.cumsum(random.integers(-2, 3, count)) * 0.5
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(open_, close) + random.integers(0, 3, count) * 0.5
    low = np.minimum(open_, close) - random.integers(0, 3, count) * 0.5
    ts = start_ms + np.arange(count) * STEP_MS[timeframe]
    volume = random.integers(1, 1000, count).astype(float)
    return CandleSet.from_columns("ANYUSDT", timeframe, ts, open_, high, low, close, volume)


def columns(candles: CandleSet) -> dict[str, Any]:
    """The columns as a file has them, to be changed before they are written."""
    return {"ts_ms": candles.ts.copy(), **{name: getattr(candles, name).copy() for name in COLUMNS}}


def same(left: CandleSet, right: CandleSet) -> bool:
    """Whether two sets hold the same rows, to the last bit."""
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in ("ts", *COLUMNS))
