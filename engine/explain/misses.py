"""What stood between many rows and a signal: the near misses of ``explain``, without the rest of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.explain.explanation import reader_of
from engine.explain.nearest import NearMiss, near_miss
from engine.explain.tree import TreeReader
from engine.models.base import Side
from engine.verdict import VerdictBatch, stage_facts
from engine.verdict.batch import SIDES, SignalColumns

Key = tuple[str, str, Side, bytes]


class Misses:
    """Near misses of rows of one batch. Rows with equal facts, as those of one candle, are looked at once."""

    def __init__(self, batch: VerdictBatch) -> None:
        self._batch = batch
        self._known: dict[Key, tuple[NearMiss, ...]] = {}
        self._sides = {
            timeframe: stage_facts.sides_of(program, batch.outcomes[timeframe], len(batch))
            for timeframe, program in batch.rules.timeframes.items()
        }

    def of(self, row: int) -> tuple[NearMiss, ...]:
        """Of timeframes whose rules blocked the row; in the execution phase only of the context's side."""
        batch = self._batch
        if batch.data_check[row] >= 0:
            return ()
        found: list[NearMiss] = []
        for signals in self._blocking(row):
            for index, side in enumerate(("long", "short")):
                if signals.phase == "execution" and side != SIDES[int(batch.context_side[row])]:
                    continue
                found += self._misses(signals, row, "long" if side == "long" else "short", index)
        return tuple(found)

    def _blocking(self, row: int) -> Sequence[SignalColumns]:
        batch = self._batch
        signals = list(batch.context_signals)
        if batch.context_check[row] < 0:
            signals += batch.execution_signals
        return [s for s in signals if s.check[row] >= 0 and not batch.is_off(s.timeframe, row)]

    def _misses(self, signals: SignalColumns, row: int, side: Side, index: int) -> tuple[NearMiss, ...]:
        facts = np.ascontiguousarray(self._batch.columns[signals.timeframe][:, row]).tobytes()
        key = (signals.timeframe, signals.phase, side, facts)
        if key not in self._known:
            program = self._batch.rules.timeframes[signals.timeframe]
            passed = bool(self._sides[signals.timeframe][index].true[row])
            scenarios = program.long if side == "long" else program.short
            trees = program.filters[signals.phase, side] if passed else scenarios
            reader = TreeReader.of(program, reader_of(self._batch, signals.timeframe, row))
            misses = (near_miss(signals.timeframe, side, reader.explain(tree)) for tree in trees)
            self._known[key] = tuple(miss for miss in misses if miss is not None)
        return self._known[key]
