"""The runner takes a request through the stages and keeps what the next run can reuse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import structlog

from engine.ruleset import Ruleset
from server.exchange.errors import ExchangeError
from server.exchange.port import Exchange
from server.instants import machine_ms
from server.journal import Journal, JournalError
from server.market import MarketCandles
from server.market.contracts import ContractBook
from server.metrics import Metrics
from server.orders.errors import OrdersUnavailable
from server.orders.store import Orders
from server.run.candles import without_candles
from server.run.counting import count_run
from server.run.deciders import Decider, placed, simulated, withheld
from server.run.distribution import Distribution
from server.run.eligibility import OPEN, Situation, sift, switched_off
from server.run.entries import enter_all
from server.run.evaluation import Evaluation, Work
from server.run.judged import Failure, Findings
from server.run.keeping import kept_running
from server.run.locking import Locking, locking
from server.run.reasons import RunReason
from server.run.reconcile import Reconciled, reconcile
from server.run.record import record_of, start_of
from server.run.request import RunRequest, RunUnavailable
from server.run.resolve import SIMULATED, Resolved, resolve
from server.run.result import RunResult
from server.run.rules import RulesInForce
from server.run.selecting import selected
from server.run.spreads import with_spreads
from server.run.stopwatch import Stopwatch
from server.switches.errors import SwitchesUnavailable
from server.switches.run_locks import RunLocks
from server.switches.store import Switches

if TYPE_CHECKING:
    from server.execution.dispatch import Dispatcher
    from server.execution.realigning import Realigned

Align = Callable[[str], Awaitable["Realigned"]]
"""Moves the protection of open positions of a venue to their real entries."""

Progress = Callable[[str, int, int], None]
"""Stage, how many of its symbols are done, and how many there are."""

MINUTE_MS = 60_000
MINUTES_PER_HOUR = 60

log = structlog.get_logger(__name__)


class _Report(Protocol):
    def __call__(self, done: int) -> None: ...


class Runner:
    """Runs may overlap, but those that may place orders lock each other out; each holds one set of rules from
    its start to its end.

    Without a ``dispatcher`` only dry runs are possible, and what is open on a simulated account, which
    another process keeps, is read from the database. ``align`` moves the protection of open positions of
    one venue; ``live``: orders may leave for a venue that is not simulated. With a ``distribution`` the
    shares of a run are decided by any process, and here only where it is but one.
    """

    def __init__(
        self,
        rules: RulesInForce,
        journal: Journal,
        *,
        orders: Orders,
        switches: Switches,
        locks: RunLocks,
        contracts: ContractBook,
        metrics: Metrics,
        evaluation: Evaluation,
        distribution: Distribution | None,
        dispatcher: Dispatcher | None,
        align: Align | None,
        default_exchange: str | None,
        live: bool,
    ) -> None:
        self._orders, self._metrics, self._dispatcher, self._align = orders, metrics, dispatcher, align
        self._switches, self._locks, self._contracts = switches, locks, contracts
        self._live = live
        self._rules = rules
        self._venues = evaluation.venues
        self._journal = journal
        self._default_exchange = default_exchange
        self._evaluation, self._distribution = evaluation, distribution

    async def run(self, request: RunRequest, progress: Progress | None = None) -> RunResult:
        """One run. Raises `RequestProblem` before any work, `RunInProgress` where another run is in the way,
        `RunUnavailable` if it cannot begin.

        Whatever happens to a symbol after that is in the answer, and only there.
        """
        watch, started_ms, run_id = Stopwatch(), machine_ms(), request.run_id or str(uuid4())
        with watch.stage("resolve_symbols"):
            run = await self._resolve(request)
        async with AsyncExitStack() as stack:
            lock = await stack.enter_async_context(locking(self._locks, run, run_id))
            run, reconciled = await self._admit(run, lock, watch)
            with watch.stage("journal"):
                await stack.enter_async_context(
                    kept_running(self._journal, start_of(run, run_id, started_ms))
                )
            result = await self._decided(run, run_id, reconciled, lock, started_ms, watch, progress)
            with watch.stage("post_processing"):
                _ = result.symbols
                count_run(self._metrics, result.run, result.findings)
            with watch.stage("journal"):
                failure = await self._record(result)
        result = result if failure is None else result.failing(failure)
        log.info(
            "run.finished",
            run_id=run_id,
            profile=run.profile.name,
            symbols=len(run.symbols),
            status=result.status,
            seconds=round(watch.elapsed(), 3),
        )
        return result

    def default_venue(self, ruleset: Ruleset) -> Exchange:
        """The venue of runs that name none."""
        return self._venues[self._default_name(ruleset)]

    def _default_name(self, ruleset: Ruleset) -> str:
        return self._default_exchange or ruleset.service.default_exchange

    # Which symbols.

    async def _resolve(self, request: RunRequest) -> Resolved:
        ruleset, warnings = await self._rules.now()
        run = await resolve(
            request,
            ruleset,
            self._venues,
            self._default_name(ruleset),
            self._live if self._dispatcher else None,
            self._contracts,
        )
        return replace(run, warnings=(*warnings, *run.warnings))

    async def _admit(
        self, run: Resolved, lock: Locking, watch: Stopwatch
    ) -> tuple[Resolved, Reconciled | None]:
        """What is open, then the symbols that the gate lets pass; of the past, only the gate."""
        if not run.present:
            with watch.stage("filter_symbols"):
                run = selected(run, None)
                symbols, excluded = sift(run, run.symbols, Situation())
            return replace(run, symbols=symbols, excluded=excluded), None
        trades = self._dispatcher is not None
        with watch.stage("sync_tables"):
            seen = trades or run.venue.name != SIMULATED
            reconciled = await reconcile(
                run, self._orders, reads_venue=run.sync_tables and seen, stores=trades
            )
        with watch.stage("filter_symbols"):
            try:
                return await self._filtered(run, reconciled, lock, changes=trades), reconciled
            except SwitchesUnavailable as error:
                raise RunUnavailable(str(error)) from error

    async def _filtered(
        self, run: Resolved, reconciled: Reconciled, lock: Locking, *, changes: bool
    ) -> Resolved:
        """``changes``: switches follow what is open. Raises ``SwitchesUnavailable``."""
        now_ms, switches = machine_ms(), self._switches
        queued = await switches.take_queue()
        filters = changes and not run.skip_open_state_filter
        if filters and reconciled.source == "venue":
            await switches.reactivate(reconciled.symbols.keys(), now_ms)
        state = await switches.state(now_ms)
        run = selected(run, state)
        symbols = tuple(dict.fromkeys((*run.symbols, *(one.symbol for one in queued))))
        situation = Situation(switches=state, reconciled=reconciled)
        passed, excluded = sift(run, symbols, situation)
        if run.lock_per_symbol and passed:
            locked = await lock.symbols(passed)
            passed, excluded = sift(run, symbols, situation, locked)
        taken = [one.symbol for one in excluded if one.reason == OPEN]
        if filters and taken:
            rules = run.ruleset.service.exclusion
            excluded = switched_off(excluded, await switches.exclude(taken, now_ms, rules))
        warning = () if reconciled.failure is None else (f"the run is degraded: {reconciled.failure}",)
        return replace(
            run,
            symbols=passed,
            excluded=excluded,
            timeframes_off=frozenset(state.timeframes),
            warnings=(*run.warnings, *warning),
        )

    # What becomes of them.

    async def _decided(
        self,
        run: Resolved,
        run_id: str,
        reconciled: Reconciled | None,
        lock: Locking,
        started_ms: int,
        watch: Stopwatch,
        progress: Progress | None,
    ) -> RunResult:
        run, realigned = await self._aligned(run, watch)
        work = Work.of(run)
        findings, market = await self._evaluated(work, run_id, watch, progress)
        with watch.stage("mtf_execution"):
            findings = await self._with_spreads(run, work, findings)
        with watch.stage("trade_entry"):
            await lock.confirm()
            decider = self._decider(run, run_id, reconciled, lock)
            findings = await self._enter(run, work, market, findings, decider, progress)
        return RunResult(
            run_id, run, findings, started_ms, machine_ms(), watch, reconciled=reconciled, realigned=realigned
        )

    async def _evaluated(
        self, work: Work, run_id: str, watch: Stopwatch, progress: Progress | None
    ) -> tuple[Findings, MarketCandles]:
        """Verdicts of all symbols, and candles at least of those that are READY."""
        if self._distribution is None or work.workers == 1:
            with watch.stage("fetch_candles"):
                market = await self._candles(work, progress)
            with watch.stage("mtf_execution"):
                return await self._evaluation.verdicts(work, market, _counting(progress, work)), market
        with watch.stage("mtf_execution"):
            try:
                findings = await self._distribution.findings(run_id, work, _counting(progress, work))
            except ExchangeError as error:
                raise RunUnavailable(str(error)) from error
        with watch.stage("fetch_candles"):
            ready = [s for s in work.symbols if s in findings.judged and findings.judged[s].ready]
            market = await self._candles(work.about(ready), progress)
        lost = {s: without_candles(failed, work.limit_sec) for s, failed in market.failures.items()}
        judged = {s: one for s, one in findings.judged.items() if s not in lost}
        return Findings(judged, {**findings.failures, **lost}), market

    async def _candles(self, work: Work, progress: Progress | None) -> MarketCandles:
        total = len(work.symbols)
        _tell(progress, "candles", total)(0)
        try:
            market = await self._evaluation.candles(work)
        except ExchangeError as error:
            raise RunUnavailable(str(error)) from error
        _tell(progress, "candles", total)(total)
        return market

    async def _with_spreads(self, run: Resolved, work: Work, findings: Findings) -> Findings:
        max_age_sec = run.profile.trade_entry.entry.max_book_age_sec
        judged = await with_spreads(run.venue, findings.judged, run.as_of_ms, max_age_sec, work.limit_sec)
        return replace(findings, judged=judged)

    async def _aligned(self, run: Resolved, watch: Stopwatch) -> tuple[Resolved, Realigned | None]:
        """Stops and targets, in the minutes that are theirs."""
        minute = run.as_of_ms // MINUTE_MS % MINUTES_PER_HOUR
        due = minute % run.ruleset.service.tp_sl_every_min == 0
        if not (run.process_tp_sl and due and self._align is not None):
            return run, None
        with watch.stage("tp_sl_recalculation"):
            try:
                return run, await self._align(run.venue.name)
            except (ExchangeError, OrdersUnavailable) as error:
                warning = f"stops and targets of open positions were not looked at: {error}"
                return replace(run, warnings=(*run.warnings, warning)), None

    def _decider(self, run: Resolved, run_id: str, reconciled: Reconciled | None, lock: Locking) -> Decider:
        if run.dry_run or self._dispatcher is None:
            return simulated(run, self._orders, self._metrics)
        if reconciled is None or reconciled.failure is not None:
            cause = "nobody asked what is open" if reconciled is None else str(reconciled.failure)
            return withheld(run, RunReason.OPEN_STATE_UNAVAILABLE, cause, self._metrics)
        if lock.lost:
            cause = "the lock of this run was taken away, or could not be renewed in time"
            return withheld(run, RunReason.RUN_LOCK_LOST, cause, self._metrics)
        return placed(run, run_id, self._dispatcher, self._metrics)

    async def _enter(
        self,
        run: Resolved,
        work: Work,
        market: MarketCandles,
        findings: Findings,
        decider: Decider,
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
            self._evaluation.pool,
            self._evaluation.memory(work),
            run,
            ready,
            market.candles,
            decider,
            one_done,
        )
        return Findings(findings.judged, {**findings.failures, **failed}, entries)

    async def _record(self, result: RunResult) -> Failure | None:
        """A run whose record cannot be written still answers, and says so."""
        try:
            await self._journal.record(record_of(result))
        except Exception as error:
            log.exception("run.not_recorded", run_id=result.run_id)
            cause = (
                str(error)
                if isinstance(error, JournalError)
                else f"{type(error).__name__}; the log has the details"
            )
            message = f"the run is not in the journal: {cause}"
            return Failure(None, "journal", RunReason.JOURNAL_UNAVAILABLE, message)
        return None


def _tell(progress: Progress | None, stage: str, total: int) -> _Report:
    return lambda done: progress(stage, done, total) if progress is not None else None


def _counting(progress: Progress | None, work: Work) -> Callable[[int], None]:
    """Tells how many symbols have a verdict, when it is told how many more there are."""
    report, finished = _tell(progress, "verdicts", len(work.symbols)), 0

    def more(count: int) -> None:
        nonlocal finished
        finished += count
        report(finished)

    return more
