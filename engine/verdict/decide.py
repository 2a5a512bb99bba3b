"""The stages of a verdict, each over all rows at once.

data gate per timeframe → signal of each context timeframe → context gate → signal of each execution timeframe
→ selection → execution gate. Fixed code counts; the gates' YAML decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.facts import FactSource, Health
from engine.rules import LinkedTree, Outcomes
from engine.truth import Truth
from engine.verdict.batch import LONG, NEUTRAL, NONE, SHORT, Bools, Codes, SignalColumns, VerdictBatch
from engine.verdict.profile import ProfileRules, TimeframeProgram
from engine.verdict.result import Phase


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
            tf: np.array([self.source.column(ref) for ref in program.program.refs]).reshape(-1, self.rows)
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
        gate, plans = self.rules.gates["data"], self.rules.plans
        check = np.full(self.rows, -1, dtype=np.int8)
        at = np.full(self.rows, -1, dtype=np.int8)
        count = len(self.rules.decided)
        if not count:
            return gate.decide_columns({"timeframes": 0}, self.rows).check, at
        for index, (timeframe, plan) in enumerate(plans.items()):
            behind = health[timeframe]
            decided = gate.decide_columns(
                {
                    "timeframes": count,
                    "timeframe": timeframe,
                    "candles": behind.candles,
                    "candles_in_row": behind.in_row,
                    "candles_missing": behind.missing,
                    "candles_needed": plan.needed,
                },
                self.rows,
            ).check
            hit = (check < 0) & (decided >= 0)
            check[hit], at[hit] = decided[hit], index
        return check, at

    def _signal(self, timeframe: str, phase: Phase, outcomes: Outcomes, context_side: Codes) -> SignalColumns:
        program = self.rules.timeframes[timeframe]
        long, short = (_side(outcomes, trees, self.rows) for trees in (program.long, program.short))
        both = long.true & short.true
        side = np.where(both, NONE, np.where(long.true, LONG, np.where(short.true, SHORT, NONE))).astype(np.int8)
        tolerated = phase == "context" and self.rules.neutral_policy == "tolerate"
        decided = self.rules.gates["signal"].decide_columns(
            {
                "phase": phase,
                "has_rules": program.configured,
                "sides_passed": long.true.astype(np.int64) + short.true,
                "sides_unknown": long.unknown.astype(np.int64) + short.unknown,
                "neutral_tolerated": tolerated,
                "filters_failed": _failed_filters(program, outcomes, side),
                "side_agrees": np.ones(self.rows) if phase == "context" else (side == context_side).astype(float),
            },
            self.rows,
        )
        signal = np.where(decided.check >= 0, NONE, np.where(side == NONE, NEUTRAL, side)).astype(np.int8)
        return SignalColumns(timeframe, phase, signal, decided.check, side)

    def _context(self, signals: tuple[SignalColumns, ...]) -> tuple[Codes, Codes]:
        def count(matches: list[Bools]) -> NDArray[np.int64]:
            return np.sum(matches, axis=0, dtype=np.int64) if matches else np.zeros(self.rows, dtype=np.int64)

        longs = count([s.signal == LONG for s in signals])
        shorts = count([s.signal == SHORT for s in signals])
        check = (
            self.rules.gates["context"]
            .decide_columns(
                {
                    "mode": self.mode,
                    "timeframes": len(self.rules.context),
                    "decisions": len(signals),
                    "invalid": count([s.check >= 0 for s in signals]),
                    "longs": longs,
                    "shorts": shorts,
                },
                self.rows,
            )
            .check
        )
        side = np.where(longs > 0, LONG, np.where(shorts > 0, SHORT, NONE)).astype(np.int8)
        return check, np.where(check < 0, side, NONE).astype(np.int8)

    def _select(self, signals: tuple[SignalColumns, ...], reached: Bools) -> tuple[Codes, Codes]:
        """``highest_valid``: the first execution timeframe, in configured order, that is valid."""
        candidates = np.zeros(self.rows, dtype=np.int64)
        first = np.full(self.rows, -1, dtype=np.int8)
        for index, signal in enumerate(signals):
            valid = signal.check < 0
            candidates += valid
            first[(first < 0) & valid] = index
        check = self.rules.gates["execution"].decide_columns({"candidates": candidates}, self.rows).check
        check = np.where(reached, check, np.int8(-1)).astype(np.int8)
        selected = np.where(reached & (check < 0), first, np.int8(-1)).astype(np.int8)
        return check, selected


def _side(outcomes: Outcomes, scenarios: tuple[LinkedTree, ...], rows: int) -> Truth:
    """A side passes when one scenario passes; a side without scenarios is disabled."""
    if not scenarios:
        return Truth(np.zeros(rows, dtype=np.bool_), np.ones(rows, dtype=np.bool_))
    truth = outcomes.of(scenarios[0])
    for scenario in scenarios[1:]:
        truth = truth | outcomes.of(scenario)
    return truth


def _failed_filters(program: TimeframeProgram, outcomes: Outcomes, side: Codes) -> NDArray[np.int64]:
    failed = np.zeros(len(side), dtype=np.int64)
    for code, filters in ((LONG, program.filters_long), (SHORT, program.filters_short)):
        for tree in filters:
            failed += (side == code) & ~outcomes.of(tree).true
    return failed
