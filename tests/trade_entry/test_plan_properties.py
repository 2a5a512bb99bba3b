"""What holds for every plan, whatever the market, the facts and the settings."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import hypothesis
from hypothesis import assume, given
from hypothesis import strategies as st
from trade_entry_bench import AS_OF_MS, BTC, SPLITS, D, draft, issued, judged, settings, signal

from server.exchange.paper.admission import refused_margin
from server.exchange.paper.specification import Specification
from server.exchange.port import Balance, Book, RiskTier
from server.exchange.trading import EntryOrder
from server.trade_entry.build import Draft
from server.trade_entry.plan import OrderPlan
from server.trade_entry.preflight import Market
from server.trade_entry.quantise import plain
from server.trade_entry.signal import Facts
from server.trade_entry.take_profit import Ladder, buffered_levels
from server.trade_entry.ticket import Ticket

SIDES = st.sampled_from(["long", "short"])
TICKS = st.sampled_from(["0.00001", "0.001", "0.01", "0.1", "0.5", "1"])
THOROUGH = hypothesis.settings(max_examples=100, deadline=None)
LEVELS = ("pp", "r1", "r2", "r3", "s1", "s2", "s3")
POLICIES = ["nearest", "strongest", "s1", "r2", "s3"]

STOPS: st.SearchStrategy[dict[str, str]] = st.sampled_from(
    [
        {"from": "atr"},
        {"from": "atr", "fallback": "risk"},
        {"from": "risk"},
        {"from": "pivot"},
        {"from": "pivot", "fallback": "atr"},
        {"from": "pivot", "fallback": "risk"},
    ]
)
SPLIT = st.sampled_from([[], SPLITS[2:3]])
ORDERS = st.sampled_from(
    [
        {},
        {"entry": {"order_mode": "gtc"}},
        {"entry": {"order_type": "market", "order_mode": "ioc"}},
        {"market_entry": {"enabled": True, "max_slippage_bps": 30}},
        {"market_entry": {"enabled": True, "adx_min_1h": 20}},
    ]
)


TIERS = (RiskTier(D(0), D("0.004"), 50), RiskTier(D(500), D("0.03"), 10), RiskTier(D(5000), D("0.1"), 4))


def ratio(low: float, high: float) -> st.SearchStrategy[float]:
    """A share rounded to six decimals, as one would write it in YAML."""
    return st.floats(low, high).map(lambda x: round(x, 6))


@st.composite
def markets(draw: Any) -> Market:
    """A book on ticks, and a contract whose least order is worth between 0.01 and 10 USDT."""
    tick, step = D(draw(TICKS)), D(draw(st.sampled_from(["0.001", "0.1", "1", "5"])))
    bid = tick * draw(st.integers(200, 200_000))
    ask = bid + tick * draw(st.integers(1, 5))
    worth = draw(st.integers(-2, 0))
    contract = replace(
        BTC,
        tick_size=tick,
        size_step=step,
        min_size=step * draw(st.integers(1, 3)),
        max_size=draw(st.sampled_from([None, step * 1000])),
        market_max_size=draw(st.sampled_from([None, step * 100])),
        maintenance_margin_ratio=D(draw(st.sampled_from(["0.004", "0.02"]))),
        contract_size=D(1).scaleb(worth - (bid * step).adjusted()),
        max_leverage=draw(st.sampled_from([2, 20, 125])),
        tiers=draw(st.sampled_from([(), TIERS])),
        taker_fee_ratio=D(draw(st.sampled_from(["0", "0.0006", "0.002"]))),
    )
    equity = D(draw(st.integers(100, 20_000)))
    available = equity * D(draw(st.sampled_from(["0.001", "0.05", "0.5", "1"])))
    top = Book("BTCUSDT", bid, ask, D(1), D(1), bid, (bid + ask) / 2, AS_OF_MS)
    return Market(contract, top, Balance(equity, available))


@st.composite
def cases(draw: Any) -> tuple[Market, str, dict[Any, float | None], Any]:
    market, side = draw(markets()), draw(SIDES)
    price = float(market.book.bid)
    atr = st.one_of(st.none(), ratio(0.0001, 0.05).map(lambda share: share * price))
    values: dict[Any, float | None] = {("atr", "1m"): draw(ratio(0.0001, 0.05)) * price}
    values |= {("atr", "5m"): draw(atr) or price * 0.001, ("atr", "15m"): draw(atr)}
    values[("adx_14", "1h")] = draw(st.sampled_from([None, 10.0, 30.0]))
    away = draw(ratio(-0.001, 0.03))  # mostly where an order can wait: below the market for a long
    values |= {("sma_21", "5m"): price * (1 - away if side == "long" else 1 + away), ("vwap", "5m"): None}
    values |= {(f"pivot_{level}", "1m"): price * draw(ratio(0.9, 1.1)) for level in LEVELS}
    order: dict[str, Any] = draw(ORDERS)
    stop = draw(STOPS) | {
        "atr_k": draw(ratio(0.1, 6)),
        "min_stop_distance_ratio": draw(st.sampled_from([0, 0.005, 0.05])),
        "risk_stop_ratio": draw(ratio(0.001, 0.05)),
        "pivot_policy": draw(st.sampled_from(POLICIES)),
        "pivot_buffer_ratio": draw(ratio(0, 0.005)),
        "max_pivot_distance_ratio": draw(st.sampled_from([0.02, 0.1])),
    }
    rules = settings(
        risk={
            "base": draw(st.sampled_from(["equity", "margin_budget"])),
            "risk_pct": draw(ratio(0.2, 5)),
            "initial_margin_usdt": draw(st.integers(5, 500)),
        },
        entry={"inside_ticks": draw(st.integers(0, 3))} | order.get("entry", {}),
        market_entry=order.get("market_entry", {}),
        liquidation={"min_stop_multiple": draw(st.sampled_from([1, 3]))},
        entry_zone={"asym_bias": draw(ratio(0, 0.9))},
        stop=stop,
        take_profit={
            "targets": draw(st.sampled_from(["one", "two"])),
            "split": {"default_share": draw(ratio(0.1, 0.9)), "strategies": draw(SPLIT)},
            "r_multiple": draw(ratio(0.2, 4)),
            "tp_policy": draw(st.sampled_from(["pivot_conservative", "pivot_aggressive", "none"])),
            "tp_max_extra_r": draw(ratio(0, 2)),
            "tp_buffer_ticks": draw(st.integers(0, 3)),
        },
        leverage={
            "floor": draw(st.integers(1, 2)),
            "min_accepted": draw(st.sampled_from([0, 0, 1])),
            "exchange_cap": draw(st.sampled_from([3, 10, 50])),
            "per_symbol_caps": draw(st.sampled_from([[], [{"symbol_regex": "btc", "cap": 4}]])),
        },
    )
    return market, side, values, rules


@st.composite
def tight(draw: Any) -> tuple[Market, str, dict[Any, float | None], Any]:
    """The same where the margin is what binds: little of it, fine lots, and a market order in a wide zone."""
    market, side, values, rules = draw(cases())
    balance = Balance(D(draw(st.sampled_from([300, 1_000, 20_000]))), D(draw(st.integers(3, 60))))
    contract = replace(
        market.contract,
        size_step=D("0.001"),
        min_size=D("0.001"),
        max_size=None,
        market_max_size=None,
        max_leverage=125,
        taker_fee_ratio=D(draw(st.sampled_from(["0.0006", "0.03"]))),
    )
    takes = {"order_type": "market", "order_mode": "ioc", "max_slippage_bps": D(draw(st.integers(20, 100)))}
    asked: dict[str, dict[str, Any]] = {
        "risk": {"initial_margin_usdt": D(draw(st.sampled_from([5, 40, 500])))},
        "entry": draw(st.sampled_from([takes, {}])),
        "market_entry": {"enabled": False},
        "entry_zone": {"w_min": D("0.01"), "w_max": D("0.02"), "asym_bias": D(0)},
        "liquidation": {"min_stop_multiple": D(1)},
        "leverage": {"floor": 1, "min_accepted": 0, "exchange_cap": D(draw(st.sampled_from([2, 7, 50])))},
    }
    values[("sma_21", "5m")] = float(market.book.bid)
    changed = {part: getattr(rules, part).model_copy(update=change) for part, change in asked.items()}
    rules = rules.model_copy(update=changed)
    return replace(market, contract=contract, balance=balance), side, values, rules


@st.composite
def aligned(draw: Any) -> tuple[Market, str, dict[Any, float | None], Any]:
    """The same with a pivot level just before the target that the plan would have without one."""
    market, side, values, rules = draw(cases())
    keep = D(draw(st.sampled_from(["0.5", "0.95"])))
    target = rules.take_profit.model_copy(
        update={"tp_policy": "pivot_conservative", "tp_min_keep_ratio": keep}
    )
    stop = rules.stop.model_copy(update={"from_": "risk", "fallback": "none"})
    rules = rules.model_copy(update={"take_profit": target, "stop": stop})
    plan = draft(market, signal(side=side), values, rules).plan
    assume(plan is not None and plan.take_profit.base > 0)
    assert plan is not None
    share = D(draw(ratio(0.93, 1.005)))
    wanted = plan.entry.price + share * (plan.take_profit.base - plan.entry.price)
    behind = 1 + target.tp_buffer_ratio if side == "long" else 1 - target.tp_buffer_ratio
    values[("pivot_r1" if side == "long" else "pivot_s1", "1m")] = float(wanted * behind)
    return market, side, values, rules


def accepted(case: tuple[Market, str, dict[Any, float | None], Any]) -> tuple[Draft, OrderPlan]:
    market, side, values, rules = case
    made = draft(market, signal(side=side, valid_timeframes=1), values, rules)
    assume(judged(made, rules).passed)
    assert made.plan is not None
    return made, made.plan


def multiple(value: Decimal, step: Decimal) -> bool:
    return Fraction(value) % Fraction(step) == 0


def lost(plan: OrderPlan, filled: Decimal) -> Fraction:
    """What the whole size loses at the stop when it was filled at one price, with the fee of both legs."""
    contract, entry, stop = plan.market.contract, Fraction(filled), Fraction(plan.stop.price)
    fees = Fraction(contract.taker_fee_ratio) * (entry + stop)
    return Fraction(plan.size) * Fraction(contract.contract_size) * (abs(entry - stop) + fees)


@THOROUGH
@given(cases())
def test_the_loss_at_the_stop_with_fees_never_exceeds_the_risk(case: Any) -> None:
    _, plan = accepted(case)
    assert lost(plan, plan.entry.limit_price) <= Fraction(plan.risk.risk_usdt)
    assert lost(plan, plan.entry.limit_price) == Fraction(plan.loss_at_stop_usdt)
    assert lost(plan, plan.entry.price) <= Fraction(plan.loss_at_stop_usdt)


def held(plan: OrderPlan, size: Decimal, leverage: int) -> tuple[Fraction, Fraction]:
    """Margin of ``size`` contracts at the dearest price they may be filled at, and with the opening fee."""
    contract, dearest = plan.market.contract, max(plan.entry.price, plan.entry.limit_price)
    notional = Fraction(size) * Fraction(contract.contract_size) * Fraction(dearest)
    margin = notional / leverage
    return margin, margin + notional * Fraction(contract.taker_fee_ratio)


def carried(plan: OrderPlan, size: Decimal, leverage: int) -> bool:
    margin, with_fee = held(plan, size, leverage)
    most, free = plan.rules.risk.initial_margin_usdt, plan.market.balance.available_usdt
    return margin <= Fraction(most) and with_fee <= Fraction(free)


@THOROUGH
@given(st.one_of(cases(), tight()))
def test_the_margin_never_exceeds_budget_or_balance_and_uses_what_there_is(case: Any) -> None:
    """With its opening fee it is free; and nothing but the margin keeps a size below what the risk allows."""
    _, plan = accepted(case)
    assert carried(plan, plan.size, plan.leverage.value)
    margin, _ = held(plan, plan.size, plan.leverage.value)
    assert abs(margin - Fraction(plan.margin_usdt)) < Fraction(1, 10**20)
    assert margin <= Fraction(plan.budget_usdt)
    step = plan.market.contract.size_step
    if plan.size < plan.risk_size:
        assert plan.leverage.value == plan.leverage.caps.whole
        assert not carried(plan, plan.size + step, plan.leverage.value)


@THOROUGH
@given(st.one_of(cases(), tight()))
def test_a_plan_that_passes_is_never_refused_for_its_margin(case: Any) -> None:
    _, plan = accepted(case)
    contract, ticket = plan.market.contract, issued(plan)
    fields = {name: getattr(contract, name) for name in Specification.model_fields if name != "origin"}
    order = EntryOrder(
        symbol=ticket.symbol,
        client_order_id="A",
        side=ticket.side,
        type="limit",
        size=ticket.size,
        price=ticket.price,
        time_in_force=ticket.time_in_force,
        leverage=ticket.leverage,
        margin_mode="isolated",
    )
    specification = Specification(**fields, origin="assumed")
    free = plan.market.balance.available_usdt
    assert refused_margin(order, specification, plan.market.book, free) is None


@THOROUGH
@given(cases())
def test_prices_are_on_ticks_sizes_on_steps_on_the_safe_side(case: Any) -> None:
    _, plan = accepted(case)
    contract, book = plan.market.contract, plan.market.book
    tick, entry, stop = contract.tick_size, plan.entry.price, plan.stop.price
    parts, worst = plan.targets.parts, plan.entry.limit_price
    for price in (entry, worst, stop, plan.zone.low, plan.zone.high, *(part.price for part in parts)):
        assert multiple(price, tick)
    for size in (plan.size, *(part.size for part in parts)):
        assert multiple(size, contract.size_step)
        assert contract.min_size <= size <= (contract.max_size or plan.size)
    long = plan.request.side == "long"
    assert plan.zone.contains(entry)
    assert plan.zone.contains(worst)
    if plan.request.order.type == "limit":
        assert worst == entry
        assert entry < book.ask if long else entry > book.bid  # never crosses
    else:
        assert entry == (book.ask if long else book.bid)
        beyond = worst - entry if long else entry - worst
        assert 0 <= beyond <= plan.request.order.slippage_bps / 10_000 * entry
        assert plan.size <= (contract.market_max_size or plan.size)
    for part in parts:
        assert part.price > entry if long else part.price < entry


def terms(plan: OrderPlan) -> RiskTier:
    """Of the tier the position is in, or of the contract where that is stricter."""
    contract = plan.market.contract
    own = RiskTier(D(0), contract.maintenance_margin_ratio, contract.max_leverage)
    tier = [own, *(tier for tier in contract.tiers if tier.floor_usdt <= plan.notional_usdt)][-1]
    return max(own, tier, key=lambda one: one.maintenance_margin_ratio)


@THOROUGH
@given(cases())
def test_the_stop_is_beyond_the_entry_where_its_method_says_and_before_the_liquidation(case: Any) -> None:
    _, plan = accepted(case)
    rules, tick, side = case[3], plan.market.contract.tick_size, plan.request.side
    entry, worst, stop = plan.entry.price, plan.entry.limit_price, plan.stop
    long = side == "long"
    assert stop.price < min(entry, worst) if long else stop.price > max(entry, worst)
    least = rules.stop.min_stop_distance_ratio * entry
    atr = plan.request.atr
    if stop.method == "atr":
        assert atr is not None
        least = max(least, rules.stop.atr_k * atr.value)
    elif stop.method == "risk":
        least = max(least, rules.stop.risk_stop_ratio * entry)
    distance = abs(entry - stop.price)
    assert distance >= least
    if stop.method == "pivot":
        assert stop.level is not None
        assert stop.level.name[0] == ("s" if long else "r")
        behind = stop.level.price - stop.price if long else stop.price - stop.level.price
        assert behind >= rules.stop.pivot_buffer_ratio * stop.level.price
        assert abs(entry - stop.method_price) <= rules.stop.max_pivot_distance_ratio * entry
        assert stop.moved or stop.price == stop.method_price
    else:
        assert distance < least + 2 * tick  # and no further than rounding takes it
    gone = plan.liquidation.price
    assert gone < stop.price if long else gone > stop.price
    assert abs(worst - gone) >= rules.liquidation.min_stop_multiple * abs(worst - stop.price)
    margin = Fraction(worst) / plan.leverage.value
    lost_by_then = abs(Fraction(worst) - Fraction(gone))
    assert margin - lost_by_then >= Fraction(terms(plan).maintenance_margin_ratio) * Fraction(gone)


@THOROUGH
@given(cases())
def test_two_targets_share_the_size_and_lie_apart(case: Any) -> None:
    _, plan = accepted(case)
    rules, parts = case[3].take_profit, plan.targets.parts
    assert sum(part.size for part in parts) == plan.size
    assert sum(part.share for part in parts) == 1
    assert parts[0].price == plan.take_profit.price
    if len(parts) == 1:
        assert rules.targets == "one" or plan.targets.collapsed
        return
    assert plan.targets.split is not None
    assert parts[0].share == plan.targets.split.first_share
    assert parts[0].size <= plan.size * parts[0].share < parts[0].size + plan.market.contract.size_step
    second, tick, distance = rules.second_target, plan.market.contract.tick_size, plan.entry.price
    gap = max(
        second.min_gap_ticks * tick,
        second.min_gap_ratio * distance,
        second.min_gap_stop_ratio * abs(plan.entry.price - plan.stop.price),
    )
    apart = parts[1].price - parts[0].price
    assert (apart if plan.request.side == "long" else -apart) > gap - tick  # rounded toward the entry
    assert parts[1].effective_r > parts[0].effective_r


@THOROUGH
@given(cases())
def test_a_ticket_holds_the_plan_and_survives_json(case: Any) -> None:
    _, plan = accepted(case)
    ticket = issued(plan)
    assert Ticket.from_json(json.loads(json.dumps(ticket.to_json()))) == ticket
    assert (ticket.entry, ticket.price, ticket.stop) == (
        plan.entry.price,
        plan.entry.limit_price,
        plan.stop.price,
    )
    assert sum(target.share for target in ticket.targets) == 1
    takes = {"market": {"ioc"}, "limit": {"gtc", "post_only"}}
    assert ticket.time_in_force in takes[ticket.order_type]
    assert ticket.max_loss_usdt <= plan.risk.risk_usdt


@THOROUGH
@given(st.one_of(cases(), tight()))
def test_leverage_is_the_least_that_fits_and_within_every_cap(case: Any) -> None:
    _, plan = accepted(case)
    rules, caps, value = case[3].leverage, plan.leverage.caps, plan.leverage.value
    assert max(rules.floor, rules.min_accepted + 1) <= value <= min(caps.profile, caps.dynamic, caps.contract)
    assert caps.symbol is None or value <= caps.symbol
    assert value <= plan.market.contract.max_leverage
    assert all(
        value <= t.max_leverage for t in plan.market.contract.tiers if t.floor_usdt <= plan.notional_usdt
    )
    worst = plan.entry.limit_price
    assert value * abs(worst - plan.stop.price) <= rules.k_dynamic * worst
    least = max(rules.floor, plan.market.contract.min_leverage)
    if plan.size == plan.risk_size and value > least:
        assert not carried(plan, plan.size, value - 1)


@THOROUGH
@given(st.one_of(cases(), aligned()))
def test_take_profit_keeps_its_bounds(case: Any) -> None:
    _, plan = accepted(case)
    rules, target, contract = case[3].take_profit, plan.take_profit, plan.market.contract
    levels = Facts.of(case[2]).pivot_levels("1m")
    fee, tick = contract.taker_fee_ratio, contract.tick_size
    ladder = Ladder(plan.request.side, plan.entry.price, plan.stop.price, fee, tick)
    before = [
        price
        for price, _ in buffered_levels(ladder, rules, levels)
        if ladder.beyond(target.base, price)
        and ladder.r_at(price) >= rules.tp_min_keep_ratio * rules.r_multiple
    ]
    if rules.tp_policy == "pivot_conservative":
        assert target.price == (before[0] if before else target.base)
    further = target.price > target.base if plan.request.side == "long" else target.price < target.base
    if target.alignment == "pivot_closer":
        assert not further
        assert rules.tp_policy == "pivot_conservative"
        assert target.effective_r >= rules.tp_min_keep_ratio * rules.r_multiple
    elif target.alignment == "pivot_further":
        assert further
        assert rules.tp_policy == "pivot_aggressive"
        assert target.effective_r <= rules.r_multiple + rules.tp_max_extra_r
    else:
        assert target.price == target.base
        assert target.effective_r <= rules.r_multiple
    reward = Fraction(plan.reward_usdt) / lost(plan, plan.entry.price)
    assert abs(reward - Fraction(plan.targets.effective_r)) < Fraction(1, 10**20)


@THOROUGH
@given(cases())
def test_nothing_is_planned_without_the_gate_and_no_fact_is_hidden_from_it(case: Any) -> None:
    market, side, values, rules = case
    made = draft(market, signal(side=side), values, rules)
    answer = judged(made, rules)  # raises on a fact it does not declare
    assert answer.passed == (answer.reason is None)
    if answer.passed:
        assert made.plan is not None


CENTRE = 100_000
"""Ticks: prices p and CENTRE - p mirror each other."""

MIRRORED = {f"{one}{n}": f"{other}{n}" for one, other in ("rs", "sr") for n in range(1, 4)}
"""Resistances are supports on the mirrored market."""


@THOROUGH
@given(
    st.integers(40_000, 60_000),
    st.integers(1, 4),
    st.integers(-300, 300),
    st.integers(1, 400),
    st.integers(0, 3),
    st.lists(st.integers(42_000, 58_000), min_size=7, max_size=7),
    st.sampled_from(["pivot_conservative", "pivot_aggressive", "none"]),
    STOPS.filter(lambda stop: "risk" not in stop.values()),
    st.sampled_from(POLICIES),
    st.sampled_from(["one", "two"]),
    st.booleans(),
)
def test_long_and_short_mirror_each_other(
    bid: int,
    spread: int,
    offset: int,
    atr: int,
    inside: int,
    levels: list[int],
    policy: str,
    stop: dict[str, str],
    level: str,
    targets: str,
    takes: bool,
) -> None:
    """On a mirrored market, without fees and without bounds in ratios of the price, all prices mirror."""
    rules = settings(
        risk={"initial_margin_usdt": 10_000},
        entry={"inside_ticks": inside, "zone_max_deviation_ratio": 1, "max_slippage_bps": 0}
        | ({"order_type": "market", "order_mode": "ioc"} if takes else {}),
        entry_zone={"w_min": 0, "w_max": 0.2, "asym_bias": 0.25, "k_atr": 0.5},
        stop=stop
        | {
            "min_stop_distance_ratio": 0,
            "atr_k": 1.5,
            "pivot_policy": level,
            "pivot_buffer_ratio": 0,
            "max_pivot_distance_ratio": 0.5,
        },
        take_profit={
            "tp_policy": policy,
            "tp_buffer_ratio": 0,
            "tp_buffer_ticks": 2,
            "targets": targets,
            "second_target": {"min_gap_ratio": 0},
        },
    )
    tick = D("0.1")
    contract = replace(BTC, tick_size=tick, taker_fee_ratio=D(0), max_size=D(1000))

    def made(side: str, mirror: bool) -> Draft:
        def price(ticks: int) -> Decimal:
            return (CENTRE - ticks if mirror else ticks) * tick

        low, high = sorted((price(bid), price(bid + spread)))
        top = Book("BTCUSDT", low, high, D(1), D(1), low, (low + high) / 2, AS_OF_MS)
        values: dict[Any, float | None] = {("atr", tf): float(atr * tick) for tf in ("1m", "5m", "15m")}
        values[("sma_21", "5m")] = float(price(bid + offset))
        names = [MIRRORED.get(n, n) for n in LEVELS] if mirror else LEVELS
        values |= {(f"pivot_{n}", "1m"): float(price(level)) for n, level in zip(names, levels, strict=True)}
        return draft(Market(contract, top, Balance(D(10_000), D(10_000))), signal(side=side), values, rules)

    there, back = made("long", False), made("short", True)
    assert there.facts["candidate_position"] == back.facts["candidate_position"]
    for here, mirrored in (("zone_min", "zone_max"), ("zone_max", "zone_min"), ("candidate", "candidate")):
        assert there.facts[here] == CENTRE * tick - back.facts[mirrored]  # type: ignore[operator]
    assert (there.plan is None) == (back.plan is None)
    if there.plan is not None and back.plan is not None:
        for name in ("entry", "stop", "take_profit"):
            one, other = getattr(there.plan, name).price, getattr(back.plan, name).price
            assert one == CENTRE * tick - other, name
        assert there.plan.stop.source == back.plan.stop.source
        for one, other in zip(there.plan.targets.parts, back.plan.targets.parts, strict=True):
            assert (one.price, one.size) == (CENTRE * tick - other.price, other.size)
        assert there.plan.risk_size == back.plan.risk_size
        assert plain(there.plan.take_profit.effective_r) == plain(back.plan.take_profit.effective_r)


@THOROUGH
@given(
    st.integers(40_000, 60_000),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(0, 300),
    ratio(0.001, 0.03),
    st.sampled_from(["0.0006", "0.002"]),
    ratio(0.5, 4),
)
def test_risk_stops_and_fees_mirror_around_the_entry(
    bid: int, spread: int, inside: int, offset: int, stop_ratio: float, fee: str, r_multiple: float
) -> None:
    """What counts in ratios of the price mirrors at the entry: the stop exactly, and what fees are part of
    but for the fee of the exit, which is higher where the exit is.
    """
    tick, entry = D("0.1"), min(bid + inside, bid + spread - 1)
    rules = settings(
        risk={"initial_margin_usdt": 10_000},
        entry={"inside_ticks": inside},
        entry_zone={"w_min": 0, "w_max": 0.2, "k_atr": 1},
        stop={"from": "risk", "risk_stop_ratio": stop_ratio},
        take_profit={"tp_policy": "none", "r_multiple": r_multiple},
    )
    contract = replace(BTC, tick_size=tick, taker_fee_ratio=D(fee), max_size=None, contract_size=D("0.00001"))

    def made(side: str, mirror: bool) -> OrderPlan:
        def price(ticks: int) -> Decimal:
            return (2 * entry - ticks if mirror else ticks) * tick

        low, high = sorted((price(bid), price(bid + spread)))
        top = Book("BTCUSDT", low, high, D(1), D(1), low, (low + high) / 2, AS_OF_MS)
        values: dict[Any, float | None] = {("atr", tf): float(400 * tick) for tf in ("1m", "5m", "15m")}
        values[("sma_21", "5m")] = float(price(entry - offset))
        market = Market(contract, top, Balance(D(10_000), D(10_000)))
        plan = draft(market, signal(side=side), values, rules).plan
        assert plan is not None
        return plan

    long, short = made("long", False), made("short", True)
    assert long.entry.price == short.entry.price == entry * tick
    distance = long.entry.price - long.stop.price
    assert distance == short.stop.price - short.entry.price
    assert distance >= max(D(str(stop_ratio)), D("0.005")) * long.entry.price
    gain, gain_short = long.take_profit.price - long.entry.price, short.entry.price - short.take_profit.price
    exit_fee = 2 * D(fee) * (max(gain, gain_short) + D(str(r_multiple)) * distance)
    assert abs(gain - gain_short) <= exit_fee + 2 * tick
    # A short is stopped out at the higher price, so its fee is higher, and its size not larger.
    assert long.risk_size >= short.risk_size
    more = long.risk_size * contract.contract_size * 2 * D(fee) * distance
    step_usdt = contract.contract_size * (distance + D(fee) * (2 * long.entry.price + distance))
    assert (long.risk_size - short.risk_size) * step_usdt <= more + step_usdt
