"""One golden verdict per reason code of the data, signal, context and execution stages.

Each comes from recorded candles under the shipped rules or a small variant of them. What no document that
loads can produce is reached by compiling such a document, or by asking the gate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import told
from closed_bar_laws import MINUTE, live
from shipped import Candles, Plain, market, ms, ruleset, shipped_rules, variant, without
from syrupy.assertion import SnapshotAssertion

from engine.explain import explain

STAGES = ("data", "signal", "context", "execution")
FIXED = {"context_invalid"}
"""Said by code, as the execution stage's own reason; golden within every context reason."""


@dataclass(frozen=True)
class Case:
    """Where a code comes out."""

    symbol: str
    at: str
    rules: Callable[[Plain], object] | None = None
    candles: Callable[[Candles, int], Candles] = lambda candles, at: candles
    timeframe: str | None = None
    off: tuple[str, ...] = ()


def edited(**changed: object) -> Callable[[Plain], object]:
    """Top-level keys of the validation document, replaced."""
    return lambda validation: validation.update(changed)


def listed_today(candles: Candles, at: int) -> Candles:
    """The venue has 300 minutes of 1m candles: enough, but the session is not whole."""
    return {key: part.since(at - 300 * MINUTE) if key[1] == "1m" else part for key, part in candles.items()}


def with_a_gap(candles: Candles, at: int) -> Candles:
    """One 1m candle of 100 minutes ago is missing."""
    return {
        key: without(part, part.ts == at - 100 * MINUTE) if key[1] == "1m" else part
        for key, part in candles.items()
    }


def not_yet_delivered(candles: Candles, at: int) -> Candles:
    """The 1m candle that closed just now is missing."""
    return {
        key: without(part, part.ts == at - MINUTE) if key[1] == "1m" else part
        for key, part in candles.items()
    }


def short_whenever_long(validation: Plain) -> None:
    """The short side of 5m is the long side once more."""
    validation["timeframes"]["5m"]["short"] = validation["timeframes"]["5m"]["long"]


def without_rules_for_1m(validation: Plain) -> None:
    """1m is traded and has no rules."""
    del validation["timeframes"]["1m"]


def narrow_filter(validation: Plain) -> None:
    """A filter for shorts and one for longs, and only the second applies."""
    validation["filters_mandatory"] = [
        {"filter": "rsi_bullish", "side": "short"},
        {"filter": {"near_vwap": {"tolerance": 0.0001}}, "side": "long"},
        "rsi_lt_70",
    ]


BOTH = ["5m", "1m"]
CALM, TORN = "2025-05-28T19:30Z", "2025-05-28T00:23Z"
CASES = {
    # data
    "no_timeframes_in_config": Case(
        "BTCUSDT", CALM, edited(context_timeframes=[], execution_timeframes=[])
    ),
    "not_enough_klines": Case("BTCUSDT", "2025-05-26T20:44Z"),
    "klines_have_gaps": Case("BTCUSDT", CALM, candles=with_a_gap),
    "klines_stale": Case("BTCUSDT", CALM, candles=not_yet_delivered),
    # signal
    "timeframe_switch_off": Case("LINKUSDT", "2025-06-01T07:46Z", timeframe="5m", off=("5m",)),
    "NO_CONFIG_FOR_TF": Case("LINKUSDT", "2025-06-01T07:46Z", without_rules_for_1m, timeframe="1m"),
    "LONG_AND_SHORT": Case("LINKUSDT", "2025-06-01T07:46Z", short_whenever_long, timeframe="5m"),
    "DATA_MISSING": Case("LINKUSDT", "2025-06-01T07:46Z", candles=listed_today, timeframe="1m"),
    "NO_LONG_NO_SHORT": Case("LINKUSDT", "2025-06-01T07:50Z", timeframe="1m"),
    "FILTERS_MANDATORY_FAILED": Case("LINKUSDT", "2025-06-01T07:46Z", narrow_filter, timeframe="5m"),
    "EXECUTION_SIDE_MISMATCH": Case("BTCUSDT", TORN, timeframe="1m"),
    # context
    "no_context_timeframes": Case("BTCUSDT", CALM, edited(context_timeframes=[])),
    "strict_context_has_invalid_timeframes": Case("ETHUSDT", CALM, edited(mode="strict")),
    "strict_context_requires_non_neutral_all": Case(
        "LINKUSDT", "2025-06-01T07:50Z",
        edited(mode="strict", neutral_policy="tolerate", context_timeframes=BOTH),
    ),
    "strict_context_side_conflict": Case("BTCUSDT", TORN, edited(mode="strict", context_timeframes=BOTH)),
    "pragmatic_context_has_invalid_timeframes": Case("ETHUSDT", CALM),
    "pragmatic_context_all_neutral": Case("ETHUSDT", CALM, edited(neutral_policy="tolerate")),
    "pragmatic_context_side_conflict": Case("BTCUSDT", TORN, edited(context_timeframes=BOTH)),
    # execution
    "no_timeframe_selected": Case("SUIUSDT", "2025-06-01T07:45Z"),
}  # fmt: skip
BY_GATE = {"no_context_decisions": ("context", {
    "mode": "strict", "timeframes": 1, "decisions": 0, "invalid": 0, "longs": 0, "shorts": 0,
})}  # fmt: skip


@pytest.mark.parametrize("reason", CASES)
def test_verdict(reason: str, golden: SnapshotAssertion) -> None:
    case = CASES[reason]
    rules = shipped_rules() if case.rules is None else variant(case.rules)
    at = ms(case.at)
    batch = live(rules, [case.symbol], case.candles(market((case.symbol,)), at), at, off=case.off)
    verdict = batch.verdict(0)
    if case.timeframe is None:
        assert verdict.reason == reason
    else:
        decisions = (*verdict.context.timeframe_decisions, *verdict.execution.timeframe_decisions)
        blocking = next(d for d in decisions if d.timeframe == case.timeframe)
        assert blocking.invalid_reason == reason
        assert verdict.blocking_timeframe == case.timeframe
    assert verdict.status == "INVALID"
    assert explain(batch, 0).verdict == verdict
    assert told.verdict(batch, 0) == golden


@pytest.mark.parametrize("reason", BY_GATE)
def test_gate(reason: str, golden: SnapshotAssertion) -> None:
    name, facts = BY_GATE[reason]
    decision = ruleset().gates[name].decide(facts)
    assert decision.reason == reason
    assert {
        "gate": name,
        "facts": facts,
        "passed": decision.passed,
        "reason": decision.reason,
        "outward": decision.outward,
        "status": decision.status,
        "values": dict(decision.values),
    } == golden


def test_every_registered_code_of_these_stages_has_its_golden_verdict() -> None:
    registered = {code for code, reason in ruleset().reasons.items() if reason.stage in STAGES}
    assert registered == {*CASES, *BY_GATE, *FIXED}


def test_every_check_of_these_gates_is_reached() -> None:
    checks = {check.reason for name in STAGES for check in ruleset().gates[name].checks}
    assert checks == {*CASES, *BY_GATE}
