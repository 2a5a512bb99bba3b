"""The recorded candles of one symbol: files merged, longer candles built, cut at the venue's clock.

Where a candle longer than its files' shortest comes from, in this order:

1. built from 1m, when every minute of it is recorded;
2. the row of a file of its own timeframe;
3. without a file of either: built from the shortest recorded timeframe that divides it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from engine.candles import STEP_MS, CandleError, CandleSet, Timeframe, resample
from server.exchange.errors import CandlesUnavailable
from server.exchange.paper.catalogue import CandleFile
from server.exchange.paper.errors import VENUE, CandleFileBroken
from server.exchange.paper.parquet import COLUMNS, ParquetProblem, read_columns
from server.instants import iso


class SymbolHistory:
    """Loads each timeframe when it is first asked for and keeps it; safe to call from several threads."""

    def __init__(self, symbol: str, files: Mapping[Timeframe, tuple[CandleFile, ...]]) -> None:
        self.symbol = symbol
        self._files = files
        self._loaded: dict[Timeframe, CandleSet] = {}
        self._series: dict[Timeframe, CandleSet] = {}
        self._lock = Lock()

    @property
    def timeframes(self) -> tuple[Timeframe, ...]:
        """Timeframes that have files, shortest first."""
        return tuple(self._files)

    def is_loaded(self, timeframe: Timeframe) -> bool:
        """Whether `series` answers from memory."""
        return timeframe in self._series

    def series(self, timeframe: Timeframe) -> CandleSet:
        """All recorded candles of ``timeframe``, past and future. Raises `CandlesUnavailable`."""
        kept = self._series.get(timeframe)
        if kept is None:
            with self._lock:
                kept = self._series.get(timeframe)
                if kept is None:
                    kept = self._series[timeframe] = self._compose(timeframe)
        return kept

    def visible(self, timeframe: Timeframe, start_ms: int, end_ms: int, now_ms: int) -> CandleSet:
        """Candles opening in ``[start_ms, end_ms)`` as they stand at ``now_ms``.

        Closed candles are views of the loaded columns. A candle still forming at ``now_ms`` comes last: it
        holds what has happened so far and nothing of the recording's future.
        """
        closed = self.series(timeframe).closed(now_ms)
        first, stop = (int(row) for row in np.searchsorted(closed.ts, (start_ms, end_ms)))
        candles = closed.between(first, max(first, stop))
        opened = now_ms - now_ms % STEP_MS[timeframe]
        if not start_ms <= opened < min(end_ms, now_ms):
            return candles
        forming = self._forming(timeframe, opened, now_ms)
        return candles if forming is None else _sorted_union([candles, forming])

    def newest_closed(self, at_ms: int) -> CandleSet | None:
        """The one candle that closed last at ``at_ms``, of the shortest timeframe; None before any."""
        newest: CandleSet | None = None
        newest_close = 0
        for timeframe in self.timeframes:
            closed = self.series(timeframe).closed(at_ms)
            close_ms = int(closed.ts[-1]) + STEP_MS[timeframe] if len(closed) else 0
            if close_ms > newest_close:
                newest, newest_close = closed.between(len(closed) - 1, len(closed)), close_ms
                if close_ms + STEP_MS[timeframe] > at_ms:
                    break  # up to date: nothing longer can have closed after it
        return newest

    def closing_between(self, after_ms: int, until_ms: int) -> Sequence[CandleSet]:
        """Candles that close in ``(after_ms, until_ms]``, by timeframe; no instant is in two of them.

        A longer candle is among them only where none of a shorter timeframe is recorded within it.
        """
        parts: list[CandleSet] = []
        shorter: list[CandleSet] = []
        for timeframe in self.timeframes:
            step, series = STEP_MS[timeframe], self.series(timeframe)
            part = series.closed(until_ms).since(after_ms - step + 1)
            for seen in shorter:
                uncovered = np.searchsorted(seen.ts, part.ts) == np.searchsorted(seen.ts, part.ts + step)
                part = part if uncovered.all() else _rows(part, uncovered)
            parts.append(part)
            shorter.append(series)
        return parts

    def _forming(self, timeframe: Timeframe, opened_ms: int, now_ms: int) -> CandleSet | None:
        """The candle that opened at ``opened_ms``, from the shortest recorded timeframe it can be seen in.

        Of the short candle that is itself forming only the open is known: the recording has no ticks.
        """
        parts = self.series(self._source(timeframe))
        step = STEP_MS[parts.timeframe]
        first, stop = (int(row) for row in np.searchsorted(parts.ts, (opened_ms, now_ms)))
        if first == stop:
            return None
        part = parts.between(first, stop)
        done = part.closed(now_ms)
        opening = part.open[len(done) :]  # empty, or the open of the short candle that is forming
        prices = np.concatenate((done.high, opening)), np.concatenate((done.low, opening))
        last = float(opening[0]) if now_ms - int(part.ts[-1]) < step else float(done.close[-1])
        volume = float(np.cumsum(done.volume)[-1]) if len(done) else 0.0
        return CandleSet.from_columns(
            self.symbol,
            timeframe,
            [opened_ms],
            [part.open[0]],
            [prices[0].max()],
            [prices[1].min()],
            [last],
            [volume],
        )

    def _source(self, timeframe: Timeframe) -> Timeframe:
        """The shortest recorded timeframe that ``timeframe`` can be seen in. Raises `CandlesUnavailable`."""
        for candidate in self.timeframes:
            if STEP_MS[timeframe] % STEP_MS[candidate] == 0:
                return candidate
        detail = f"only {', '.join(self.timeframes)} is recorded, which is longer"
        raise CandlesUnavailable(VENUE, self.symbol, timeframe, detail)

    def _compose(self, timeframe: Timeframe) -> CandleSet:
        if timeframe == "1m" and "1m" in self._files:
            return self._file_rows("1m")
        own = self._file_rows(timeframe) if timeframe in self._files else None
        if "1m" not in self._files and own is not None:
            return own
        built = resample(self._file_rows(self._source(timeframe)), timeframe)
        if own is None:
            return built
        kept = ~np.isin(own.ts, built.ts)
        return _sorted_union([built, _rows(own, kept)]) if kept.any() else built

    def _file_rows(self, timeframe: Timeframe) -> CandleSet:
        kept = self._loaded.get(timeframe)
        if kept is None:
            files = self._files[timeframe]
            kept = self._loaded[timeframe] = _merge(files, [_load(file) for file in files])
        return kept


def _load(file: CandleFile) -> CandleSet:
    try:
        return CandleSet.from_columns(file.symbol, file.timeframe, *read_columns(file.path))
    except ParquetProblem as problem:
        raise CandleFileBroken(file.symbol, file.timeframe, file.path, str(problem)) from problem
    except CandleError as error:
        detail = str(error).partition(": ")[2]
        raise CandleFileBroken(file.symbol, file.timeframe, file.path, detail, error.row) from error


def _merge(files: Sequence[CandleFile], parts: Sequence[CandleSet]) -> CandleSet:
    """One set out of several files. Rows that two files share must be equal, else `CandleFileBroken`."""
    merged = parts[0]
    for file, part in zip(files[1:], parts[1:], strict=True):
        _, ours, theirs = np.intersect1d(merged.ts, part.ts, assume_unique=True, return_indices=True)
        for name in COLUMNS[1:]:
            differs = getattr(merged, name)[ours] != getattr(part, name)[theirs]
            if differs.any():
                at = int(np.argmax(differs))
                row = int(theirs[at])
                others = ", ".join(str(f.path) for f in files if f is not file)
                detail = f"{name} at {iso(int(part.ts[row]))} differs from the same candle in {others}"
                raise CandleFileBroken(file.symbol, file.timeframe, file.path, detail, row)
        new = np.ones(len(part), dtype=np.bool_)
        new[theirs] = False
        merged = _sorted_union([merged, _rows(part, new)])
    return merged


def _rows(candles: CandleSet, mask: NDArray[np.bool_]) -> CandleSet:
    columns = (candles.ts, candles.open, candles.high, candles.low, candles.close, candles.volume)
    return CandleSet.from_columns(candles.symbol, candles.timeframe, *(column[mask] for column in columns))


def _sorted_union(parts: Sequence[CandleSet]) -> CandleSet:
    """Sets without common open times as one, in order of time."""
    first = parts[0]
    ts = np.concatenate([part.ts for part in parts])
    order = np.argsort(ts, kind="stable")

    def column(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    return CandleSet.from_columns(
        first.symbol, first.timeframe, ts[order], *(column(name) for name in COLUMNS[1:])
    )
