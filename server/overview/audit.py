"""Searching what each timeframe said: one row per run, symbol, timeframe and phase."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.models.base import Phase
from engine.truth import PASS
from engine.verdict import TimeframeDecision, VerdictBatch
from engine.verdict.batch import SignalColumns
from server.instants import iso
from server.journal import CompileProfile, Journal, Page, RunFilter
from server.journal.answers import offset_of
from server.journal.stretch import Stretch, Stretches
from server.overview.statistics import asked, outward

Json = dict[str, Any]
Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Every part that is given must hold. ``rule``: this condition failed, or was unknown."""

    symbol: str | None = None
    timeframe: str | None = None
    phase: Phase | None = None
    reason: str | None = None
    rule: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest run first; ``known_rules`` and ``known_reasons`` are all there can be in what was searched."""

    page: Page[Json]
    not_restored: dict[str, int]
    known_rules: frozenset[str]
    known_reasons: frozenset[str]

    def to_json(self) -> Json:
        """The page, and what could not be searched."""
        lost = [{"cause": cause, "runs": runs} for cause, runs in self.not_restored.items()]
        return self.page.to_json(lambda item: item) | {"not_restored": lost}


async def audit(
    journal: Journal,
    compile_profile: CompileProfile,
    wanted: AuditFilter,
    runs: RunFilter,
    page: int,
    page_size: int,
) -> AuditPage:
    """A page of what timeframes said, in runs of a period with both ends or in one run.

    Raises ``JournalError``.
    """
    first = offset_of(page, page_size)
    items: list[Json] = []
    total, rules, reasons = 0, set[str](), set[str]()
    stretches = Stretches(journal, compile_profile, runs, symbol=wanted.symbol, run_id=wanted.run_id)
    async for stretch in stretches.read():
        batch = stretch.batch
        rules.update(label for program in batch.rules.timeframes.values() for label in program.labels)
        gate = batch.rules.gates["signal"]
        reasons.update(outward(gate, index) for index in range(len(gate.checks)))
        columns = [signals for signals, _ in asked(batch)]
        passing = np.array([_passing(batch, s, rows, wanted) for s, rows in asked(batch)])
        count = int(passing.sum())
        low, high = max(first - total, 0), min(first + page_size - total, count)
        if low < high:
            places: list[list[int]] = np.argwhere(passing.T)[low:high].tolist()
            items += [_row(stretch, columns[column], row) for row, column in places]
        total += count
    return AuditPage(
        Page(tuple(items), page, page_size, total), stretches.lost, frozenset(rules), frozenset(reasons)
    )


def _passing(batch: VerdictBatch, signals: SignalColumns, rows: Rows, wanted: AuditFilter) -> Rows:
    none = np.zeros(len(batch), dtype=np.bool_)
    if wanted.timeframe not in (None, signals.timeframe) or wanted.phase not in (None, signals.phase):
        return none
    if wanted.reason is not None:
        gate = batch.rules.gates["signal"]
        checks = [i for i in range(len(gate.checks)) if outward(gate, i) == wanted.reason]
        rows = rows & np.isin(signals.check, np.array(checks, dtype=np.int8))
    if wanted.rule is not None:
        labels = batch.rules.timeframes[signals.timeframe].labels
        if wanted.rule not in labels:
            return none
        rows = rows & (batch.codes[signals.timeframe][labels.index(wanted.rule)] != PASS)
    return rows


def _row(stretch: Stretch, signals: SignalColumns, row: int) -> Json:
    batch = stretch.batch
    verdict = batch.verdict(row)
    decision = next(
        d
        for d in (*verdict.context.timeframe_decisions, *verdict.execution.timeframe_decisions)
        if (d.timeframe, d.phase) == (signals.timeframe, signals.phase)
    )
    return {
        "run_id": stretch.run_ids[row],
        "as_of": iso(int(batch.as_of[row])),
        "profile": batch.rules.name,
        "symbol": batch.symbols[row],
        **timeframe_json(decision),
    }


def timeframe_json(decision: TimeframeDecision) -> Json:
    """What one timeframe said, in the field names of a run's answer."""
    return {
        "timeframe": decision.timeframe,
        "phase": decision.phase,
        "signal": decision.signal,
        "valid": decision.valid,
        "invalid_reason": decision.invalid_reason,
        "rules_passed": list(decision.rules_passed),
        "rules_failed": list(decision.rules_failed),
        "rules_unknown": list(decision.rules_unknown),
        "filters_failed": list(decision.filters_failed),
        "missing_facts": list(decision.missing_facts),
        "candle_time": _time(decision.candle_time),
        "window_start": _time(decision.window_start),
        "candles": decision.candles,
    }


def timeframes_of(batch: VerdictBatch, row: int) -> Iterator[Json]:
    """What every timeframe of a row said."""
    verdict = batch.verdict(row)
    for decision in (*verdict.context.timeframe_decisions, *verdict.execution.timeframe_decisions):
        yield timeframe_json(decision)


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)
