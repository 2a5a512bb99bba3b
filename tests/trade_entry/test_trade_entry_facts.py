"""What the gates declare is what the code hands in: no fact is missing, none is declared for nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from trade_entry_bench import (
    AS_OF_MS,
    BTC_MARKET,
    btc_facts,
    calm_account,
    conditions_of,
    draft,
    gates,
    issued,
    planned,
    settings,
    signal,
    submission_gate,
)

from server.execution.leaving import submission_facts
from server.execution.progress import Progress
from server.fixed_code import FIXED_CODE, TRADE_ENTRY
from server.trade_entry import facts_needed
from server.trade_entry.conditions import judge_plan
from server.trade_entry.decide import GATES
from server.trade_entry.guards import guard_facts
from server.trade_entry.identity import decision_key
from server.trade_entry.preconditions import precondition_facts
from server.trade_entry.preflight import Preflight
from server.trade_entry.request import request_facts


def handed_in() -> dict[str, set[str]]:
    market = BTC_MARKET
    preflight = Preflight(market.contract, market.book, market.balance, AS_OF_MS, Decimal(0))
    rules = settings()
    account = calm_account(signal(), "table")
    key = decision_key(signal(), "table", account.account)
    return {
        "guards": set(guard_facts(account, signal(), key, rules.guards, context_timeframes=())),
        "preconditions": set(precondition_facts(signal(), None, rules.decision, dry_run=True)),
        "request": set(request_facts(rules, "1m", None)),
        "preflight": set(preflight.facts(rules.entry, "limit")),
        "plan": set(draft(market, signal(), btc_facts(), rules).facts)
        | set(judge_plan(conditions_of(rules, gates()["plan"]), {}).facts(gates()["plan"])),
    }


def test_gates_declare_exactly_what_they_are_handed() -> None:
    assert {name: set(gate.facts) for name, gate in gates().items()} == handed_in()


def handed_to_submission() -> dict[str, Any]:
    ticket = issued(planned(BTC_MARKET, signal(), btc_facts(), settings()))
    stored = calm_account(signal(), "table").stored
    assert stored is not None
    return submission_facts(ticket, Progress(), AS_OF_MS, stored.switches, may_change=True, halted=False)


def test_the_gate_before_every_order_is_handed_what_it_declares() -> None:
    told = handed_to_submission()
    assert set(told) == set(submission_gate().facts) == FIXED_CODE.gates["submission"]
    assert submission_gate().decide(told).passed
    for name in told.keys() - {"accepted_before", "off_by_open_state"}:
        assert not submission_gate().decide({**told, name: None}).passed, name
    late = {**told, "signal_remaining_sec": -1, "accepted_before": None}
    assert not submission_gate().decide(late).passed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"may_change": False}, "live_not_enabled"),
        ({"halted": True}, "trading_halted"),
        ({"cancel_requested": True}, "cancelled_by_operator"),
        ({"global_off": True}, "global_switch_off"),
        ({"blacklisted": True}, "blacklisted"),
        ({"symbol_off": True}, "symbol_switch_off"),
        ({"symbol_off": True, "off_by_open_state": True}, None),
        ({"symbol_off": True, "off_by_open_state": None}, "symbol_switch_off"),
        ({"timeframe_off": True}, "timeframe_switch_off"),
        ({"global_off": True, "blacklisted": True, "accepted_before": True}, None),
        ({"leverage": 1}, None),
        ({"leverage": 0}, "leverage_below_min"),
        ({"signal_remaining_sec": 0}, None),
        ({"signal_remaining_sec": Decimal("-0.001")}, "signal_expired"),
        ({"signal_remaining_sec": -60, "accepted_before": True}, None),
    ],
)
def test_what_may_leave(change: dict[str, Any], reason: str | None) -> None:
    told = handed_to_submission()
    assert submission_gate().decide(told | change).reason == reason


def test_the_rules_folder_is_checked_against_the_same_facts() -> None:
    assert {name: set(FIXED_CODE.gates[name]) for name in GATES} == handed_in()


def test_facts_read_from_candles_are_those_the_folder_must_have() -> None:
    assert {name for name, _ in facts_needed(settings(), "1m")} == set(TRADE_ENTRY.facts) - {"adx_14"}
    switched = settings(market_entry={"enabled": True, "adx_min_1h": 20})
    assert {name for name, _ in facts_needed(switched, "1m")} == set(TRADE_ENTRY.facts)


def test_a_plan_reads_no_fact_it_has_not_asked_for() -> None:
    """Whatever else is handed over changes nothing."""
    needed = facts_needed(settings(), "1m")
    noise = {
        (name, timeframe): 1.0
        for name in ("atr", "sma_21", "vwap", "ema_9")
        for timeframe in ("1h", "4h", "1d")
    }
    noise = {key: value for key, value in noise.items() if key not in needed}
    given = btc_facts()
    plain = draft(BTC_MARKET, signal(), given, settings())
    noisy = draft(BTC_MARKET, signal(), given | noise, settings())  # type: ignore[operator]
    assert (plain.plan, plain.facts) == (noisy.plan, noisy.facts)
