"""One symbol at many instants: a period's facts are computed once, together with the period before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.candles import STEP_MS, CandleSet, anchor_of, period_bounds
from engine.expression import FactRef
from engine.facts.plan import FactPlan
from engine.facts.source import NO_TIME, Floats, Health, Integers
from engine.indicators import Window, evaluate


@dataclass(frozen=True, slots=True, eq=False)
class _Period:
    """The rows that share one anchor, and the window they are read from."""

    rows: slice
    expected: Integers
    window: Window
    columns: dict[str, Floats] = field(default_factory=dict[str, Floats])


class History:
    """Rows are instants of one symbol, ascending. The same bits as a ``Snapshot`` at each of them."""

    def __init__(
        self, plans: Mapping[str, FactPlan], symbol: str, candles: Mapping[str, CandleSet], as_of: Integers
    ) -> None:
        if len(as_of) > 1 and bool((np.diff(as_of) <= 0).any()):
            raise ValueError("as-of instants must ascend")
        self.plans = plans
        self.symbols = (symbol,) * len(as_of)
        self.as_of = as_of
        self._periods = {
            tf: _periods(plan, candles.get(tf) or CandleSet.empty(symbol, plan.timeframe), as_of)
            for tf, plan in plans.items()
        }

    def column(self, ref: FactRef) -> Floats:
        """float64 ``(instants,)``."""
        timeframe = ref.timeframe or ""
        step = STEP_MS[self.plans[timeframe].timeframe]
        out = np.full(len(self.as_of), np.nan)
        for period in self._periods[timeframe]:
            if ref.name not in period.columns:
                period.columns[ref.name] = evaluate(
                    self.plans[timeframe].definitions[ref.name], period.window
                )
            wanted = period.expected - ref.lag * step
            ts = period.window.candles.ts
            at = np.searchsorted(ts, wanted)
            inside = at < len(ts)
            inside[inside] = ts[at[inside]] == wanted[inside]
            part = out[period.rows]
            part[inside] = period.columns[ref.name][at[inside]]
        out[~np.isfinite(out)] = np.nan
        return out

    def health(self, timeframe: str) -> Health:
        """The candles behind the rows."""
        rows = len(self.as_of)
        step = STEP_MS[self.plans[timeframe].timeframe]
        whole = {name: np.zeros(rows, dtype=np.int64) for name in ("candles", "in_row", "missing")}
        newest, start = np.full(rows, NO_TIME), np.full(rows, NO_TIME)
        close = np.full(rows, np.nan)
        for period in self._periods[timeframe]:
            candles = period.window.candles
            count = np.searchsorted(candles.ts, period.expected, side="right")
            some = count > 0
            last = count[some] - 1
            begin = np.zeros(len(candles), dtype=np.int64)
            for a, b in period.window.runs:
                begin[a:b] = a
            at = np.arange(rows)[period.rows][some]
            whole["candles"][at] = count[some]
            whole["in_row"][at] = last - begin[last] + 1
            whole["missing"][at] = (period.expected[some] - candles.ts[last]) // step
            newest[at], start[at] = candles.ts[last], candles.ts[begin[last]]
            close[at] = candles.close[last]
        return Health(whole["candles"], whole["in_row"], whole["missing"], newest, start, close)


def _periods(plan: FactPlan, candles: CandleSet, as_of: Integers) -> list[_Period]:
    step = STEP_MS[plan.timeframe]
    periods: list[_Period] = []
    row = 0
    while row < len(as_of):
        first = int(as_of[row])
        end = period_bounds(plan.anchor, first)[1]
        stop = int(np.searchsorted(as_of, end, side="left"))
        last = int(as_of[stop - 1])
        window = Window(candles.closed(last).since(anchor_of(plan.anchor, first)))
        instants = as_of[row:stop]
        periods.append(_Period(slice(row, stop), instants - instants % step - step, window))
        row = stop
    return periods
