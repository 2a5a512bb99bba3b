"""The paper venue itself: the exchange port over a recording."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from engine.candles import STEP_MS, CandleSet, Timeframe
from server.exchange.errors import BookUnavailable, CandlesUnavailable, SymbolUnknown
from server.exchange.paper.account import Account
from server.exchange.paper.book import book_around
from server.exchange.paper.catalogue import Catalogue, Recording, read_catalogue
from server.exchange.paper.clock import Clock, FixedClock, RunningClock
from server.exchange.paper.errors import VENUE, MarketDataError
from server.exchange.paper.history import SymbolHistory
from server.exchange.paper.options import PaperOptions
from server.exchange.paper.specification import Specification, read_specifications
from server.exchange.port import Balance, Book, Listing, OpenOrder, Position, UnspecifiedContract
from server.instants import iso

BUNDLED = Path(__file__).parents[2] / "bundled"
"""Candles, contract specifications and the manifest that the package ships."""

_DAY_MS = 86_400_000
_UNSPECIFIED = "it has candles but no contract specification; add one to contracts.json beside the candles"


class PaperExchange:
    """A venue over recorded candles. Satisfies `server.exchange.port.Exchange`.

    Making one reads the footers of the candle files; columns are read when they are first asked for, in a
    thread. Raises `MarketDataError` when the folder cannot be served or the clock has nothing to run through.
    """

    name: str = VENUE

    def __init__(self, options: PaperOptions, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self.catalogue: Catalogue = read_catalogue(options.market_data or BUNDLED / "candles")
        self.recording: Recording = self.catalogue.recording()
        self._specifications = _specifications(options.market_data)
        self._histories = {s: SymbolHistory(s, files) for s, files in self.catalogue.files.items()}
        self._clock = _clock(options, self.catalogue.folder, self.recording, monotonic)
        self._account = Account(options.balance_usdt)
        self._listings: tuple[int, Mapping[str, Listing]] | None = None

    async def now_ms(self) -> int:
        return self._clock.now_ms()

    async def contracts(self) -> Mapping[str, Listing]:
        """Every symbol that has candles, in alphabetical order; those without specification as such."""
        minute = self._clock.now_ms() // STEP_MS["1m"]
        if self._listings is None or self._listings[0] != minute:
            self._listings = minute, await asyncio.to_thread(self._list, minute * STEP_MS["1m"])
        return self._listings[1]

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        history = self._history(symbol)
        if not history.is_loaded(timeframe):
            await asyncio.to_thread(history.series, timeframe)
        return history.visible(timeframe, start_ms, end_ms, self._clock.now_ms())

    async def top_of_book(self, symbol: str, at_ms: int | None = None) -> Book:
        history, now = self._history(symbol), self._clock.now_ms()
        instant = now if at_ms is None else at_ms
        if instant > now:
            detail = f"{iso(instant)} is after the venue's clock, {iso(now)}"
            raise BookUnavailable(VENUE, symbol, instant, detail)
        specification = self._specifications.get(symbol)
        if specification is None:
            raise BookUnavailable(VENUE, symbol, instant, _UNSPECIFIED)
        try:
            candle = await asyncio.to_thread(history.newest_closed, instant)
        except CandlesUnavailable as error:
            raise BookUnavailable(VENUE, symbol, instant, str(error)) from error
        if candle is None:
            raise BookUnavailable(VENUE, symbol, instant, f"no candle had closed at {iso(instant)}")
        book = book_around(specification, candle, instant, self._options.spread_ticks)
        if book is None:
            detail = f"the last price {float(candle.close[0])} is below one tick of {specification.tick_size}"
            raise BookUnavailable(VENUE, symbol, instant, detail)
        return book

    async def balance(self) -> Balance:
        return self._account.balance()

    async def positions(self) -> Sequence[Position]:
        return self._account.positions()

    async def open_orders(self) -> Sequence[OpenOrder]:
        return self._account.open_orders()

    def _history(self, symbol: str) -> SymbolHistory:
        history = self._histories.get(symbol)
        if history is None:
            raise SymbolUnknown(VENUE, symbol, get_close_matches(symbol, self._histories, n=2))
        return history

    def _list(self, at_ms: int) -> Mapping[str, Listing]:
        return {symbol: self._listing(symbol, history, at_ms) for symbol, history in self._histories.items()}

    def _listing(self, symbol: str, history: SymbolHistory, at_ms: int) -> Listing:
        specification = self._specifications.get(symbol)
        if specification is None:
            return UnspecifiedContract(symbol, _UNSPECIFIED)
        return specification.contract(_turnover_24h(history, at_ms))


def _specifications(folder: Path | None) -> Mapping[str, Specification]:
    bundled = read_specifications(BUNDLED / "contracts.json")
    own = folder / "contracts.json" if folder else None
    return {**bundled, **read_specifications(own)} if own and own.exists() else bundled


def _clock(
    options: PaperOptions, folder: Path, recording: Recording, monotonic: Callable[[], float]
) -> Clock:
    if options.start_ms is None:
        return FixedClock(recording.common_ms if options.at_ms is None else options.at_ms)
    if options.start_ms >= recording.last_ms:
        detail = (
            f"the recording ends at {iso(recording.last_ms)}, a clock cannot run from {iso(options.start_ms)}"
        )
        raise MarketDataError(folder, detail)
    return RunningClock(options.start_ms, recording.last_ms, options.speed or 1.0, monotonic)


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
