"""Leverage follows from notional and margin budget; every cap is applied last, and none is bypassed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from engine.models.trade_entry import LeverageRules
from server.exchange.port import Contract
from server.trade_entry.quantise import clamp, times, times_to_cover
from server.trade_entry.size import Room

VOLATILITY_AT_REST = Decimal("1.25")
VOLATILITY_SLOPE = Decimal(75)
VOLATILITY_LEAST = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class LeverageCaps:
    """Every upper bound of the leverage; ``symbol`` is None where no pattern matches.

    ``volatility_atr`` is the 15m ATR the factor was computed from, None where it was unknown.
    """

    profile: Decimal
    volatility_factor: Decimal
    volatility_atr: Decimal | None
    symbol: Decimal | None
    dynamic: Decimal
    contract: int

    @property
    def whole(self) -> int:
        """The greatest whole leverage within all of them; 0 when even 1 is too much."""
        caps = [self.profile, self.dynamic, Decimal(self.contract)]
        return times(min(caps if self.symbol is None else [*caps, self.symbol]), Decimal(1))


@dataclass(frozen=True, slots=True)
class Leverage:
    """``value`` is set at the venue; ``needed`` is the least at which the room carries the notional, None
    where the opening fee alone takes all that is free.
    """

    value: int
    needed: int | None
    caps: LeverageCaps


def volatility_factor(atr_15m: Decimal | None, entry: Decimal) -> Decimal:
    """1.25 - 75 x ATR(15m) / entry within 0.5 to 1.25; the most careful 0.5 when the ATR is unknown."""
    if atr_15m is None:
        return VOLATILITY_LEAST
    return clamp(
        VOLATILITY_AT_REST - VOLATILITY_SLOPE * atr_15m / entry, VOLATILITY_LEAST, VOLATILITY_AT_REST
    )


def leverage_caps(
    rules: LeverageRules,
    contract: Contract,
    entry: Decimal,
    stop: Decimal,
    atr_15m: Decimal | None,
    notional_usdt: Decimal,
) -> LeverageCaps:
    """The caps of one entry worth ``notional_usdt`` at most; ``stop`` differs from ``entry``."""
    factor = volatility_factor(atr_15m, entry)
    matching = [
        rule.cap
        for rule in rules.per_symbol_caps
        if re.search(rule.symbol_regex, contract.symbol, re.IGNORECASE) is not None
    ]
    return LeverageCaps(
        profile=rules.exchange_cap * factor,
        volatility_factor=factor,
        volatility_atr=atr_15m,
        symbol=min(matching, default=None),
        dynamic=rules.k_dynamic * entry / abs(entry - stop),
        contract=contract.tier(notional_usdt).max_leverage,
    )


def choose_leverage(
    notional_usdt: Decimal, room: Room, rules: LeverageRules, contract: Contract, caps: LeverageCaps
) -> Leverage:
    """The least whole leverage at which the room carries the notional, not below the floors, and never above
    a cap; where none carries it, the most there is.
    """
    after_fee = room.free_usdt - notional_usdt * contract.taker_fee_ratio
    if after_fee <= 0:
        return Leverage(caps.whole, None, caps)
    needed = max(1, times_to_cover(notional_usdt, min(room.margin_usdt, after_fee)))
    return Leverage(min(max(needed, rules.floor, contract.min_leverage), caps.whole), needed, caps)
