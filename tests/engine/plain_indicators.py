"""Indicators again, as plain Python over lists: slow, written from their definitions, without TA-Lib.

Each returns one value per bar, ``None`` before the first one. Wilder: *New Concepts in Technical Trading
Systems* (1978); MACD: Appel; StochRSI: Chande & Kroll.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean, pstdev

Series = list[float | None]


def sma(values: list[float], period: int) -> Series:
    return [None if i + 1 < period else fmean(values[i + 1 - period : i + 1]) for i in range(len(values))]


def ema(values: list[float], period: int) -> Series:
    """Seeded with the mean of the first ``period`` values."""
    out: Series = [None] * len(values)
    if len(values) < period:
        return out
    value = fmean(values[:period])
    out[period - 1] = value
    weight = 2 / (period + 1)
    for i in range(period, len(values)):
        value = weight * values[i] + (1 - weight) * value
        out[i] = value
    return out


def rsi(close: list[float], period: int) -> Series:
    out: Series = [None] * len(close)
    steps = [b - a for a, b in pairwise(close)]
    gains, losses = [max(s, 0.0) for s in steps], [max(-s, 0.0) for s in steps]
    if len(steps) < period:
        return out
    gain, loss = fmean(gains[:period]), fmean(losses[:period])
    for i in range(period - 1, len(steps)):
        if i >= period:
            gain = (gain * (period - 1) + gains[i]) / period
            loss = (loss * (period - 1) + losses[i]) / period
        out[i + 1] = 100 * gain / (gain + loss) if gain + loss else None
    return out


def true_ranges(high: list[float], low: list[float], close: list[float]) -> list[float]:
    """From the second bar on."""
    return [
        max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
        for i in range(1, len(close))
    ]


def atr(high: list[float], low: list[float], close: list[float], period: int) -> Series:
    out: Series = [None] * len(close)
    ranges = true_ranges(high, low, close)
    if len(ranges) < period:
        return out
    value = fmean(ranges[:period])
    out[period] = value
    for i in range(period, len(ranges)):
        value = (value * (period - 1) + ranges[i]) / period
        out[i + 1] = value
    return out


def adx(high: list[float], low: list[float], close: list[float], period: int) -> Series:
    out: Series = [None] * len(close)
    ranges = true_ranges(high, low, close)
    ups = [high[i] - high[i - 1] for i in range(1, len(close))]
    downs = [low[i - 1] - low[i] for i in range(1, len(close))]
    plus = [u if u > d and u > 0 else 0.0 for u, d in zip(ups, downs, strict=True)]
    minus = [d if d > u and d > 0 else 0.0 for u, d in zip(ups, downs, strict=True)]
    sums = [sum(column[: period - 1]) for column in (plus, minus, ranges)]
    directional: list[float] = []
    value = 0.0
    for i in range(period - 1, len(ranges)):
        moved = (plus[i], minus[i], ranges[i])
        sums = [s - s / period + x for s, x in zip(sums, moved, strict=True)]
        p, m = (100 * s / sums[2] if sums[2] else 0.0 for s in sums[:2])
        directional.append(100 * abs(p - m) / (p + m) if p + m else 0.0)
        if len(directional) == period:
            value = fmean(directional)
        elif len(directional) > period:
            value = (value * (period - 1) + directional[-1]) / period
        if len(directional) >= period:
            out[i + 1] = value
    return out


def bollinger(close: list[float], period: int, deviations: float) -> tuple[Series, Series]:
    """Upper and lower band."""
    upper: Series = [None] * len(close)
    lower: Series = [None] * len(close)
    for i in range(period - 1, len(close)):
        part = close[i + 1 - period : i + 1]
        middle, width = fmean(part), deviations * pstdev(part)
        upper[i], lower[i] = middle + width, middle - width
    return upper, lower


def _after_gap(values: Series, period: int, start: int) -> Series:
    """A moving average of a series whose first ``start`` values are missing."""
    known = [v for v in values[start:] if v is not None]
    return [*([None] * start), *sma(known, period)]


def stoch_rsi(
    close: list[float], period: int, window: int, smooth_k: int, smooth_d: int
) -> tuple[Series, Series]:
    """``k`` and ``d``."""
    strength = rsi(close, period)
    raw: Series = [None] * len(close)
    for i in range(period + window - 1, len(close)):
        part = [v for v in strength[i + 1 - window : i + 1] if v is not None]
        low, high = min(part), max(part)
        raw[i] = 100 * (part[-1] - low) / (high - low) if high > low else 0.0
    first = period + window - 1
    k = _after_gap(raw, smooth_k, first)
    return k, _after_gap(k, smooth_d, first + smooth_k - 1)


def session_vwap(
    days: list[int], high: list[float], low: list[float], close: list[float], volume: list[float]
) -> Series:
    """``days`` is the UTC day number of each bar's open."""
    out: Series = []
    traded = turnover = 0.0
    for i, day in enumerate(days):
        if i == 0 or day != days[i - 1]:
            traded = turnover = 0.0
        traded += volume[i]
        turnover += (high[i] + low[i] + close[i]) / 3 * volume[i]
        out.append(turnover / traded if traded else None)
    return out


def volume_ratio(volume: list[float], window: int) -> Series:
    out: Series = [None] * len(volume)
    for i in range(window, len(volume)):
        mean = fmean(volume[i - window : i])
        out[i] = volume[i] / mean if mean > 0 and volume[i] > 0 else None
    return out
