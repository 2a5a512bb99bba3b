"""The columns of one symbol and timeframe, checked once at the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.candles.calendar import STEP_MS
from engine.models.base import Timeframe

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


class CandleError(ValueError):
    """Candles that cannot be used: which, where, and why. ``row`` counts from 0, ``None``: no single row."""

    def __init__(self, symbol: str, timeframe: str, message: str, row: int | None = None) -> None:
        place = f"{symbol} {timeframe}" if row is None else f"{symbol} {timeframe}, row {row}"
        super().__init__(f"{place}: {message}")
        self.symbol = symbol
        self.timeframe = timeframe
        self.row = row


@dataclass(frozen=True, slots=True, eq=False)
class CandleSet:
    """Oldest first, no duplicates, finite, high and low enclosing open and close; gaps are allowed.

    ``ts`` are open times (int64 ms UTC), the others float64, all of shape ``(n,)``; volume in the base asset.
    """

    symbol: str
    timeframe: Timeframe
    ts: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.ts)

    @staticmethod
    def from_columns(
        symbol: str,
        timeframe: Timeframe,
        ts: Any,
        open: Any,  # noqa: A002  the column's name everywhere
        high: Any,
        low: Any,
        close: Any,
        volume: Any,
    ) -> CandleSet:
        """Copies the columns to contiguous arrays and checks them. Raises ``CandleError``."""
        given = [np.asarray(c) for c in (ts, open, high, low, close, volume)]
        if given[0].ndim != 1 or any(c.shape != given[0].shape for c in given):
            raise CandleError(symbol, timeframe, "the columns have different lengths")
        if len(given[0]) and given[0].dtype.kind not in "iu":
            raise CandleError(symbol, timeframe, "the open times are not whole milliseconds")
        if any(c.dtype.kind not in "iuf" for c in given[1:]):
            raise CandleError(symbol, timeframe, "a column holds something else than numbers")
        times = np.array(given[0], dtype=np.int64)
        columns = [np.array(c, dtype=np.float64) for c in given[1:]]
        candles = CandleSet(symbol, timeframe, times, *columns)
        candles._check()
        for array in (times, *columns):
            array.flags.writeable = False
        return candles

    @staticmethod
    def empty(symbol: str, timeframe: Timeframe) -> CandleSet:
        """No candles at all."""
        none = np.empty(0, dtype=np.float64)
        return CandleSet(symbol, timeframe, np.empty(0, dtype=np.int64), none, none, none, none, none)

    def _check(self) -> None:
        def refuse(bad: NDArray[np.bool_], message: str, offset: int = 0) -> None:
            if bad.any():
                raise CandleError(self.symbol, self.timeframe, message, int(np.argmax(bad)) + offset)

        step = STEP_MS[self.timeframe]
        refuse(self.ts % step != 0, f"the open time is not a multiple of {self.timeframe}")
        gaps = np.diff(self.ts)
        refuse(gaps == 0, "the open time is a duplicate", 1)
        refuse(gaps < 0, "the open times are not ascending", 1)
        for name in ("open", "high", "low", "close", "volume"):
            refuse(~np.isfinite(getattr(self, name)), f"{name} is not a finite number")
        refuse(self.low <= 0, "low is not positive")
        refuse(self.volume < 0, "volume is negative")
        refuse(
            (self.high < np.maximum(self.open, self.close)) | (self.low > np.minimum(self.open, self.close)),
            "high and low do not enclose open and close",
        )

    def between(self, start: int, stop: int) -> CandleSet:
        """Rows ``start`` to ``stop`` as views."""
        part = slice(start, stop)
        return CandleSet(
            self.symbol,
            self.timeframe,
            self.ts[part],
            self.open[part],
            self.high[part],
            self.low[part],
            self.close[part],
            self.volume[part],
        )

    def closed(self, as_of_ms: int) -> CandleSet:
        """The closed-bar law: only candles with ``open time + step <= as_of`` exist. Views, no copy."""
        stop = int(np.searchsorted(self.ts, as_of_ms - STEP_MS[self.timeframe], side="right"))
        return self if stop == len(self.ts) else self.between(0, stop)

    def since(self, ts_ms: int) -> CandleSet:
        """Candles that open at ``ts_ms`` or later. Views, no copy."""
        start = int(np.searchsorted(self.ts, ts_ms, side="left"))
        return self if start == 0 else self.between(start, len(self.ts))
