"""Longer candles from shorter ones: complete UTC buckets only, so that none of them is still forming."""

from __future__ import annotations

import numpy as np

from engine.candles.calendar import STEP_MS
from engine.candles.candle_set import CandleError, CandleSet
from engine.models.base import Timeframe


def resample(candles: CandleSet, timeframe: Timeframe) -> CandleSet:
    """Candles of ``timeframe``; a bucket with a missing part does not exist. Raises ``CandleError``."""
    small, large = STEP_MS[candles.timeframe], STEP_MS[timeframe]
    if large == small:
        return candles
    if large < small or large % small:
        raise CandleError(candles.symbol, candles.timeframe, f"cannot be built into {timeframe}")
    parts = large // small
    bucket = candles.ts // large
    starts = (
        np.flatnonzero(np.concatenate(([True], bucket[1:] != bucket[:-1])))
        if len(candles)
        else np.empty(0, int)
    )
    ends = np.append(starts[1:], len(candles))
    complete = (ends - starts) == parts
    first = starts[complete]
    if not len(first):
        return CandleSet.empty(candles.symbol, timeframe)
    grid = first[:, None] + np.arange(parts)
    volume = np.cumsum(candles.volume[grid], axis=1)[:, -1]  # summed in order of time, whatever the slice
    return CandleSet.from_columns(
        candles.symbol,
        timeframe,
        bucket[first] * large,
        candles.open[first],
        candles.high[grid].max(axis=1),
        candles.low[grid].min(axis=1),
        candles.close[first + parts - 1],
        volume,
    )
