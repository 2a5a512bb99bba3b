"""The stages of a verdict, each over all rows at once.

data gate per timeframe → signal of each context timeframe → context gate → signal of each execution timeframe
→ selection → execution gate. Fixed code counts (``stage_facts``); the gates' YAML decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.facts import FactSource, Health
from engine.models.base import Phase
from engine.rules import Outcomes
from engine.ruleset.program import ProfileRules
from engine.verdict import stage_facts
from engine.verdict.batch import LONG, NEUTRAL, NONE, SHORT, Bools, Codes, SignalColumns, VerdictBatch


def decide(rules: ProfileRules, source: FactSource, mode: str | None = None) -> VerdictBatch:
    """Verdicts of all rows of ``source``; ``mode`` replaces the profile's context mode for this call."""
    return _Decision(rules, source, mode or rules.mode, len(source.symbols)).batch()


@dataclass(frozen=True, slots=True, eq=False)
class _Decision:
    rules: ProfileRules
    source: FactSource
    mode: str
    rows: int

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
        execution_check, selected = self._select(execution, reached)
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
        )

    def _data(self, health: dict[str, Health]) -> tuple[Codes, Codes]:
        """The first timeframe, context before execution, whose candles the data gate turns away."""
        gate = self.rules.gates["data"]
        check = np.full(self.rows, -1, dtype=np.int8)
        at = np.full(self.rows, -1, dtype=np.int8)
        if not self.rules.decided:
            return gate.decide_columns(stage_facts.no_timeframe_facts(), self.rows).check, at
        for index, (timeframe, plan) in enumerate(self.rules.plans.items()):
            facts = stage_facts.data_facts(self.rules, plan, health[timeframe])
            decided = gate.decide_columns(facts, self.rows).check
            hit = (check < 0) & (decided >= 0)
            check[hit], at[hit] = decided[hit], index
        return check, at

    def _signal(self, timeframe: str, phase: Phase, outcomes: Outcomes, context_side: Codes) -> SignalColumns:
        program = self.rules.timeframes[timeframe]
        facts, side = stage_facts.signal_facts(self.rules, program, phase, outcomes, context_side)
        check = self.rules.gates["signal"].decide_columns(facts, self.rows).check
        signal = np.where(check >= 0, NONE, np.where(side == NONE, NEUTRAL, side)).astype(np.int8)
        return SignalColumns(timeframe, phase, signal, check, side)

    def _context(self, signals: tuple[SignalColumns, ...]) -> tuple[Codes, Codes]:
        facts = stage_facts.context_facts(self.rules, self.mode, signals, self.rows)
        check = self.rules.gates["context"].decide_columns(facts, self.rows).check
        side = np.where(facts["longs"] > 0, LONG, np.where(facts["shorts"] > 0, SHORT, NONE))
        return check, np.where(check < 0, side, NONE).astype(np.int8)

    def _select(self, signals: tuple[SignalColumns, ...], reached: Bools) -> tuple[Codes, Codes]:
        """``highest_valid``: the first execution timeframe, in configured order, that is valid."""
        first = np.full(self.rows, -1, dtype=np.int8)
        for index, signal in enumerate(signals):
            first[(first < 0) & (signal.check < 0)] = index
        facts = stage_facts.execution_facts(signals, self.rows)
        check = self.rules.gates["execution"].decide_columns(facts, self.rows).check
        check = np.where(reached, check, np.int8(-1)).astype(np.int8)
        selected = np.where(reached & (check < 0), first, np.int8(-1)).astype(np.int8)
        return check, selected
