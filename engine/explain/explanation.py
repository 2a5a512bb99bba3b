"""The whole answer to "why?" for one row of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from engine.explain.nearest import NearMiss, near_miss, show
from engine.explain.selector import WalkExplanation, explain_walk
from engine.explain.tree import Json, TreeExplanation, TreeReader, outcome_name, trace_json
from engine.expression import FactRef
from engine.expression.trace import Trace, Value
from engine.gates import Gate
from engine.gates.gate import GateCheck, GateValue
from engine.models.base import Side
from engine.rules import LinkedTree
from engine.verdict import TimeframeDecision, Verdict, VerdictBatch, stage_facts
from engine.verdict.batch import SignalColumns

Trees = tuple[LinkedTree, ...]

PASSED_BY = ("left", "not_allowed")
"""What becomes of a timeframe that is valid and that the walk passes by."""

NEAREST = 3
"""How many near misses an explanation lists at most."""


@dataclass(frozen=True, slots=True)
class GateExplanation:
    """A gate's checks for this row; ``timeframe`` where the gate was asked per timeframe."""

    gate: str
    timeframe: str | None
    passed: bool
    reason: str | None
    facts: dict[str, GateValue]
    checks: tuple[tuple[GateCheck, Trace], ...]

    def to_json(self) -> Json:
        """The facts handed in and every check with its outcome."""
        return {
            "gate": self.gate,
            "timeframe": self.timeframe,
            "passed": self.passed,
            "reason": self.reason,
            "facts": self.facts,
            "checks": [{"reason": check.reason} | trace_json(shown) for check, shown in self.checks],
        }


@dataclass(frozen=True, slots=True)
class SideExplanation:
    """A side passes when one of its scenarios passes; without scenarios it is disabled."""

    side: Side
    outcome: bool | None
    scenarios: tuple[TreeExplanation, ...]
    filters: tuple[TreeExplanation, ...]

    def to_json(self) -> Json:
        """Scenarios and filters as trees."""
        return {
            "side": self.side,
            "enabled": bool(self.scenarios),
            "outcome": outcome_name(self.outcome),
            "scenarios": [scenario.to_json() for scenario in self.scenarios],
            "filters": [tree.to_json() for tree in self.filters],
        }


@dataclass(frozen=True, slots=True)
class TimeframeExplanation:
    """One timeframe in one phase."""

    decision: TimeframeDecision
    sides: tuple[SideExplanation, ...]
    gate: GateExplanation

    def to_json(self) -> Json:
        """The decision, both sides and the signal gate."""
        return {
            "timeframe": self.decision.timeframe,
            "phase": self.decision.phase,
            "signal": self.decision.signal,
            "reason": self.decision.invalid_reason,
            "missing_facts": list(self.decision.missing_facts),
            "sides": [side.to_json() for side in self.sides],
            "gate": self.gate.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why this verdict."""

    verdict: Verdict
    sentence: str
    timeframes: tuple[TimeframeExplanation, ...]
    gates: tuple[GateExplanation, ...]
    nearest: tuple[NearMiss, ...]
    walk: WalkExplanation | None

    def to_json(self) -> Json:
        """Everything but the verdict itself, which has its own shape."""
        return {
            "sentence": self.sentence,
            "nearest": [miss.to_json() for miss in self.nearest],
            "timeframes": [timeframe.to_json() for timeframe in self.timeframes],
            "selector": None if self.walk is None else self.walk.to_json(),
            "gates": [gate.to_json() for gate in self.gates],
        }


def explain(batch: VerdictBatch, row: int) -> Explanation:
    """Built from the columns of the batch, live or stored."""
    verdict = batch.verdict(row)
    timeframes: list[TimeframeExplanation] = []
    gates = _data_gates(batch, row)
    if batch.data_check[row] < 0:
        no_side = np.zeros(len(batch), dtype=np.int8)
        pairs = zip(batch.context_signals, verdict.context.timeframe_decisions, strict=True)
        timeframes += [_timeframe(batch, row, s, d, no_side) for s, d in pairs]
        facts = stage_facts.context_facts(batch.rules, batch.mode, batch.context_signals, len(batch))
        gates.append(_gate(batch.rules.gates["context"], stage_facts.of_row(facts, row)))
        if batch.context_check[row] < 0:
            pairs = zip(batch.execution_signals, verdict.execution.timeframe_decisions, strict=True)
            timeframes += [_timeframe(batch, row, s, d, batch.context_side) for s, d in pairs]
            gates.append(_execution_gate(batch, row))
    walk = explain_walk(batch, row, verdict.execution.walk)
    off = [t.decision.timeframe for t in timeframes if batch.is_off(t.decision.timeframe, row)]
    nearest = _nearest(verdict, [t for t in timeframes if t.decision.timeframe not in off])
    asked = [timeframe.gate for timeframe in timeframes] + gates  # a timeframe's own reason says more
    sentence = _sentence(verdict, asked, nearest, walk, off)
    return Explanation(verdict, sentence, tuple(timeframes), tuple(gates), nearest, walk)


def reader_of(batch: VerdictBatch, timeframe: str, row: int) -> Callable[[FactRef], Value]:
    """Reads the facts of one row that the rules of a timeframe read."""
    values = batch.columns[timeframe][:, row].tolist()
    by_ref = dict(zip(batch.rules.timeframes[timeframe].program.refs, values, strict=True))

    def read(ref: FactRef) -> Value:
        value = by_ref.get(ref)
        return None if value is None or np.isnan(value) else value

    return read


def _timeframe(
    batch: VerdictBatch,
    row: int,
    signals: SignalColumns,
    decision: TimeframeDecision,
    context_side: np.ndarray,
) -> TimeframeExplanation:
    program = batch.rules.timeframes[signals.timeframe]
    outcomes = batch.outcomes[signals.timeframe]
    reader = TreeReader.of(program, reader_of(batch, signals.timeframe, row))
    truths = stage_facts.sides_of(program, outcomes, len(batch))
    parts: tuple[tuple[Side, Trees, Trees], ...] = (
        ("long", program.long, program.filters[signals.phase, "long"]),
        ("short", program.short, program.filters[signals.phase, "short"]),
    )
    sides = tuple(
        SideExplanation(
            side,
            bool(truth.true[row]) or (False if truth.false[row] else None),
            tuple(reader.explain(tree) for tree in scenarios),
            tuple(reader.explain(tree) for tree in filters),
        )
        for (side, scenarios, filters), truth in zip(parts, truths, strict=True)
    )
    off = batch.switched_off.get(signals.timeframe)
    facts, _ = stage_facts.signal_facts(batch.rules, program, signals.phase, outcomes, context_side, off)
    gate = _gate(batch.rules.gates["signal"], stage_facts.of_row(facts, row), signals.timeframe)
    return TimeframeExplanation(decision, sides, gate)


def _data_gates(batch: VerdictBatch, row: int) -> list[GateExplanation]:
    """Asked per timeframe, up to the first that is turned away."""
    gate = batch.rules.gates["data"]
    if not batch.rules.decided:
        return [_gate(gate, stage_facts.of_row(stage_facts.no_timeframe_facts(), row))]
    asked: list[GateExplanation] = []
    for timeframe in batch.rules.gated:
        facts = stage_facts.data_facts(batch.rules, batch.rules.plans[timeframe], batch.health[timeframe])
        asked.append(_gate(gate, stage_facts.of_row(facts, row), timeframe))
        if not asked[-1].passed:
            break
    return asked


def _execution_gate(batch: VerdictBatch, row: int) -> GateExplanation:
    gate = batch.rules.gates["execution"]
    chosen = np.full(len(batch), batch.chosen(row))
    facts = stage_facts.execution_facts(gate, batch.execution_signals, chosen)
    return _gate(gate, stage_facts.of_row(facts, row))


def _gate(gate: Gate, facts: dict[str, GateValue], timeframe: str | None = None) -> GateExplanation:
    decision = gate.decide(facts)
    return GateExplanation(gate.name, timeframe, decision.passed, decision.reason, facts, gate.trace(facts))


def _nearest(verdict: Verdict, timeframes: list[TimeframeExplanation]) -> tuple[NearMiss, ...]:
    """Of timeframes whose rules block: in the execution phase only the context's side could have helped."""
    misses: list[NearMiss] = []
    for timeframe in timeframes:
        if timeframe.decision.valid:
            continue
        for side in timeframe.sides:
            if timeframe.decision.phase == "execution" and side.side != verdict.context.side:
                continue
            for tree in side.scenarios if side.outcome is not True else side.filters:
                miss = near_miss(timeframe.decision.timeframe, side.side, tree)
                if miss is not None:
                    misses.append(miss)
    return tuple(sorted(misses, key=lambda miss: (len(miss.obstacles), miss.distance))[:NEAREST])


def _sentence(
    verdict: Verdict,
    gates: list[GateExplanation],
    nearest: tuple[NearMiss, ...],
    walk: WalkExplanation | None,
    off: list[str],
) -> str:
    switched = [f"{timeframe} is switched off" for timeframe in dict.fromkeys(off)]
    passed = [] if walk is None else [s.why_left for s in walk.steps if s.step.outcome in PASSED_BY]
    if verdict.status == "READY":
        ready = f"READY {verdict.side} on {verdict.execution_timeframe}: its scenarios and every gate passed"
        return "; ".join([ready, *passed, *switched])
    if passed:
        return "; ".join([*passed, *switched, "no other timeframe is left"])
    if nearest:
        return "; ".join([nearest[0].sentence, *switched])
    blocking = next((gate for gate in gates if not gate.passed), None)
    if blocking is None:
        return verdict.reason or "INVALID"
    if blocking.timeframe in off:
        return "; ".join(switched)
    check = next(check for check, _ in blocking.checks if check.reason == blocking.reason)
    names = ", ".join(f"{name} {_plain(blocking.facts.get(name))}" for name in check.facts)
    place = f" on {blocking.timeframe}" if blocking.timeframe else ""
    said = f"{blocking.reason}{place}: {check.binding.expression.text} ({names})"
    return "; ".join([said, *switched])


def _plain(value: GateValue) -> str:
    return str(value) if isinstance(value, Decimal) else show(value)
