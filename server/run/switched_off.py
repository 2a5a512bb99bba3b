"""Switched-off timeframes of a run, as the columns that its verdicts are decided over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

TimeframesOff = Collection[tuple[str, str]]
"""Symbol and timeframe of each switch that is off."""


def rows_off(symbols: Sequence[str], off: TimeframesOff) -> Mapping[str, NDArray[np.bool_]]:
    """By timeframe, which of the symbols it is off for; without those that are on for all of them."""
    rows = {symbol: row for row, symbol in enumerate(symbols)}
    columns: dict[str, NDArray[np.bool_]] = {}
    for symbol, timeframe in off:
        if symbol in rows:
            column = columns.setdefault(timeframe, np.zeros(len(symbols), dtype=np.bool_))
            column[rows[symbol]] = True
    return columns
