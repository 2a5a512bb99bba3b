"""A timeframe that an operator switched off for a symbol is invalid for it, and for nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from closed_bar_laws import live
from hypothesis import given
from hypothesis import strategies as st
from shipped import SYMBOLS, market, ms, ruleset, shipped_rules
from staged import decided, small
from walking import facts, outcomes, walking

from engine.explain import Misses, explain
from engine.gates import Gate
from engine.verdict import TimeframeDecision, VerdictBatch, decide_again

LONG, SHORT, NONE = 70.0, 30.0, 50.0
REASON = "timeframe_switch_off"
READY_AT = ms("2025-06-01T07:46Z")


def row(five: float | None, one: float | None) -> dict[str, float | None]:
    return {"rsi@5m": five, "rsi@1m": one}


def off(*timeframes: str) -> Mapping[str, list[bool]]:
    """Switched off for the only row."""
    return {timeframe: [True] for timeframe in timeframes}


def said(batch: VerdictBatch, at: int = 0) -> dict[tuple[str, str], TimeframeDecision]:
    verdict = batch.verdict(at)
    found = (*verdict.context.timeframe_decisions, *verdict.execution.timeframe_decisions)
    return {(decision.phase, decision.timeframe): decision for decision in found}


@pytest.mark.parametrize("mode", ["strict", "pragmatic"])
@pytest.mark.parametrize("neutral", ["reject", "tolerate"])
def test_a_context_timeframe_that_is_off_makes_the_context_invalid(mode: str, neutral: str) -> None:
    rules = small(context_timeframes=["15m", "5m"], neutral_policy=neutral, timeframes=of("15m", "5m", "1m"))
    facts = {"rsi@15m": LONG} | row(LONG, LONG)
    assert decided(rules, [facts], mode).verdict(0).status == "READY"
    verdict = decided(rules, [facts], mode, off=off("5m")).verdict(0)
    assert (verdict.status, verdict.reason) == ("INVALID", f"{mode}_context_has_invalid_timeframes")
    assert verdict.blocking_timeframe == "5m"
    first, second = verdict.context.timeframe_decisions
    assert (first.valid, second.valid, second.invalid_reason) == (True, False, REASON)
    assert (second.signal, second.rules_passed) == ("invalid", ("up",))


def of(*timeframes: str) -> dict[str, Any]:
    return {timeframe: {"long": ["up"], "short": ["down"]} for timeframe in timeframes}


@pytest.mark.parametrize(
    ("switched", "selected", "reason"),
    [
        ((), "5m", None),
        (("5m",), "1m", None),
        (("1m",), "5m", None),
        (("5m", "1m"), None, "no_timeframe_selected"),
        (("4h", "30m"), "5m", None),
    ],
)
def test_an_execution_timeframe_that_is_off_is_passed_over(
    switched: tuple[str, ...], selected: str | None, reason: str | None
) -> None:
    rules = small(
        context_timeframes=["15m"], execution_timeframes=["5m", "1m"], timeframes=of("15m", "5m", "1m")
    )
    batch = decided(rules, [{"rsi@15m": LONG} | row(LONG, LONG)], off=off(*switched))
    verdict = batch.verdict(0)
    assert (verdict.execution_timeframe, verdict.reason) == (selected, reason)
    reasons = {name: d.invalid_reason for (phase, name), d in said(batch).items() if phase == "execution"}
    assert reasons == {name: REASON if name in switched else None for name in ("5m", "1m")}


def test_a_timeframe_of_both_phases_is_off_in_both() -> None:
    rules = small(context_timeframes=["5m"], execution_timeframes=["5m", "1m"])
    batch = decided(rules, [row(LONG, LONG)], off=off("5m"))
    assert said(batch)["context", "5m"].invalid_reason == REASON
    assert batch.verdict(0).reason == "pragmatic_context_has_invalid_timeframes"


@pytest.mark.parametrize("switched", [(), ("15m",), ("5m",), ("15m", "5m"), ("15m", "5m", "1m")])
def test_the_walk_passes_over_what_is_off(switched: tuple[str, ...]) -> None:
    rules = walking({tf: {} for tf in ("15m", "5m", "1m")}, execution_timeframe_default="1m")
    batch = decided(rules, [facts(("15m", "5m", "1m"))], metrics=[{}], off=off(*switched))
    steps = outcomes(batch)
    assert [tf for tf, step in steps.items() if step == "not_a_candidate"] == list(switched)
    left = [tf for tf in ("15m", "5m", "1m") if tf not in switched]
    assert (batch.verdict(0).execution_timeframe in left) == bool(left)
    again = decide_again(batch, {"spread_bps": np.array([1.0])})
    assert again.verdict(0).execution_timeframe == batch.verdict(0).execution_timeframe
    assert again.switched_off == batch.switched_off


SIDES = (LONG, SHORT, NONE, None)
rows = st.tuples(st.sampled_from(SIDES), st.sampled_from(SIDES), st.booleans(), st.booleans())


@given(st.lists(rows, min_size=1, max_size=8), st.sampled_from(["strict", "pragmatic"]))
def test_each_row_is_as_if_it_were_alone_and_the_others_as_if_nothing_were_off(
    drawn: list[tuple[float | None, float | None, bool, bool]], mode: str
) -> None:
    rules = small(context_timeframes=["5m"], execution_timeframes=["5m", "1m"])
    facts = [row(five, one) for five, one, _, _ in drawn]
    columns = {"5m": [five for _, _, five, _ in drawn], "1m": [one for _, _, _, one in drawn]}
    batch, plain = decided(rules, facts, mode, off=columns), decided(rules, facts, mode)
    for index, (_, _, five, one) in enumerate(drawn):
        alone = decided(rules, facts[index : index + 1], mode, off={"5m": [five], "1m": [one]})
        verdict = replace(alone.verdict(0), symbol=batch.symbols[index])
        assert batch.verdict(index) == verdict
        if not five and not one:
            assert batch.verdict(index) == plain.verdict(index)
        for (_, timeframe), decision in said(batch, index).items():
            assert (decision.invalid_reason == REASON) == (five if timeframe == "5m" else one)
            assert batch.is_off(timeframe, index) == (decision.invalid_reason == REASON)


def test_what_is_on_everywhere_is_not_carried_along() -> None:
    rules, facts = small(), [row(LONG, LONG)] * 3
    nothing = {"5m": [False] * 3, "1m": [False] * 3, "4h": [True] * 3}
    assert decided(rules, facts, off=nothing).switched_off == {}
    one = decided(rules, facts, off=nothing | {"1m": [False, True, False]})
    assert list(one.switched_off) == ["1m"]
    assert one.ready.tolist() == [True, False, True]


def test_rules_of_before_there_were_such_switches_are_not_told() -> None:
    """As the journal has them: they decide as they did then."""
    rules = small()
    document = rules.gates["signal"].document
    older = document.model_copy(
        update={
            "facts": {n: f for n, f in document.facts.items() if n != "timeframe_switched_off"},
            "checks": [check for check in document.checks if check.reason != REASON],
        }
    )
    then = replace(rules, gates={**rules.gates, "signal": Gate.link(older)})
    batch = decided(then, [row(LONG, LONG)], off=off("5m", "1m"))
    assert batch.switched_off == {}
    assert batch.verdict(0).status == "READY"
    assert explain(batch, 0).verdict == batch.verdict(0)


# -- why -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("context", "five", "one", "switched", "sentence"),
    [
        (LONG, LONG, LONG, ("15m",), "15m is switched off"),
        (NONE, LONG, LONG, ("15m",), "15m is switched off"),
        (LONG, LONG, LONG, ("5m", "1m"), "5m is switched off; 1m is switched off"),
        (LONG, LONG, LONG, ("5m",),
         "READY long on 1m: its scenarios and every gate passed; 5m is switched off"),
        (LONG, LONG, 58.0, ("5m",),
         "rsi 58, needs > 60: the only condition between this symbol and a long signal on 1m;"
         " 5m is switched off"),
        (LONG, LONG, SHORT, ("5m",),
         "rsi 30, needs > 60: the only condition between this symbol and a long signal on 1m;"
         " 5m is switched off"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_is_switched_off(
    context: float, five: float, one: float, switched: tuple[str, ...], sentence: str
) -> None:
    rules = small(
        context_timeframes=["15m"], execution_timeframes=["5m", "1m"], timeframes=of("15m", "5m", "1m")
    )
    batch = decided(rules, [{"rsi@15m": context} | row(five, one)], off=off(*switched))
    assert explain(batch, 0).sentence == sentence


def test_what_no_rule_could_have_helped_is_no_near_miss() -> None:
    rules = small(context_timeframes=["5m", "1m"], execution_timeframes=["1m"])
    batch = decided(rules, [row(58.0, 58.0)], off=off("5m"))
    assert {miss.timeframe for miss in explain(batch, 0).nearest} == {"1m"}
    assert {miss.timeframe for miss in Misses(batch).of(0)} == {"1m"}


def test_the_gate_shows_the_switch() -> None:
    batch = live(shipped_rules(), SYMBOLS, market(), READY_AT, off=("1m",))
    index = SYMBOLS.index("LINKUSDT")
    explained = explain(batch, index)
    (one,) = [t for t in explained.timeframes if t.decision.timeframe == "1m"]
    assert (one.gate.reason, one.gate.facts["timeframe_switched_off"]) == (REASON, True)
    on = {t.gate.facts["timeframe_switched_off"] for t in explained.timeframes} - {True}
    assert on == {False}
    assert one.gate.to_json()["checks"][0]["reason"] == REASON


@pytest.mark.parametrize(("phase", "rest"), [*product(("context", "execution"), (0, 2))])
def test_the_switch_comes_before_whatever_else_is_wrong(phase: str, rest: int) -> None:
    """What an operator says needs no reasons beside it."""
    gate = ruleset().gates["signal"]
    found = {
        "phase": phase,
        "has_rules": False,
        "sides_passed": rest,
        "sides_unknown": 2 - rest,
        "neutral_tolerated": False,
        "filters_failed": 1,
        "side_agrees": False,
    }
    decision = gate.decide(found | {"timeframe_switched_off": True})
    assert (decision.reason, decision.status) == (REASON, "invalid")
    assert gate.decide(found | {"timeframe_switched_off": False}).reason == "NO_CONFIG_FOR_TF"
