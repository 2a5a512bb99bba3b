"""From a request to a plan, step by step, with the facts the gate ``plan`` decides on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import localcontext

from engine.gates.gate import GateValue
from engine.models.trade_entry import TradeEntryDocument
from server.trade_entry.entry_price import Candidate, Entry, judge, maker_price, place
from server.trade_entry.leverage import choose_leverage, leverage_caps
from server.trade_entry.plan import OrderPlan
from server.trade_entry.preflight import Market
from server.trade_entry.quantise import MONEY
from server.trade_entry.request import Request
from server.trade_entry.signal import VOLATILITY_TIMEFRAME, Facts
from server.trade_entry.size import loss_per_contract, margin_budget, risk_of, size_for_margin, size_for_risk
from server.trade_entry.stop import Stop, atr_stop
from server.trade_entry.take_profit import Ladder, take_profit
from server.trade_entry.zone import Zone, build_zone, find_pivot


@dataclass(frozen=True, slots=True)
class Draft:
    """Facts as far as the arithmetic went; the plan when it went to the end. The gate has the last word."""

    facts: Mapping[str, GateValue]
    plan: OrderPlan | None


def build_plan(request: Request, facts: Facts, rules: TradeEntryDocument, market: Market) -> Draft:
    """The plan of one entry: zone, limit price, stop, size, leverage, take profit.

    Nothing is rejected here: where a step has no result the rest stays unknown, and the gate says why.
    """
    with localcontext(MONEY):
        return _Builder(request, facts, rules, market).draft()


class _Builder:
    def __init__(self, request: Request, facts: Facts, rules: TradeEntryDocument, market: Market) -> None:
        self.request, self.known, self.rules, self.market = request, facts, rules, market
        self.facts: dict[str, GateValue] = {}

    def draft(self) -> Draft:
        plan = self._plan()
        return Draft(self.facts, plan)

    def _plan(self) -> OrderPlan | None:
        zone = self._zone()
        if zone is None:
            return None
        candidate, entry = self._entry(zone)
        if entry is None:
            return None
        stop = self._stop(entry)
        return self._order(zone, candidate, entry, stop) if stop.price > 0 else None

    def _zone(self) -> Zone | None:
        rules, tick = self.rules.entry_zone, self.market.contract.tick_size
        pivot = find_pivot(self.known, rules)
        zone = build_zone(self.request.side, self.known, rules, tick, self.request.as_of_ms)
        self.facts |= {
            "zone_pivot": None if pivot is None else pivot.price,
            "zone_atr": self.known.positive("atr", rules.atr_timeframe),
        }
        if zone is not None:
            self.facts |= {"zone_min": zone.low, "zone_max": zone.high}
        return zone

    def _entry(self, zone: Zone) -> tuple[Candidate, Entry | None]:
        rules, book, side = self.rules.entry, self.market.book, self.request.side
        price = maker_price(side, book, self.market.contract.tick_size, rules.inside_ticks)
        candidate = judge(side, price, zone, book.mark)
        self.facts |= {
            "candidate": candidate.price,
            "candidate_position": candidate.position,
            "zone_deviation_ratio": candidate.deviation_ratio,
            "zone_max_deviation_ratio": rules.zone_max_deviation_ratio,
            "rest_at_edge": rules.rest_at_edge,
        }
        return candidate, place(side, candidate, zone)

    def _stop(self, entry: Entry) -> Stop:
        tick = self.market.contract.tick_size
        stop = atr_stop(self.request.side, entry.price, self.request.atr.value, self.rules.stop, tick)
        self.facts |= {"entry": entry.price, "stop": stop.price}
        return stop

    def _order(self, zone: Zone, candidate: Candidate, entry: Entry, stop: Stop) -> OrderPlan | None:
        request, contract, balance = self.request, self.market.contract, self.market.balance
        risk = risk_of(self.rules.risk, balance, request.execution_timeframe)
        budget = margin_budget(self.rules.risk, balance)
        loss_each = loss_per_contract(entry.price, stop.price, contract)
        risk_size = size_for_risk(risk.risk_usdt, loss_each, contract)
        unit_usdt = entry.price * contract.contract_size
        self.facts |= {
            "risk_usdt": risk.risk_usdt,
            "risk_size": risk_size,
            "min_size": contract.min_size,
            "required_risk_usdt": contract.min_size * loss_each,
            "budget_usdt": budget,
        }
        if risk_size <= 0 or budget <= 0:
            return None

        atr_15m = self.known.positive("atr", VOLATILITY_TIMEFRAME)
        caps = leverage_caps(self.rules.leverage, contract, entry.price, stop.price, atr_15m)
        leverage = choose_leverage(risk_size * unit_usdt, budget, self.rules.leverage, contract, caps)
        self.facts |= {
            "leverage": leverage.value,
            "leverage_cap": caps.whole,
            "min_accepted_leverage": self.rules.leverage.min_accepted,
            "leverage_floor": max(self.rules.leverage.floor, contract.min_leverage),
        }
        if leverage.value < 1:
            return None

        size = min(risk_size, size_for_margin(budget, leverage.value, entry.price, contract))
        self.facts |= {
            "size": size,
            "notional_usdt": size * unit_usdt,
            "required_budget_usdt": contract.min_size * unit_usdt / leverage.value,
        }
        if size <= 0:
            return None

        fee, tick = contract.taker_fee_ratio, contract.tick_size
        ladder = Ladder(request.side, entry.price, stop.price, fee, tick)
        levels = self.known.pivot_levels(request.execution_timeframe)
        target = take_profit(ladder, self.rules.take_profit, levels)
        self.facts |= {"take_profit": target.price, "effective_r": target.effective_r}
        return OrderPlan(
            request=request,
            market=self.market,
            zone=zone,
            candidate=candidate,
            entry=entry,
            stop=stop,
            take_profit=target,
            risk=risk,
            budget_usdt=budget,
            risk_size=risk_size,
            size=size,
            leverage=leverage,
            stop_ratio=abs(entry.price - stop.price) / entry.price,
            notional_usdt=size * unit_usdt,
            margin_usdt=size * unit_usdt / leverage.value,
            loss_at_stop_usdt=size * loss_each,
            reward_usdt=size * contract.contract_size * ladder.net_reward(target.price),
        )
