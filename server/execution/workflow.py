"""What durable execution carries: one trade entry from its verdict until its entry order is done.

Each step bears being cut off and run again: it begins by looking at the intent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from engine.models.base import Timeframe
from server.durable import Json, StepFailed, Steps
from server.execution.desk import Change, Desk, event, identity
from server.execution.names import order_name
from server.execution.pursuit import entered, pursue, settled
from server.execution.submission import Submission
from server.journal.rulesets import Rulesets
from server.orders.errors import ChangedMeanwhile, NoSuchOrder, OrderIsDone, OrdersUnavailable
from server.orders.holds import Release
from server.orders.intent import FINAL, Intent
from server.orders.permission import FreeBalance
from server.orders.reasons import ExecutionReason
from server.orders.store import Orders
from server.orders.writing import Denied
from server.trade_entry.decide import decide
from server.trade_entry.decision import TradeDecision
from server.trade_entry.guards import AccountView, fetch_account, observe_daily_loss
from server.trade_entry.identity import trade_id
from server.trade_entry.plan import OrderPlan

WORKFLOW = "trade_entry"

MOST_SAID = 300
"""Characters of an exception that the journey keeps; the log has all of it."""

log = structlog.get_logger(__name__)


class TradeEntry:
    """The workflow ``trade_entry``. ``desks`` are by the name of their venue."""

    def __init__(self, desks: Mapping[str, Desk], rulesets: Rulesets) -> None:
        self._desks, self._rulesets = desks, rulesets

    async def __call__(self, steps: Steps, argument: Json) -> Json:
        submission = Submission.from_json(argument)
        with bound_contextvars(**identity(_beginning(submission))):
            return await self._carried(steps, submission)

    async def _carried(self, steps: Steps, submission: Submission) -> Json:
        desk, key = self._desks[submission.exchange], submission.decision_key
        try:
            state = await steps.step("decide", lambda: self._decide(desk, submission))
            if state in FINAL:
                return state
            state = await steps.step("enter", lambda: _until(desk, key, "enter"))
            if state in FINAL:
                return state
            return await steps.step("watch", lambda: _until(desk, key, "watch"))
        except Exception as error:
            await self._broken(desk, key, error)
            raise

    async def _decide(self, desk: Desk, submission: Submission) -> Json:
        """From the verdict to the ticket that is written down, or to the reason why there is none."""
        intent, _ = await begin(desk.orders, submission)
        if intent.state != "deciding":
            return intent.state
        profile = await self._rulesets.profile(submission.fingerprint)
        account = await fetch_account(
            desk.venue, desk.orders, desk.account, await desk.now(), [intent.decision_key]
        )
        account = await observe_daily_loss(account, desk.orders, profile.trade_entry.guards)
        decision = await decide(
            submission.signal,
            submission.facts,
            profile.trade_entry,
            profile.gates,
            desk.venue,
            account,
            context_timeframes=profile.validation.context_timeframes,
            conditions=profile.plan_conditions,
            dry_run=False,
        )
        if decision.plan is None:
            desk.metrics.decided(decision.stage, decision.status, decision.reason)
            return (await _reject(desk, intent, decision)).state
        context = profile.validation.context_timeframes
        return (await _record(desk, intent, submission, decision, decision.plan, account, context)).state

    async def _broken(self, desk: Desk, key: str, error: Exception) -> None:
        """A workflow that ends in an exception says so; what has left is taken up by the guardian."""
        log.exception("trade_entry.failed", decision_key=key)
        try:
            intent = await desk.orders.intent(key)
            if intent.state in FINAL:
                return
            if intent.state == "deciding":  # else what was decided has been counted
                desk.metrics.decided("order", "error", str(ExecutionReason.WORKFLOW_FAILED))
            sent = intent.state not in ("deciding", "recorded")
            told = event("failed", await desk.now(), error=_said(error))
            await desk.write(
                intent,
                Change(
                    state=None if sent else "failed",
                    status=None if sent else "error",
                    reason=None if sent else ExecutionReason.WORKFLOW_FAILED,
                    hold=None if sent else Release(),
                    events=(told,),
                ),
            )
        except (OrdersUnavailable, NoSuchOrder, ChangedMeanwhile, OrderIsDone):
            log.exception("trade_entry.failure_not_recorded", decision_key=key)
        finally:
            desk.answer(key)


def _said(error: Exception) -> str:
    """The exception's kind and the first line of its text, as the list of failed workflows has it."""
    text = str(error) if isinstance(error, StepFailed) else f"{type(error).__name__}: {error}"
    return text.partition("\n")[0][:MOST_SAID]


async def begin(orders: Orders, submission: Submission) -> tuple[Intent, bool]:
    """The intent of this verdict, and whether this call stored it. Raises ``OrdersUnavailable``."""
    return await orders.begin(_beginning(submission), _verdict(submission))


async def _until(desk: Desk, key: str, step: str) -> Json:
    return (await pursue(desk, key, entered if step == "enter" else settled)).state


def _beginning(submission: Submission) -> Intent:
    signal, key = submission.signal, submission.decision_key
    if signal.side is None:
        raise ValueError(f"{key}: the signal has no side")
    name = order_name(key, "entry", 0)
    trade = trade_id(key, signal.symbol)
    return Intent(
        decision_key=key,
        client_order_id=name,
        trade_id=trade,
        decision_sha256=submission.sha256,
        exchange=submission.exchange,
        account=submission.account,
        symbol=signal.symbol,
        side=signal.side,
        profile=signal.profile,
        fingerprint=submission.fingerprint,
        run_id=submission.run_id,
        actor=submission.actor,
        status="pending",
        reason=None,
        decision=pending(key, trade, name),
        state="deciding",
        ticket=None,
        created_at=submission.at_ms,
        updated_at=submission.at_ms,
    )


def pending(key: str, trade: str, name: str) -> dict[str, Any]:
    """The outward decision while it is not known."""
    return {
        "status": "pending",
        "reason": str(ExecutionReason.DECISION_PENDING),
        "client_order_id": name,
        "exchange_order_id": None,
        "decision_key": key,
        "trade_id": trade,
        "raw": {},
    }


def _verdict(submission: Submission) -> Any:
    signal = submission.signal
    return event(
        "decided",
        submission.at_ms,
        verdict="READY",
        side=signal.side,
        execution_tf=signal.execution_timeframe,
        as_of=signal.as_of_ms,
        candle_time=signal.candle_open_ms,
        price=signal.price,
        fingerprint=submission.fingerprint,
    )


async def _reject(desk: Desk, intent: Intent, decision: TradeDecision) -> Intent:
    told = event(
        "rejected",
        await desk.now(),
        stage=decision.stage,
        reason=decision.reason,
        blocked_by=decision.blocked_by,
        context=dict(decision.details),
    )
    return await _end(desk, intent, decision, told)


async def _end(desk: Desk, intent: Intent, decision: TradeDecision, told: Any) -> Intent:
    changed = await desk.write(
        intent,
        Change(
            state="rejected",
            status="skipped" if decision.status == "skipped" else "error",
            reason=decision.reason,
            decision=decision.to_json(),
            events=(told,),
        ),
    )
    desk.answer(intent.decision_key)
    return changed


async def _record(
    desk: Desk,
    intent: Intent,
    submission: Submission,
    decision: TradeDecision,
    plan: OrderPlan,
    account: AccountView,
    context_timeframes: Collection[Timeframe],
) -> Intent:
    now = await desk.now()
    ticket = plan.ticket(
        decision_key=intent.decision_key,
        trade_id=intent.trade_id,
        run_id=intent.run_id,
        actor=intent.actor,
        exchange=intent.exchange,
        account=intent.account,
        profile=intent.profile,
        fingerprint=intent.fingerprint,
        context_timeframes=context_timeframes,
        decided_at_ms=submission.at_ms,
    )
    recorded = await desk.orders.record(
        intent,
        ticket=ticket,
        decision={**decision.to_json(), "client_order_id": intent.client_order_id},
        names=(),
        events=(event("recorded", now, size=ticket.size, price=ticket.price, stop=ticket.stop),),
        now_ms=now,
        free=FreeBalance(plan.market.balance.available_usdt, account.counted),
        positions=[(position.symbol, position.side) for position in account.positions or ()],
    )
    if not isinstance(recorded, Denied):
        desk.metrics.decided(decision.stage, decision.status, decision.reason)
        return recorded
    desk.metrics.decided("guards", "skipped", str(recorded.reason))
    denied = decision.denied(str(recorded.reason), recorded.facts)
    told = event("rejected", now, stage="guards", reason=str(recorded.reason), context=dict(recorded.facts))
    return await _end(desk, intent, denied, told)


def outward(intent: Intent) -> dict[str, Any]:
    """The ``trading_decision`` of an intent as it stands."""
    return dict(intent.decision)
