"""What a READY verdict is handed to: the simulation of a dry run, or what places the order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from server.durable.port import DurableError
from server.journal import JournalError
from server.metrics import Metrics
from server.orders.errors import OrdersUnavailable
from server.orders.store import Orders
from server.run.judged import Failure
from server.run.reasons import RunReason
from server.run.resolve import Resolved
from server.run.verdicts import timed_out
from server.trade_entry import FactValues, Signal, decide
from server.trade_entry.decide import MAIN_ACCOUNT
from server.trade_entry.guards import fetch_account
from server.trade_entry.identity import decision_key, trade_id

if TYPE_CHECKING:
    from server.execution.dispatch import Dispatcher

Decided = tuple[Mapping[str, Any], Failure | None]
"""A ``trading_decision``, and what went wrong where it ended in an exception."""

DecideOne = Callable[[Signal, FactValues], Awaitable[Decided]]
Decider = Callable[[Sequence[Signal]], Awaitable[DecideOne]]
"""Told all signals of a run first, so that what they share is asked for once."""

log = structlog.get_logger(__name__)


def simulated(run: Resolved, orders: Orders, metrics: Metrics) -> Decider:
    """The whole path up to the order, by the same guards; nothing is stored and nothing leaves."""

    limit_sec = float(run.ruleset.service.symbol_timeout_sec)

    async def prepare(signals: Sequence[Signal]) -> DecideOne:
        keys = [decision_key(signal, run.venue.name, MAIN_ACCOUNT) for signal in signals]
        now_ms = await run.venue.now_ms()
        account = await fetch_account(run.venue, orders, MAIN_ACCOUNT, now_ms, keys)
        # One after the other, in the order in which they are asked for, which is that of the run: each takes
        # its place and its margin from those after it.
        turn = asyncio.Lock()

        async def one(signal: Signal, facts: FactValues) -> Decided:
            nonlocal account
            async with turn:
                try:
                    async with asyncio.timeout(limit_sec):
                        decision = await decide(
                            signal,
                            facts,
                            run.profile.trade_entry,
                            run.ruleset.gates,
                            run.venue,
                            account,
                            context_timeframes=run.profile.validation.context_timeframes,
                            conditions=run.profile.plan_conditions,
                            dry_run=True,
                        )
                except TimeoutError:
                    failure = timed_out(signal.symbol, "trade_entry", "its plan", limit_sec)
                    return _nothing(signal, run, "error", failure.code, failure.message), failure
                if decision.plan is not None:
                    account = account.beside(decision.plan)
            metrics.decided(decision.stage, decision.status, decision.reason)
            failed = decision.stage == "trade_entry" and decision.reason is not None
            return decision.to_json(), _unexpected(signal.symbol, decision.reason or "") if failed else None

        return one

    return prepare


def placed(run: Resolved, run_id: str, dispatcher: Dispatcher, metrics: Metrics) -> Decider:
    """Hands each signal over to be carried out, and answers with what is known by the time it may take."""
    from server.execution.submission import Submission

    async def prepare(signals: Sequence[Signal]) -> DecideOne:
        now_ms = await run.venue.now_ms()
        try:
            fingerprint = await dispatcher.keep(run.profile, now_ms)
        except JournalError as error:
            cause = error

            async def none(signal: Signal, facts: FactValues) -> Decided:
                return _not_begun(signal, run, cause, metrics)

            return none

        async def one(signal: Signal, facts: FactValues) -> Decided:
            submission = Submission(
                signal=signal,
                facts=facts,
                fingerprint=fingerprint,
                run_id=run_id,
                actor=run.actor,
                exchange=run.venue.name,
                account=MAIN_ACCOUNT,
                at_ms=now_ms,
            )
            try:
                return await dispatcher.enter(submission), None
            except (OrdersUnavailable, DurableError) as error:
                return _not_begun(signal, run, error, metrics)

        return one

    return prepare


def withheld(run: Resolved, reason: RunReason, cause: str, metrics: Metrics) -> Decider:
    """Nothing is begun, for a cause that concerns the run as a whole."""

    async def prepare(signals: Sequence[Signal]) -> DecideOne:
        async def one(signal: Signal, facts: FactValues) -> Decided:
            metrics.decided("run", "skipped", str(reason))
            return _nothing(signal, run, "skipped", str(reason), cause), None

        return one

    return prepare


def _nothing(signal: Signal, run: Resolved, status: str, reason: str, cause: str) -> Mapping[str, Any]:
    """The ``trading_decision`` of an entry that came to nothing before any gate."""
    key = decision_key(signal, run.venue.name, MAIN_ACCOUNT)
    return {
        "status": status,
        "reason": reason,
        "client_order_id": None,
        "exchange_order_id": None,
        "decision_key": key,
        "trade_id": trade_id(key, signal.symbol),
        "raw": {"reason": reason, "error": cause},
    }


def _not_begun(signal: Signal, run: Resolved, error: Exception, metrics: Metrics) -> Decided:
    log.error("run.entry_not_begun", symbol=signal.symbol, error=str(error))
    reason = str(RunReason.ORDERS_UNAVAILABLE)
    metrics.decided("run", "error", reason)
    message = f"its entry could not be begun: {error}"
    failure = Failure(signal.symbol, "trade_entry", reason, message)
    return _nothing(signal, run, "error", reason, str(error)), failure


def _unexpected(symbol: str, reason: str) -> Failure:
    message = "trade entry ended in an exception; the log has the details"
    return Failure(symbol, "trade_entry", reason, message)
