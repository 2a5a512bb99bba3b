"""The market half of the paper venue: what was recorded, as it could be seen at an instant."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from engine.candles import STEP_MS, CandleSet, Timeframe
from server.exchange.errors import BookUnavailable, CandlesUnavailable, SymbolUnknown
from server.exchange.paper.book import book_around
from server.exchange.paper.catalogue import Catalogue
from server.exchange.paper.errors import VENUE
from server.exchange.paper.history import SymbolHistory
from server.exchange.paper.matching import Bar
from server.exchange.paper.specification import Specification, read_specifications
from server.exchange.port import Book, Listing, UnspecifiedContract
from server.instants import iso

BUNDLED = Path(__file__).parents[2] / "bundled"
"""Candles, contract specifications and the manifest that the package ships."""

UNSPECIFIED = "it has candles but no contract specification; add one to contracts.json beside the candles"

_DAY_MS = 86_400_000


class RecordedMarket:
    """The symbols of a folder. ``histories`` and ``specifications`` are by symbol, and public: whoever wants
    a market of its own making puts it there before the venue is used."""

    def __init__(self, catalogue: Catalogue, folder: Path | None, spread_ticks: int) -> None:
        self.specifications: dict[str, Specification] = dict(_specifications(folder))
        self.histories = {s: SymbolHistory(s, files) for s, files in catalogue.files.items()}
        self._spread_ticks = spread_ticks

    def history(self, symbol: str) -> SymbolHistory:
        """Raises `SymbolUnknown`."""
        history = self.histories.get(symbol)
        if history is None:
            raise SymbolUnknown(VENUE, symbol, get_close_matches(symbol, self.histories, n=2))
        return history

    async def candles(
        self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int, now_ms: int
    ) -> CandleSet:
        """See `server.exchange.port.Exchange.candles`."""
        history = self.history(symbol)
        if not history.is_loaded(timeframe):
            await asyncio.to_thread(history.series, timeframe)
        return history.visible(timeframe, start_ms, end_ms, now_ms)

    async def book(self, symbol: str, at_ms: int) -> Book:
        """The book as it was. Raises `SymbolUnknown` and `BookUnavailable`."""
        history = self.history(symbol)
        specification = self.specifications.get(symbol)
        if specification is None:
            raise BookUnavailable(VENUE, symbol, at_ms, UNSPECIFIED)
        try:
            await _load(history)
            candle = history.newest_closed(at_ms)
        except CandlesUnavailable as error:
            raise BookUnavailable(VENUE, symbol, at_ms, str(error)) from error
        if candle is None:
            raise BookUnavailable(VENUE, symbol, at_ms, f"no candle had closed at {iso(at_ms)}")
        book = book_around(specification, candle, at_ms, self._spread_ticks)
        if book is None:
            detail = f"the last price {float(candle.close[0])} is below one tick of {specification.tick_size}"
            raise BookUnavailable(VENUE, symbol, at_ms, detail)
        return book

    async def bars(self, symbols: Iterable[str], after_ms: int, until_ms: int) -> list[Bar]:
        """What closed in ``(after_ms, until_ms]``. Raises `CandlesUnavailable`."""
        bars: list[Bar] = []
        for symbol in symbols:
            history, specification = self.history(symbol), self.specifications[symbol]
            await _load(history)
            for candles in history.closing_between(after_ms, until_ms):
                bars += _bars(candles, specification)
        return bars

    async def marks(self, symbols: Iterable[str], at_ms: int) -> Mapping[str, Decimal]:
        """The last price by symbol. Raises `BookUnavailable`."""
        return {symbol: (await self.book(symbol, at_ms)).mark for symbol in symbols}

    def listings(self, at_ms: int) -> Mapping[str, Listing]:
        """Every symbol that has candles, in alphabetical order; those without specification as such."""
        return {symbol: self._listing(symbol, history, at_ms) for symbol, history in self.histories.items()}

    def _listing(self, symbol: str, history: SymbolHistory, at_ms: int) -> Listing:
        specification = self.specifications.get(symbol)
        if specification is None:
            return UnspecifiedContract(symbol, UNSPECIFIED)
        return specification.contract(_turnover_24h(history, at_ms))


async def _load(history: SymbolHistory) -> None:
    """The newest candle is most often of the shortest timeframe, but any may be asked."""
    for timeframe in history.timeframes:
        if not history.is_loaded(timeframe):
            await asyncio.to_thread(history.series, timeframe)


def _bars(candles: CandleSet, specification: Specification) -> Iterable[Bar]:
    step = STEP_MS[candles.timeframe]
    for row in range(len(candles)):
        yield Bar(
            symbol=candles.symbol,
            close_ms=int(candles.ts[row]) + step,
            open=specification.price(float(candles.open[row])),
            high=specification.price(float(candles.high[row])),
            low=specification.price(float(candles.low[row])),
            close=specification.price(float(candles.close[row])),
            volume=specification.contracts(float(candles.volume[row])),
        )


def _specifications(folder: Path | None) -> Mapping[str, Specification]:
    bundled = read_specifications(BUNDLED / "contracts.json")
    own = folder / "contracts.json" if folder else None
    return {**bundled, **read_specifications(own)} if own and own.exists() else bundled


def _turnover_24h(history: SymbolHistory, at_ms: int) -> Decimal | None:
    """Base volume x typical price of the last 24 hours of closed candles; None unless all are recorded.

    The recording has no quote volume; the typical price (high + low + close) / 3 stands for the average one.
    """
    for timeframe in history.timeframes:
        try:
            closed = history.series(timeframe).closed(at_ms)
        except CandlesUnavailable:
            return None  # whoever asks for the candles is told why
        day = closed.since(int(closed.ts[-1]) + STEP_MS[timeframe] - _DAY_MS) if len(closed) else closed
        current = len(day) and int(day.ts[-1]) + 2 * STEP_MS[timeframe] > at_ms
        if current and len(day) * STEP_MS[timeframe] == _DAY_MS:
            typical = (day.high + day.low + day.close) / 3
            return round(Decimal(float(np.cumsum(day.volume * typical)[-1])), 2)
    return None
