"""The targets of a position: all of it at one price, or two parts that share one stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.gates.gate import GateValue
from engine.models.protection import TakeProfitRules
from server.exchange.port import Contract
from server.trade_entry.quantise import floor_to
from server.trade_entry.split import Split, choose_split
from server.trade_entry.take_profit import Ladder, TakeProfit, buffered_levels

ONE = Decimal(1)

SecondSource = Literal["pivot", "r_multiple", "far_r_multiple", "min_gap"]


@dataclass(frozen=True, slots=True)
class Part:
    """``size`` contracts, nominally ``share`` of the position, leave at ``price``."""

    price: Decimal
    share: Decimal
    size: Decimal
    effective_r: Decimal


@dataclass(frozen=True, slots=True)
class Second:
    """The second target; ``level`` is the pivot level it is in front of."""

    price: Decimal
    source: SecondSource
    level: str | None


@dataclass(frozen=True, slots=True)
class Targets:
    """``parts`` add up to the size, the nearest first, the last with what the lots leave over.

    ``second`` and ``split`` are None with one target. ``collapsed``: a part would have been below the least
    size, so everything leaves at the first target.
    """

    parts: tuple[Part, ...]
    second: Second | None = None
    split: Split | None = None
    collapsed: bool = False

    @property
    def effective_r(self) -> Decimal:
        """Net reward over net risk with every part at its own target."""
        if len(self.parts) == 1:
            return self.parts[0].effective_r
        size = sum((part.size for part in self.parts), Decimal(0))
        return sum((part.size * part.effective_r for part in self.parts), Decimal(0)) / size


def find_second(
    ladder: Ladder, rules: TakeProfitRules, levels: Mapping[str, Decimal], first: Decimal
) -> Second:
    """The nearest buffered level at least the gap beyond ``first``; without one, a target by R.

    That is ``r_multiple``, and where it is nearer than the gap, the further of ``far_r_multiple`` and the gap
    itself. May be zero or below for a short.
    """
    second = rules.second_target
    gap = max(
        second.min_gap_ticks * ladder.tick,
        second.min_gap_ratio * ladder.entry,
        second.min_gap_stop_ratio * abs(ladder.entry - ladder.stop),
        ladder.tick,
    )
    least = ladder.toward_entry(first + gap if ladder.side == "long" else first - gap)
    if second.at_pivots:
        for price, level in buffered_levels(ladder, rules, levels):
            if not ladder.beyond(least, price):
                return Second(price, "pivot", level)
    by_r = ladder.price_at(second.r_multiple)
    if not ladder.beyond(least, by_r):
        return Second(by_r, "r_multiple", None)
    far = ladder.price_at(second.far_r_multiple)
    return (
        Second(far, "far_r_multiple", None) if ladder.beyond(far, least) else Second(least, "min_gap", None)
    )


def one_target(first: TakeProfit, size: Decimal) -> Targets:
    """Everything at the take profit."""
    return Targets((Part(first.price, ONE, size, first.effective_r),))


def two_targets(
    ladder: Ladder,
    rules: TakeProfitRules,
    levels: Mapping[str, Decimal],
    first: TakeProfit,
    size: Decimal,
    contract: Contract,
    facts: Mapping[str, GateValue],
) -> Targets:
    """The position in two parts, or in one where a part would be below the least size."""
    second = find_second(ladder, rules, levels, first.price)
    split = choose_split(rules.split, facts)
    near = floor_to(size * split.first_share, contract.size_step)
    far = size - near
    if near < contract.min_size or far < contract.min_size:
        return Targets(one_target(first, size).parts, second, split, collapsed=True)
    parts = (
        Part(first.price, split.first_share, near, first.effective_r),
        Part(second.price, ONE - split.first_share, far, ladder.r_at(second.price)),
    )
    return Targets(parts, second, split)
