"""What the rules read: rows of facts, and how sound the candles behind them are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.expression import FactRef

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NO_TIME = -1
"""Stands for an instant that does not exist."""


@dataclass(frozen=True, slots=True, eq=False)
class Health:
    """The candles of one timeframe behind each row; every array has shape ``(rows,)``.

    ``candles``: closed candles from the anchor on; ``in_row``: those without a gap up to the newest;
    ``missing``: candles between the newest and the one that closed last; ``newest``: open time of the newest
    (ms) and ``window_start`` of the first of the run, ``NO_TIME`` where there is none; ``close``: its close.
    """

    candles: Integers
    in_row: Integers
    missing: Integers
    newest: Integers
    window_start: Integers
    close: Floats


class FactSource(Protocol):
    """Rows to decide on. ``column`` is float64 ``(rows,)`` with NaN where unknown."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbol of each row."""
        ...

    @property
    def as_of(self) -> Integers:
        """As-of instant of each row, ms UTC."""
        ...

    def column(self, ref: FactRef) -> Floats:
        """A fact of ``ref.timeframe`` (which is set), on the last candle closed at the row's instant."""
        ...

    def health(self, timeframe: str) -> Health:
        """The candles behind the rows."""
        ...
