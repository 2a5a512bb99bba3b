"""The facts that fixed code hands to each gate of a verdict; the gates' YAML decides on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.facts import FactPlan, Health
from engine.gates import Gate
from engine.gates.gate import GateValue
from engine.models.base import Phase
from engine.rules import LinkedTree, Outcomes
from engine.ruleset.program import ProfileRules, TimeframeProgram
from engine.truth import Truth
from engine.verdict.batch import CODED_SIDES, LONG, NONE, SHORT, Bools, Codes, SignalColumns

StageFacts = Mapping[str, Any]
"""Name → array ``(rows,)``, or a scalar that holds for all rows."""

SWITCHED_OFF = "timeframe_switched_off"
"""The signal gate's fact of a timeframe that an operator switched off."""


def data_facts(rules: ProfileRules, plan: FactPlan, health: Health) -> StageFacts:
    """For the data gate, of one timeframe."""
    return {
        "timeframes": len(rules.decided),
        "timeframe": plan.timeframe,
        "candles": health.candles,
        "candles_in_row": health.in_row,
        "candles_missing": health.missing,
        "candles_needed": plan.needed,
    }


def no_timeframe_facts() -> StageFacts:
    """For the data gate of a profile without timeframes."""
    return {"timeframes": 0}


def sides_of(program: TimeframeProgram, outcomes: Outcomes, rows: int) -> tuple[Truth, Truth]:
    """Whether long and short pass."""
    return _side(outcomes, program.long, rows), _side(outcomes, program.short, rows)


def single_side(long: Truth, short: Truth) -> Codes:
    """The side that alone passes, ``NONE`` otherwise."""
    both = long.true & short.true
    return np.where(both, NONE, np.where(long.true, LONG, np.where(short.true, SHORT, NONE))).astype(np.int8)


def in_force(rules: ProfileRules, switched_off: Mapping[str, Bools]) -> dict[str, Bools]:
    """Of the timeframes that are off for some rows, those that the rules decide on and ask about."""
    if SWITCHED_OFF not in rules.gates["signal"].facts:
        return {}
    return {tf: off for tf, off in switched_off.items() if tf in rules.decided and off.any()}


def signal_facts(
    rules: ProfileRules,
    program: TimeframeProgram,
    phase: Phase,
    outcomes: Outcomes,
    context_side: Codes,
    switched_off: Bools | None = None,
) -> tuple[StageFacts, Codes]:
    """For the signal gate of one timeframe, and the side that alone passes per row.

    ``switched_off``: rows whose timeframe is off; None: all are on. A gate of rules that were stored before
    there was such a check is not told.
    """
    rows = len(context_side)
    long, short = sides_of(program, outcomes, rows)
    side = single_side(long, short)
    agrees = np.ones(rows) if phase == "context" else (side == context_side).astype(np.float64)
    facts: dict[str, Any] = {
        "phase": phase,
        "has_rules": program.configured,
        "sides_passed": long.true.astype(np.int64) + short.true,
        "sides_unknown": long.unknown.astype(np.int64) + short.unknown,
        "neutral_tolerated": phase == "context" and rules.neutral_policy == "tolerate",
        "filters_failed": _failed_filters(program, phase, outcomes, side),
        "side_agrees": agrees,
    }
    if SWITCHED_OFF in rules.gates["signal"].facts:
        facts[SWITCHED_OFF] = False if switched_off is None else switched_off
    return facts, side


def context_facts(
    rules: ProfileRules, mode: str, signals: tuple[SignalColumns, ...], rows: int
) -> StageFacts:
    """For the context gate."""

    def count(matches: list[NDArray[np.bool_]]) -> NDArray[np.int64]:
        total = np.zeros(rows, dtype=np.int64)
        for match in matches:
            total += match
        return total

    return {
        "mode": mode,
        "timeframes": len(rules.context),
        "decisions": len(signals),
        "invalid": count([s.check >= 0 for s in signals]),
        "longs": count([s.signal == LONG for s in signals]),
        "shorts": count([s.signal == SHORT for s in signals]),
    }


def execution_facts(gate: Gate, signals: tuple[SignalColumns, ...], chosen: Bools) -> StageFacts:
    """For the execution gate; ``chosen``: rows whose selector comes to a timeframe.

    A gate of rules that were stored before there was a walk does not know what is selected.
    """
    candidates = np.zeros(len(chosen), dtype=np.int64)
    for signal in signals:
        candidates += signal.check < 0
    facts = {"candidates": candidates, "selected": chosen.astype(np.int64)}
    return {name: value for name, value in facts.items() if name in gate.facts}


def of_row(facts: StageFacts, row: int) -> dict[str, GateValue]:
    """One row's facts as plain values."""
    return {
        name: value[row].item() if isinstance(value, np.ndarray) else value  # pyright: ignore[reportUnknownMemberType]
        for name, value in facts.items()
    }


def _side(outcomes: Outcomes, scenarios: tuple[LinkedTree, ...], rows: int) -> Truth:
    """A side passes when one scenario passes; a side without scenarios is disabled."""
    if not scenarios:
        return Truth(np.zeros(rows, dtype=np.bool_), np.ones(rows, dtype=np.bool_))
    truth = outcomes.of(scenarios[0])
    for scenario in scenarios[1:]:
        truth = truth | outcomes.of(scenario)
    return truth


def _failed_filters(
    program: TimeframeProgram, phase: Phase, outcomes: Outcomes, side: Codes
) -> NDArray[np.int64]:
    failed = np.zeros(len(side), dtype=np.int64)
    for code, name in CODED_SIDES:
        for tree in program.filters[phase, name]:
            failed += (side == code) & ~outcomes.of(tree).true
    return failed
