"""What holds for every plan, whatever the market, the facts and the settings."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import hypothesis
from hypothesis import assume, given
from hypothesis import strategies as st
from trade_entry_bench import AS_OF_MS, BTC, D, draft, gates, settings, signal

from server.exchange.port import Balance, Book
from server.trade_entry.build import Draft
from server.trade_entry.plan import OrderPlan
from server.trade_entry.preflight import Market
from server.trade_entry.quantise import plain

SIDES = st.sampled_from(["long", "short"])
TICKS = st.sampled_from(["0.00001", "0.001", "0.01", "0.1", "0.5", "1"])
THOROUGH = hypothesis.settings(max_examples=100, deadline=None)
LEVELS = ("pp", "r1", "r2", "r3", "s1", "s2", "s3")


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
        contract_size=D(1).scaleb(worth - (bid * step).adjusted()),
        max_leverage=draw(st.sampled_from([2, 20, 125])),
        taker_fee_ratio=D(draw(st.sampled_from(["0", "0.0006", "0.002"]))),
    )
    equity = D(draw(st.integers(100, 20_000)))
    available = equity * D(draw(st.sampled_from(["0.05", "0.5", "1"])))
    top = Book("BTCUSDT", bid, ask, D(1), D(1), bid, (bid + ask) / 2, AS_OF_MS)
    return Market(contract, top, Balance(equity, available))


@st.composite
def cases(draw: Any) -> tuple[Market, str, dict[Any, float | None], Any]:
    market, side = draw(markets()), draw(SIDES)
    price = float(market.book.bid)
    atr = st.one_of(st.none(), ratio(0.0001, 0.05).map(lambda share: share * price))
    values: dict[Any, float | None] = {("atr", "1m"): draw(ratio(0.0001, 0.05)) * price}
    values |= {("atr", "5m"): draw(atr) or price * 0.001, ("atr", "15m"): draw(atr)}
    away = draw(ratio(-0.001, 0.03))  # mostly where an order can wait: below the market for a long
    values |= {("sma_21", "5m"): price * (1 - away if side == "long" else 1 + away), ("vwap", "5m"): None}
    values |= {(f"pivot_{level}", "1m"): price * draw(ratio(0.9, 1.1)) for level in LEVELS}
    rules = settings(
        risk={
            "base": draw(st.sampled_from(["equity", "margin_budget"])),
            "risk_pct": draw(ratio(0.2, 5)),
            "initial_margin_usdt": draw(st.integers(5, 500)),
        },
        entry={"inside_ticks": draw(st.integers(0, 3))},
        entry_zone={"asym_bias": draw(ratio(0, 0.9))},
        stop={
            "atr_k": draw(ratio(0.1, 6)),
            "min_stop_distance_ratio": draw(st.sampled_from([0, 0.005, 0.05])),
        },
        take_profit={
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


def accepted(case: tuple[Market, str, dict[Any, float | None], Any]) -> tuple[Draft, OrderPlan]:
    market, side, values, rules = case
    made = draft(market, signal(side=side), values, rules)
    assume(gates()["plan"].decide(made.facts).passed)
    assert made.plan is not None
    return made, made.plan


def multiple(value: Decimal, step: Decimal) -> bool:
    return Fraction(value) % Fraction(step) == 0


@THOROUGH
@given(cases())
def test_the_loss_at_the_stop_with_fees_never_exceeds_the_risk(case: Any) -> None:
    _, plan = accepted(case)
    contract, entry, stop = plan.market.contract, Fraction(plan.entry.price), Fraction(plan.stop.price)
    fees = Fraction(contract.taker_fee_ratio) * (entry + stop)
    loss = Fraction(plan.size) * Fraction(contract.contract_size) * (abs(entry - stop) + fees)
    assert loss <= Fraction(plan.risk.risk_usdt)
    assert loss == Fraction(plan.loss_at_stop_usdt)


@THOROUGH
@given(cases())
def test_the_margin_never_exceeds_budget_or_balance(case: Any) -> None:
    _, plan = accepted(case)
    rules = case[3]
    margin = Fraction(plan.notional_usdt) / plan.leverage.value
    assert margin <= Fraction(plan.budget_usdt)
    assert plan.margin_usdt <= rules.risk.initial_margin_usdt
    assert plan.margin_usdt <= plan.market.balance.available_usdt


@THOROUGH
@given(cases())
def test_prices_are_on_ticks_sizes_on_steps_on_the_safe_side(case: Any) -> None:
    _, plan = accepted(case)
    contract, book, rules = plan.market.contract, plan.market.book, case[3]
    tick, entry, stop = contract.tick_size, plan.entry.price, plan.stop.price
    for price in (entry, stop, plan.take_profit.price, plan.zone.low, plan.zone.high):
        assert multiple(price, tick)
    assert multiple(plan.size, contract.size_step)
    assert contract.min_size <= plan.size <= (contract.max_size or plan.size)
    long = plan.request.side == "long"
    assert entry < book.ask if long else entry > book.bid  # never crosses
    assert plan.zone.contains(entry)
    assert stop < entry if long else stop > entry
    least = max(rules.stop.atr_k * plan.request.atr.value, rules.stop.min_stop_distance_ratio * entry)
    assert abs(entry - stop) >= least
    assert abs(entry - stop) < least + 2 * tick  # and no further than rounding takes it
    assert plan.take_profit.price > entry if long else plan.take_profit.price < entry


@THOROUGH
@given(cases())
def test_leverage_is_the_least_that_fits_and_within_every_cap(case: Any) -> None:
    _, plan = accepted(case)
    rules, caps, value = case[3].leverage, plan.leverage.caps, plan.leverage.value
    assert max(rules.floor, rules.min_accepted + 1) <= value <= min(caps.profile, caps.dynamic, caps.contract)
    assert caps.symbol is None or value <= caps.symbol
    assert value * abs(plan.entry.price - plan.stop.price) <= rules.k_dynamic * plan.entry.price
    least = max(rules.floor, plan.market.contract.min_leverage)
    if plan.size == plan.risk_size and value > least:
        assert plan.notional_usdt > plan.budget_usdt * (value - 1)  # one less would not have carried it


@THOROUGH
@given(cases())
def test_take_profit_keeps_its_bounds(case: Any) -> None:
    _, plan = accepted(case)
    rules, target = case[3].take_profit, plan.take_profit
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
    reward = Fraction(plan.reward_usdt) / Fraction(plan.loss_at_stop_usdt)
    assert abs(reward - Fraction(target.effective_r)) < Fraction(1, 10**20)


@THOROUGH
@given(cases())
def test_nothing_is_planned_without_the_gate_and_no_fact_is_hidden_from_it(case: Any) -> None:
    market, side, values, rules = case
    made = draft(market, signal(side=side), values, rules)
    answer = gates()["plan"].decide(made.facts)  # raises on a fact it does not declare
    assert answer.passed == (answer.reason is None)
    if answer.passed:
        assert made.plan is not None


CENTRE = 100_000
"""Ticks: prices p and CENTRE - p mirror each other."""


@THOROUGH
@given(
    st.integers(40_000, 60_000),
    st.integers(1, 4),
    st.integers(-300, 300),
    st.integers(1, 400),
    st.integers(0, 3),
    st.lists(st.integers(30_000, 70_000), min_size=7, max_size=7),
    st.sampled_from(["pivot_conservative", "pivot_aggressive", "none"]),
)
def test_long_and_short_mirror_each_other(
    bid: int, spread: int, offset: int, atr: int, inside: int, levels: list[int], policy: str
) -> None:
    """On a mirrored market, without fees and without bounds in ratios of the price, all prices mirror."""
    rules = settings(
        entry={"inside_ticks": inside, "zone_max_deviation_ratio": 1},
        entry_zone={"w_min": 0, "w_max": 0.2, "asym_bias": 0.25, "k_atr": 0.5},
        stop={"min_stop_distance_ratio": 0, "atr_k": 1.5},
        take_profit={"tp_policy": policy, "tp_buffer_ratio": 0, "tp_buffer_ticks": 2},
    )
    tick = D("0.1")
    contract = replace(BTC, tick_size=tick, taker_fee_ratio=D(0))

    def made(side: str, mirror: bool) -> Draft:
        def price(ticks: int) -> Decimal:
            return (CENTRE - ticks if mirror else ticks) * tick

        low, high = sorted((price(bid), price(bid + spread)))
        top = Book("BTCUSDT", low, high, D(1), D(1), low, (low + high) / 2, AS_OF_MS)
        values: dict[Any, float | None] = {("atr", tf): float(atr * tick) for tf in ("1m", "5m", "15m")}
        values[("sma_21", "5m")] = float(price(bid + offset))
        values |= {(f"pivot_{n}", "1m"): float(price(level)) for n, level in zip(LEVELS, levels, strict=True)}
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
        assert there.plan.risk_size == back.plan.risk_size
        assert plain(there.plan.take_profit.effective_r) == plain(back.plan.take_profit.effective_r)
