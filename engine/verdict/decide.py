"""The stages of a verdict, each over all rows at once.

data gate per timeframe → signal of each context timeframe → context gate → signal of each execution timeframe
→ selection (``selection``) → execution gate. Fixed code counts (``stage_facts``); the gates' YAML decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.facts import FactSource, Health
from engine.models.base import Phase
from engine.rules import Outcomes
from engine.ruleset.program import ProfileRules
from engine.verdict import stage_facts
from engine.verdict.batch import LONG, NEUTRAL, NONE, SHORT, Bools, Codes, SignalColumns, VerdictBatch
from engine.verdict.selection import Floats, WalkColumns, highest_valid, metric_columns, walked, with_given


def decide(
    rules: ProfileRules,
    source: FactSource,
    mode: str | None = None,
    metrics: Mapping[str, Floats] | None = None,
    switched_off: Mapping[str, Bools] | None = None,
) -> VerdictBatch:
    """Verdicts of all rows of ``source``; ``mode`` replaces the profile's context mode for this call.

    ``metrics`` are values of metrics, ``(rows,)`` with NaN where unknown, to be taken instead of computed
    ones; a metric that is neither given nor computed is unknown. ``switched_off``: by timeframe, the rows
    ``(rows,)`` that it is off for; a timeframe that is not named is on everywhere.
    """
    off = stage_facts.in_force(rules, switched_off or {})
    return _Decision(rules, source, mode or rules.mode, len(source.symbols), metrics or {}, off).batch()


def decide_again(batch: VerdictBatch, metrics: Mapping[str, Floats]) -> VerdictBatch:
    """The verdicts with more metrics known: only the selection of the execution timeframe may change."""
    walk = batch.rules.walk
    if walk is None or batch.walk is None:
        return batch
    columns = with_given(walk, batch.walk.metrics, metrics)
    reached = (batch.data_check < 0) & (batch.context_check < 0)
    check, selected, walked_columns = select(batch.rules, batch.execution_signals, reached, columns)
    return replace(batch, execution_check=check, selected=selected, walk=walked_columns)


def select(
    rules: ProfileRules, signals: tuple[SignalColumns, ...], reached: Bools, metrics: Floats | None
) -> tuple[Codes, Codes, WalkColumns | None]:
    """The execution gate's check, the index of the selected timeframe, and how the walk went."""
    rows = len(reached)
    candidates = np.array([signal.check < 0 for signal in signals], dtype=np.bool_).reshape(
        len(signals), rows
    )
    columns = None
    if rules.walk is None or metrics is None:
        chosen = highest_valid(candidates)
    else:
        chosen, columns = walked(rules.walk, candidates & reached, metrics)
    gate = rules.gates["execution"]
    check = gate.decide_columns(stage_facts.execution_facts(gate, signals, chosen >= 0), rows).check
    check = np.where(reached, check, np.int8(-1)).astype(np.int8)
    selected = np.where(reached & (check < 0), chosen, np.int8(-1)).astype(np.int8)
    return check, selected, columns


@dataclass(frozen=True, slots=True, eq=False)
class _Decision:
    rules: ProfileRules
    source: FactSource
    mode: str
    rows: int
    metrics: Mapping[str, Floats]
    switched_off: Mapping[str, Bools]

    def batch(self) -> VerdictBatch:
        rules = self.rules
        health = {tf: self.source.health(tf) for tf in rules.plans}
        data_check, data_timeframe = self._data(health)
        columns = {
            tf: np.array([self.source.column(ref) for ref in program.program.refs]).reshape(
                len(program.program.refs), self.rows
            )
            for tf, program in rules.timeframes.items()
        }
        outcomes = {
            tf: program.program.run(list(columns[tf]), self.rows) for tf, program in rules.timeframes.items()
        }
        no_side = np.zeros(self.rows, dtype=np.int8)
        context = tuple(self._signal(tf, "context", outcomes[tf], no_side) for tf in rules.context)
        context_check, context_side = self._context(context)
        context_check = np.where(data_check >= 0, np.int8(-1), context_check)
        execution = tuple(self._signal(tf, "execution", outcomes[tf], context_side) for tf in rules.execution)
        reached = (data_check < 0) & (context_check < 0)
        measured = None if rules.walk is None else metric_columns(rules.walk, self.source, self.metrics)
        execution_check, selected, walk = select(rules, execution, reached, measured)
        return VerdictBatch(
            rules,
            self.mode,
            self.source.symbols,
            self.source.as_of,
            health,
            outcomes,
            columns,
            context,
            execution,
            data_check,
            data_timeframe,
            context_check,
            context_side,
            execution_check,
            selected,
            walk,
            self.switched_off,
        )

    def _data(self, health: dict[str, Health]) -> tuple[Codes, Codes]:
        """The first timeframe, context before execution, whose candles the data gate turns away."""
        gate = self.rules.gates["data"]
        check = np.full(self.rows, -1, dtype=np.int8)
        at = np.full(self.rows, -1, dtype=np.int8)
        if not self.rules.decided:
            return gate.decide_columns(stage_facts.no_timeframe_facts(), self.rows).check, at
        for index, timeframe in enumerate(self.rules.gated):
            facts = stage_facts.data_facts(self.rules, self.rules.plans[timeframe], health[timeframe])
            decided = gate.decide_columns(facts, self.rows).check
            hit = (check < 0) & (decided >= 0)
            check[hit], at[hit] = decided[hit], index
        return check, at

    def _signal(self, timeframe: str, phase: Phase, outcomes: Outcomes, context_side: Codes) -> SignalColumns:
        program = self.rules.timeframes[timeframe]
        off = self.switched_off.get(timeframe)
        facts, side = stage_facts.signal_facts(self.rules, program, phase, outcomes, context_side, off)
        check = self.rules.gates["signal"].decide_columns(facts, self.rows).check
        signal = np.where(check >= 0, NONE, np.where(side == NONE, NEUTRAL, side)).astype(np.int8)
        return SignalColumns(timeframe, phase, signal, check, side)

    def _context(self, signals: tuple[SignalColumns, ...]) -> tuple[Codes, Codes]:
        facts = stage_facts.context_facts(self.rules, self.mode, signals, self.rows)
        check = self.rules.gates["context"].decide_columns(facts, self.rows).check
        side = np.where(facts["longs"] > 0, LONG, np.where(facts["shorts"] > 0, SHORT, NONE))
        return check, np.where(check < 0, side, NONE).astype(np.int8)
