"""From a request to a plan, step by step, with the facts the gate ``plan`` decides on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from engine.gates.gate import GateValue
from engine.models.trade_entry import TradeEntryDocument
from server.trade_entry.entry_price import Candidate, Entry, judge, maker_price, place, take, taker_price
from server.trade_entry.leverage import Leverage, choose_leverage, leverage_caps
from server.trade_entry.liquidation import Liquidation, estimate
from server.trade_entry.plan import OrderPlan
from server.trade_entry.preflight import Market
from server.trade_entry.quantise import MONEY
from server.trade_entry.request import Request
from server.trade_entry.signal import SPLIT_ATR_TIMEFRAME, VOLATILITY_TIMEFRAME, Facts
from server.trade_entry.size import (
    Room,
    largest_size,
    loss_per_contract,
    risk_of,
    size_for_margin,
    size_for_risk,
)
from server.trade_entry.stop import Stop, find_stop
from server.trade_entry.take_profit import Ladder, TakeProfit, take_profit
from server.trade_entry.targets import Targets, one_target, two_targets
from server.trade_entry.zone import Zone, build_zone, find_pivot, zone_gap


@dataclass(frozen=True, slots=True)
class Draft:
    """Facts as far as the arithmetic went; the plan when it went to the end. The gate has the last word."""

    facts: Mapping[str, GateValue]
    plan: OrderPlan | None


def build_plan(request: Request, facts: Facts, rules: TradeEntryDocument, market: Market) -> Draft:
    """The plan of one entry: zone, entry price, stop, size, leverage, targets.

    Losses count with the worst price the entry may be filled at, margins with the dearest. Nothing is
    rejected here: where a step has no result the rest stays unknown, and the gate says why.
    """
    with localcontext(MONEY):
        return _Builder(request, facts, rules, market).draft()


class _Builder:
    def __init__(self, request: Request, facts: Facts, rules: TradeEntryDocument, market: Market) -> None:
        self.request, self.known, self.rules, self.market = request, facts, rules, market
        self.levels = facts.pivot_levels(request.execution_timeframe)
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
        if stop is None or stop.price <= 0:
            return None
        return self._order(zone, candidate, entry, stop)

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
        rules, book, side, order = self.rules.entry, self.market.book, self.request.side, self.request.order
        tick = self.market.contract.tick_size
        takes = order.type == "market"
        price = taker_price(side, book) if takes else maker_price(side, book, tick, rules.inside_ticks)
        candidate = judge(side, price, zone, book.mark)
        deviation, most = candidate.deviation_ratio, rules.zone_max_deviation_ratio
        self.facts |= {
            "order_type": order.type,
            "candidate": candidate.price,
            "candidate_position": candidate.position,
            "zone_deviation_ratio": deviation,
            "zone_max_deviation_ratio": most,
            "zone_gap": None if deviation is None else zone_gap(deviation, most),
            "rest_at_edge": rules.rest_at_edge,
        }
        if takes:
            return candidate, take(side, candidate, zone, order.slippage_bps, tick)
        return candidate, place(side, candidate, zone)

    def _stop(self, entry: Entry) -> Stop | None:
        rules, tick = self.rules.stop, self.market.contract.tick_size
        atr = None if self.request.atr is None else self.request.atr.value
        search = find_stop(self.request.side, entry.price, atr, self.levels, rules, tick)
        self.facts |= {
            "entry": entry.price,
            "pivot_stop": search.pivot,
            "pivot_stop_distance_ratio": search.pivot_distance_ratio,
            "max_pivot_distance_ratio": rules.max_pivot_distance_ratio,
            "stop_fallback": rules.fallback,
            "stop_atr": atr,
            "stop": None if search.stop is None else search.stop.price,
        }
        return search.stop

    def _order(self, zone: Zone, candidate: Candidate, entry: Entry, stop: Stop) -> OrderPlan | None:
        request, contract = self.request, self.market.contract
        room = Room(self.rules.risk.initial_margin_usdt, self.market.free_usdt)
        equity, budget = self.market.balance.equity_usdt, room.budget_usdt
        risk = risk_of(self.rules.risk, equity, room, request.execution_timeframe)
        loss_each = loss_per_contract(entry.limit_price, stop.price, contract)
        most = largest_size(contract, request.order.type)
        risk_size = size_for_risk(risk.risk_usdt, loss_each, contract.size_step, most)
        unit_usdt = entry.dearest * contract.contract_size
        self.facts |= {
            "risk_usdt": risk.risk_usdt,
            "risk_size": risk_size,
            "min_size": contract.min_size,
            "required_risk_usdt": contract.min_size * loss_each,
            "budget_usdt": budget,
            "free_usdt": room.free_usdt,
        }
        if risk_size <= 0 or budget <= 0:
            return None

        atr_15m = self.known.positive("atr", VOLATILITY_TIMEFRAME)
        wanted_usdt = risk_size * unit_usdt
        caps = leverage_caps(
            self.rules.leverage, contract, entry.limit_price, stop.price, atr_15m, wanted_usdt
        )
        leverage = choose_leverage(wanted_usdt, room, self.rules.leverage, contract, caps)
        self.facts |= {
            "leverage": leverage.value,
            "leverage_cap": caps.whole,
            "min_accepted_leverage": self.rules.leverage.min_accepted,
            "leverage_floor": max(self.rules.leverage.floor, contract.min_leverage),
        }
        if leverage.value < 1:
            return None
        size = min(risk_size, size_for_margin(room, leverage.value, entry.dearest, contract))
        liquidation = self._liquidation(entry, stop, leverage, size * unit_usdt)
        self.facts |= {
            "size": size,
            "notional_usdt": size * unit_usdt,
            "required_budget_usdt": contract.min_size * unit_usdt / leverage.value,
            "required_free_usdt": contract.min_size
            * unit_usdt
            * (1 / Decimal(leverage.value) + contract.taker_fee_ratio),
        }
        if size <= 0:
            return None

        ladder = Ladder(request.side, entry.price, stop.price, contract.taker_fee_ratio, contract.tick_size)
        first, targets = self._targets(ladder, zone, entry, size)
        reward = sum(part.size * ladder.net_reward(part.price) for part in targets.parts)
        return OrderPlan(
            request=request,
            market=self.market,
            zone=zone,
            candidate=candidate,
            entry=entry,
            stop=stop,
            take_profit=first,
            targets=targets,
            risk=risk,
            budget_usdt=budget,
            risk_size=risk_size,
            size=size,
            leverage=leverage,
            liquidation=liquidation,
            stop_ratio=abs(entry.price - stop.price) / entry.price,
            notional_usdt=size * unit_usdt,
            margin_usdt=size * unit_usdt / leverage.value,
            loss_at_stop_usdt=size * loss_each,
            reward_usdt=contract.contract_size * reward,
            rules=self.rules,
        )

    def _liquidation(
        self, entry: Entry, stop: Stop, leverage: Leverage, notional_usdt: Decimal
    ) -> Liquidation:
        contract, side = self.market.contract, self.request.side
        kept = contract.tier(notional_usdt).maintenance_margin_ratio + contract.taker_fee_ratio
        found = estimate(side, entry.limit_price, stop.price, leverage.value, kept, contract.tick_size)
        self.facts |= {
            "liquidation_price": found.price,
            "liquidation_stop_multiple": found.stop_multiple,
            "liquidation_min_stop_multiple": self.rules.liquidation.min_stop_multiple,
        }
        return found

    def _targets(self, ladder: Ladder, zone: Zone, entry: Entry, size: Decimal) -> tuple[TakeProfit, Targets]:
        rules = self.rules.take_profit
        first = take_profit(ladder, rules, self.levels)
        if rules.targets == "one":
            targets = one_target(first, size)
        else:
            facts = self._split_facts(zone, entry)
            targets = two_targets(ladder, rules, self.levels, first, size, self.market.contract, facts)
        self.facts |= {
            "take_profit": first.price,
            "last_take_profit": targets.parts[-1].price,
            "effective_r": first.effective_r,
        }
        return first, targets

    def _split_facts(self, zone: Zone, entry: Entry) -> dict[str, GateValue]:
        atr = self.known.positive("atr", SPLIT_ATR_TIMEFRAME)
        return {
            "adx_1h": self.known.adx_1h,
            "atr_ratio": None if atr is None else atr / entry.price,
            "valid_timeframes": self.request.valid_timeframes,
            "entry_position": zone.position(self.request.side, entry.price),
        }
