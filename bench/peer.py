"""What no run can do without: the indicators of its rules, by TA-Lib alone on candles in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import talib

from bench.table import best_of
from engine.candles import CandleSet, anchor_of
from engine.models import facts as f
from engine.verdict import ProfileRules
from server.exchange.port import Exchange

_ta = cast(Any, talib)
TIMES = 3


async def indicators_alone(
    venue: Exchange, profiles: Iterable[ProfileRules], symbols: Sequence[str], at_ms: int
) -> float:
    """Shortest seconds for every profile, timeframe and symbol: each call of TA-Lib once, nothing of it read.

    What TA-Lib does not have (VWAP, pivots, ratios of volumes) is left out.
    """
    work: list[tuple[list[Callable[[CandleSet], Any]], CandleSet]] = []
    for rules in profiles:
        for plan in rules.plans.values():
            calls = [
                call
                for key in {_key(d): d for d in plan.definitions.values()}.items()
                if (call := _call(key[1]))
            ]
            start = anchor_of(plan.anchor, at_ms)
            for symbol in symbols:
                candles = await venue.candles(symbol, plan.timeframe, start, at_ms)
                work.append((calls, candles.closed(at_ms)))

    def alone() -> None:
        for calls, candles in work:
            for call in calls:
                call(candles)

    return best_of(TIMES, alone)


def _key(definition: f.FactBase) -> object:
    """Outputs of one call have the same key."""
    match definition:
        case f.MacdFact(fast=fast, slow=slow, signal=signal):
            return ("macd", fast, slow, signal)
        case f.BollingerFact(period=period, deviations=deviations):
            return ("bollinger", period, deviations)
        case _:
            return definition


def _call(definition: f.FactBase) -> Callable[[CandleSet], Any] | None:
    match definition:
        case f.EmaFact(period=period):
            return lambda c: _ta.EMA(c.close, period)
        case f.SmaFact(period=period):
            return lambda c: _ta.SMA(c.close, period)
        case f.RsiFact(period=period):
            return lambda c: _ta.RSI(c.close, period)
        case f.AtrFact(period=period):
            return lambda c: _ta.ATR(c.high, c.low, c.close, period)
        case f.AdxFact(period=period):
            return lambda c: _ta.ADX(c.high, c.low, c.close, period)
        case f.MacdFact(fast=fast, slow=slow, signal=signal):
            return lambda c: _ta.MACD(c.close, fast, slow, signal)
        case f.BollingerFact(period=period, deviations=deviations):
            return lambda c: _ta.BBANDS(c.close, period, deviations, deviations)
        case _:
            return None
