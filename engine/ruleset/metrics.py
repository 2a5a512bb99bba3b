"""Metrics, ready to be computed: from facts of candles, from the entry rules of the profile, or handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.expression import Expression, FactRef, Kind, Scope
from engine.models.facts import FactsDocument
from engine.models.trade_entry import EntryZoneRules, PivotSource, TradeEntryDocument

Floats = NDArray[np.float64]

EXPECTED_R = "expected_r_multiple"
ZONE_WIDTH = "entry_zone_width_pct"
ENTRY_METRICS = frozenset({EXPECTED_R, ZONE_WIDTH})
"""Metrics that follow from the profile's ``trade_entry`` document."""

_PIVOT_FACT: dict[PivotSource, str] = {"sma21": "sma_21", "vwap": "vwap"}
_OTHER: dict[PivotSource, PivotSource] = {"sma21": "vwap", "vwap": "sma21"}


@dataclass(frozen=True, slots=True, eq=False)
class MetricProgram:
    """``compute`` takes the columns of ``refs``, each float64 ``(rows,)`` with NaN where unknown, and gives
    one such column, or a number for all rows; it is None where the value is handed in.
    """

    name: str
    refs: tuple[FactRef, ...]
    compute: Callable[[Sequence[Floats]], Any] | None


def metric_program(name: str, facts: FactsDocument, trade_entry: TradeEntryDocument) -> MetricProgram:
    """The metric of this name. Raises ``KeyError`` where none is declared."""
    text = facts.metrics[name].value
    if text is not None:
        return _expressed(name, text, facts)
    if name == EXPECTED_R:
        reward = float(trade_entry.take_profit.r_multiple)
        return MetricProgram(name, (), lambda columns: reward)
    if name == ZONE_WIDTH:
        return _zone_width(trade_entry.entry_zone)
    return MetricProgram(name, (), None)


def metric_scope(facts: FactsDocument) -> Scope:
    """Names that the expression of a metric may use."""
    units = {name: fact.unit for name, fact in facts.facts.items()}
    return Scope(units, timeframes=frozenset(facts.history))


def _expressed(name: str, text: str, facts: FactsDocument) -> MetricProgram:
    binding = Expression.read(text, metric_scope(facts), Kind.NUMBER).bind({})
    refs = binding.facts()
    slots = {ref: slot for slot, ref in enumerate(refs)}
    return MetricProgram(name, refs, binding.compile_number(slots.__getitem__))


def _zone_width(rules: EntryZoneRules) -> MetricProgram:
    """Width of the entry zone in percent of its pivot price, before its edges are rounded to ticks."""
    sources = (rules.from_, _OTHER[rules.from_])
    pivots = tuple(FactRef(_PIVOT_FACT[source], 0, rules.pivot_timeframe) for source in sources)
    k_atr, w_min, w_max = float(rules.k_atr), float(rules.w_min), float(rules.w_max)

    def compute(columns: Sequence[Floats]) -> Floats:
        preferred, other, atr = (np.where(column > 0, column, np.nan) for column in columns)
        pivot = np.where(np.isnan(preferred), other, preferred)
        half = np.minimum(np.maximum(k_atr * atr / pivot, w_min), w_max)
        return np.asarray(200.0 * half, dtype=np.float64)

    return MetricProgram(ZONE_WIDTH, (*pivots, FactRef("atr", 0, rules.atr_timeframe)), compute)
