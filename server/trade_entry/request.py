"""From a signal to a request: what shall be traded, with which order, and on which volatility."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.candles import Timeframe
from engine.gates.gate import GateValue
from engine.models.base import Side
from engine.models.trade_entry import TradeEntryDocument
from server.trade_entry.order_choice import OrderChoice, choose_order
from server.trade_entry.signal import FALLBACK_ATR_TIMEFRAMES, Facts, Signal
from server.trade_entry.size import risk_multiplier


@dataclass(frozen=True, slots=True)
class Atr:
    """An average true range above zero, in price, and the timeframe it was found on."""

    value: Decimal
    timeframe: Timeframe


@dataclass(frozen=True, slots=True)
class Request:
    """A signal with nothing missing; instants are milliseconds UTC.

    ``atr`` may be None where the stop does not need it. ``valid_timeframes`` is the signal's.
    """

    symbol: str
    side: Side
    execution_timeframe: Timeframe
    as_of_ms: int
    atr: Atr | None
    order: OrderChoice
    valid_timeframes: int | None = None


def request_atr(facts: Facts, execution_timeframe: Timeframe | None) -> Atr | None:
    """The first known ATR above zero: of the execution timeframe, else of 5m, else of 15m."""
    own = () if execution_timeframe is None else (execution_timeframe,)
    for timeframe in (*own, *FALLBACK_ATR_TIMEFRAMES):
        value = facts.positive("atr", timeframe)
        if value is not None:
            return Atr(value, timeframe)
    return None


def request_facts(
    document: TradeEntryDocument, execution_timeframe: Timeframe | None, atr: Atr | None
) -> dict[str, GateValue]:
    """The request as the gate ``request`` reads it; the risk includes the timeframe's multiplier."""
    timeframe, rules, stop = execution_timeframe, document.risk, document.stop
    return {
        "risk_pct": None if timeframe is None else rules.risk_pct * risk_multiplier(rules, timeframe),
        "initial_margin_usdt": rules.initial_margin_usdt,
        "stop_needs_atr": stop.from_ == "atr" and stop.fallback == "none",
        "atr": None if atr is None else atr.value,
    }


def build_request(signal: Signal, atr: Atr | None, facts: Facts, document: TradeEntryDocument) -> Request:
    """The request of a signal that both gates let pass. Raises ``ValueError`` when something is missing."""
    timeframe = signal.execution_timeframe
    if signal.side is None or timeframe is None:
        raise ValueError(f"the signal of {signal.symbol} lacks its side or its execution timeframe")
    return Request(
        symbol=signal.symbol,
        side=signal.side,
        execution_timeframe=timeframe,
        as_of_ms=signal.as_of_ms,
        atr=atr,
        order=choose_order(document, timeframe, facts),
        valid_timeframes=signal.valid_timeframes,
    )
