"""Many symbols at one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from engine.candles import STEP_MS, CandleSet, anchor_of
from engine.expression import FactRef
from engine.facts.plan import FactPlan
from engine.facts.source import NO_TIME, Floats, Health, Integers
from engine.indicators import Window, evaluate


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """The last candles' facts of one symbol: ``values`` is ``(facts, depth)``, the newest candle last."""

    values: Floats
    candles: int
    in_row: int
    missing: int
    newest: int
    window_start: int
    close: float


def tail(plan: FactPlan, candles: CandleSet, as_of_ms: int) -> Tail:
    """Facts of the candles that closed last, from those closed in ``[anchor, as_of]`` and nothing else."""
    step = STEP_MS[plan.timeframe]
    window = candles.closed(as_of_ms).since(anchor_of(plan.anchor, as_of_ms))
    size = len(window)
    expected = as_of_ms - as_of_ms % step - step
    values = np.full((len(plan.definitions), plan.depth), np.nan)
    if not size:
        return Tail(values, 0, 0, 0, NO_TIME, NO_TIME, np.nan)
    first = expected - (plan.depth - 1) * step
    start = int(np.searchsorted(window.ts, first))
    newest = int(window.ts[-1])
    cut = Window(window, start)
    if start < size:
        # The last candles fill the tail unless one of them is missing.
        at = slice(None) if size - start == plan.depth else (window.ts[start:] - first) // step
        for row, definition in enumerate(plan.definitions.values()):
            values[row, at] = evaluate(definition, cut)[start:]
        values[~np.isfinite(values)] = np.nan
    run = cut.last_run
    return Tail(
        values,
        size,
        size - run,
        (expected - newest) // step,
        newest,
        int(window.ts[run]),
        float(window.close[-1]),
    )


@dataclass(slots=True)
class TailCache:
    """Tails by symbol and plan, valid while the closed candles of the window are the same ones.

    The key is the identity of what was computed: the plan, the window's anchor, the newest closed candle, the
    number of candles and the newest close. A feed that revises history must use a new cache.
    """

    entries: dict[tuple[str, str], tuple[FactPlan, tuple[float, ...], Tail]] = field(
        default_factory=dict[tuple[str, str], tuple[FactPlan, tuple[float, ...], Tail]]
    )

    def get(self, plan: FactPlan, candles: CandleSet, as_of_ms: int) -> Tail:
        """The tail, computed only if a candle closed, the anchor moved or the plan is another."""
        step = STEP_MS[plan.timeframe]
        closed = int(np.searchsorted(candles.ts, as_of_ms - step, side="right"))
        first = int(candles.ts[0]) if closed else NO_TIME
        last_close = float(candles.close[closed - 1]) if closed else 0.0
        key = (anchor_of(plan.anchor, as_of_ms), as_of_ms // step, closed, first, last_close)
        found = self.entries.get((candles.symbol, plan.timeframe))
        if found is not None and found[0] is plan and found[1] == key:
            return found[2]
        made = tail(plan, candles, as_of_ms)
        self.entries[candles.symbol, plan.timeframe] = (plan, key, made)
        return made


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Rows are symbols at one instant. ``tails``: one list per timeframe, in the order of the symbols."""

    symbols: tuple[str, ...]
    as_of_ms: int
    plans: Mapping[str, FactPlan]
    tails: Mapping[str, Sequence[Tail]]

    @staticmethod
    def of(
        plans: Mapping[str, FactPlan],
        symbols: Sequence[str],
        candles: Mapping[tuple[str, str], CandleSet],
        as_of_ms: int,
        cache: TailCache | None = None,
    ) -> Snapshot:
        """Computes (or reuses) the facts of every symbol; a pair without candles counts as empty."""
        make = cache.get if cache is not None else tail

        def of_symbol(symbol: str, plan: FactPlan) -> Tail:
            found = candles.get((symbol, plan.timeframe))
            return make(plan, CandleSet.empty(symbol, plan.timeframe) if found is None else found, as_of_ms)

        tails = {tf: [of_symbol(symbol, plan) for symbol in symbols] for tf, plan in plans.items()}
        return Snapshot(tuple(symbols), as_of_ms, plans, tails)

    @property
    def as_of(self) -> Integers:
        """The same instant for every row."""
        return np.full(len(self.symbols), self.as_of_ms, dtype=np.int64)

    @cached_property
    def _values(self) -> dict[str, Floats]:
        return {
            tf: np.stack([t.values for t in tails], axis=-1)
            if tails
            else np.empty((len(self.plans[tf].definitions), self.plans[tf].depth, 0))
            for tf, tails in self.tails.items()
        }

    @cached_property
    def _rows(self) -> dict[str, dict[str, int]]:
        return {
            tf: {name: row for row, name in enumerate(plan.definitions)} for tf, plan in self.plans.items()
        }

    def column(self, ref: FactRef) -> Floats:
        """Contiguous float64 ``(symbols,)``."""
        timeframe = ref.timeframe or ""
        return self._values[timeframe][
            self._rows[timeframe][ref.name], self.plans[timeframe].depth - 1 - ref.lag
        ]

    def health(self, timeframe: str) -> Health:
        """The candles behind the rows."""
        tails = self.tails[timeframe]

        def whole(name: str) -> Integers:
            return np.array([getattr(t, name) for t in tails], dtype=np.int64)

        return Health(
            whole("candles"),
            whole("in_row"),
            whole("missing"),
            whole("newest"),
            whole("window_start"),
            np.array([t.close for t in tails], dtype=np.float64),
        )
