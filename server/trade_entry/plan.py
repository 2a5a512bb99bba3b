"""The plan of one limit order with its stop and take profit: what a person and the execution need of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from server.instants import iso
from server.trade_entry.entry_price import Candidate, Entry
from server.trade_entry.leverage import Leverage
from server.trade_entry.preflight import Market
from server.trade_entry.quantise import plain, shown
from server.trade_entry.request import Request
from server.trade_entry.size import Risk
from server.trade_entry.stop import Stop
from server.trade_entry.take_profit import TakeProfit
from server.trade_entry.zone import Zone

BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """A complete order. Prices in quote currency, sizes in contracts, money in USDT.

    ``risk_size`` is what the risk alone allows, ``size`` what is ordered. ``loss_at_stop_usdt`` and
    ``reward_usdt`` include the taker fee of both legs, ``margin_usdt`` is notional / leverage.
    """

    request: Request
    market: Market
    zone: Zone
    candidate: Candidate
    entry: Entry
    stop: Stop
    take_profit: TakeProfit
    risk: Risk
    budget_usdt: Decimal
    risk_size: Decimal
    size: Decimal
    leverage: Leverage
    stop_ratio: Decimal
    notional_usdt: Decimal
    margin_usdt: Decimal
    loss_at_stop_usdt: Decimal
    reward_usdt: Decimal
    order_type: Literal["limit"] = "limit"

    def to_json(self) -> dict[str, Any]:
        """Decimals as fixed-point texts, instants as ISO 8601; quotients are rounded for reading."""
        request, contract = self.request, self.market.contract
        return {
            "symbol": request.symbol,
            "side": request.side,
            "order_type": self.order_type,
            "execution_tf": request.execution_timeframe,
            "entry": plain(self.entry.price),
            "entry_source": self.entry.source,
            "stop": plain(self.stop.price),
            "stop_source": self.stop.source,
            "take_profit": plain(self.take_profit.price),
            "size": plain(self.size),
            "contract_size": plain(contract.contract_size),
            "notional_usdt": shown(self.notional_usdt),
            "leverage": self.leverage.value,
            "margin_usdt": shown(self.margin_usdt),
            "budget_usdt": shown(self.budget_usdt),
            "risk_usdt": shown(self.risk.risk_usdt),
            "loss_at_stop_usdt": shown(self.loss_at_stop_usdt),
            "reward_at_take_profit_usdt": shown(self.reward_usdt),
            "effective_r": shown(self.take_profit.effective_r),
            "taker_fee_ratio": plain(contract.taker_fee_ratio),
            "tick_size": plain(contract.tick_size),
            "size_step": plain(contract.size_step),
            "expires_at": iso(self.zone.expires_at_ms),
            "zone": self._zone(),
            "stop_detail": self._stop(),
            "take_profit_detail": self._take_profit(),
            "risk": self._risk(),
            "leverage_detail": self._leverage(),
        }

    def preflight_json(self) -> dict[str, Any]:
        """What the venue said, that the plan rests on."""
        book, balance = self.market.book, self.market.balance
        spread = (book.ask - book.bid) / ((book.ask + book.bid) / 2) * BPS
        return {
            "symbol": self.request.symbol,
            "best_bid": plain(book.bid),
            "best_ask": plain(book.ask),
            "mark": plain(book.mark),
            "spread_bps": shown(spread),
            "book_at": iso(book.at_ms),
            "equity_usdt": shown(balance.equity_usdt),
            "available_usdt": shown(balance.available_usdt),
        }

    def _zone(self) -> dict[str, Any]:
        zone, candidate = self.zone, self.candidate
        return {
            "low": plain(zone.low),
            "high": plain(zone.high),
            "pivot": plain(zone.pivot.price),
            "pivot_source": zone.pivot.source,
            "pivot_timeframe": zone.pivot.timeframe,
            "atr": plain(zone.atr),
            "atr_timeframe": zone.atr_timeframe,
            "half_width": shown(zone.half_width),
            "width_ratio": shown(zone.width_ratio),
            "expires_at": iso(zone.expires_at_ms),
            "candidate": plain(candidate.price),
            "candidate_position": candidate.position,
            "deviation_ratio": None
            if candidate.deviation_ratio is None
            else shown(candidate.deviation_ratio),
        }

    def _stop(self) -> dict[str, Any]:
        return {
            "atr": plain(self.request.atr.value),
            "atr_timeframe": self.request.atr.timeframe,
            "method_price": plain(self.stop.method_price),
            "distance": plain(abs(self.entry.price - self.stop.price)),
            "distance_ratio": shown(self.stop_ratio),
        }

    def _take_profit(self) -> dict[str, Any]:
        target = self.take_profit
        return {
            "base": plain(target.base),
            "alignment": target.alignment,
            "level": target.level,
            "level_price": None if target.level_price is None else plain(target.level_price),
        }

    def _risk(self) -> dict[str, Any]:
        return {
            "base_usdt": shown(self.risk.base_usdt),
            "risk_pct": plain(self.risk.risk_pct),
            "multiplier": plain(self.risk.multiplier),
            "risk_size": plain(self.risk_size),
        }

    def _leverage(self) -> dict[str, Any]:
        caps = self.leverage.caps
        return {
            "needed": self.leverage.needed,
            "cap": caps.whole,
            "profile_cap": shown(caps.profile),
            "volatility_factor": shown(caps.volatility_factor),
            "volatility_atr": None if caps.volatility_atr is None else plain(caps.volatility_atr),
            "symbol_cap": None if caps.symbol is None else shown(caps.symbol),
            "dynamic_cap": shown(caps.dynamic),
            "contract_max": caps.contract,
        }
