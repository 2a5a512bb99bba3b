"""Where the loss is cut. Stops are rounded away from the entry: rounding never makes a stop nearer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.models.base import Side
from engine.models.protection import PivotPolicy, StopMethod, StopRules
from server.trade_entry.quantise import ceil_to, floor_to

PivotStop = Literal["not_asked", "found", "missing", "too_far"]
"""What became of the stop behind a pivot level: ``missing`` where no level is on the losing side."""

STRONGEST_FIRST = (2, 1, 3, 4, 5, 6)
"""Levels in the order in which the policy ``strongest`` takes them."""


@dataclass(frozen=True, slots=True)
class Level:
    """A daily pivot level by its name, ``s1`` to ``r6``."""

    name: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class Stop:
    """The stop price on a tick, and how it came about.

    ``method`` gave ``method_price``, the configured one or its fallback (``fell_back``); ``moved`` says that
    the minimum distance has taken it away from there. ``level`` is the one a pivot stop is behind.
    """

    price: Decimal
    method: StopMethod
    method_price: Decimal
    moved: bool
    level: Level | None = None
    fell_back: bool = False

    @property
    def source(self) -> str:
        """``atr``, ``pivot`` or ``risk``, with ``_min_distance`` where that has moved the price."""
        return f"{self.method}_min_distance" if self.moved else self.method


@dataclass(frozen=True, slots=True)
class StopSearch:
    """``stop`` is None where neither the configured method nor its fallback has one.

    ``pivot_distance_ratio`` is the distance of the pivot stop over the entry, used or not.
    """

    stop: Stop | None
    pivot: PivotStop = "not_asked"
    pivot_distance_ratio: Decimal | None = None


def find_stop(
    side: Side,
    entry: Decimal,
    atr: Decimal | None,
    levels: Mapping[str, Decimal],
    rules: StopRules,
    tick: Decimal,
) -> StopSearch:
    """The stop of an entry; its price may be zero or below. ``levels`` are the daily pivots by name."""
    search = StopSearch(None)
    if rules.from_ == "pivot":
        search = _pivot_stop(side, entry, levels, rules, tick)
    else:
        search = StopSearch(_distance_stop(rules.from_, side, entry, atr, rules, tick))
    if search.stop is None and rules.fallback != "none":
        stood_in = _distance_stop(rules.fallback, side, entry, atr, rules, tick, fell_back=True)
        return StopSearch(stood_in, search.pivot, search.pivot_distance_ratio)
    return search


def away(side: Side, entry: Decimal, distance: Decimal, tick: Decimal) -> Decimal:
    """The tick at least ``distance`` on the losing side of the entry."""
    return floor_to(entry - distance, tick) if side == "long" else ceil_to(entry + distance, tick)


def choose_level(
    side: Side, entry: Decimal, levels: Mapping[str, Decimal], policy: PivotPolicy
) -> Level | None:
    """The support below a long, or the resistance above a short, that the policy names.

    An explicit level counts by its number: ``s2`` and ``r2`` are S2 for a long and R2 for a short.
    """
    letter = "s" if side == "long" else "r"
    losing = {
        name: price
        for name, price in levels.items()
        if name.startswith(letter) and (price < entry if side == "long" else price > entry)
    }
    if policy == "nearest":
        wanted = sorted(losing, key=lambda name: (abs(losing[name] - entry), name))
    elif policy == "strongest":
        wanted = [f"{letter}{number}" for number in STRONGEST_FIRST]
    else:
        wanted = [f"{letter}{policy[1:]}"]
    return next((Level(name, losing[name]) for name in wanted if name in losing), None)


def _pivot_stop(
    side: Side, entry: Decimal, levels: Mapping[str, Decimal], rules: StopRules, tick: Decimal
) -> StopSearch:
    level = choose_level(side, entry, levels, rules.pivot_policy)
    if level is None:
        return StopSearch(None, "missing")
    behind = away(side, level.price, level.price * rules.pivot_buffer_ratio, tick)
    ratio = abs(entry - behind) / entry
    if abs(entry - behind) > rules.max_pivot_distance_ratio * entry:
        return StopSearch(None, "too_far", ratio)
    return StopSearch(_with_least(side, entry, "pivot", behind, rules, tick, level=level), "found", ratio)


def _distance_stop(
    method: Literal["atr", "risk"],
    side: Side,
    entry: Decimal,
    atr: Decimal | None,
    rules: StopRules,
    tick: Decimal,
    *,
    fell_back: bool = False,
) -> Stop | None:
    if method == "risk":
        distance = rules.risk_stop_ratio * entry
    elif atr is None:
        return None
    else:
        distance = rules.atr_k * atr
    price = away(side, entry, distance, tick)
    return _with_least(side, entry, method, price, rules, tick, fell_back=fell_back)


def _with_least(
    side: Side,
    entry: Decimal,
    method: StopMethod,
    price: Decimal,
    rules: StopRules,
    tick: Decimal,
    *,
    level: Level | None = None,
    fell_back: bool = False,
) -> Stop:
    least = away(side, entry, max(rules.min_stop_distance_ratio * entry, tick), tick)
    moved = abs(entry - price) < abs(entry - least)
    return Stop(least if moved else price, method, price, moved, level, fell_back)
