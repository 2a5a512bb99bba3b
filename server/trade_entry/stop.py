"""Where the loss is cut. Stops are rounded away from the entry: rounding never makes a stop nearer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.models.base import Side
from engine.models.trade_entry import StopRules
from server.trade_entry.quantise import ceil_to, floor_to

StopSource = Literal["atr", "atr_min_distance"]
"""The method, and whether the minimum distance has moved its price."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The stop price on a tick, and the price the method gave before the minimum distance was enforced."""

    price: Decimal
    source: StopSource
    method_price: Decimal


def away(side: Side, entry: Decimal, distance: Decimal, tick: Decimal) -> Decimal:
    """The tick at least ``distance`` on the losing side of the entry."""
    return floor_to(entry - distance, tick) if side == "long" else ceil_to(entry + distance, tick)


def atr_stop(side: Side, entry: Decimal, atr: Decimal, rules: StopRules, tick: Decimal) -> Stop:
    """``atr_k`` ATRs away from the entry, and not nearer than the minimum distance. May be zero or below."""
    by_atr = away(side, entry, rules.atr_k * atr, tick)
    least = away(side, entry, max(rules.min_stop_distance_ratio * entry, tick), tick)
    if abs(entry - by_atr) >= abs(entry - least):
        return Stop(by_atr, "atr", by_atr)
    return Stop(least, "atr_min_distance", by_atr)
