"""Which order enters: the one of the profile, or the market order its switch turns a limit order into."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.candles import Timeframe
from engine.models.trade_entry import OrderMode, OrderType, TradeEntryDocument
from server.exchange.trading import TimeInForce
from server.trade_entry.signal import Facts

Switch = Literal["off", "switched", "timeframe_not_allowed", "adx_unknown", "adx_too_low"]
"""What ``market_entry`` did: nothing because it is off, turned the order, or kept it and why."""

_TIME_IN_FORCE: dict[OrderMode, TimeInForce] = {"gtc": "gtc", "maker_only": "post_only", "ioc": "ioc"}


@dataclass(frozen=True, slots=True)
class OrderChoice:
    """``slippage_bps`` counts for market orders only; ``adx_1h`` is None where unknown or not asked for."""

    type: OrderType
    mode: OrderMode
    slippage_bps: Decimal
    switch: Switch
    adx_1h: Decimal | None = None

    @property
    def time_in_force(self) -> TimeInForce:
        return _TIME_IN_FORCE[self.mode]


def choose_order(document: TradeEntryDocument, timeframe: Timeframe, facts: Facts) -> OrderChoice:
    """The order of a signal on ``timeframe``."""
    entry, rules = document.entry, document.market_entry
    adx = facts.adx_1h if rules.enabled and rules.adx_min_1h is not None else None
    switch = _switch(document, timeframe, adx)
    if switch == "switched":
        return OrderChoice("market", "ioc", rules.max_slippage_bps, switch, adx)
    return OrderChoice(entry.order_type, entry.order_mode, entry.max_slippage_bps, switch, adx)


def _switch(document: TradeEntryDocument, timeframe: Timeframe, adx: Decimal | None) -> Switch:
    rules = document.market_entry
    if not rules.enabled:
        return "off"
    if rules.allowed_execution_timeframes and timeframe not in rules.allowed_execution_timeframes:
        return "timeframe_not_allowed"
    if rules.adx_min_1h is not None:
        if adx is None:
            return "adx_unknown"
        if adx < rules.adx_min_1h:
            return "adx_too_low"
    return "switched"
