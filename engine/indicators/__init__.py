"""Indicator columns of one symbol and timeframe, by TA-Lib where it has them."""

from engine.indicators.library import evaluate, warm_up
from engine.indicators.window import Window

__all__ = ["Window", "evaluate", "warm_up"]
