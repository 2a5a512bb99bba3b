"""From a signal to a request: what shall be traded, and on which volatility its stop is based."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.candles import Timeframe
from engine.gates.gate import GateValue
from engine.models.base import Side
from engine.models.trade_entry import RiskRules
from server.trade_entry.signal import FALLBACK_ATR_TIMEFRAMES, Facts, Signal
from server.trade_entry.size import risk_multiplier


@dataclass(frozen=True, slots=True)
class Atr:
    """An average true range above zero, in price, and the timeframe it was found on."""

    value: Decimal
    timeframe: Timeframe


@dataclass(frozen=True, slots=True)
class Request:
    """A signal with nothing missing; instants are milliseconds UTC."""

    symbol: str
    side: Side
    execution_timeframe: Timeframe
    as_of_ms: int
    atr: Atr


def request_atr(facts: Facts, execution_timeframe: Timeframe | None) -> Atr | None:
    """The first known ATR above zero: of the execution timeframe, else of 5m, else of 15m."""
    own = () if execution_timeframe is None else (execution_timeframe,)
    for timeframe in (*own, *FALLBACK_ATR_TIMEFRAMES):
        value = facts.positive("atr", timeframe)
        if value is not None:
            return Atr(value, timeframe)
    return None


def request_facts(
    rules: RiskRules, execution_timeframe: Timeframe | None, atr: Atr | None
) -> dict[str, GateValue]:
    """The request as the gate ``request`` reads it; the risk includes the timeframe's multiplier."""
    timeframe = execution_timeframe
    return {
        "risk_pct": None if timeframe is None else rules.risk_pct * risk_multiplier(rules, timeframe),
        "initial_margin_usdt": rules.initial_margin_usdt,
        "atr": None if atr is None else atr.value,
    }


def build_request(signal: Signal, atr: Atr | None) -> Request:
    """The request of a signal that both gates let pass. Raises ``ValueError`` when something is missing."""
    if signal.side is None or signal.execution_timeframe is None or atr is None:
        raise ValueError(f"the signal of {signal.symbol} lacks its side, execution timeframe or ATR")
    return Request(signal.symbol, signal.side, signal.execution_timeframe, signal.as_of_ms, atr)
