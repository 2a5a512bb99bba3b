"""The verdicts of many rows as columns; a single ``Verdict`` is made for the rows somebody reads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.candles import STEP_MS
from engine.facts import Health
from engine.gates import Gate
from engine.models.base import Side
from engine.rules import LinkedTree, Outcomes
from engine.ruleset.program import ProfileRules, TimeframeProgram
from engine.truth import Truth
from engine.verdict.result import ContextDecision, ExecutionDecision, TimeframeDecision, Verdict, WalkStep
from engine.verdict.selection import BY_DEFAULT, SELECTED, STEPS, WalkColumns

Codes = NDArray[np.int8]
Bools = NDArray[np.bool_]

NONE, LONG, SHORT, NEUTRAL = 0, 1, 2, 3
"""Signal of a timeframe: none (invalid), a side, or tolerated neutral."""

SIDES: tuple[Side | None, ...] = (None, "long", "short", None)
CODED_SIDES: tuple[tuple[int, Side], ...] = ((LONG, "long"), (SHORT, "short"))
_SIGNALS: tuple[Literal["invalid", "long", "short", "neutral"], ...] = ("invalid", "long", "short", "neutral")

NO_REASON = -1


@dataclass(frozen=True, slots=True, eq=False)
class SignalColumns:
    """One timeframe in one phase: ``signal`` per row, ``check`` the rejecting check of the signal gate."""

    timeframe: str
    phase: Literal["context", "execution"]
    signal: Codes
    check: Codes
    side: Codes


@dataclass(frozen=True, eq=False)
class VerdictBatch:
    """Arrays have shape ``(rows,)``.

    ``data_check``/``data_timeframe``: the data gate's rejecting check and the index of the timeframe in
    ``rules.decided`` + other plans (``NO_REASON`` where it passed); ``context_check`` and ``execution_check``
    likewise; ``selected``: index into ``rules.execution``. ``columns`` holds, per timeframe, the facts that
    its rules read, ``(facts, rows)``. ``walk`` is None where the profile does not walk. ``switched_off`` has
    the timeframes that are off for some rows.
    """

    rules: ProfileRules
    mode: str
    symbols: tuple[str, ...]
    as_of: NDArray[np.int64]
    health: Mapping[str, Health]
    outcomes: Mapping[str, Outcomes]
    columns: Mapping[str, NDArray[np.float64]]
    context_signals: tuple[SignalColumns, ...]
    execution_signals: tuple[SignalColumns, ...]
    data_check: Codes
    data_timeframe: Codes
    context_check: Codes
    context_side: Codes
    execution_check: Codes
    selected: Codes
    walk: WalkColumns | None
    switched_off: Mapping[str, Bools] = field(default_factory=dict[str, Bools])

    def __len__(self) -> int:
        return len(self.symbols)

    @cached_property
    def ready(self) -> Bools:
        """Rows that are READY."""
        return self.selected >= 0

    @cached_property
    def codes(self) -> Mapping[str, Codes]:
        """``engine.truth`` codes per timeframe, ``(instances, rows)``."""
        return {tf: outcomes.codes() for tf, outcomes in self.outcomes.items()}

    def chosen(self, row: int) -> bool:
        """Whether the selector came to a timeframe, whatever the execution gate says of it."""
        if self.walk is not None:
            return bool(np.isin(self.walk.step[:, row], (SELECTED, BY_DEFAULT)).any())
        return any(bool(signal.check[row] < 0) for signal in self.execution_signals)

    def is_off(self, timeframe: str, row: int) -> bool:
        """Whether an operator switched this timeframe of the row's symbol off."""
        off = self.switched_off.get(timeframe)
        return off is not None and bool(off[row])

    def reason(self, row: int) -> str | None:
        """The row's one reason; ``None`` when READY."""
        gates = self.rules.gates
        if self.data_check[row] >= 0:
            return _outward(gates["data"], int(self.data_check[row]))
        if self.context_check[row] >= 0:
            return _outward(gates["context"], int(self.context_check[row]))
        if self.execution_check[row] >= 0:
            return _outward(gates["execution"], int(self.execution_check[row]))
        return None

    def verdict(self, row: int) -> Verdict:
        """The row as a ``Verdict``."""
        reason = self.reason(row)
        selected = int(self.selected[row])
        timeframe = self.rules.execution[selected] if selected >= 0 else None
        side = SIDES[int(self.context_side[row])] if selected >= 0 else None
        return Verdict(
            self.symbols[row],
            int(self.as_of[row]),
            self.rules.name,
            self.rules.fingerprint,
            "READY" if selected >= 0 else "INVALID",
            side,
            timeframe,
            reason,
            self.blocking_timeframe(row),
            self._context(row, reason),
            self._execution(row, reason, timeframe, side),
            self._details(row),
        )

    def blocking_timeframe(self, row: int) -> str | None:
        """The timeframe that turned the row away; ``None`` when READY or where no timeframe did."""
        if self.selected[row] >= 0:
            return None
        if self.data_check[row] >= 0:
            at = int(self.data_timeframe[row])
            return tuple(self.rules.plans)[at] if at >= 0 else None
        if self.context_check[row] >= 0:
            return next((s.timeframe for s in self.context_signals if s.check[row] >= 0), None)
        return max(self.rules.execution, key=STEP_MS.__getitem__, default=None)

    def _details(self, row: int) -> Mapping[str, object]:
        at = int(self.data_timeframe[row])
        if self.data_check[row] < 0 or at < 0:
            return {}
        timeframe, plan = list(self.rules.plans.items())[at]
        health = self.health[timeframe]
        return {
            "timeframe": timeframe,
            "required": plan.needed,
            "actual": int(health.candles[row]),
            "in_row": int(health.in_row[row]),
            "missing": int(health.missing[row]),
        }

    def _context(self, row: int, reason: str | None) -> ContextDecision:
        if self.data_check[row] >= 0:
            return ContextDecision(False, reason, None, self.mode)
        decisions = tuple(self._decision(s, row) for s in self.context_signals)
        if self.context_check[row] >= 0:
            return ContextDecision(False, reason, None, self.mode, decisions)
        return ContextDecision(True, None, SIDES[int(self.context_side[row])], self.mode, decisions)

    def _execution(
        self, row: int, reason: str | None, timeframe: str | None, side: Side | None
    ) -> ExecutionDecision:
        if self.data_check[row] >= 0:
            return ExecutionDecision(None, None, reason)
        if self.context_check[row] >= 0:
            return ExecutionDecision(None, None, "context_invalid")
        decisions = tuple(self._decision(s, row) for s in self.execution_signals)
        return ExecutionDecision(timeframe, side, reason, decisions, self.metrics(row), self._walk(row))

    def metrics(self, row: int) -> dict[str, float | None]:
        """What the profile's selector reads, None where unknown."""
        if self.walk is None or self.rules.walk is None:
            return {}
        values = self.walk.metrics[:, row].tolist()
        return {
            metric.name: None if math.isnan(value) else value
            for metric, value in zip(self.rules.walk.metrics, values, strict=True)
        }

    def _walk(self, row: int) -> tuple[WalkStep, ...]:
        walk = self.walk
        if walk is None:
            return ()
        return tuple(
            WalkStep(
                timeframe,
                STEPS[int(walk.step[index, row])],
                _outcome(walk.stay[index], row),
                _outcome(walk.drop[index], row),
                _outcome(walk.forbid[index], row),
            )
            for index, timeframe in enumerate(self.rules.execution)
        )

    def _decision(self, signals: SignalColumns, row: int) -> TimeframeDecision:
        program = self.rules.timeframes[signals.timeframe]
        codes = self.codes[signals.timeframe][:, row].tolist()
        check = int(signals.check[row])
        reason = _outward(self.rules.gates["signal"], check) if check >= 0 else None
        health = self.health[signals.timeframe]
        newest, start = int(health.newest[row]), int(health.window_start[row])
        return TimeframeDecision(
            signals.timeframe,
            signals.phase,
            _SIGNALS[int(signals.signal[row])],
            check < 0,
            reason,
            tuple([label for label, code in zip(program.labels, codes, strict=True) if code == 1]),
            tuple([label for label, code in zip(program.labels, codes, strict=True) if code == 0]),
            tuple([label for label, code in zip(program.labels, codes, strict=True) if code == 2]),
            self._failed_filters(program, signals, row),
            self._missing(program, row) if 2 in codes else (),
            newest if newest >= 0 else None,
            start if start >= 0 else None,
            int(health.candles[row]),
            float(health.close[row]) if newest >= 0 else None,
        )

    def _failed_filters(self, program: TimeframeProgram, signals: SignalColumns, row: int) -> tuple[str, ...]:
        side = SIDES[int(signals.side[row])]
        filters = () if side is None else program.filters[signals.phase, side]
        outcomes = self.outcomes[program.timeframe]
        return tuple(tree_label(program, tree) for tree in filters if not outcomes.of(tree).true[row])

    def _missing(self, program: TimeframeProgram, row: int) -> tuple[str, ...]:
        values = self.columns[program.timeframe][:, row]
        return tuple(
            str(ref) for ref, value in zip(program.program.refs, values, strict=True) if np.isnan(value)
        )


def tree_label(program: TimeframeProgram, tree: LinkedTree) -> str:
    """A tree as one line of text."""
    if tree.op == "leaf":
        return program.labels[tree.leaf]
    inner = ", ".join(tree_label(program, member) for member in tree.members)
    return f"{tree.op}({inner})"


def _outcome(truth: Truth, row: int) -> bool | None:
    return True if truth.true[row] else False if truth.false[row] else None


def _outward(gate: Gate, check: int) -> str:
    return gate.reason or gate.checks[check].reason
