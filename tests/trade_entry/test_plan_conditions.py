"""``plan_conditions``: what a profile asks of its plans, and what an answer says of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trade_entry_bench import (
    BTC_MARKET,
    btc_facts,
    conditions_of,
    decided,
    draft,
    gates,
    read,
    settings,
    signal,
    venue,
)

from engine.gates import Gate
from engine.models.gate import GateDocument
from server.trade_entry import TradeDecision
from server.trade_entry.conditions import judge_plan

SIDES = ("long", "short")


async def outcome(conditions: list[Any], side: Any = "long", **facts: Any) -> TradeDecision:
    rules = settings(plan_conditions=conditions)
    return await decided(signal(side=side), btc_facts(**facts), rules, venue())


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("conditions", "failed"),
    [
        (["lev_bounds"], None),
        ([{"lev_bounds": {"minimum": 2, "maximum": 10}}], None),
        ([{"lev_bounds": {"minimum": 2, "maximum": 9}}], "lev_bounds"),
        ([{"lev_bounds": {"minimum": 11, "maximum": 20}}], "lev_bounds"),
        ([{"not": "lev_bounds"}], "not"),
        (["get_true"], None),
        (["lev_bounds", "get_false"], "get_false"),
        ([{"any_of": ["get_false", "lev_bounds"]}], None),
    ],
)
async def test_a_plan_meets_the_conditions_of_its_profile(
    side: str, conditions: list[Any], failed: str | None
) -> None:
    decision = await outcome(conditions, side)
    expected = ("simulated", None) if failed is None else ("skipped", "plan_condition_not_met")
    assert (decision.status, decision.reason) == expected
    assert decision.details.get("failed_condition") == failed
    assert (decision.plan is None) == (failed is not None)


@pytest.mark.parametrize("side", SIDES)
async def test_the_stop_is_so_many_atrs_away(side: str) -> None:
    """The stop is 335 away, the least distance, and the ATR of 1m is 60: 5.6 ATRs."""
    assert (await outcome([{"atr_stop_valid": {"k": 5.6}}], side)).reason is None
    assert (await outcome([{"atr_stop_valid": {"k": 5.2}}], side)).reason == "plan_condition_not_met"
    assert (await outcome([{"atr_stop_valid": {"k": 6.0}}], side)).reason == "plan_condition_not_met"


async def test_the_answer_shows_the_condition_with_its_numbers() -> None:
    decision = await outcome([{"lev_bounds": {"minimum": 2, "maximum": 9}}, "get_true"])
    details = json.loads(json.dumps(decision.to_json()))["raw"]["context"]
    assert (details["failed_conditions"], details["failed_condition"]) == (1, "lev_bounds")
    (shown,) = details["plan_conditions"]
    assert shown["label"] == "lev_bounds"
    assert shown["facts"] == {"leverage": 10.0}
    assert (shown["outcome"], shown["margin"]) == ("fail", -1.0)


def test_a_fact_that_is_not_there_is_no_pass() -> None:
    rules = settings(plan_conditions=["lev_bounds"])
    plan = gates()["plan"]
    facts = dict(draft(BTC_MARKET, signal(), btc_facts(), rules).facts)
    del facts["leverage"]
    judged = judge_plan(conditions_of(rules, plan), facts)
    assert judged.facts(plan) == {"failed_conditions": 1, "failed_condition": "lev_bounds"}
    assert judged.details()[0]["outcome"] == "unknown"


def test_a_gate_of_before_there_were_conditions_is_told_of_none() -> None:
    document = json.loads(json.dumps(read("gates/plan.yaml")))
    for name in ("failed_conditions", "failed_condition"):
        del document["facts"][name]
    document["checks"] = [c for c in document["checks"] if c["reason"] != "plan_condition_not_met"]
    old = Gate.link(GateDocument.model_validate(document))
    facts = draft(BTC_MARKET, signal(), btc_facts(), settings()).facts
    told = judge_plan(conditions_of(settings(), old), facts).facts(old)
    assert told == {}
    assert old.decide({**facts, **told}).passed
