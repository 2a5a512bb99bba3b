"""What trade entry is handed: a READY verdict of one symbol, and the facts its plan is computed from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.candles import Timeframe
from engine.models.base import Side
from engine.models.exact import exact
from engine.models.trade_entry import TradeEntryDocument
from server.trade_entry.split import reads

FactKey = tuple[str, Timeframe]
"""A fact of ``rules/facts.yaml`` and the timeframe it is read on."""

FactValues = Mapping[FactKey, float | None]
"""One symbol's values at the signal's as-of instant; None and NaN are unknown."""

PIVOT_LEVELS = ("pp", *(f"r{n}" for n in range(1, 7)), *(f"s{n}" for n in range(1, 7)))
"""Classic pivots of the previous closed UTC day, as facts ``pivot_<level>``."""

FALLBACK_ATR_TIMEFRAMES: tuple[Timeframe, ...] = ("5m", "15m")
"""Where the ATR is taken from, in this order, when the execution timeframe has none."""

VOLATILITY_TIMEFRAME: Timeframe = "15m"
"""Timeframe of the ATR that tempers the leverage cap."""

SPLIT_ATR_TIMEFRAME: Timeframe = "5m"
"""Timeframe of the ATR that the split strategies know."""

TREND_STRENGTH: FactKey = ("adx_14", "1h")
"""What the market-entry switch and the split strategies know the trend by."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A READY verdict. ``price`` is the last known price; the preconditions reject what is missing.

    ``valid_timeframes`` is how many context timeframes have its side, None where that is not known.
    """

    symbol: str
    side: Side | None
    execution_timeframe: Timeframe | None
    candle_open_ms: int
    as_of_ms: int
    profile: str
    price: Decimal | None
    valid_timeframes: int | None = None


def facts_needed(document: TradeEntryDocument, execution_timeframe: Timeframe) -> frozenset[FactKey]:
    """Every (fact, timeframe) a plan on ``execution_timeframe`` may read.

    Daily pivots are the same on every timeframe; they are asked for on the one that is loaded anyway.
    """
    zone = document.entry_zone
    atr: set[Timeframe] = {execution_timeframe, VOLATILITY_TIMEFRAME, zone.atr_timeframe}
    atr.update(FALLBACK_ATR_TIMEFRAMES)
    needed: set[FactKey] = {("atr", timeframe) for timeframe in atr}
    needed |= {("sma_21", zone.pivot_timeframe), ("vwap", zone.pivot_timeframe)}
    needed |= {(f"pivot_{level}", execution_timeframe) for level in PIVOT_LEVELS}
    switch = document.market_entry
    if (switch.enabled and switch.adx_min_1h is not None) or reads(document.take_profit, "adx_1h"):
        needed.add(TREND_STRENGTH)
    return frozenset(needed)


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts as exact decimals; whatever is not finite is None."""

    values: Mapping[FactKey, Decimal]

    @staticmethod
    def of(values: FactValues) -> Facts:
        """The one door where float facts become decimals."""
        return Facts(
            {key: exact(value) for key, value in values.items() if value is not None and math.isfinite(value)}
        )

    def positive(self, name: str, timeframe: Timeframe) -> Decimal | None:
        """The value if it is known and above zero: what a price or an ATR has to be."""
        value = self.values.get((name, timeframe))
        return value if value is not None and value > 0 else None

    @property
    def adx_1h(self) -> Decimal | None:
        """The ADX(14) of 1h if it is known."""
        return self.values.get(TREND_STRENGTH)

    def pivot_levels(self, timeframe: Timeframe) -> dict[str, Decimal]:
        """Known pivot levels above zero, by name (``pp``, ``r1``, …)."""
        levels = {level: self.positive(f"pivot_{level}", timeframe) for level in PIVOT_LEVELS}
        return {level: price for level, price in levels.items() if price is not None}
