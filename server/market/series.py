"""Closed candles of one symbol and timeframe that were fetched, in columns that grow at the end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.candles import STEP_MS, CandleSet, Timeframe

SETTLE_CANDLES = 60
"""How many candles back a missing one is asked for again: venues deliver late, but an old gap stays one."""

_COLUMNS = ("open", "high", "low", "close", "volume")
_SPARE = 256

Range = tuple[int, int]
"""Open times ``[from, to)``, ms UTC."""


class Series:
    """What the venue had from ``covered_from`` on, so far as it was asked.

    Rows are only ever added. A candle that was handed out never changes: neither its view, because new rows
    lie behind it or in a new array, nor its value, because the first closed value that was seen is kept.
    """

    def __init__(self, symbol: str, timeframe: Timeframe) -> None:
        self.symbol = symbol
        self.timeframe: Timeframe = timeframe
        self._step = STEP_MS[timeframe]
        self._covered_from: int | None = None
        self._length = 0
        self._ts: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._values: NDArray[np.float64] = np.empty((len(_COLUMNS), 0))
        self._view: tuple[Range, CandleSet] | None = None
        self._answered: tuple[Range, CandleSet] | None = None

    def precedes(self, stop_ms: int) -> bool:
        """Whether a range that ends at ``stop_ms`` lies wholly before what is kept, too old to keep."""
        return self._covered_from is not None and stop_ms <= self._covered_from

    def kept(self, wanted: Range) -> CandleSet | None:
        """The answer for ``wanted`` when there is nothing to ask the venue for, else None."""
        if self._answered is not None and self._answered[0] == wanted:
            return self._answered[1]
        if self.precedes(wanted[1]) or self.missing(*wanted):
            return None
        candles = self.between(*wanted)
        self._answered = wanted, candles
        return candles

    def missing(self, start_ms: int, stop_ms: int) -> tuple[Range, ...]:
        """The ranges to ask the venue for before `between` can answer.

        ``stop_ms`` is the open time of the candle that is still forming: everything before it has closed.
        """
        if stop_ms <= start_ms:
            return ()
        if self._covered_from is None or start_ms > self._next_open(self._covered_from):
            return ((start_ms, stop_ms),)
        head = ((start_ms, self._covered_from),) if start_ms < self._covered_from else ()
        hole = max(self._first_hole(self._covered_from), start_ms)
        return (*head, (hole, stop_ms)) if hole < stop_ms else head

    def tail(self, start_ms: int, stop_ms: int) -> Range | None:
        """The range that is missing, where it is nothing but the newest candles of what is kept."""
        missing = self.missing(start_ms, stop_ms)
        after = None if self._covered_from is None else self._next_open(self._covered_from)
        return missing[0] if len(missing) == 1 and missing[0][0] == after else None

    def add(self, asked: Range, candles: CandleSet, wanted_from: int) -> None:
        """Takes what the venue answered for the range ``asked``; rows outside it are not looked at.

        When the arrays have to grow, rows before ``wanted_from`` are let go.
        """
        start_ms = asked[0]
        if self._covered_from is None or start_ms > self._next_open(self._covered_from):
            self._replace(np.empty(0, dtype=np.int64), np.empty((len(_COLUMNS), 0)))
            self._covered_from = start_ms
        first, stop = (int(row) for row in np.searchsorted(candles.ts, asked))
        ts = candles.ts[first:stop]
        values = np.stack([getattr(candles, name)[first:stop] for name in _COLUMNS])
        kept = self._ts[: self._length]
        if len(kept) and len(ts) and ts[0] <= kept[-1]:
            new = ~np.isin(ts, kept)
            ts, values = ts[new], values[:, new]
        if len(ts):
            if len(kept) and ts[0] <= kept[-1]:
                order = np.argsort(merged := np.concatenate((kept, ts)))
                self._replace(
                    merged[order], np.concatenate((self._values[:, : self._length], values), axis=1)[:, order]
                )
            else:
                self._append(ts, values, wanted_from)
        self._covered_from = min(self._covered_from, start_ms)

    def between(self, start_ms: int, stop_ms: int) -> CandleSet:
        """The kept candles that open in ``[start_ms, stop_ms)``; the same object if nothing is new."""
        first, stop = (int(row) for row in np.searchsorted(self._ts[: self._length], (start_ms, stop_ms)))
        if self._view is not None and self._view[0] == (first, stop):
            return self._view[1]
        rows = slice(first, max(first, stop))
        ts, values = self._ts[rows], self._values[:, rows]
        ts.flags.writeable = values.flags.writeable = False  # the rows of ``values`` inherit it
        candles = CandleSet(self.symbol, self.timeframe, ts, *values)
        self._view = (first, stop), candles
        return candles

    def _next_open(self, covered_from: int) -> int:
        return int(self._ts[self._length - 1]) + self._step if self._length else covered_from

    def _first_hole(self, covered_from: int) -> int:
        """Open time of the first candle that is missing among the newest ones, or of the next one to come."""
        after = self._next_open(covered_from)
        since = max(after - SETTLE_CANDLES * self._step, covered_from + -covered_from % self._step)
        recent = self._ts[: self._length][-SETTLE_CANDLES:]
        recent = recent[np.searchsorted(recent, since) :]
        expected = np.arange(since, after, self._step)
        if len(recent) == len(expected):
            return after
        holes = np.flatnonzero(recent != expected[: len(recent)])
        return int(expected[holes[0] if len(holes) else len(recent)])

    def _append(self, ts: NDArray[np.int64], values: NDArray[np.float64], wanted_from: int) -> None:
        end = self._length + len(ts)
        if end > len(self._ts):
            first = int(np.searchsorted(self._ts[: self._length], wanted_from))
            if first:
                self._covered_from = wanted_from
            self._replace(
                np.concatenate((self._ts[first : self._length], ts)),
                np.concatenate((self._values[:, first : self._length], values), axis=1),
            )
            return
        self._ts[self._length : end] = ts
        self._values[:, self._length : end] = values
        self._length = end

    def _replace(self, ts: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """New arrays with room to grow; views of the old ones stay as they are."""
        self._length = len(ts)
        capacity = self._length + max(_SPARE, self._length // 4)
        self._ts = np.empty(capacity, dtype=np.int64)
        self._values = np.empty((len(_COLUMNS), capacity))
        self._ts[: self._length] = ts
        self._values[:, : self._length] = values
        self._view = None
