"""The candles of a run: many symbols and timeframes at one instant, closed ones only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.candles import STEP_MS, CandleSet, Timeframe, resample
from server.exchange.errors import CandlesUnavailable
from server.exchange.port import Exchange
from server.market.series import Range, Series

Key = tuple[str, Timeframe]


@dataclass(frozen=True, slots=True)
class CandleFailure:
    """Why a symbol has no candles: the first timeframe that failed, and what the port raised."""

    symbol: str
    timeframe: Timeframe
    error: Exception


@dataclass(frozen=True, slots=True)
class MarketCandles:
    """Candles by symbol and timeframe, all closed at ``known_ms``; each symbol is in one of the two maps.

    ``known_ms`` is the as-of instant, or the venue's present where that is earlier.
    """

    as_of_ms: int
    known_ms: int
    candles: Mapping[str, Mapping[Timeframe, CandleSet]]
    failures: Mapping[str, CandleFailure]


class _Budget:
    """How often one load may still ask the venue; None: as often as it has to."""

    def __init__(self, most: int | None) -> None:
        self._most = self._left = most

    def spend(self, venue: str, symbol: str, timeframe: Timeframe) -> None:
        """Raises ``CandlesUnavailable`` when nothing is left."""
        if self._left is None:
            return
        if not self._left:
            detail = f"this run has asked {self._most} times (candle_requests_per_run); a later one goes on"
            raise CandlesUnavailable(venue, symbol, timeframe, detail)
        self._left -= 1


class CandleFeed:
    """Candles of one venue, kept in memory: a later run asks only for what has closed since.

    A forming candle is never kept, a missing newest candle is asked for again at the next run. A candle set
    is the same object as in the run before when nothing changed. New candles of a longer timeframe are built
    from the shorter ones of the same load where each of these is there; else, and for all that came before,
    the venue's own are asked for. At most ``concurrency`` requests are open at
    a time; two runs at once do not ask for the same candles twice.
    """

    def __init__(self, exchange: Exchange, concurrency: int = 16) -> None:
        self._exchange = exchange
        self._series: dict[Key, Series] = {}
        self._locks: dict[Key, asyncio.Lock] = {}
        self._slots = asyncio.Semaphore(concurrency)

    async def load(
        self,
        symbols: Sequence[str],
        starts: Mapping[Timeframe, int],
        as_of_ms: int,
        limit_sec: float | None = None,
        most_requests: int | None = None,
    ) -> MarketCandles:
        """Closed candles of ``[starts[timeframe], as_of_ms]`` for every symbol.

        ``starts`` are the anchors: open times (ms UTC) before which candles do not matter. A symbol that
        fails in one timeframe is a `CandleFailure`; only the venue's clock failing raises for all. A request
        that is not answered within ``limit_sec`` fails with ``TimeoutError``. Once the venue was asked
        ``most_requests`` times, what is not kept yet fails with ``CandlesUnavailable``; in the order of
        ``symbols``, so that later loads come to the others.
        """
        known_ms = min(as_of_ms, await self._exchange.now_ms())
        ranges: dict[Timeframe, Range] = {
            timeframe: (start_ms, known_ms - known_ms % STEP_MS[timeframe])
            for timeframe, start_ms in starts.items()
        }
        keys: list[Key] = [(s, timeframe) for s in dict.fromkeys(symbols) for timeframe in starts]
        known = self._series
        answers: dict[Key, CandleSet | Exception | None] = {
            key: known[key].kept(ranges[key[1]]) if key in known else None for key in keys
        }
        budget = _Budget(most_requests)

        async def fetch(wanted: Sequence[Key]) -> None:
            asked = (self._fetch(key, ranges[key[1]], limit_sec, budget) for key in wanted)
            answers.update(zip(wanted, await asyncio.gather(*asked), strict=True))

        absent = [key for key, answer in answers.items() if answer is None]
        longer = [key for key in absent if _sources(key[1], starts) and self._is_behind(key, ranges[key[1]])]
        await fetch([key for key in absent if key not in set(longer)])
        for key in sorted(longer, key=lambda key: STEP_MS[key[1]]):
            shorter = [answers.get((key[0], timeframe)) for timeframe in _sources(key[1], starts)]
            answers[key] = self._built(key, ranges[key[1]], shorter)
        await fetch([key for key in longer if answers[key] is None])
        candles: dict[str, dict[Timeframe, CandleSet]] = {symbol: {} for symbol in symbols}
        failures: dict[str, CandleFailure] = {}
        for (symbol, timeframe), answer in answers.items():
            if isinstance(answer, CandleSet):
                candles[symbol][timeframe] = answer
            elif answer is not None:
                failures.setdefault(symbol, CandleFailure(symbol, timeframe, answer))
        for symbol in failures:
            del candles[symbol]
        return MarketCandles(as_of_ms, known_ms, candles, failures)

    def _is_behind(self, key: Key, wanted: Range) -> bool:
        """Whether only the newest candles are missing, and nobody is asking for them at this moment."""
        series, lock = self._series.get(key), self._locks.get(key)
        return series is not None and series.tail(*wanted) is not None and not (lock and lock.locked())

    def _built(
        self, key: Key, wanted: Range, shorter: Sequence[CandleSet | Exception | None]
    ) -> CandleSet | None:
        """The answer with its newest candles built of shorter ones; None where some of these are missing."""
        series = self._series[key]
        tail = series.tail(*wanted)
        for candles in shorter:
            if tail is None or not isinstance(candles, CandleSet):
                continue
            built = resample(candles.since(tail[0]).closed(tail[1]), key[1])
            if len(built) == (tail[1] - tail[0]) // STEP_MS[key[1]]:
                series.add(tail, built, wanted_from=wanted[0])
                return series.kept(wanted)
        return None

    async def _fetch(
        self, key: Key, wanted: Range, limit_sec: float | None, budget: _Budget
    ) -> CandleSet | Exception:
        symbol, timeframe = key
        series = self._series.setdefault(key, Series(symbol, timeframe))
        try:
            async with self._locks.setdefault(key, asyncio.Lock()):
                if series.precedes(wanted[1]):
                    budget.spend(self._exchange.name, symbol, timeframe)
                    return await self._ask(symbol, timeframe, wanted, limit_sec)
                for asked in series.missing(*wanted):
                    budget.spend(self._exchange.name, symbol, timeframe)
                    found = await self._ask(symbol, timeframe, asked, limit_sec)
                    series.add(asked, found, wanted_from=wanted[0])
                kept = series.kept(wanted)
                return series.between(*wanted) if kept is None else kept
        except Exception as error:  # whatever a venue does to one symbol, the others get their candles
            return error

    async def _ask(
        self, symbol: str, timeframe: Timeframe, asked: Range, limit_sec: float | None
    ) -> CandleSet:
        # Waiting for a place is nobody's fault: the limit is on the answer.
        async with self._slots, asyncio.timeout(limit_sec):
            candles = await self._exchange.candles(symbol, timeframe, *asked)
        # A reply may reach beyond what was asked, up to the candle still forming.
        return candles.since(asked[0]).closed(asked[1])


def _sources(timeframe: Timeframe, starts: Mapping[Timeframe, int]) -> list[Timeframe]:
    """The timeframes of a load that its candles can be built from, shortest first."""
    step = STEP_MS[timeframe]
    return [one for one in STEP_MS if one in starts and STEP_MS[one] < step and step % STEP_MS[one] == 0]
