"""The plan of one order with its stop and targets: what a person and the execution need of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.gates.gate import GateValue
from engine.models.base import Timeframe
from engine.models.trade_entry import TradeEntryDocument
from server.instants import iso
from server.trade_entry.entry_price import Candidate, Entry
from server.trade_entry.leverage import Leverage
from server.trade_entry.liquidation import Liquidation
from server.trade_entry.preflight import MS_PER_SEC, Market
from server.trade_entry.quantise import plain, shown
from server.trade_entry.request import Request
from server.trade_entry.size import Risk
from server.trade_entry.slippage import spread_bps
from server.trade_entry.stop import Stop
from server.trade_entry.take_profit import TakeProfit
from server.trade_entry.targets import Part, Targets
from server.trade_entry.ticket import Target, Ticket
from server.trade_entry.zone import Zone


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """A complete order. Prices in quote currency, sizes in contracts, money in USDT.

    ``risk_size`` is what the risk alone allows, ``size`` what is ordered. ``loss_at_stop_usdt`` and
    ``reward_usdt`` include the taker fee of both legs, ``margin_usdt`` is notional / leverage. A market order
    may be filled between its entry and its limit price: the loss, and the notional with its margin, are the
    most that can come of it. ``take_profit`` is the first target.
    """

    request: Request
    market: Market
    zone: Zone
    candidate: Candidate
    entry: Entry
    stop: Stop
    take_profit: TakeProfit
    targets: Targets
    risk: Risk
    budget_usdt: Decimal
    risk_size: Decimal
    size: Decimal
    leverage: Leverage
    liquidation: Liquidation
    stop_ratio: Decimal
    notional_usdt: Decimal
    margin_usdt: Decimal
    loss_at_stop_usdt: Decimal
    reward_usdt: Decimal
    rules: TradeEntryDocument

    @property
    def held_usdt(self) -> Decimal:
        """What the venue holds for the whole entry until it fills: its margin and the taker fee."""
        return self.margin_usdt + self.notional_usdt * self.market.contract.taker_fee_ratio

    def to_json(self) -> dict[str, Any]:
        """Decimals as fixed-point texts, instants as ISO 8601; quotients are rounded for reading."""
        request, contract = self.request, self.market.contract
        return {
            "symbol": request.symbol,
            "side": request.side,
            "order_type": request.order.type,
            "order_mode": request.order.mode,
            "execution_tf": request.execution_timeframe,
            "entry": plain(self.entry.price),
            "entry_source": self.entry.source,
            "limit_price": plain(self.entry.limit_price),
            "stop": plain(self.stop.price),
            "stop_source": self.stop.source,
            "take_profit": plain(self.take_profit.price),
            "targets": [_part(part) for part in self.targets.parts],
            "size": plain(self.size),
            "contract_size": plain(contract.contract_size),
            "notional_usdt": shown(self.notional_usdt),
            "leverage": self.leverage.value,
            "margin_usdt": shown(self.margin_usdt),
            "budget_usdt": shown(self.budget_usdt),
            "risk_usdt": shown(self.risk.risk_usdt),
            "loss_at_stop_usdt": shown(self.loss_at_stop_usdt),
            "reward_at_take_profit_usdt": shown(self.reward_usdt),
            "effective_r": shown(self.targets.effective_r),
            "taker_fee_ratio": plain(contract.taker_fee_ratio),
            "tick_size": plain(contract.tick_size),
            "size_step": plain(contract.size_step),
            "expires_at": iso(self.zone.expires_at_ms),
            "zone": self._zone(),
            "stop_detail": self._stop(),
            "take_profit_detail": self._take_profit(),
            "risk": self._risk(),
            "leverage_detail": self._leverage(),
            "liquidation": self._liquidation(),
            "market_entry": self._market_entry(),
        }

    def preflight_json(self) -> dict[str, Any]:
        """What the venue said, that the plan rests on."""
        book, balance = self.market.book, self.market.balance
        return {
            "symbol": self.request.symbol,
            "best_bid": plain(book.bid),
            "best_ask": plain(book.ask),
            "mark": plain(book.mark),
            "spread_bps": shown(spread_bps(book)),
            "book_at": iso(book.at_ms),
            "equity_usdt": shown(balance.equity_usdt),
            "available_usdt": shown(balance.available_usdt),
        }

    def ticket(
        self,
        *,
        decision_key: str,
        trade_id: str,
        run_id: str,
        actor: str,
        exchange: str,
        account: str,
        profile: str,
        fingerprint: str,
        context_timeframes: Iterable[Timeframe],
        decided_at_ms: int,
    ) -> Ticket:
        """The plan as execution takes it; ``decided_at_ms`` is by the venue's clock."""
        request, contract, rules = self.request, self.market.contract, self.rules
        return Ticket(
            decision_key=decision_key,
            trade_id=trade_id,
            run_id=run_id,
            actor=actor,
            exchange=exchange,
            account=account,
            profile=profile,
            fingerprint=fingerprint,
            symbol=request.symbol,
            side=request.side,
            execution_timeframe=request.execution_timeframe,
            context_timeframes=tuple(context_timeframes),
            order_type=request.order.type,
            time_in_force=request.order.time_in_force,
            entry=self.entry.price,
            price=self.entry.limit_price,
            size=self.size,
            leverage=self.leverage.value,
            stop=self.stop.price,
            targets=tuple(Target(price=part.price, share=part.share) for part in self.targets.parts),
            zone_low=self.zone.low,
            zone_high=self.zone.high,
            zone_expires_at_ms=self.zone.expires_at_ms,
            signal_expires_at_ms=request.as_of_ms + rules.execution.signal_ttl_sec * MS_PER_SEC,
            decided_at_ms=decided_at_ms,
            tick_size=contract.tick_size,
            size_step=contract.size_step,
            min_size=contract.min_size,
            contract_size=contract.contract_size,
            taker_fee_ratio=contract.taker_fee_ratio,
            maintenance_margin_ratio=contract.tier(self.notional_usdt).maintenance_margin_ratio,
            liquidation_min_stop_multiple=rules.liquidation.min_stop_multiple,
            inside_ticks=rules.entry.inside_ticks,
            max_loss_usdt=self.loss_at_stop_usdt,
            max_concurrent_positions=rules.guards.max_concurrent_positions,
            execution=rules.execution,
            end_of_zone=rules.end_of_zone,
            cooldown=rules.cooldown,
        )

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
        atr, stop = self.request.atr, self.stop
        return {
            "method": stop.method,
            "fallback": stop.fell_back,
            "atr": None if atr is None else plain(atr.value),
            "atr_timeframe": None if atr is None else atr.timeframe,
            "level": None if stop.level is None else stop.level.name,
            "level_price": None if stop.level is None else plain(stop.level.price),
            "method_price": plain(stop.method_price),
            "distance": plain(abs(self.entry.price - self.stop.price)),
            "distance_ratio": shown(self.stop_ratio),
        }

    def _take_profit(self) -> dict[str, Any]:
        target, second, split = self.take_profit, self.targets.second, self.targets.split
        detail: dict[str, Any] = {
            "base": plain(target.base),
            "alignment": target.alignment,
            "level": target.level,
            "level_price": None if target.level_price is None else plain(target.level_price),
        }
        if second is not None and split is not None:
            detail |= {
                "collapsed": self.targets.collapsed,
                "second": {"price": plain(second.price), "source": second.source, "level": second.level},
                "split": {
                    "first_share": plain(split.first_share),
                    "strategy": split.strategy,
                    "facts": {name: _number(value) for name, value in split.facts.items()},
                },
            }
        return detail

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
            "exchange_cap": plain(self.rules.leverage.exchange_cap),
            "profile_cap": shown(caps.profile),
            "volatility_factor": shown(caps.volatility_factor),
            "volatility_atr": None if caps.volatility_atr is None else plain(caps.volatility_atr),
            "symbol_cap": None if caps.symbol is None else shown(caps.symbol),
            "dynamic_cap": shown(caps.dynamic),
            "contract_max": caps.contract,
        }

    def _liquidation(self) -> dict[str, Any]:
        return {
            "price": plain(self.liquidation.price),
            "stop_multiple": shown(self.liquidation.stop_multiple),
            "min_stop_multiple": plain(self.rules.liquidation.min_stop_multiple),
        }

    def _market_entry(self) -> dict[str, Any]:
        order = self.request.order
        return {"switch": order.switch, "adx_1h": None if order.adx_1h is None else shown(order.adx_1h)}


def _part(part: Part) -> dict[str, Any]:
    return {
        "price": plain(part.price),
        "share": plain(part.share),
        "size": plain(part.size),
        "effective_r": shown(part.effective_r),
    }


def _number(value: GateValue) -> GateValue:
    return shown(value) if isinstance(value, Decimal) else value
