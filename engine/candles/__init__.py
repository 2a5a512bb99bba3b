"""Candles of one symbol and timeframe, the closed-bar law, and longer candles built from shorter ones."""

from engine.candles.calendar import STEP_MS, TIMEFRAMES, anchor_of, period_bounds
from engine.candles.candle_set import CandleError, CandleSet
from engine.candles.resample import resample
from engine.models.base import Timeframe

__all__ = [
    "STEP_MS",
    "TIMEFRAMES",
    "CandleError",
    "CandleSet",
    "Timeframe",
    "anchor_of",
    "period_bounds",
    "resample",
]
