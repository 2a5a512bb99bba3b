"""Where the profit is taken: so many times the net risk, and where daily pivots suggest otherwise.

Reward and risk are net of the taker fee of both legs (the entry and its exit), per unit of the base asset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.models.base import Side
from engine.models.protection import TakeProfitRules
from server.trade_entry.quantise import ceil_to, floor_to

Alignment = Literal["base", "pivot_closer", "pivot_further"]


@dataclass(frozen=True, slots=True)
class Ladder:
    """One entry with its stop, from which rewards are counted in R."""

    side: Side
    entry: Decimal
    stop: Decimal
    fee_ratio: Decimal
    tick: Decimal

    @property
    def net_risk(self) -> Decimal:
        """Loss per unit from entry to stop, fees included."""
        return abs(self.entry - self.stop) + self.fee_ratio * (self.entry + self.stop)

    def net_reward(self, price: Decimal) -> Decimal:
        """Gain per unit from entry to ``price`` after fees; negative on the losing side."""
        gain = price - self.entry if self.side == "long" else self.entry - price
        return gain - self.fee_ratio * (self.entry + price)

    def r_at(self, price: Decimal) -> Decimal:
        """Net reward at ``price`` in multiples of the net risk."""
        return self.net_reward(price) / self.net_risk

    def price_at(self, r_multiple: Decimal) -> Decimal:
        """The price whose net reward is ``r_multiple`` net risks, rounded to a tick toward the entry."""
        reward, fee = r_multiple * self.net_risk, self.fee_ratio
        if self.side == "long":
            return self.toward_entry((self.entry * (1 + fee) + reward) / (1 - fee))
        return self.toward_entry((self.entry * (1 - fee) - reward) / (1 + fee))

    def toward_entry(self, price: Decimal) -> Decimal:
        """A target rounded so that it is not further than asked for."""
        return floor_to(price, self.tick) if self.side == "long" else ceil_to(price, self.tick)

    def beyond(self, price: Decimal, other: Decimal) -> bool:
        """Whether ``price`` is further in the direction of profit than ``other``."""
        return price > other if self.side == "long" else price < other


@dataclass(frozen=True, slots=True)
class TakeProfit:
    """The target, the base it started from, and the pivot level that moved it (None: none did)."""

    price: Decimal
    base: Decimal
    alignment: Alignment
    level: str | None
    level_price: Decimal | None
    effective_r: Decimal


def take_profit(ladder: Ladder, rules: TakeProfitRules, levels: Mapping[str, Decimal]) -> TakeProfit:
    """The target of one entry.

    ``pivot_conservative`` takes the first buffered level on the way to the base that keeps
    ``tp_min_keep_ratio`` of R; ``pivot_aggressive`` the first one after the base that adds at most
    ``tp_max_extra_r``. May be zero or below when a short asks for more than its price.
    """
    base = ladder.price_at(rules.r_multiple)
    found = None
    alignment: Alignment = "base"
    if rules.tp_policy == "pivot_conservative":
        found, alignment = _closer(ladder, rules, levels, base), "pivot_closer"
    elif rules.tp_policy == "pivot_aggressive":
        found, alignment = _further(ladder, rules, levels, base), "pivot_further"
    if found is None:
        return TakeProfit(base, base, "base", None, None, ladder.r_at(base))
    price, level = found
    return TakeProfit(price, base, alignment, level, levels[level], ladder.r_at(price))


def buffered(ladder: Ladder, rules: TakeProfitRules, level: Decimal) -> Decimal:
    """The tick in front of a level: the buffer's ratio and ticks nearer to the entry."""
    ratio, ticks = rules.tp_buffer_ratio * level, rules.tp_buffer_ticks * ladder.tick
    return ladder.toward_entry(level - ratio - ticks if ladder.side == "long" else level + ratio + ticks)


Found = tuple[Decimal, str]


def buffered_levels(ladder: Ladder, rules: TakeProfitRules, levels: Mapping[str, Decimal]) -> list[Found]:
    """Buffered levels on the profit side, nearest first; of equal ones the first by name."""
    found = [(buffered(ladder, rules, price), level) for level, price in levels.items()]
    found = [(price, level) for price, level in found if price > 0 and ladder.beyond(price, ladder.entry)]
    return sorted(found, key=lambda target: (abs(target[0] - ladder.entry), target[1]))


def _closer(
    ladder: Ladder, rules: TakeProfitRules, levels: Mapping[str, Decimal], base: Decimal
) -> Found | None:
    least = rules.tp_min_keep_ratio * rules.r_multiple
    for price, level in buffered_levels(ladder, rules, levels):
        if ladder.beyond(base, price) and ladder.r_at(price) >= least:
            return price, level
    return None


def _further(
    ladder: Ladder, rules: TakeProfitRules, levels: Mapping[str, Decimal], base: Decimal
) -> Found | None:
    most = rules.r_multiple + rules.tp_max_extra_r
    for price, level in buffered_levels(ladder, rules, levels):
        if ladder.beyond(price, base) and ladder.r_at(price) <= most:
            return price, level
    return None
