"""Every reason of trade entry is reached through ``decide`` with the shipped rules, and says its facts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from trade_entry_bench import (
    AS_OF_MS,
    BTC,
    BTC_MARKET,
    TAKES,
    D,
    TableVenue,
    balance,
    book,
    btc_facts,
    contract,
    decided,
    gates,
    read,
    settings,
    signal,
    venue,
)

from engine.gates import Gate
from engine.models.gate import GateDocument
from server.exchange.errors import BookUnavailable, VenueUnavailable
from server.exchange.port import Balance, UnspecifiedContract
from server.trade_entry import Signal, TradeDecision
from server.trade_entry.preflight import Market

DOWN = VenueUnavailable("table", "balance", "no answer")
NO_BOOK = BookUnavailable("table", "BTCUSDT", AS_OF_MS, "nothing recorded")
GAPPED = {"atr": {"1m": None, "5m": None, "15m": None}}


@dataclass(frozen=True)
class Case:
    """What goes in, and the decision that must come out."""

    status: str
    reason: str
    stage: str
    blocked_by: str | None = None
    ready: Signal = field(default_factory=signal)
    facts: Callable[[], Any] = btc_facts
    rules: Callable[[], Any] = settings
    venue: Callable[[], TableVenue] = venue
    details: dict[str, Any] | None = None


def market(**change: Any) -> Callable[[], TableVenue]:
    return lambda: venue(replace(BTC_MARKET, **change))


def precondition(code: str, ready: Signal, **change: Any) -> Case:
    return Case("skipped", "trading_conditions_not_met", "preconditions", code, ready, **change)


def request(code: str, **change: Any) -> Case:
    return Case("skipped", "unable_to_build_request", "request", code, **change)


ALL_DRY = {"decision": {"dry_run_validate_all_timeframes": True}}
CRASHING = contract("PENNYUSDT", "0.01", "1", 100)
PENNY = Market(CRASHING, book("PENNYUSDT", "10.00", "10.02", "10.01"), balance("500"))

CASES: list[Case] = [
    precondition("missing_execution_tf", signal(timeframe=None)),
    precondition("unsupported_execution_tf", signal(timeframe="30m"), rules=lambda: settings(**ALL_DRY)),
    precondition(
        "execution_tf_not_allowed_by_trade_entry",
        signal(timeframe="15m"),
        details={"execution_timeframe": "15m", "execution_tf_allowed": False},
    ),
    precondition("missing_signal_side", signal(side=None)),
    precondition("missing_price_and_atr", signal(price=None), facts=lambda: btc_facts(**GAPPED)),
    request("risk_pct_not_positive", rules=lambda: settings(risk={"risk_pct": 0}), details={"risk_pct": "0"}),
    request("initial_margin_not_positive", rules=lambda: settings(risk={"initial_margin_usdt": 0})),
    request("atr_required_but_invalid", facts=lambda: btc_facts(**GAPPED), details={"unknown": ["atr"]}),
    Case(
        "error",
        "contract_unavailable",
        "preflight",
        venue=lambda: venue(listings={}),
        details={"failures": ["table lists no symbol BTCUSDT"]},
    ),
    Case(
        "error",
        "contract_unavailable",
        "preflight",
        venue=market(contract=replace(BTC, status="suspended")),
        details={"contract_status": "suspended"},
    ),
    Case(
        "error",
        "contract_unavailable",
        "preflight",
        venue=lambda: venue(listings={"BTCUSDT": UnspecifiedContract("BTCUSDT", "no specification")}),
        details={"contract_status": "unspecified"},
    ),
    Case("error", "contract_unavailable", "preflight", venue=lambda: venue(listings=DOWN)),
    Case(
        "error",
        "order_book_unavailable",
        "preflight",
        venue=lambda: venue(top=NO_BOOK),
        details={"failures": ["no order book of BTCUSDT from table: nothing recorded"]},
    ),
    Case(
        "error",
        "order_book_unavailable",
        "preflight",
        venue=market(book=book("BTCUSDT", "67000.5", "67000.4", "67000.4")),
    ),
    Case(
        "error",
        "order_book_stale",
        "preflight",
        venue=market(book=book("BTCUSDT", "67000.0", "67000.4", "67003.0", AS_OF_MS - 10_001)),
        details={"book_age_sec": "10.001", "max_book_age_sec": 10},
    ),
    Case(
        "error",
        "order_book_ahead_of_clock",
        "preflight",
        venue=market(book=book("BTCUSDT", "67000.0", "67000.4", "67003.0", AS_OF_MS + 2_001)),
        details={"book_age_sec": "-2.001", "max_book_ahead_sec": "2"},
    ),
    Case(
        "error",
        "mark_price_unavailable",
        "preflight",
        venue=market(book=book("BTCUSDT", "67000.0", "67000.4", "0")),
        details={"mark": "0"},
    ),
    Case(
        "error",
        "non_positive_bid_or_ask",
        "preflight",
        venue=market(book=book("BTCUSDT", "0", "67000.4", "67003")),
    ),
    Case(
        "error",
        "non_positive_bid_or_ask",
        "preflight",
        venue=market(book=book("BTCUSDT", "67000", "0", "67003")),
    ),
    Case(
        "error",
        "market_order_spread_too_wide",
        "preflight",
        rules=lambda: settings(**TAKES),
        venue=market(book=book("BTCUSDT", "67000.0", "67090.0", "67003.0")),
        details={"order_type": "market", "spread_bps": "13.42381982", "market_max_spread_bps": "10"},
    ),
    # The switch has made it a market order; a limit order would have waited in this book.
    Case(
        "error",
        "market_order_spread_too_wide",
        "preflight",
        rules=lambda: settings(market_entry={"enabled": True}),
        venue=market(book=book("BTCUSDT", "67000.0", "67090.0", "67003.0")),
    ),
    Case("error", "balance_unavailable", "preflight", venue=lambda: venue(account=DOWN)),
    Case(
        "error",
        "insufficient_balance",
        "preflight",
        venue=market(balance=Balance(D(500), D(0))),
        details={"available_usdt": "0"},
    ),
    Case("error", "insufficient_balance", "preflight", venue=market(balance=Balance(D(-1), D(5)))),
    Case(
        "error",
        "zone_unavailable",
        "plan",
        facts=lambda: btc_facts(sma_21=None, vwap=None),
        details={"zone_atr": "120"},
    ),
    Case(
        "error",
        "zone_unavailable",
        "plan",
        facts=lambda: btc_facts(atr={"1m": 60.0, "5m": None}),
        details={"zone_pivot": "67005.2"},
    ),
    # The market has fallen through the zone: a long at its edge would cross the book.
    Case(
        "skipped",
        "skipped_out_of_zone",
        "plan",
        facts=lambda: btc_facts(sma_21=67500.0),
        details={
            "candidate": "67000.1",
            "candidate_position": "far_side",
            "zone_min": "67458",
            "zone_max": "67542",
            "zone_deviation_ratio": "0.00683402",
            "zone_gap": "within",
            "zone_max_deviation_ratio": "0.12",
        },
    ),
    Case(
        "skipped",
        "skipped_out_of_zone",
        "plan",
        facts=lambda: btc_facts(sma_21=58900.0),
        details={
            "candidate_position": "passive_side",
            "zone_deviation_ratio": "0.12026476",
            "zone_gap": "close_to_threshold",
        },
    ),
    Case(
        "skipped",
        "skipped_out_of_zone",
        "plan",
        facts=lambda: btc_facts(sma_21=66700.0),
        rules=lambda: settings(entry={"rest_at_edge": False}),
        details={"candidate_position": "passive_side"},
    ),
    # A market order is not sent where the price has left the zone; a limit order would rest at its edge.
    Case(
        "skipped",
        "skipped_out_of_zone",
        "plan",
        facts=lambda: btc_facts(sma_21=66700.0),
        rules=lambda: settings(**TAKES),
        details={"order_type": "market", "candidate": "67000.4", "candidate_position": "passive_side"},
    ),
    Case(
        "error",
        "pivot_candidate_missing",
        "plan",
        facts=lambda: btc_facts(pivots={"r1": 67600, "s1": 67100, "s3": 66900}),
        rules=lambda: settings(stop={"from": "pivot", "pivot_policy": "s2"}),
        details={"pivot_stop": "missing", "stop_fallback": "none", "entry": "67000.1"},
    ),
    Case(
        "skipped",
        "pivot_stop_too_far",
        "plan",
        facts=lambda: btc_facts(pivots={"s1": 65700}),
        rules=lambda: settings(stop={"from": "pivot"}),
        details={
            "pivot_stop": "too_far",
            "pivot_stop_distance_ratio": "0.02087609",
            "max_pivot_distance_ratio": "0.02",
        },
    ),
    Case(
        "error",
        "atr_invalid",
        "plan",
        facts=lambda: btc_facts(atr={"1m": None, "5m": None, "15m": None, "1h": 300.0}, pivots={}),
        rules=lambda: settings(stop={"from": "pivot", "fallback": "atr"}, entry_zone={"atr_timeframe": "1h"}),
        details={"pivot_stop": "missing", "stop_fallback": "atr", "unknown": ["stop_atr"]},
    ),
    # 20x put the liquidation 4.5 % away, and the stop is 2 % away: 2.2 times as far.
    Case(
        "skipped",
        "liquidation_too_near",
        "plan",
        rules=lambda: settings(
            risk={"risk_pct": 10, "initial_margin_usdt": 40},
            stop={"from": "risk", "risk_stop_ratio": 0.02},
            leverage={"exchange_cap": 20},
        ),
        details={
            "leverage": 20,
            "stop": "65660",
            "liquidation_price": "64008.6",
            "liquidation_stop_multiple": "2.2322961",
            "liquidation_min_stop_multiple": "3",
        },
    ),
    Case(
        "error",
        "invalid_stop",
        "plan",
        ready=signal("PENNYUSDT"),
        venue=lambda: venue(PENNY),
        facts=lambda: btc_facts(atr={"1m": 3.0, "5m": 1.0, "15m": 1.0}, sma_21=10.0, pivots={}),
        details={"entry": "10.01", "stop": "-1.99"},
    ),
    Case(
        "skipped",
        "size_below_min_volume",
        "plan",
        venue=market(balance=balance("20")),
        details={"risk_usdt": "0.3", "required_risk_usdt": "0.41529906", "risk_size": "0", "min_size": "1"},
    ),
    # Risk pays for three contracts of 670 USDT, but 10 USDT of margin at 10x carry none.
    Case(
        "skipped",
        "size_below_min_volume",
        "plan",
        venue=market(contract=replace(BTC, contract_size=D("0.01"))),
        rules=lambda: settings(risk={"initial_margin_usdt": 10, "risk_pct": 1}),
        details={"risk_size": "3", "size": "0", "leverage": 10, "required_budget_usdt": "67.0001"},
    ),
    Case(
        "skipped",
        "leverage_below_threshold",
        "plan",
        venue=market(contract=replace(BTC, max_leverage=1)),
        details={"leverage": 1, "leverage_cap": 1, "min_accepted_leverage": 1, "leverage_floor": 2},
    ),
    Case(
        "skipped",
        "leverage_below_threshold",
        "plan",
        venue=market(contract=replace(BTC, max_leverage=3, min_leverage=3)),
        rules=lambda: settings(leverage={"exchange_cap": 2}),
        details={"leverage": 2, "leverage_floor": 3},
    ),
    Case(
        "error",
        "invalid_take_profit",
        "plan",
        ready=signal("PENNYUSDT", "short"),
        venue=lambda: venue(PENNY),
        facts=lambda: btc_facts(atr={"1m": 0.3, "5m": 0.3, "15m": 0.3}, sma_21=10.0, pivots={}),
        rules=lambda: settings(take_profit={"r_multiple": 9}),
    ),
    Case(
        "skipped",
        "plan_condition_not_met",
        "plan",
        rules=lambda: settings(plan_conditions=["lev_bounds", {"lev_bounds": {"minimum": 11}}]),
        details={
            "leverage": 10,
            "failed_conditions": 1,
            "failed_condition": "lev_bounds(maximum=20, minimum=11)",
        },
    ),
    # The first of two targets is fine, the second would be below zero.
    Case(
        "error",
        "invalid_take_profit",
        "plan",
        ready=signal("PENNYUSDT", "short"),
        venue=lambda: venue(PENNY),
        facts=lambda: btc_facts(atr={"1m": 0.3, "5m": 0.3, "15m": 0.3}, sma_21=10.0, pivots={}),
        rules=lambda: settings(
            take_profit={"targets": "two", "second_target": {"r_multiple": 9, "far_r_multiple": 9}}
        ),
    ),
]


async def outcome(case: Case) -> TradeDecision:
    return await decided(case.ready, case.facts(), case.rules(), case.venue())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.blocked_by or case.reason)
async def test_reason(case: Case) -> None:
    decision = await outcome(case)
    assert (decision.status, decision.reason, decision.stage) == (case.status, case.reason, case.stage)
    assert decision.blocked_by == case.blocked_by
    assert decision.plan is None
    assert decision.client_order_id is None
    details = case.details or {}
    assert {name: decision.details.get(name) for name in details} == details
    json.dumps(decision.to_json())


async def test_a_book_that_is_younger_than_the_signal_is_judged_by_the_clock_of_its_venue() -> None:
    """A live venue has no book but the present one, also for the dry run of a signal of seconds ago."""
    now = replace(BTC_MARKET, book=book("BTCUSDT", "67000.0", "67000.4", "67003.0", AS_OF_MS + 4_000))
    for present_ms, status in ((AS_OF_MS + 4_100, "simulated"), (AS_OF_MS + 1_900, "error")):
        at = venue(now, present_ms=present_ms)
        assert (await decided(signal(), btc_facts(), settings(), at)).status == status


def test_every_registered_reason_of_trade_entry_is_reached() -> None:
    reached = (
        {case.reason for case in CASES}
        | {case.blocked_by for case in CASES}
        | {"exception_during_trade_entry"}
    )
    stages = {"preconditions", "request", "preflight", "plan", "trade_entry"}
    registered = {
        code for code, reason in read("reasons.yaml")["reasons"].items() if reason["stage"] in stages
    }
    assert reached - {None} == registered


def test_statuses_of_the_registry_are_those_decided() -> None:
    registry = read("reasons.yaml")["reasons"]
    assert {case.reason: case.status for case in CASES} == {
        case.reason: registry[case.reason]["status"] for case in CASES
    }
    assert {registry[case.blocked_by]["status"] for case in CASES if case.blocked_by} == {"skipped"}


async def test_nothing_is_asked_of_the_venue_before_the_request_stands() -> None:
    table = venue()
    await decided(signal(timeframe="15m"), btc_facts(), settings(), table)
    assert table.asked == []


async def test_an_unexpected_failure_is_one_symbols_error() -> None:
    broken = venue(top=RuntimeError("the adapter has a bug"))
    decision = await decided(signal(), btc_facts(), settings(), broken)
    assert (decision.status, decision.reason) == ("error", "exception_during_trade_entry")
    assert decision.details == {"error": "RuntimeError; the log has the details"}


async def test_a_weakened_gate_never_lets_half_a_plan_through() -> None:
    """Without its zone check the plan gate passes a draft that has no plan; the code refuses it."""
    weak = read("gates/plan.yaml") | {
        "checks": [{"reason": "invalid_stop", "when": "stop <= 0", "if_unknown": "ignore"}]
    }
    loose = dict(gates()) | {"plan": Gate.link(GateDocument.model_validate(weak))}
    facts = btc_facts(sma_21=None, vwap=None)
    decision = await decided(signal(), facts, settings(), venue(), asked=loose)
    assert (decision.status, decision.reason) == ("error", "exception_during_trade_entry")


async def test_an_entry_that_is_not_dry_is_planned_alike_and_has_an_order_of_its_own() -> None:
    dry = await decided(signal(), btc_facts(), settings(), venue())
    live = await decided(signal(), btc_facts(), settings(), venue(), dry_run=False)
    assert (dry.status, live.status) == ("simulated", "pending")
    assert live.plan == dry.plan
    assert live.client_order_id is not None
    assert live.client_order_id.startswith("EG")


async def test_simulated_answer_is_complete_and_plain() -> None:
    decision = await decided(signal(), btc_facts(), settings(), venue())
    answer = json.loads(json.dumps(decision.to_json()))
    assert (answer["status"], answer["reason"], answer["exchange_order_id"]) == ("simulated", None, None)
    assert answer["client_order_id"].startswith("SIM")
    assert answer["raw"]["preflight"] == {
        "symbol": "BTCUSDT",
        "best_bid": "67000",
        "best_ask": "67000.4",
        "mark": "67003",
        "spread_bps": "0.05970131",
        "book_at": "2025-05-30T00:00:00Z",
        "equity_usdt": "500",
        "available_usdt": "500",
    }
    assert answer["raw"]["plan"] == {
        "symbol": "BTCUSDT",
        "side": "long",
        "order_type": "limit",
        "order_mode": "maker_only",
        "execution_tf": "1m",
        "entry": "67000.1",
        "entry_source": "maker",
        "limit_price": "67000.1",
        "stop": "66665",
        "stop_source": "atr_min_distance",
        "take_profit": "67579.2",
        "targets": [{"price": "67579.2", "share": "1", "size": "14", "effective_r": "1.19998446"}],
        "size": "14",
        "contract_size": "0.001",
        "notional_usdt": "938.0014",
        "leverage": 10,
        "margin_usdt": "93.80014",
        "budget_usdt": "100",
        "risk_usdt": "7.5",
        "loss_at_stop_usdt": "5.81418684",
        "reward_at_take_profit_usdt": "6.97693388",
        "effective_r": "1.19998446",
        "taker_fee_ratio": "0.0006",
        "tick_size": "0.1",
        "size_step": "1",
        "expires_at": "2025-05-30T00:03:00Z",
        "zone": {
            "low": "66963.2",
            "high": "67047.2",
            "pivot": "67005.2",
            "pivot_source": "sma21",
            "pivot_timeframe": "5m",
            "atr": "120",
            "atr_timeframe": "5m",
            "half_width": "42",
            "width_ratio": "0.00125363",
            "expires_at": "2025-05-30T00:03:00Z",
            "candidate": "67000.1",
            "candidate_position": "inside",
            "deviation_ratio": "0",
        },
        "stop_detail": {
            "method": "atr",
            "fallback": False,
            "atr": "60",
            "atr_timeframe": "1m",
            "level": None,
            "level_price": None,
            "method_price": "66760.1",
            "distance": "335.1",
            "distance_ratio": "0.00500149",
        },
        "take_profit_detail": {"base": "67579.2", "alignment": "base", "level": None, "level_price": None},
        "risk": {"base_usdt": "500", "risk_pct": "0.5", "multiplier": "3", "risk_size": "18"},
        "leverage_detail": {
            "needed": 13,
            "cap": 10,
            "exchange_cap": "10",
            "profile_cap": "10.14925724",
            "volatility_factor": "1.01492572",
            "volatility_atr": "210",
            "symbol_cap": None,
            "dynamic_cap": "1999.40614742",
            "contract_max": 100,
        },
        "liquidation": {
            "price": "60639.7",
            "stop_multiple": "18.98060281",
            "min_stop_multiple": "3",
        },
        "market_entry": {"switch": "off", "adx_1h": None},
    }


def stages(reason: dict[str, Any]) -> set[str]:
    """Every stage that gives a reason of the registry."""
    return {reason["stage"], *(elsewhere["stage"] for elsewhere in reason.get("also", ()))}


def test_gates_and_registry_hold_the_same_codes() -> None:
    registry = read("reasons.yaml")["reasons"]
    for name, gate in gates().items():
        stage_codes = {code for code, reason in registry.items() if name in stages(reason)}
        given = {check.reason for check in gate.checks} | ({gate.reason} - {None})
        assert given == stage_codes - {"balance_taken"}  # which only the store gives, as it records an order
