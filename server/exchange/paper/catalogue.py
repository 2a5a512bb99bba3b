"""Which candle files a folder has: ``<SYMBOL>-<timeframe>.parquet``, at any depth. Reads footers only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.candles import STEP_MS, TIMEFRAMES, Timeframe
from server.exchange.paper.errors import MarketDataError
from server.exchange.paper.parquet import ParquetProblem, read_span

_NAME = re.compile(r"([A-Z0-9_]+)-([0-9]+[a-z]+)")
_TIMEFRAMES: dict[str, Timeframe] = {timeframe: timeframe for timeframe in TIMEFRAMES}


@dataclass(frozen=True, slots=True)
class CandleFile:
    """One file. ``first_ms`` and ``last_ms`` are open times; None when it is empty or cannot be read."""

    path: Path
    symbol: str
    timeframe: Timeframe
    first_ms: int | None
    last_ms: int | None

    @property
    def closed_span(self) -> tuple[int, int] | None:
        """First and last instant at which a candle of this file closes."""
        if self.first_ms is None or self.last_ms is None:
            return None
        step = STEP_MS[self.timeframe]
        return self.first_ms + step, self.last_ms + step


@dataclass(frozen=True, slots=True)
class Recording:
    """Instants (ms UTC) of a recording: first and last close, and the default (`Catalogue.recording`)."""

    first_ms: int
    last_ms: int
    common_ms: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The files of a folder by symbol (alphabetical) and timeframe (shortest first).

    ``ignored`` are Parquet files whose name is not one of a candle file.
    """

    folder: Path
    files: Mapping[str, Mapping[Timeframe, tuple[CandleFile, ...]]]
    ignored: tuple[Path, ...]

    def recording(self) -> Recording:
        """``common_ms`` is the last instant at which the most symbols have a closed candle.

        A symbol has one from the first to the last close of each of its files of the shortest timeframe.
        Raises `MarketDataError` when no file has a readable candle.
        """
        spans: list[tuple[int, int]] = []
        shortest: list[list[tuple[int, int]]] = []
        for by_timeframe in self.files.values():
            of_symbol = [
                [span for file in files if (span := file.closed_span) is not None]
                for files in by_timeframe.values()
            ]
            spans += [span for closes in of_symbol for span in closes]
            shortest += [closes for closes in of_symbol if closes][:1]
        if not spans:
            raise MarketDataError(self.folder, "no candle file here has a readable row")

        def symbols_at(instant: int) -> int:
            return sum(any(first <= instant <= last for first, last in closes) for closes in shortest)

        ends = {last for closes in shortest for _, last in closes}
        return Recording(
            first_ms=min(first for first, _ in spans),
            last_ms=max(last for _, last in spans),
            common_ms=max(ends, key=lambda instant: (symbols_at(instant), instant)),
        )


def read_catalogue(folder: Path) -> Catalogue:
    """Looks through ``folder``. A file that cannot be read is listed: whoever asks for it learns why.

    Raises `MarketDataError` when the folder is not there or has no candle file.
    """
    if not folder.is_dir():
        raise MarketDataError(folder, "this folder of market data does not exist")
    found: dict[str, dict[Timeframe, list[CandleFile]]] = {}
    ignored: list[Path] = []
    for path in sorted(folder.rglob("*.parquet")):
        name = _NAME.fullmatch(path.stem)
        timeframe = _TIMEFRAMES.get(name[2]) if name else None
        if name is None or timeframe is None:
            ignored.append(path)
            continue
        found.setdefault(name[1], {}).setdefault(timeframe, []).append(_file(path, name[1], timeframe))
    if not found:
        raise MarketDataError(folder, f"no <SYMBOL>-<timeframe>.parquet in here ({', '.join(TIMEFRAMES)})")
    files: dict[str, dict[Timeframe, tuple[CandleFile, ...]]] = {
        symbol: {timeframe: tuple(by[timeframe]) for timeframe in TIMEFRAMES if timeframe in by}
        for symbol, by in sorted(found.items())
    }
    return Catalogue(folder, files, tuple(ignored))


def _file(path: Path, symbol: str, timeframe: Timeframe) -> CandleFile:
    try:
        span = read_span(path)
    except ParquetProblem:
        return CandleFile(path, symbol, timeframe, None, None)
    return CandleFile(path, symbol, timeframe, span.first_ms, span.last_ms)
