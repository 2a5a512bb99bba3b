"""Rows whose facts were stored: deciding on them again gives what was decided then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.expression import FactRef
from engine.facts.source import Floats, Health, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """``columns`` and ``health`` as a ``VerdictBatch`` held them; a fact that was not stored is unknown."""

    symbols: tuple[str, ...]
    as_of: Integers
    columns: Mapping[FactRef, Floats]
    candles: Mapping[str, Health]

    def column(self, ref: FactRef) -> Floats:
        """float64 ``(rows,)``."""
        found = self.columns.get(ref)
        return np.full(len(self.symbols), np.nan) if found is None else found

    def health(self, timeframe: str) -> Health:
        """The candles behind the rows, as they were."""
        return self.candles[timeframe]
