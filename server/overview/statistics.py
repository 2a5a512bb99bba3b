"""What decisions of a period add up to: by reason, by timeframe, by rule."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from engine.candles import STEP_MS
from engine.gates import Gate
from engine.rules import LinkedTree
from engine.truth import FAIL, PASS, UNKNOWN
from engine.verdict import TimeframeProgram, VerdictBatch
from engine.verdict.batch import LONG, NEUTRAL, SHORT, SignalColumns
from server.database import tables as t
from server.instants import iso
from server.journal import CompileProfile, Journal, RunFilter
from server.journal.reading import conditions_of
from server.journal.stretch import Stretches

Json = dict[str, Any]
Rows = NDArray[np.bool_]
RuleKey = tuple[str, str, str, str]
"""Timeframe, phase, side or ``filter``, condition."""

_SIGNALS = {"long": LONG, "short": SHORT, "neutral": NEUTRAL}


@dataclass(slots=True)
class TimeframeTally:
    """One timeframe in one phase; ``blocked``: it is the one that turned the symbol away."""

    decisions: int = 0
    blocked: int = 0
    signals: Counter[str] = field(default_factory=Counter[str])
    reasons: Counter[str] = field(default_factory=Counter[str])


@dataclass(slots=True)
class Tallies:
    """Sums over stretches."""

    timeframes: defaultdict[tuple[str, str], TimeframeTally] = field(
        default_factory=lambda: defaultdict[tuple[str, str], TimeframeTally](TimeframeTally)
    )
    rules: defaultdict[RuleKey, list[int]] = field(
        default_factory=lambda: defaultdict[RuleKey, list[int]](lambda: [0, 0, 0])
    )

    def add(self, batch: VerdictBatch) -> None:
        """Every timeframe decision of the batch."""
        blocking = blocking_timeframes(batch)
        self._data(batch, blocking)
        for signals, rows in asked(batch):
            tally = self.timeframes[signals.timeframe, signals.phase]
            tally.decisions += int(rows.sum())
            tally.blocked += int((rows & (blocking == signals.timeframe) & (signals.check >= 0)).sum())
            for name, code in _SIGNALS.items():
                tally.signals[name] += int((rows & (signals.signal == code)).sum())
            for index, count in _counted(signals.check[rows & (signals.check >= 0)]):
                tally.reasons[outward(batch.rules.gates["signal"], index)] += count
            self._rules(batch, signals, rows)

    def _data(self, batch: VerdictBatch, blocking: NDArray[np.object_]) -> None:
        turned = batch.data_check >= 0
        for timeframe in {name for name in blocking[turned].tolist() if name is not None}:
            rows = turned & (blocking == timeframe)
            tally = self.timeframes[timeframe, "data"]
            tally.decisions += int(rows.sum())
            tally.blocked += int(rows.sum())
            for index, count in _counted(batch.data_check[rows]):
                tally.reasons[outward(batch.rules.gates["data"], index)] += count

    def _rules(self, batch: VerdictBatch, signals: SignalColumns, rows: Rows) -> None:
        program = batch.rules.timeframes[signals.timeframe]
        codes = batch.codes[signals.timeframe]
        for part, trees in _parts(program, signals):
            for leaf in sorted(_conditions(program, trees)):
                counts = np.bincount(codes[leaf, rows], minlength=3)
                sums = self.rules[signals.timeframe, signals.phase, part, program.labels[leaf]]
                for place, code in enumerate((PASS, FAIL, UNKNOWN)):
                    sums[place] += int(counts[code])


def asked(batch: VerdictBatch) -> Iterator[tuple[SignalColumns, Rows]]:
    """Every timeframe in every phase, and the rows in which it was asked."""
    sound = batch.data_check < 0
    for signals in batch.context_signals:
        yield signals, sound
    for signals in batch.execution_signals:
        yield signals, sound & (batch.context_check < 0)


def outward(gate: Gate, check: int) -> str:
    """The reason that a gate gives for a check."""
    return gate.reason or gate.checks[check].reason


def blocking_timeframes(batch: VerdictBatch) -> NDArray[np.object_]:
    """``batch.blocking_timeframe`` of every row."""
    found = np.full(len(batch), None, dtype=object)
    late = max(batch.rules.execution, key=STEP_MS.__getitem__, default=None)
    found[(batch.selected < 0) & (batch.data_check < 0) & (batch.context_check < 0)] = late
    for signals in reversed(batch.context_signals):
        found[(batch.context_check >= 0) & (signals.check >= 0)] = signals.timeframe
    for index, timeframe in enumerate(batch.rules.plans):
        found[(batch.data_check >= 0) & (batch.data_timeframe == index)] = timeframe
    return found


def _parts(program: TimeframeProgram, signals: SignalColumns) -> Iterator[tuple[str, Sequence[LinkedTree]]]:
    yield "long", program.long
    yield "short", program.short
    filters = {id(tree): tree for side in ("long", "short") for tree in program.filters[signals.phase, side]}
    yield "filter", tuple(filters.values())


def _conditions(program: TimeframeProgram, trees: Sequence[LinkedTree]) -> set[int]:
    """Every condition of the trees, and of those that are trees themselves."""
    found: set[int] = set()
    for tree in trees:
        if tree.op != "leaf":
            found |= _conditions(program, tree.members)
            continue
        found.add(tree.leaf)
        inner = program.program.instances[tree.leaf].tree
        if inner is not None:
            found |= _conditions(program, (inner,))
    return found


def _counted(checks: NDArray[np.int8]) -> Iterator[tuple[int, int]]:
    values, counts = np.unique(checks, return_counts=True)
    yield from zip(values.tolist(), counts.tolist(), strict=True)


async def statistics(
    journal: Journal, compile_profile: CompileProfile, symbol: str | None, wanted: RunFilter
) -> Json:
    """Of a period with both ends. Raises ``JournalError``."""
    reasons = await journal.ask(lambda connection: _by_reason(connection, symbol, wanted))
    tallies = Tallies()
    stretches = Stretches(journal, compile_profile, wanted, symbol=symbol)
    async for stretch in stretches.read():
        tallies.add(stretch.batch)
    return {
        "from": iso(wanted.from_ms or 0),
        "to": iso(wanted.to_ms or 0),
        "profile": wanted.profile,
        "symbol": symbol,
        **reasons,
        "by_timeframe": [_timeframe(key, tallies.timeframes[key]) for key in _ordered(tallies.timeframes)],
        "by_rule": [_rule(key, tallies.rules[key]) for key in _ordered(tallies.rules)],
        "not_restored": [{"cause": cause, "runs": runs} for cause, runs in stretches.lost.items()],
    }


_PHASES = ("data", "context", "execution")


def _ordered(tallies: Mapping[Any, Any]) -> list[Any]:
    """By phase, then the longest timeframe first, then by name."""
    steps: Mapping[str, int] = {str(name): step for name, step in STEP_MS.items()}
    return sorted(tallies, key=lambda key: (_PHASES.index(key[1]), -steps.get(key[0], 0), *key[2:]))


def _timeframe(key: tuple[str, str], tally: TimeframeTally) -> Json:
    return {
        "timeframe": key[0],
        "phase": key[1],
        "decisions": tally.decisions,
        "blocked": tally.blocked,
        **{name: tally.signals[name] for name in _SIGNALS},
        "invalid": sum(tally.reasons.values()),
        "reasons": dict(tally.reasons.most_common()),
    }


def _rule(key: RuleKey, sums: list[int]) -> Json:
    timeframe, phase, part, condition = key
    return {
        "timeframe": timeframe,
        "phase": phase,
        "side": part,
        "condition": condition,
        "passes": sums[0],
        "fails": sums[1],
        "unknowns": sums[2],
    }


def _by_reason(connection: Connection, symbol: str | None, wanted: RunFilter) -> Json:
    """Counted by the database: decisions by their outcome, entries by theirs, exclusions by their reason."""
    runs = select(t.run.c.id).where(*conditions_of(wanted))
    number = select(t.symbol.c.id).where(t.symbol.c.name == symbol).scalar_subquery()

    def of(table: Any) -> list[Any]:
        return [table.c.run_id.in_(runs), *([table.c.symbol_id == number] if symbol is not None else [])]

    o, d, x = t.outcome.c, t.trade_decision.c, t.exclusion.c
    outcomes = select(o.status, o.reason, func.count()).join(t.decision, t.decision.c.outcome_id == o.id)
    outcomes = outcomes.where(*of(t.decision)).group_by(o.status, o.reason)
    entries = select(d.status, d.reason, d.blocked_by, func.count()).where(*of(t.trade_decision))
    left_out = select(x.reason, func.count()).where(*of(t.exclusion)).group_by(x.reason)
    decided = [(status, reason or None, count) for status, reason, count in connection.execute(outcomes)]
    total = sum(count for *_, count in decided)
    return {
        "runs": connection.scalar(select(func.count()).select_from(runs.subquery())) or 0,
        "decisions": total,
        "by_reason": [
            {"status": status, "reason": reason, "decisions": count}
            for status, reason, count in sorted(decided, key=lambda row: (-row[2], row[0], row[1] or ""))
        ],
        "trade_entry": [
            {"status": status, "reason": reason, "blocked_by": blocked_by, "decisions": count}
            for status, reason, blocked_by, count in sorted(
                connection.execute(entries.group_by(d.status, d.reason, d.blocked_by)),
                key=lambda row: (-row[3], row[0], row[1] or "", row[2] or ""),
            )
        ],
        "excluded": [
            {"reason": reason, "symbols": count}
            for reason, count in sorted(connection.execute(left_out), key=lambda row: (-row[1], row[0]))
        ],
    }
