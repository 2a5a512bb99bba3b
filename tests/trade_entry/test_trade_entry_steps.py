"""Zone, limit price, stop, leverage and take profit, each on its own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from trade_entry_bench import AS_OF_MS, BTC, D, book, fact_values, settings

from server.trade_entry.entry_price import judge, maker_price, place
from server.trade_entry.leverage import choose_leverage, leverage_caps, volatility_factor
from server.trade_entry.request import request_atr
from server.trade_entry.signal import Facts, facts_needed
from server.trade_entry.size import Room, risk_of
from server.trade_entry.stop import find_stop
from server.trade_entry.take_profit import Ladder, buffered, take_profit
from server.trade_entry.zone import Zone, build_zone, zone_gap

TICK = D("0.1")


def zone_of(
    side: Any = "long", sma: float | None = 100.0, vwap: float | None = 200.0, **rules: Any
) -> Zone | None:
    facts = Facts.of(fact_values("1m", {"5m": 2.0}, sma, vwap))
    return build_zone(side, facts, settings(entry_zone={"k_atr": 0.5} | rules).entry_zone, TICK, AS_OF_MS)


@pytest.mark.parametrize(
    ("side", "rules", "low", "high"),
    [
        ("long", {"w_max": 0.2}, "99", "101"),  # half = 0.5 x 2
        ("long", {"w_max": 0.004}, "99.6", "100.4"),  # not wider than w_max
        ("long", {"k_atr": 0.0001, "w_min": 0.003}, "99.7", "100.3"),  # not narrower than w_min
        ("long", {"w_max": 0.2, "asym_bias": 0.5}, "98.5", "100.5"),  # a long's zone moves down
        ("short", {"w_max": 0.2, "asym_bias": 0.5}, "99.5", "101.5"),  # a short's moves up
        ("long", {"k_atr": 0.33, "w_max": 0.2}, "99.3", "100.7"),  # 99.34 and 100.66 are rounded outward
        ("long", {"from": "vwap", "w_max": 0.2}, "199", "201"),
    ],
)
def test_zone_bounds(side: str, rules: dict[str, Any], low: str, high: str) -> None:
    zone = zone_of(side, **rules)
    assert zone is not None
    assert (zone.low, zone.high) == (D(low), D(high))
    assert zone.expires_at_ms == AS_OF_MS + 180_000


@pytest.mark.parametrize(
    ("sma", "vwap", "source"),
    [(100.0, 200.0, "sma21"), (None, 200.0, "vwap"), (float("nan"), 200.0, "vwap"), (0.0, 200.0, "vwap")],
)
def test_the_other_pivot_stands_in_for_an_unknown_one(sma: float | None, vwap: float, source: str) -> None:
    zone = zone_of(sma=sma, vwap=vwap)
    assert zone is not None
    assert zone.pivot.source == source


def test_a_zone_is_never_open() -> None:
    assert zone_of(sma=None, vwap=None) is None
    assert build_zone("long", Facts.of({("sma_21", "5m"): 100.0}), settings().entry_zone, TICK, 0) is None


@pytest.mark.parametrize(
    ("side", "bid", "ask", "inside", "price"),
    [
        ("long", "100.0", "100.5", 1, "100.1"),
        ("long", "100.0", "100.5", 0, "100.0"),
        ("long", "100.0", "100.1", 3, "100.0"),  # never crosses
        ("short", "100.0", "100.5", 1, "100.4"),
        ("short", "100.0", "100.5", 0, "100.5"),
        ("short", "100.0", "100.1", 3, "100.1"),
    ],
)
def test_maker_price(side: Any, bid: str, ask: str, inside: int, price: str) -> None:
    assert maker_price(side, book("BTCUSDT", bid, ask, bid), TICK, inside) == D(price)


@pytest.mark.parametrize(
    ("side", "price", "position", "deviation", "entry"),
    [
        ("long", "100.0", "inside", "0", ("100.0", "maker")),
        ("long", "101.0", "inside", "0", ("101.0", "maker")),  # an edge belongs to the zone
        ("long", "103.0", "passive_side", "0.02", ("101", "zone_edge")),
        ("long", "98.0", "far_side", "0.01", None),
        ("short", "98.0", "passive_side", "0.01", ("99", "zone_edge")),
        ("short", "103.0", "far_side", "0.02", None),
    ],
)
def test_entry_inside_and_outside_the_zone(
    side: Any, price: str, position: str, deviation: str, entry: tuple[str, str] | None
) -> None:
    zone = zone_of(w_max=0.2)
    assert zone is not None
    candidate = judge(side, D(price), zone, D(100))
    assert (candidate.position, candidate.deviation_ratio) == (position, D(deviation))
    placed = place(side, candidate, zone)
    assert (placed and (placed.price, placed.source)) == (entry and (D(entry[0]), entry[1]))


def test_without_a_mark_the_deviation_is_unknown() -> None:
    zone = zone_of()
    assert zone is not None
    assert judge("long", D(100), zone, D(0)).deviation_ratio is None


@pytest.mark.parametrize(
    ("side", "atr", "least", "price", "source", "method"),
    [
        ("long", "1.23", 0.005, "95.0", "atr", "95.0"),  # 100 - 4.92 = 95.08, down
        ("short", "1.23", 0.005, "105.0", "atr", "105.0"),  # 104.92, up
        ("long", "0.1", 0.005, "99.5", "atr_min_distance", "99.6"),
        ("short", "0.1", 0.005, "100.5", "atr_min_distance", "100.4"),
        ("long", "0.001", 0, "99.9", "atr", "99.9"),  # rounding alone keeps one tick
        ("long", "30", 0.005, "-20.0", "atr", "-20.0"),  # the gate refuses it
    ],
)
def test_atr_stop(side: Any, atr: str, least: float, price: str, source: str, method: str) -> None:
    rules = settings(stop={"min_stop_distance_ratio": least}).stop
    stop = find_stop(side, D(100), D(atr), {}, rules, TICK).stop
    assert stop is not None
    assert (stop.price, stop.source, stop.method_price) == (D(price), source, D(method))


@pytest.mark.parametrize(
    ("deviation", "gap"),
    [
        ("0", "within"),
        ("0.12", "within"),
        ("0.126", "close_to_threshold"),
        ("0.1261", "moderate_gap"),
        ("0.18", "moderate_gap"),
        ("0.1801", "far_outside"),
    ],
)
def test_how_far_outside_the_zone_is_far(deviation: str, gap: str) -> None:
    assert zone_gap(D(deviation), D("0.12")) == gap


@pytest.mark.parametrize(
    ("atr", "factor"),
    [("0", "1.25"), ("0.33333333", "1.00"), ("0.5", "0.875"), ("1", "0.5"), ("9", "0.5"), (None, "0.5")],
)
def test_volatility_factor(atr: str | None, factor: str) -> None:
    assert round(volatility_factor(None if atr is None else D(atr), D(100)), 6) == D(factor)


CAPS = {
    "floor": 2,
    "exchange_cap": 10,
    "k_dynamic": 10,
    "per_symbol_caps": [{"symbol_regex": "^BTC", "cap": 7.5}, {"symbol_regex": "usdt$", "cap": 9}],
}


@pytest.mark.parametrize(
    ("notional", "change", "contract", "atr_15m", "needed", "value"),
    [
        ("301", {}, {}, "0.3333", 4, 4),  # ceil(3.01)
        ("300", {}, {}, "0.3333", 3, 3),
        ("50", {}, {}, "0.3333", 1, 2),  # the floor
        ("5000", {}, {}, "0.3333", 50, 7),  # the least symbol cap 7.5, whole
        ("5000", {"per_symbol_caps": []}, {}, "0.3333", 50, 10),  # profile cap x 1.00
        ("5000", {"per_symbol_caps": []}, {}, None, 50, 5),  # volatility unknown: x 0.5
        ("5000", {"per_symbol_caps": [], "k_dynamic": 0.2}, {}, "0.3333", 50, 4),  # 0.2 / 0.05
        ("5000", {"per_symbol_caps": []}, {"max_leverage": 6}, "0.3333", 50, 6),
        ("50", {}, {"min_leverage": 5}, "0.3333", 1, 5),
        ("5000", {"k_dynamic": 0.01}, {}, "0.3333", 50, 0),  # even 1x is too much
        ("300", {}, {"taker_fee_ratio": D("0.05")}, "0.3333", 3, 3),  # of 120 free the fee leaves 105
        ("300", {}, {"taker_fee_ratio": D("0.1")}, "0.3333", 4, 4),  # it leaves 90
        ("1200", {}, {"taker_fee_ratio": D("0.1")}, "0.3333", None, 7),  # it leaves nothing
    ],
)
def test_leverage(
    notional: str,
    change: dict[str, Any],
    contract: dict[str, Any],
    atr_15m: str | None,
    needed: int | None,
    value: int,
) -> None:
    rules = settings(leverage=CAPS | change).leverage
    made = replace(BTC, **contract)
    caps = leverage_caps(rules, made, D(100), D(95), None if atr_15m is None else D(atr_15m), D(notional))
    chosen = choose_leverage(D(notional), Room(D(100), D(120)), rules, made, caps)
    assert (chosen.needed, chosen.value) == (needed, value)


@pytest.mark.parametrize(
    ("change", "timeframe", "risk"),
    [
        ({}, "1m", "15"),  # 1000 x 0.5 % x 3
        ({}, "5m", "5"),  # no multiplier given: 1
        ({"base": "margin_budget"}, "5m", "0.5"),  # 100 x 0.5 %
        ({"base": "margin_budget", "initial_margin_usdt": 5000}, "5m", "4"),  # not more than is free
    ],
)
def test_risk(change: dict[str, Any], timeframe: Any, risk: str) -> None:
    rules = settings(risk=change).risk
    room = Room(rules.initial_margin_usdt, D(800))
    assert risk_of(rules, D(1000), room, timeframe).risk_usdt == D(risk)


def ladder(side: Any = "long", fee: str = "0") -> Ladder:
    """Entry 100 with a stop 2 away."""
    return Ladder(side, D(100), D(98) if side == "long" else D(102), D(fee), TICK)


def target(
    policy: str, levels: dict[str, str], side: str = "long", **rules: Any
) -> tuple[Decimal, str | None]:
    """Target of a 1.5 R plan (base 103 or 97), an extra of 0.5 R, a keep of 0.9 and a buffer of 0.1 %."""
    given = {"r_multiple": 1.5, "tp_policy": policy, "tp_max_extra_r": 0.5, "tp_min_keep_ratio": 0.9} | rules
    made = take_profit(
        ladder(side), settings(take_profit=given).take_profit, {name: D(p) for name, p in levels.items()}
    )
    return made.price, made.level


@pytest.mark.parametrize(
    ("policy", "levels", "price", "level"),
    [
        # Example 15 of the domain: the buffered level 102.94 lies before the base and keeps 0.98 of R.
        ("pivot_conservative", {"r1": "103.05"}, "102.9", "r1"),
        ("pivot_conservative", {"r1": "102.00"}, "103.0", None),  # 0.9 R is less than 0.9 x 1.5
        ("pivot_conservative", {"r1": "105.00"}, "103.0", None),  # beyond: never further
        # The first on the way that keeps enough; the pivot behind the entry does not count.
        ("pivot_conservative", {"r1": "103.05", "r2": "102.97", "pp": "99"}, "102.8", "r2"),
        ("pivot_conservative", {}, "103.0", None),
        ("pivot_aggressive", {"r1": "103.60"}, "103.4", "r1"),
        ("pivot_aggressive", {"r1": "103.60", "r2": "103.40"}, "103.2", "r2"),  # the first after the base
        ("pivot_aggressive", {"r1": "104.40"}, "103.0", None),  # 2.1 R is more than 1.5 + 0.5
        ("pivot_aggressive", {"r1": "102.50"}, "103.0", None),  # before: never closer
        ("none", {"r1": "103.05", "r2": "103.60"}, "103.0", None),
    ],
)
def test_take_profit_alignment_long(
    policy: str, levels: dict[str, str], price: str, level: str | None
) -> None:
    assert target(policy, levels) == (D(price), level)


@pytest.mark.parametrize(
    ("policy", "levels", "price", "level"),
    [
        ("pivot_conservative", {"s1": "96.95"}, "97.1", "s1"),  # 97.047, up
        ("pivot_conservative", {"s1": "95.00"}, "97.0", None),
        ("pivot_aggressive", {"s1": "96.40"}, "96.5", "s1"),
        ("pivot_aggressive", {"s1": "95.80"}, "97.0", None),
        ("none", {"s1": "96.95"}, "97.0", None),
    ],
)
def test_take_profit_alignment_short(
    policy: str, levels: dict[str, str], price: str, level: str | None
) -> None:
    assert target(policy, levels, "short") == (D(price), level)


def test_buffer_in_ticks_adds_to_the_ratio() -> None:
    rules = settings(take_profit={"tp_buffer_ratio": 0.001, "tp_buffer_ticks": 2}).take_profit
    assert buffered(ladder("long"), rules, D(105)) == D("104.6")  # 105 - 0.105 - 0.2
    assert buffered(ladder("short"), rules, D(95)) == D("95.3")  # 95 + 0.095 + 0.2


@pytest.mark.parametrize(("side", "price", "step"), [("long", "103.5", TICK), ("short", "96.6", -TICK)])
def test_the_base_pays_r_after_fees(side: str, price: str, step: Decimal) -> None:
    """Fee 0.1 %. A long risks 2 + 0.198: 1.5 R are 3.297, and (100.1 + 3.297) / 0.999 = 103.5005.

    A short risks 2 + 0.202: 1.5 R are 3.303, and (99.9 - 3.303) / 1.001 = 96.5005.
    """
    made = ladder(side, "0.001")
    assert made.price_at(D("1.5")) == D(price)
    assert made.r_at(D(price)) <= D("1.5") < made.r_at(D(price) + step)


@pytest.mark.parametrize(
    ("on_1m", "on_5m", "on_15m", "timeframe"),
    [
        (3.0, 5.0, 15.0, "1m"),
        (None, 5.0, 15.0, "5m"),
        (0.0, float("nan"), 15.0, "15m"),
        (None, None, None, None),
    ],
)
def test_atr_falls_back_to_5m_and_15m(
    on_1m: float | None, on_5m: float | None, on_15m: float | None, timeframe: str | None
) -> None:
    facts = Facts.of({("atr", "1m"): on_1m, ("atr", "5m"): on_5m, ("atr", "15m"): on_15m})
    found = request_atr(facts, "1m")
    assert (found and found.timeframe) == timeframe


def test_facts_needed_are_exactly_those_of_the_plan() -> None:
    rules = settings(entry_zone={"pivot_timeframe": "1h", "atr_timeframe": "4h"})
    needed = facts_needed(rules, "1m")
    assert {key for key in needed if key[0] == "atr"} == {("atr", tf) for tf in ("1m", "5m", "15m", "4h")}
    assert {
        ("sma_21", "1h"),
        ("vwap", "1h"),
        ("pivot_pp", "1m"),
        ("pivot_r6", "1m"),
        ("pivot_s6", "1m"),
    } <= needed
    assert len(needed) == 4 + 2 + 13
