"""The runner takes a request through the stages and keeps what the next run can reuse."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import structlog

from engine.ruleset import Ruleset
from server.exchange.errors import ExchangeError
from server.exchange.port import Exchange
from server.journal import Journal, JournalError
from server.market import CandleFailure, CandleFeed, MarketCandles
from server.metrics import Metrics
from server.orders.errors import OrdersUnavailable
from server.orders.store import Orders
from server.run.deciders import Decider, placed, simulated
from server.run.entries import enter_all
from server.run.judged import Failure, Findings
from server.run.keeping import kept_running
from server.run.memory import Memories, ProfileMemory
from server.run.reasons import RunReason
from server.run.record import record_of, start_of
from server.run.request import RunRequest, RunUnavailable
from server.run.resolve import WORKERS_MAX, Resolved, resolve
from server.run.result import RunResult
from server.run.rules import RulesInForce
from server.run.spreads import with_spreads
from server.run.stopwatch import Stopwatch
from server.run.verdicts import decide_all

if TYPE_CHECKING:
    from server.execution.dispatch import Dispatcher

Align = Callable[[str], Awaitable[int]]
"""Moves the protection of open positions of a venue to their real entries; how many were moved."""

Progress = Callable[[str, int, int], None]
"""Stage, how many of its symbols are done, and how many there are."""

log = structlog.get_logger(__name__)


class _Report(Protocol):
    def __call__(self, done: int) -> None: ...


class Runner:
    """Runs may overlap; each holds one set of rules from its start to its end.

    Without a ``dispatcher`` only dry runs are possible. ``align`` moves the protection of open positions of
    one venue; ``live``: orders may leave for a venue that is not simulated.
    """

    def __init__(
        self,
        rules: RulesInForce,
        venues: Mapping[str, Exchange],
        journal: Journal,
        *,
        orders: Orders,
        metrics: Metrics,
        dispatcher: Dispatcher | None,
        align: Align | None,
        default_exchange: str | None,
        live: bool,
    ) -> None:
        self._orders, self._metrics, self._dispatcher, self._align = orders, metrics, dispatcher, align
        self._live = live
        self._rules = rules
        self._venues = venues
        self._journal = journal
        self._default_exchange = default_exchange
        self._feeds = {name: CandleFeed(venue) for name, venue in venues.items()}
        self._memories = Memories()
        self._pool = ThreadPoolExecutor(WORKERS_MAX, thread_name_prefix="run")

    def close(self) -> None:
        """Ends the threads; a run that is still going fails."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def run(self, request: RunRequest, progress: Progress | None = None) -> RunResult:
        """One run. Raises `RequestProblem` before any work, `RunUnavailable` if it cannot begin.

        Whatever happens to a symbol after that is in the answer, and only there.
        """
        watch, started_ms, run_id = Stopwatch(), _wall_ms(), str(uuid4())
        with watch.stage("resolve_symbols"):
            run = await self._resolve(request)
        async with AsyncExitStack() as stack:
            with watch.stage("journal"):
                await stack.enter_async_context(
                    kept_running(self._journal, start_of(run, run_id, started_ms))
                )
            return await self._run(run, run_id, started_ms, watch, progress)

    async def _run(
        self, run: Resolved, run_id: str, started_ms: int, watch: Stopwatch, progress: Progress | None
    ) -> RunResult:
        logger = log.bind(run_id=run_id, profile=run.profile.name)
        memory = self._memories.of(run.venue.name, run.profile)
        total = len(run.symbols)
        if run.process_tp_sl and self._align is not None:
            run = await self._aligned(run, self._align)
        with watch.stage("fetch_candles"):
            _tell(progress, "candles", total)(0)
            market = await self._candles(run, memory)
            _tell(progress, "candles", total)(total)
        with watch.stage("mtf_execution"):
            findings = await self._decide(run, memory, market, _tell(progress, "verdicts", total))
        with watch.stage("trade_entry"):
            findings = await self._enter(run, run_id, memory, market, findings, progress)
        result = RunResult(run_id, run, findings, started_ms, _wall_ms(), watch)
        with watch.stage("post_processing"):
            _ = result.symbols
        with watch.stage("journal"):
            failure = await self._record(result)
        logger.info("run.finished", symbols=total, status=result.status, seconds=round(watch.elapsed(), 3))
        return result if failure is None else replace(result, journal_failure=failure)

    def default_venue(self, ruleset: Ruleset) -> Exchange:
        """The venue of runs that name none."""
        return self._venues[self._default_name(ruleset)]

    def _default_name(self, ruleset: Ruleset) -> str:
        return self._default_exchange or ruleset.service.default_exchange

    async def _resolve(self, request: RunRequest) -> Resolved:
        ruleset, warnings = await self._rules.now()
        run = await resolve(
            request,
            ruleset,
            self._venues,
            self._default_name(ruleset),
            self._live if self._dispatcher else None,
        )
        return replace(run, warnings=(*warnings, *run.warnings))

    async def _candles(self, run: Resolved, memory: ProfileMemory) -> MarketCandles:
        try:
            return await self._feeds[run.venue.name].load(
                run.symbols, memory.candle_starts(run.as_of_ms), run.as_of_ms
            )
        except ExchangeError as error:
            raise RunUnavailable(str(error)) from error

    async def _decide(
        self, run: Resolved, memory: ProfileMemory, market: MarketCandles, done: _Report
    ) -> Findings:
        failures = {symbol: _without_candles(failed) for symbol, failed in market.failures.items()}
        symbols = [symbol for symbol in run.symbols if symbol in market.candles]
        finished = len(failures)

        def share_done(count: int) -> None:
            nonlocal finished
            finished += count
            done(finished)

        judged, failed = await decide_all(
            self._pool, memory, symbols, market.candles, run.as_of_ms, run.mode, run.workers, share_done
        )
        judged = await with_spreads(
            run.venue, judged, run.as_of_ms, run.profile.trade_entry.entry.max_book_age_sec
        )
        return Findings(judged, failures | failed)

    async def _aligned(self, run: Resolved, align: Align) -> Resolved:
        try:
            await align(run.venue.name)
        except (ExchangeError, OrdersUnavailable) as error:
            warning = f"stops and targets of open positions were not looked at: {error}"
            return replace(run, warnings=(*run.warnings, warning))
        return run

    def _decider(self, run: Resolved, run_id: str) -> Decider:
        if run.dry_run or self._dispatcher is None:
            return simulated(run, self._orders, self._metrics)
        return placed(run, run_id, self._dispatcher)

    async def _enter(
        self,
        run: Resolved,
        run_id: str,
        memory: ProfileMemory,
        market: MarketCandles,
        findings: Findings,
        progress: Progress | None,
    ) -> Findings:
        ready = [j.verdict for j in findings.judged.values() if j.verdict.status == "READY"]
        if not ready:
            return findings
        report, finished = _tell(progress, "trade entry", len(ready)), 0

        def one_done(count: int) -> None:
            nonlocal finished
            finished += count
            report(finished)

        report(0)
        entries, failed = await enter_all(
            self._pool, memory, run, ready, market.candles, self._decider(run, run_id), one_done
        )
        return Findings(findings.judged, {**findings.failures, **failed}, entries)

    async def _record(self, result: RunResult) -> Failure | None:
        """A run whose record cannot be written still answers, and says so."""
        try:
            await self._journal.record(record_of(result))
        except Exception as error:
            log.exception("run.not_recorded", run_id=result.run_id)
            cause = str(error) if isinstance(error, JournalError) else _in_the_log(error)
            message = f"the run is not in the journal: {cause}"
            return Failure(None, "journal", RunReason.JOURNAL_UNAVAILABLE, message)
        return None


def _tell(progress: Progress | None, stage: str, total: int) -> _Report:
    return lambda done: progress(stage, done, total) if progress is not None else None


def _without_candles(failed: CandleFailure) -> Failure:
    """What a venue raises on purpose is told as it is; anything else is only in the log."""
    error = failed.error
    if not isinstance(error, ExchangeError):
        log.error("run.candles_failed", symbol=failed.symbol, timeframe=failed.timeframe, exc_info=error)
    message = (
        str(error) if isinstance(error, ExchangeError) else f"reading them ended in {_in_the_log(error)}"
    )
    return Failure(failed.symbol, "candles", RunReason.CANDLES_UNAVAILABLE, message, failed.timeframe)


def _in_the_log(error: Exception) -> str:
    return f"{type(error).__name__}; the log has the details"


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
