"""Candles and verdicts of many symbols at one instant, and what is kept of them for the next time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from engine.ruleset import Profile
from server.exchange.port import Exchange
from server.market import CandleFeed, MarketCandles
from server.run.candles import without_candles
from server.run.judged import Findings
from server.run.memory import Memories, ProfileMemory
from server.run.resolve import WORKERS_MAX, Resolved
from server.run.verdicts import decide_all


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be decided: every symbol by one profile at one instant (``as_of_ms``, ms UTC).

    ``limit_sec`` is how long one symbol may take in one stage; ``most_requests`` how often the venue is asked
    for candles at most (None: as often as it takes); ``workers`` how many shares the symbols are split into;
    ``timeframes_off``: symbol and timeframe of each switch that is off.
    """

    venue: str
    profile: Profile
    symbols: tuple[str, ...]
    as_of_ms: int
    mode: str
    workers: int
    limit_sec: float
    most_requests: int | None
    timeframes_off: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, run: Resolved) -> Work:
        """The work of a run."""
        rules = run.ruleset.service
        return cls(
            run.venue.name,
            run.profile,
            run.symbols,
            run.as_of_ms,
            run.mode,
            run.workers,
            float(rules.symbol_timeout_sec),
            rules.candle_requests_per_run,
            run.timeframes_off,
        )

    def about(self, symbols: Sequence[str]) -> Work:
        """The same about some of the symbols, with their part of what the venue may be asked."""
        most = self.most_requests
        part = None if most is None else -(-most * len(symbols) // max(1, len(self.symbols)))
        some = tuple(symbols)
        off = frozenset(one for one in self.timeframes_off if one[0] in some)
        return replace(self, symbols=some, workers=1, most_requests=part, timeframes_off=off)


class Evaluation:
    """Decides in this process, in threads. One for all runs, so that unchanged candles are not asked for and
    not computed again.
    """

    def __init__(self, venues: Mapping[str, Exchange]) -> None:
        self.venues = venues
        self.pool = ThreadPoolExecutor(WORKERS_MAX, thread_name_prefix="run")
        self._feeds = {name: CandleFeed(venue) for name, venue in venues.items()}
        self._memories = Memories()

    def close(self) -> None:
        """Ends the threads; a run that is still going fails."""
        self.pool.shutdown(wait=False, cancel_futures=True)

    def memory(self, work: Work) -> ProfileMemory:
        """What is kept between runs of this profile at this venue."""
        return self._memories.of(work.venue, work.profile)

    async def candles(self, work: Work) -> MarketCandles:
        """Of all symbols, for verdicts and entries. Raises ``ExchangeError`` if the venue has no clock."""
        return await self._feeds[work.venue].load(
            work.symbols,
            self.memory(work).candle_starts(work.as_of_ms),
            work.as_of_ms,
            work.limit_sec,
            work.most_requests,
        )

    async def verdicts(
        self, work: Work, market: MarketCandles, done: Callable[[int], None] = lambda count: None
    ) -> Findings:
        """On these candles; ``done`` is told how many more symbols are finished."""
        failures = {
            symbol: without_candles(failed, work.limit_sec) for symbol, failed in market.failures.items()
        }
        done(len(failures))
        judged, failed = await decide_all(
            self.pool,
            self.memory(work),
            [symbol for symbol in work.symbols if symbol in market.candles],
            market.candles,
            work.as_of_ms,
            work.mode,
            work.workers,
            work.limit_sec,
            done,
            work.timeframes_off,
        )
        return Findings(judged, failures | failed)
