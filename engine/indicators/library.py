"""Every indicator of ``facts.yaml``, as a column over a window.

Moving averages, RSI, MACD, ATR, ADX and Bollinger bands are TA-Lib's (EMA seeded with the SMA of its first
``period`` values, Wilder smoothing for RSI, ATR and ADX). A value depends only on the candles of its run up
to its own bar, and every sum is taken in order of time, so computing a long window once or bar by bar gives
the same bits. Unknown is NaN: before the warm-up, and where a formula has no value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import talib
from numpy.typing import NDArray

from engine.candles import CandleSet
from engine.candles.calendar import DAY_MS
from engine.indicators.window import Window
from engine.models import facts as f

Floats = NDArray[np.float64]
_ta = cast(Any, talib)


@np.errstate(all="ignore")
def evaluate(definition: f.FactBase, window: Window) -> Floats:
    """The fact's column, float64 of the window's length."""
    match definition:
        case f.CandleFact(output=output):
            return cast(Floats, getattr(window.candles, output))
        case f.EmaFact(period=period):
            return _by_run(window, lambda c: _ta.EMA(c.close, period), period)
        case f.SmaFact(period=period):
            return _by_run(window, lambda c: _ta.SMA(c.close, period), period)
        case f.RsiFact(period=period):
            return _by_run(window, lambda c: _rsi(c.close, period), period + 1)
        case f.AtrFact(period=period):
            return _by_run(window, lambda c: _ta.ATR(c.high, c.low, c.close, period), period + 1)
        case f.AdxFact(period=period):
            return _by_run(window, lambda c: _ta.ADX(c.high, c.low, c.close, period), 2 * period)
        case f.MacdFact():
            return _macd(window, definition)
        case f.BollingerFact():
            return _bollinger(window, definition)
        case f.StochRsiFact():
            return _stoch_rsi(window, definition)
        case f.SessionVwapFact():
            return _session_vwap(window)
        case f.WindowVwapFact(window=length):
            return _by_run(window, lambda c: _window_vwap(c, length), length)
        case f.VolumeRatioFact(window=length):
            return _by_run(window, lambda c: _volume_ratio(c.volume, length), length + 1)
        case f.PivotFact(output=output):
            return _pivots(window, output)
        case _:
            raise TypeError(f"no indicator for {type(definition).__name__}")


def warm_up(definition: f.FactBase) -> int:
    """Closed candles in a row before the first value exists. Calendar-bound facts count one candle."""
    match definition:
        case f.EmaFact(period=p) | f.SmaFact(period=p) | f.BollingerFact(period=p):
            return p
        case f.RsiFact(period=p) | f.AtrFact(period=p):
            return p + 1
        case f.AdxFact(period=p):
            return 2 * p
        case f.MacdFact(slow=slow, fast=fast, signal=signal):
            return max(slow, fast) + signal - 1
        case f.StochRsiFact(output=output, period=p, stochastic=s, smooth_k=k, smooth_d=d):
            return p + s + k - 1 + (d - 1 if output == "d" else 0)
        case f.WindowVwapFact(window=length):
            return length
        case f.VolumeRatioFact(window=length):
            return length + 1
        case _:
            return 1


def _by_run(window: Window, compute: Callable[[CandleSet], Any], least: int) -> Floats:
    if window.runs == [(0, len(window))] and len(window) >= least:
        return cast(Floats, compute(window.candles))
    column = window.unknown()
    for start, stop in window.runs:
        if stop - start >= least:
            column[start:stop] = compute(window.candles.between(start, stop))
    return column


def _several(
    window: Window, key: Any, compute: Callable[[CandleSet], tuple[Any, ...]], least: int, count: int
):
    """Indicators with several outputs are computed once per window and parameters."""
    if key not in window.memo and window.runs == [(0, len(window))] and len(window) >= least:
        window.memo[key] = compute(window.candles)
    if key not in window.memo:
        columns = tuple(window.unknown() for _ in range(count))
        for start, stop in window.runs:
            if stop - start >= least:
                for column, values in zip(columns, compute(window.candles.between(start, stop)), strict=True):
                    column[start:stop] = values
        window.memo[key] = columns
    return window.memo[key]


def _rsi(close: Floats, period: int) -> Floats:
    values = cast(Floats, _ta.RSI(close, period))
    if not (values == 0.0).any():
        return values
    # TA-Lib says 0 for a series that never moved; 0 is only true where prices fell and never rose.
    change = np.diff(close, prepend=close[0])
    fell = np.maximum.accumulate(change < 0)
    rose = np.maximum.accumulate(change > 0)
    return np.where((values == 0.0) & ~(fell & ~rose), np.nan, values)


def _macd(window: Window, d: f.MacdFact) -> Floats:
    least = max(d.fast, d.slow) + d.signal - 1
    outputs = _several(
        window,
        ("macd", d.fast, d.slow, d.signal),
        lambda c: _ta.MACD(c.close, d.fast, d.slow, d.signal),
        least,
        3,
    )
    return outputs[("line", "signal", "hist").index(d.output)]


def _bollinger(window: Window, d: f.BollingerFact) -> Floats:
    upper, middle, lower = _several(
        window,
        ("bollinger", d.period, d.deviations),
        lambda c: _ta.BBANDS(c.close, d.period, d.deviations, d.deviations),
        d.period,
        3,
    )
    return {"upper": upper, "middle": middle, "lower": lower, "width": upper - lower}[d.output]


def _stoch_rsi(window: Window, d: f.StochRsiFact) -> Floats:
    def compute(c: CandleSet) -> tuple[Floats, Floats]:
        rsi = cast(Floats, _ta.RSI(c.close, d.period))[d.period :]
        low, high = _ta.MIN(rsi, d.stochastic), _ta.MAX(rsi, d.stochastic)
        with np.errstate(all="ignore"):
            raw = np.where(high > low, 100.0 * (rsi - low) / (high - low), np.where(high == low, 0.0, np.nan))
        k = _mean(raw, d.smooth_k)
        return _pad(k, d.period), _pad(_mean(k, d.smooth_d), d.period)

    key = ("stoch_rsi", d.period, d.stochastic, d.smooth_k, d.smooth_d)
    least = d.period + d.stochastic + d.smooth_k - 1
    return _several(window, key, compute, least, 2)[("k", "d").index(d.output)]


def _mean(values: Floats, period: int) -> Floats:
    """Mean of the last ``period`` values, each summed anew: a running sum keeps a rest of what has left it,
    and that rest over a mean of zero is a large number instead of none."""
    size = len(values) - period + 1
    if size <= 0:
        return np.full(len(values), np.nan)
    total = values[:size].copy()
    for back in range(1, period):
        total += values[back : back + size]
    return _pad(total / period, period - 1)


def _pad(values: Floats, front: int) -> Floats:
    return np.concatenate((np.full(front, np.nan), values))


def _typical(candles: CandleSet) -> Floats:
    return (candles.high + candles.low + candles.close) / 3.0


def _ratio(total: Floats, volume: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return np.where(volume > 0, total / volume, np.nan)


def _session_vwap(window: Window) -> Floats:
    """Unknown unless the run holds the session from its start; only sessions that are read are summed."""
    column = window.unknown()
    ts = window.candles.ts
    for start, stop in window.runs:
        at = max(start, window.first_needed)
        while at < stop:
            midnight = int(ts[at]) - int(ts[at]) % DAY_MS
            first = at - (int(ts[at]) - midnight) // window.step
            end = min(stop, first + DAY_MS // window.step)
            if first >= start:
                day = window.candles.between(first, end)
                total, volume = np.cumsum(_typical(day) * day.volume), np.cumsum(day.volume)
                column[first:end] = _ratio(total, volume)
            at = end
    return column


def _window_vwap(candles: CandleSet, length: int) -> Floats:
    def rolling(values: Floats) -> Floats:
        sums = np.concatenate(([0.0], np.cumsum(values)))
        return sums[length:] - sums[:-length]

    return _pad(_ratio(rolling(_typical(candles) * candles.volume), rolling(candles.volume)), length - 1)


def _volume_ratio(volume: Floats, length: int) -> Floats:
    before = _pad(_mean(volume, length)[:-1], 1)
    with np.errstate(all="ignore"):
        return np.where((before > 0) & (volume > 0), volume / before, np.nan)


def _pivots(window: Window, output: str) -> Floats:
    """Levels of the UTC day before the one of the bar's close; unknown if a candle of it is missing."""
    column = window.unknown()
    candles, step = window.candles, window.step
    day_of_close = (candles.ts + step) // DAY_MS
    per_day = DAY_MS // step
    at = window.first_needed
    while at < len(window):
        day = int(day_of_close[at])
        end = int(np.searchsorted(day_of_close, day, side="right"))
        first, last = (int(i) for i in np.searchsorted(candles.ts, [(day - 1) * DAY_MS, day * DAY_MS]))
        if last - first == per_day:
            high, low = float(candles.high[first:last].max()), float(candles.low[first:last].min())
            column[at:end] = pivot_level(output, high, low, float(candles.close[last - 1]))
        at = end
    return column


def pivot_level(output: str, high: float, low: float, close: float) -> float:
    """A classic pivot level: ``pp``, ``r1`` … ``r6``, ``s1`` … ``s6`` of a period's high, low and close."""
    pp = (high + low + close) / 3.0
    if output == "pp":
        return pp
    rank = int(output[1])
    if output[0] == "r":
        return {1: 2 * pp - low, 2: pp + (high - low)}.get(rank, high + (rank - 1) * (pp - low))
    return {1: 2 * pp - high, 2: pp - (high - low)}.get(rank, low - (rank - 1) * (high - pp))
