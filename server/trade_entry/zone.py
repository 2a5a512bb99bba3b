"""The entry zone: a band around a pivot price in which an entry is still worth taking."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.candles import Timeframe
from engine.models.base import Side
from engine.models.trade_entry import EntryZoneRules, PivotSource
from server.trade_entry.quantise import ceil_to, clamp, floor_to
from server.trade_entry.signal import Facts

_FACT: dict[PivotSource, str] = {"sma21": "sma_21", "vwap": "vwap"}
_OTHER: dict[PivotSource, PivotSource] = {"sma21": "vwap", "vwap": "sma21"}


ZoneGap = Literal["within", "close_to_threshold", "moderate_gap", "far_outside"]
"""How a distance from the zone compares with the most that is allowed; it tells, and decides nothing."""

CLOSE_TIMES, MODERATE_TIMES = Decimal("1.05"), Decimal("1.5")


def zone_gap(deviation_ratio: Decimal, most_ratio: Decimal) -> ZoneGap:
    """Within the most; up to 1.05 of it; up to 1.5 of it; beyond."""
    if deviation_ratio <= most_ratio:
        return "within"
    if deviation_ratio <= most_ratio * CLOSE_TIMES:
        return "close_to_threshold"
    return "moderate_gap" if deviation_ratio <= most_ratio * MODERATE_TIMES else "far_outside"


@dataclass(frozen=True, slots=True)
class Pivot:
    """The price the zone is built around, and where it came from."""

    price: Decimal
    source: PivotSource
    timeframe: Timeframe


@dataclass(frozen=True, slots=True)
class Zone:
    """Prices from ``low`` to ``high``, both on ticks and both inside; valid until ``expires_at_ms``."""

    low: Decimal
    high: Decimal
    half_width: Decimal
    pivot: Pivot
    atr: Decimal
    atr_timeframe: Timeframe
    expires_at_ms: int

    @property
    def width_ratio(self) -> Decimal:
        """Width relative to the pivot price."""
        return (self.high - self.low) / self.pivot.price

    def contains(self, price: Decimal) -> bool:
        """Edges belong to the zone."""
        return self.low <= price <= self.high

    def distance(self, price: Decimal) -> Decimal:
        """How far ``price`` is from the nearest edge; 0 inside."""
        return max(self.low - price, price - self.high, Decimal(0))

    def position(self, side: Side, price: Decimal) -> Decimal | None:
        """Where ``price`` lies: 0 at the best edge for ``side``, 1 at the worst; None without a width."""
        width = self.high - self.low
        if width <= 0:
            return None
        return (price - self.low if side == "long" else self.high - price) / width


def find_pivot(facts: Facts, rules: EntryZoneRules) -> Pivot | None:
    """The preferred pivot price, else the other one, else None."""
    for source in (rules.from_, _OTHER[rules.from_]):
        price = facts.positive(_FACT[source], rules.pivot_timeframe)
        if price is not None:
            return Pivot(price, source, rules.pivot_timeframe)
    return None


def build_zone(side: Side, facts: Facts, rules: EntryZoneRules, tick: Decimal, as_of_ms: int) -> Zone | None:
    """The zone at ``as_of_ms``; None without a pivot price or an ATR: a zone is never open-ended.

    Half width: ``k_atr`` ATRs, kept between ``w_min`` and ``w_max`` of the pivot; ``asym_bias`` moves the
    band down for longs and up for shorts. Edges are rounded outward to ticks.
    """
    pivot = find_pivot(facts, rules)
    atr = facts.positive("atr", rules.atr_timeframe)
    if pivot is None or atr is None:
        return None
    half = clamp(rules.k_atr * atr, pivot.price * rules.w_min, pivot.price * rules.w_max)
    bias = rules.asym_bias if side == "long" else -rules.asym_bias
    return Zone(
        low=floor_to(pivot.price - half * (1 + bias), tick),
        high=ceil_to(pivot.price + half * (1 - bias), tick),
        half_width=half,
        pivot=pivot,
        atr=atr,
        atr_timeframe=rules.atr_timeframe,
        expires_at_ms=as_of_ms + rules.ttl_sec * 1000,
    )
