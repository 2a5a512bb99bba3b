"""Stop methods with their fallbacks, second targets, splits, the market-entry switch, and the liquidation."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from trade_entry_bench import (
    BTC,
    BTC_MARKET,
    SPLITS,
    TAKES,
    D,
    balance,
    book,
    btc_facts,
    decided,
    draft,
    planned,
    settings,
    signal,
    venue,
)

from server.exchange.port import Balance
from server.trade_entry.entry_price import judge, take
from server.trade_entry.liquidation import estimate
from server.trade_entry.order_choice import choose_order
from server.trade_entry.preflight import Market
from server.trade_entry.signal import Facts, facts_needed
from server.trade_entry.slippage import capped, spread_bps
from server.trade_entry.split import choose_split
from server.trade_entry.stop import find_stop
from server.trade_entry.take_profit import Ladder, take_profit
from server.trade_entry.targets import find_second, two_targets
from server.trade_entry.zone import build_zone

TICK = D("0.1")
NOT_ALLOWED = "timeframe_not_allowed"
LEVELS = {"pp": "100.5", "r1": "101", "r2": "102", "r3": "101.5", "s1": "99", "s2": "98.5", "s3": "99.2"}


def levels(**change: str) -> dict[str, Decimal]:
    return {name: D(price) for name, price in (LEVELS | change).items()}


def stop_of(side: Any, prices: dict[str, Decimal], atr: str | None = "1", **rules: Any) -> tuple[Any, ...]:
    """Price, source, level, whether it fell back, and what became of the pivot; of an entry at 100."""
    given = {"from": "pivot", "pivot_buffer_ratio": 0, "min_stop_distance_ratio": 0, "atr_k": 1.5} | rules
    found = find_stop(side, D(100), None if atr is None else D(atr), prices, settings(stop=given).stop, TICK)
    if found.stop is None:
        return None, found.pivot
    stop = found.stop
    return stop.price, stop.source, stop.level and stop.level.name, stop.fell_back, found.pivot


@pytest.mark.parametrize(
    ("side", "policy", "price", "level"),
    [
        ("long", "nearest", "99.2", "s3"),  # the highest support, whatever its name
        ("short", "nearest", "101", "r1"),
        ("long", "strongest", "98.5", "s2"),  # 2 before 1 before 3
        ("short", "strongest", "102", "r2"),
        ("long", "s1", "99", "s1"),
        ("long", "r1", "99", "s1"),  # a number counts on the losing side of either
        ("short", "s1", "101", "r1"),
        ("short", "r3", "101.5", "r3"),
    ],
)
def test_pivot_policies(side: str, policy: str, price: str, level: str) -> None:
    assert stop_of(side, levels(), pivot_policy=policy) == (D(price), "pivot", level, False, "found")


@pytest.mark.parametrize(
    ("side", "buffer", "price"),
    [("long", 0.003, "98.9"), ("short", 0.003, "101.4")],  # 98.9024 and 101.303, away from the entry
)
def test_a_pivot_stop_is_behind_its_level(side: str, buffer: float, price: str) -> None:
    assert stop_of(side, levels(), pivot_buffer_ratio=buffer)[0] == D(price)


def test_a_level_at_the_entry_is_not_on_the_losing_side() -> None:
    assert stop_of("long", {"s1": D(100), "r1": D(99)}) == (None, "missing")


@pytest.mark.parametrize(
    ("prices", "became", "distance"),
    [({}, "missing", None), (levels(s1="97", s2="96", s3="95"), "too_far", D("0.03"))],
)
@pytest.mark.parametrize(
    ("fallback", "atr", "stood_in"),
    [
        ("none", "1", None),
        ("atr", "1", (D("98.5"), "atr")),
        ("atr", None, None),
        ("risk", "1", (D("99.0"), "risk")),
        ("risk", None, (D("99.0"), "risk")),
    ],
)
def test_what_stands_in_for_a_pivot(
    prices: dict[str, Decimal], became: str, distance: Any, fallback: Any, atr: str | None, stood_in: Any
) -> None:
    got = stop_of("long", prices, atr, fallback=fallback)
    assert got == ((None, became) if stood_in is None else (*stood_in, None, True, became))
    rules = settings(stop={"from": "pivot", "fallback": fallback, "pivot_buffer_ratio": 0}).stop
    found = find_stop("long", D(100), atr and D(atr), prices, rules, TICK)  # type: ignore[arg-type]
    assert found.pivot_distance_ratio == distance


def test_the_furthest_pivot_stop_that_is_used() -> None:
    assert stop_of("long", {"s1": D("98")})[-1] == "found"
    assert stop_of("long", {"s1": D("97.9")})[-1] == "too_far"


def test_risk_is_a_distance_and_stands_in_for_an_unknown_atr() -> None:
    fixed = {"from": "risk", "risk_stop_ratio": 0.0123}
    assert stop_of("long", {}, **fixed) == (D("98.7"), "risk", None, False, "not_asked")  # 98.77
    assert stop_of("short", {}, **fixed)[0] == D("101.3")  # 101.23
    assert stop_of("long", {}, None, **{"from": "atr", "fallback": "risk"})[:2] == (D("99.0"), "risk")
    assert stop_of("long", {}, "1", **{"from": "atr", "fallback": "risk"})[:2] == (D("98.5"), "atr")


@pytest.mark.parametrize(("side", "price"), [("long", "99.5"), ("short", "100.5")])
def test_every_method_keeps_the_least_distance(side: str, price: str) -> None:
    near = {"s1": D("99.9"), "r1": D("100.1")}
    for rules in ({"from": "pivot"}, {"from": "risk", "risk_stop_ratio": 0.001}, {"from": "atr"}):
        got = stop_of(side, near, "0.01", **rules, min_stop_distance_ratio=0.005)
        assert got[:2] == (D(price), f"{rules['from']}_min_distance")


async def test_a_pivot_stop_needs_no_atr_of_its_own() -> None:
    """D-10: what a profile does not use is not asked for; the zone's ATR is one of 1h here."""
    facts = btc_facts(atr={"1m": None, "5m": None, "15m": None, "1h": 300.0}, pivots={"s1": 66500})
    rules = settings(stop={"from": "pivot"}, entry_zone={"atr_timeframe": "1h"})
    decision = await decided(signal(), facts, rules, venue())
    assert decision.plan is not None
    assert decision.to_json()["raw"]["plan"]["stop_detail"] == {
        "method": "pivot",
        "fallback": False,
        "atr": None,
        "atr_timeframe": None,
        "level": "s1",
        "level_price": "66500",
        "method_price": "66400.2",  # 66500 less 0.15 % is 66400.25
        "distance": "599.9",
        "distance_ratio": "0.00895372",
    }


def second_of(side: Any = "long", prices: dict[str, str] | None = None, **rules: Any) -> tuple[Any, ...]:
    """Second target behind a first one of 1.5 R; entry 100, stop 2 away, no fees, a gap of 1."""
    given = {"min_gap_ticks": 10, "min_gap_ratio": 0, "min_gap_stop_ratio": 0} | rules
    document = settings(take_profit={"r_multiple": 1.5, "tp_buffer_ratio": 0, "second_target": given})
    ladder = Ladder(side, D(100), D(98) if side == "long" else D(102), D(0), TICK)
    known = {name: D(price) for name, price in (prices or {}).items()}
    made = find_second(ladder, document.take_profit, known, D(103) if side == "long" else D(97))
    return made.price, made.source, made.level


@pytest.mark.parametrize(
    ("side", "prices", "rules", "price", "source", "level"),
    [
        ("long", {"r1": "103.9", "r2": "104.0", "r3": "105"}, {}, "104", "pivot", "r2"),  # 103.9 is too near
        ("short", {"s1": "96.1", "s2": "96.0", "s3": "95"}, {}, "96", "pivot", "s2"),
        ("long", {"pp": "104.2"}, {}, "104.2", "pivot", "pp"),
        ("long", {"r1": "104"}, {"at_pivots": False}, "104", "r_multiple", None),  # 2 R
        ("long", {"r1": "103.5"}, {"r_multiple": 2.3}, "104.6", "r_multiple", None),
        ("short", {}, {"r_multiple": 2.3, "far_r_multiple": 3}, "95.4", "r_multiple", None),
        ("long", {}, {"min_gap_ticks": 15}, "105", "far_r_multiple", None),  # 2 R are 104 < 104.5
        ("long", {}, {"min_gap_ticks": 30}, "106", "min_gap", None),  # 2.5 R are 105 < 106
        ("short", {}, {"min_gap_ratio": 0.03}, "94", "min_gap", None),  # of the entry
        ("long", {}, {"min_gap_stop_ratio": 2}, "107", "min_gap", None),  # of the stop's distance
        ("long", {}, {"min_gap_ticks": 0, "r_multiple": 1, "far_r_multiple": 1}, "103.1", "min_gap", None),
    ],
)
def test_second_target(
    side: str, prices: dict[str, str], rules: dict[str, Any], price: str, source: str, level: str | None
) -> None:
    assert second_of(side, prices, **rules) == (D(price), source, level)


SPLIT = settings(take_profit={"split": {"strategies": SPLITS, "default_share": 0.55}}).take_profit.split


@pytest.mark.parametrize(
    ("adx", "atr_ratio", "valid", "position", "share", "strategy"),
    [
        ("15", "0.021", 1, "0.8", "0.7", "doubtful_late_entry"),  # also volatile, which comes later
        ("15", "0.021", 1, "0.7", "0.6", "volatile"),
        ("30", "0.011", 3, "0.5", "0.3", "strong_momentum"),
        ("22", "0.012", 2, "0.9", "0.5", "neutral"),
        ("22", "0.019", 2, "0.9", "0.55", None),
        (None, "0.019", 1, "0.9", "0.6", "volatile"),  # an unknown fact only fails what reads it
        (None, "0.015", 2, "0.9", "0.55", None),
        ("15", "0.021", None, "0.9", "0.55", None),
        ("30", "0.011", 3, None, "0.55", None),
    ],
)
def test_split_strategies(
    adx: str | None, atr_ratio: str, valid: int | None, position: str | None, share: str, strategy: str | None
) -> None:
    facts = {
        "adx_1h": adx and D(adx),
        "atr_ratio": D(atr_ratio),
        "valid_timeframes": valid,
        "entry_position": position and D(position),
    }
    made = choose_split(SPLIT, facts)  # type: ignore[arg-type]
    assert (made.first_share, made.strategy) == (D(share), strategy)


@pytest.mark.parametrize(
    ("size", "share", "sizes"),
    [
        ("37", 0.5, ["18", "19"]),  # the last takes what the lots leave over
        ("10", 0.7, ["7", "3"]),
        ("3", 0.3, ["3"]),  # 0.9 is less than one contract: everything leaves at the first
        ("1", 0.5, ["1"]),
    ],
)
def test_parts_are_whole_lots_that_add_up(size: str, share: float, sizes: list[str]) -> None:
    rules = settings(take_profit={"targets": "two", "split": {"default_share": share}}).take_profit
    ladder = Ladder("long", D(100), D(98), D("0.0006"), TICK)
    first = take_profit(ladder, rules, {})
    facts = dict.fromkeys(("adx_1h", "atr_ratio", "valid_timeframes", "entry_position"))
    made = two_targets(ladder, rules, {}, first, D(size), BTC, facts)
    assert [part.size for part in made.parts] == [D(part) for part in sizes]
    assert made.collapsed == (len(sizes) == 1)
    assert sum(part.share for part in made.parts) == 1
    if made.collapsed:
        assert made.parts[0].price == first.price


def test_two_targets_in_the_answer() -> None:
    rules = settings(take_profit={"targets": "two", "split": {"strategies": SPLITS}})
    values = btc_facts() | {("adx_14", "1h"): 31.5}
    plan = planned(BTC_MARKET, signal(valid_timeframes=1), values, rules).to_json()
    assert plan["targets"] == [
        {"price": "67579.2", "share": "0.5", "size": "7", "effective_r": "1.19998446"},
        {"price": "68331.6", "share": "0.5", "size": "7", "effective_r": "3.01060392"},
    ]
    # (7 x 1.19998446 + 7 x 3.01060392) / 14, and as much of the loss of 5.81418684
    assert (plan["effective_r"], plan["reward_at_take_profit_usdt"]) == ("2.10529419", "12.2405738")
    assert plan["take_profit_detail"] == {
        "base": "67579.2",
        "alignment": "base",
        "level": None,
        "level_price": None,
        "collapsed": False,
        "second": {"price": "68331.6", "source": "pivot", "level": "r2"},
        "split": {
            "first_share": "0.5",
            "strategy": None,
            "facts": {
                "adx_1h": "31.5",
                "atr_ratio": "0.00179104",
                "valid_timeframes": 1,
                "entry_position": "0.43928571",
            },
        },
    }


@pytest.mark.parametrize(
    ("switch", "timeframe", "adx", "said", "order_type"),
    [
        ({"enabled": False}, "1m", 30.0, "off", "limit"),
        ({"enabled": True}, "1m", None, "switched", "market"),
        ({"enabled": True, "allowed_execution_timeframes": ["1m", "5m"]}, "5m", None, "switched", "market"),
        ({"enabled": True, "allowed_execution_timeframes": ["5m"]}, "1m", 30.0, NOT_ALLOWED, "limit"),
        ({"enabled": True, "adx_min_1h": 20}, "1m", 20.0, "switched", "market"),
        ({"enabled": True, "adx_min_1h": 20}, "1m", 19.9, "adx_too_low", "limit"),
        ({"enabled": True, "adx_min_1h": 20}, "1m", None, "adx_unknown", "limit"),
        ({"enabled": True, "adx_min_1h": 20}, "1m", float("nan"), "adx_unknown", "limit"),
    ],
)  # fmt: skip
def test_the_market_entry_switch(
    switch: dict[str, Any], timeframe: Any, adx: float | None, said: str, order_type: str
) -> None:
    rules = settings(market_entry=switch)
    values = btc_facts(timeframe=timeframe) | {("adx_14", "1h"): adx}
    order = choose_order(rules, timeframe, Facts.of(values))
    assert (order.switch, order.type) == (said, order_type)
    assert order.time_in_force == ("ioc" if order_type == "market" else "post_only")
    plan = planned(BTC_MARKET, signal(timeframe=timeframe), values, rules).to_json()
    assert (plan["order_type"], plan["market_entry"]["switch"]) == (order_type, said)


def test_the_adx_is_loaded_only_where_something_reads_it() -> None:
    def reads(**rules: Any) -> bool:
        return ("adx_14", "1h") in facts_needed(settings(**rules), "1m")

    split = {"split": {"strategies": SPLITS[:1]}}
    volatile = {"split": {"strategies": [{"name": "v", "when": "atr_ratio > 0.018", "first_share": 0.6}]}}
    assert not reads()
    assert not reads(market_entry={"enabled": True})
    assert not reads(market_entry={"adx_min_1h": 20})
    assert not reads(take_profit=split)
    assert not reads(take_profit={"targets": "two"} | volatile)
    assert reads(market_entry={"enabled": True, "adx_min_1h": 20})
    assert reads(take_profit={"targets": "two"} | split)


@pytest.mark.parametrize(
    ("side", "best", "bps", "price"),
    [
        ("long", "100.0", "20", "100.2"),
        ("long", "100.0", "15", "100.1"),  # 100.15, toward the best price
        ("short", "100.0", "15", "99.9"),  # 99.85
        ("long", "100.0", "0", "100.0"),
        ("short", "100.0", "5", "100.0"),  # less than a tick
    ],
)
def test_a_market_order_has_a_worst_price(side: Any, best: str, bps: str, price: str) -> None:
    assert capped(side, D(best), D(bps), TICK) == D(price)


@pytest.mark.parametrize(
    ("side", "best", "worst"),
    [
        ("long", "100.0", "100.5"),
        ("long", "100.9", "101"),  # not beyond the zone's edge, which is 99 or 101
        ("short", "99.1", "99"),
        ("long", "101.1", None),  # outside the zone nothing is taken
        ("long", "98.9", None),
    ],
)
def test_a_market_order_stays_in_the_zone(side: Any, best: str, worst: str | None) -> None:
    facts = Facts.of({("sma_21", "5m"): 100.0, ("atr", "5m"): 2.0})
    zone = build_zone(side, facts, settings(entry_zone={"k_atr": 0.5, "w_max": 0.2}).entry_zone, TICK, 0)
    assert zone is not None
    entry = take(side, judge(side, D(best), zone, D(100)), zone, D(50), TICK)
    assert (entry and (entry.price, entry.limit_price)) == (worst and (D(best), D(worst)))


def test_a_market_order_is_no_larger_than_the_venue_takes_at_once() -> None:
    small = replace(BTC, market_max_size=D("5.5"))
    market = Market(small, BTC_MARKET.book, BTC_MARKET.balance)
    assert planned(market, signal(), btc_facts(), settings(**TAKES)).size == 5
    assert planned(market, signal(), btc_facts(), settings()).size == 14


def test_the_risk_of_a_market_order_counts_its_slippage() -> None:
    """67 047.2 is the zone's edge, 7 bps beyond the ask of 67 000.4; the stop is 0.5 % below the ask."""
    plan = planned(BTC_MARKET, signal(), btc_facts(), settings(**TAKES))
    assert (plan.entry.price, plan.entry.limit_price) == (D("67000.4"), D("67047.2"))
    assert plan.stop.price == D("66665.3")
    each = D("0.001") * (D("381.9") + D("0.0006") * (D("67047.2") + D("66665.3")))
    assert plan.risk_size == 7500 // (each * 1000) == 16
    assert plan.loss_at_stop_usdt == plan.size * each


def test_spread_is_over_the_middle() -> None:
    assert round(spread_bps(book("BTCUSDT", "67000.0", "67090.0", "67000.0")), 3) == D("13.424")


@pytest.mark.parametrize(
    ("side", "leverage", "stop", "price", "multiple"),
    [
        # 100 x (1 - 1/10) / (1 - 0.0056) = 90.5068 and 100 x 1.1 / 1.0056 = 109.3874, toward the entry.
        ("long", 10, "98", "90.6", "4.7"),
        ("short", 10, "102", "109.3", "4.65"),
        ("long", 1, "98", "0", "50"),
        ("short", 1, "102", "198.8", "49.4"),
        ("long", 150, "98", "99.9", "0.05"),  # 99.8927: before the stop
    ],
)
def test_liquidation_price(side: Any, leverage: int, stop: str, price: str, multiple: str) -> None:
    made = estimate(side, D(100), D(stop), leverage, D("0.0056"), BTC.tick_size)
    assert (made.price, made.stop_multiple) == (D(price), D(multiple))


def test_leverage_may_exceed_the_cap_in_a_still_market_and_says_so() -> None:
    """Decision 16: the profile's cap times the volatility factor, which is 1.25 - 75 x 30 / 67 000.1."""
    facts = btc_facts(atr={"1m": 60.0, "5m": 120.0, "15m": 30.0})
    rules = settings(risk={"risk_pct": 3})
    plan = planned(Market(BTC, BTC_MARKET.book, balance("1000")), signal(), facts, rules)
    detail = plan.to_json()["leverage_detail"]
    assert plan.leverage.value == 12
    assert (detail["exchange_cap"], detail["volatility_factor"], detail["profile_cap"]) == (
        "10",
        "1.21641796",
        "12.16417961",
    )


def test_a_part_of_the_equity_may_be_in_other_positions() -> None:
    market = Market(BTC, BTC_MARKET.book, Balance(D(500), D(30)))
    plan = planned(market, signal(), btc_facts(), settings(**TAKES))
    assert plan.margin_usdt <= 30


def test_without_a_stop_there_is_no_plan() -> None:
    made = draft(BTC_MARKET, signal(), btc_facts(pivots={}), settings(stop={"from": "pivot"}))
    assert (made.plan, made.facts["stop"], made.facts["pivot_stop"]) == (None, None, "missing")
