"""The slice of candles that facts are computed from, cut into runs without gaps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.candles import STEP_MS, CandleSet
from engine.candles.calendar import DAY_MS

Floats = NDArray[np.float64]


class Window:
    """Closed candles from the anchor to the as-of instant.

    A recursive indicator never crosses a gap: it starts anew with the run after it. ``first_needed`` is the
    index of the first bar whose value will be read; runs that end before it are not computed. ``last_run`` is
    the index at which the newest run starts.
    """

    def __init__(self, candles: CandleSet, first_needed: int = 0) -> None:
        self.candles = candles
        self.step = STEP_MS[candles.timeframe]
        self.first_needed = first_needed
        size = len(candles)
        breaks = np.flatnonzero(np.diff(candles.ts) != self.step) + 1
        edges = [0, *breaks.tolist(), size] if size else [0]
        self.runs = [(a, b) for a, b in pairwise(edges) if b > first_needed]
        self.last_run = edges[-2] if size else 0
        self.memo: dict[Any, tuple[Floats, ...]] = {}

    def __len__(self) -> int:
        return len(self.candles)

    @property
    def days_of_open(self) -> NDArray[np.int64]:
        """UTC day number of each open time."""
        return self.candles.ts // DAY_MS

    def unknown(self) -> Floats:
        """A column with no value anywhere."""
        return np.full(len(self), np.nan)
