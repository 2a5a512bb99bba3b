"""Rules small enough to read at a glance, over facts that are written down instead of computed.

``rsi`` above 60 says long, below 40 short, on every timeframe; ``adx_14`` is what filters read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from shipped import Plain, variant

from engine.expression import FactRef
from engine.facts import Health, Recorded
from engine.verdict import ProfileRules, VerdictBatch, decide

CONDITIONS: dict[str, Plain] = {
    "up": {"when": "rsi > 60"},
    "down": {"when": "rsi < 40"},
    "trending": {"when": "adx_14 >= 20"},
    "calm": {"when": "atr / close <= 0.01"},
    "quiet_up": {"summary": "Up, and calm.", "all_of": ["up", "calm"]},
}


def small(**changed: Any) -> ProfileRules:
    """``up`` is long and ``down`` is short on 5m and 1m, unless a key of the document says otherwise."""
    sides = {"long": ["up"], "short": ["down"]}

    def edit(validation: Plain) -> None:
        validation.update({"timeframes": {"5m": sides, "1m": sides}} | changed)

    return variant(edit, CONDITIONS)


Row = Mapping[str, float | None]
"""Facts by ``name@timeframe``; what is not named is unknown."""


def sound(rules: ProfileRules, rows: int) -> dict[str, Health]:
    """Enough candles, without a gap, up to now."""
    whole = np.full(rows, 2000, dtype=np.int64)
    none, start = np.zeros(rows, dtype=np.int64), np.full(rows, 600_000, dtype=np.int64)
    return {tf: Health(whole, whole, none, start, none, np.full(rows, 100.0)) for tf in rules.plans}


def decided(
    rules: ProfileRules,
    rows: Sequence[Row],
    mode: str | None = None,
    metrics: Sequence[Mapping[str, float | None]] | None = None,
    off: Mapping[str, Sequence[bool]] | None = None,
) -> VerdictBatch:
    """Verdicts on these facts; ``metrics``: all of each row's, where what is not named is unknown.

    ``off``: by timeframe, whether it is switched off for each row.
    """
    columns: dict[FactRef, Any] = {}
    for program in rules.timeframes.values():
        for ref in program.program.refs:
            lag = f"[{ref.lag}]" if ref.lag else ""
            values = [row.get(f"{ref.name}{lag}@{ref.timeframe}") for row in rows]
            columns[ref] = np.array([np.nan if value is None else value for value in values])
    symbols = tuple(f"S{i}USDT" for i in range(len(rows)))
    as_of = np.full(len(rows), 660_000, dtype=np.int64)
    given: dict[str, Any] | None = None
    if metrics is not None and rules.walk is not None:
        given = {
            metric.name: np.array([np.nan if (v := row.get(metric.name)) is None else v for row in metrics])
            for metric in rules.walk.metrics
        }
    switched_off = {timeframe: np.array(rows) for timeframe, rows in (off or {}).items()}
    source = Recorded(symbols, as_of, columns, sound(rules, len(rows)))
    return decide(rules, source, mode, given, switched_off)
