"""How many contracts: what the risk allows, and what the margin carries."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.candles import Timeframe
from engine.models.trade_entry import OrderType, RiskRules
from server.exchange.port import Contract
from server.trade_entry.quantise import floor_to, times

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Risk:
    """What the trade may lose at its stop, fees included: ``risk_usdt`` = base x pct / 100 x multiplier."""

    base_usdt: Decimal
    risk_pct: Decimal
    multiplier: Decimal

    @property
    def risk_usdt(self) -> Decimal:
        return self.base_usdt * self.risk_pct / 100 * self.multiplier


@dataclass(frozen=True, slots=True)
class Room:
    """What an entry may take: ``margin_usdt`` at most, and not more than ``free_usdt`` with its opening fee.

    Venues hold both from the order on, the fee as that of a taker.
    """

    margin_usdt: Decimal
    free_usdt: Decimal

    @property
    def budget_usdt(self) -> Decimal:
        """The most margin the trade may take: the profile's, and never more than is free."""
        return min(self.margin_usdt, self.free_usdt)


def risk_multiplier(rules: RiskRules, timeframe: Timeframe) -> Decimal:
    """The profile's factor on the risk of ``timeframe``; 1 where it gives none."""
    return rules.timeframe_multipliers.get(timeframe, ONE)


def risk_of(rules: RiskRules, equity_usdt: Decimal, room: Room, timeframe: Timeframe) -> Risk:
    """The risk of one trade on ``timeframe``; the multiplier is applied here and nowhere else."""
    base = equity_usdt if rules.base == "equity" else room.budget_usdt
    return Risk(base, rules.risk_pct, risk_multiplier(rules, timeframe))


def loss_per_contract(entry: Decimal, stop: Decimal, contract: Contract) -> Decimal:
    """Loss of one contract from entry to stop in USDT, with the taker fee of both legs."""
    return loss_each(entry, stop, contract.contract_size, contract.taker_fee_ratio)


def loss_each(entry: Decimal, stop: Decimal, contract_size: Decimal, fee_ratio: Decimal) -> Decimal:
    """The same of a contract size and a fee ratio, of which each leg pays its part."""
    return contract_size * (abs(entry - stop) + fee_ratio * (entry + stop))


def largest_size(contract: Contract, order_type: OrderType) -> Decimal | None:
    """The most contracts of one order, on the size step; None where the venue sets no limit."""
    limits = [contract.max_size]
    if order_type == "market":
        limits.append(contract.market_max_size)
    most = min((limit for limit in limits if limit is not None), default=None)
    return None if most is None else floor_to(most, contract.size_step)


def size_for_risk(risk_usdt: Decimal, loss_each: Decimal, step: Decimal, most: Decimal | None) -> Decimal:
    """The most contracts, on the size step, whose loss does not exceed the risk; may be below the minimum."""
    size = times(risk_usdt, loss_each * step) * step
    return size if most is None else min(size, most)


def size_for_margin(room: Room, leverage: int, entry: Decimal, contract: Contract) -> Decimal:
    """The most contracts, on the size step, that ``room`` carries at ``leverage``."""
    step_usdt = entry * contract.contract_size * contract.size_step
    by_margin = times(room.margin_usdt * leverage, step_usdt)
    with_fee = step_usdt * (1 + contract.taker_fee_ratio * leverage)
    return min(by_margin, times(room.free_usdt * leverage, with_fee)) * contract.size_step
