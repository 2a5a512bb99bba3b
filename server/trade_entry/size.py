"""How many contracts: what the risk allows, and what the margin carries."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.candles import Timeframe
from engine.models.trade_entry import RiskRules
from server.exchange.port import Balance, Contract
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


def margin_budget(rules: RiskRules, balance: Balance) -> Decimal:
    """The most margin the trade may take: the profile's, and never more than is free."""
    return min(rules.initial_margin_usdt, balance.available_usdt)


def risk_multiplier(rules: RiskRules, timeframe: Timeframe) -> Decimal:
    """The profile's factor on the risk of ``timeframe``; 1 where it gives none."""
    return rules.timeframe_multipliers.get(timeframe, ONE)


def risk_of(rules: RiskRules, balance: Balance, timeframe: Timeframe) -> Risk:
    """The risk of one trade on ``timeframe``; the multiplier is applied here and nowhere else."""
    base = balance.equity_usdt if rules.base == "equity" else margin_budget(rules, balance)
    return Risk(base, rules.risk_pct, risk_multiplier(rules, timeframe))


def loss_per_contract(entry: Decimal, stop: Decimal, contract: Contract) -> Decimal:
    """Loss of one contract from entry to stop in USDT, with the taker fee of both legs."""
    return contract.contract_size * (abs(entry - stop) + contract.taker_fee_ratio * (entry + stop))


def size_for_risk(risk_usdt: Decimal, loss_each: Decimal, contract: Contract) -> Decimal:
    """The most contracts, on the size step, whose loss does not exceed the risk; may be below the minimum."""
    size = times(risk_usdt, loss_each * contract.size_step) * contract.size_step
    return size if contract.max_size is None else min(size, floor_to(contract.max_size, contract.size_step))


def size_for_margin(budget_usdt: Decimal, leverage: int, entry: Decimal, contract: Contract) -> Decimal:
    """The most contracts, on the size step, whose margin at ``leverage`` does not exceed the budget."""
    step_usdt = entry * contract.contract_size * contract.size_step
    return times(budget_usdt * leverage, step_usdt) * contract.size_step
