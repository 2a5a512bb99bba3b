"""One READY signal through the gates of trade entry, up to the plan of its order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import structlog

from engine.gates import Gate, GateDecision
from engine.gates.gate import GateValue
from engine.models.base import Timeframe
from engine.models.trade_entry import TradeEntryDocument
from engine.ruleset.plan_conditions import PlanConditions
from server.exchange.port import Exchange
from server.trade_entry.build import build_plan
from server.trade_entry.conditions import judge_plan
from server.trade_entry.decision import DecisionStatus, Stage, TradeDecision
from server.trade_entry.guards import AccountView, guard_facts, kept_out
from server.trade_entry.identity import client_order_id, decision_key, trade_id
from server.trade_entry.plan import OrderPlan
from server.trade_entry.preconditions import precondition_facts
from server.trade_entry.preflight import fetch_preflight
from server.trade_entry.quantise import plain, shown
from server.trade_entry.request import build_request, request_atr, request_facts
from server.trade_entry.signal import Facts, FactValues, Signal

GATES: tuple[Stage, ...] = ("preconditions", "request", "guards", "preflight", "plan")
"""Names of the gates trade entry asks, in this order."""

MAIN_ACCOUNT = "main"
"""The account of a venue that has only one."""

_STATUS: dict[str, DecisionStatus] = {"skipped": "skipped", "error": "error"}
_SHOWN_IN_FULL = {"price", "contracts", "count"}

log = structlog.get_logger(__name__)


async def decide(
    signal: Signal,
    facts: FactValues,
    document: TradeEntryDocument,
    gates: Mapping[str, Gate],
    venue: Exchange,
    account: AccountView,
    *,
    context_timeframes: Collection[Timeframe],
    conditions: PlanConditions,
    dry_run: bool,
) -> TradeDecision:
    """Decides one signal: a plan, ``simulated`` or (not dry) ``pending``; or ``skipped``/``error`` and why.

    ``facts`` are those of ``facts_needed``; ``gates`` has at least ``GATES``; ``account`` was fetched with
    this signal's decision key; ``context_timeframes`` are the profile's, ``conditions`` what it asks of its
    plans. A dry run prices by the signal's instant, any other by the present, and its own intent is stored
    already. Whatever fails unexpectedly is logged and becomes ``exception_during_trade_entry`` of this symbol
    alone.
    """
    key = decision_key(signal, venue.name, account.account)
    course = _Course(signal, gates, key, context_timeframes, conditions, dry_run=dry_run)
    try:
        return await course.run(Facts.of(facts), document, venue, account)
    except Exception as error:
        log.exception("trade_entry.failed", symbol=signal.symbol, decision_key=course.key)
        return course.end(
            "error",
            "trade_entry",
            reason="exception_during_trade_entry",
            details={"error": f"{type(error).__name__}; the log has the details"},
        )


class _Course:
    """One signal on its way; every end carries the same key."""

    def __init__(
        self,
        signal: Signal,
        gates: Mapping[str, Gate],
        key: str,
        context_timeframes: Collection[Timeframe],
        conditions: PlanConditions,
        *,
        dry_run: bool,
    ) -> None:
        self.signal, self.gates, self.key, self.dry_run = signal, gates, key, dry_run
        self.context_timeframes = context_timeframes
        self.conditions = conditions

    async def run(
        self, facts: Facts, document: TradeEntryDocument, venue: Exchange, account: AccountView
    ) -> TradeDecision:
        signal, dry_run = self.signal, self.dry_run
        atr = request_atr(facts, signal.execution_timeframe)
        rejected = self.ask(
            "preconditions", precondition_facts(signal, atr, document.decision, dry_run=dry_run)
        )
        if rejected:
            return rejected
        rejected = self.ask("request", request_facts(document, signal.execution_timeframe, atr))
        if rejected:
            return rejected
        request = build_request(signal, atr, facts, document)

        context = self.context_timeframes
        guarded = guard_facts(
            account, signal, self.key, document.guards, context_timeframes=context, own=not dry_run
        )
        rejected = self.ask("guards", guarded, failures=account.failures)
        if rejected:
            out = kept_out(account, signal, context)
            return rejected if out is None or out.reason != rejected.reason else rejected.telling(out.told)

        at_ms = signal.as_of_ms if dry_run else account.now_ms
        preflight = await fetch_preflight(venue, signal.symbol, at_ms, account.reserved_usdt(self.key))
        rejected = self.ask(
            "preflight",
            preflight.facts(document.entry, request.order.type),
            failures=preflight.failures,
        )
        if rejected:
            return rejected

        draft = build_plan(request, facts, document, preflight.market())
        rejected = self.ask_plan(draft.facts)
        if rejected:
            return rejected
        if draft.plan is None:
            raise ValueError("gate 'plan' let a draft pass that has no plan; a check of it is missing")
        order_id = client_order_id(self.key, "SIM" if dry_run else "EG")
        status: DecisionStatus = "simulated" if dry_run else "pending"
        return self.end(status, "trade_entry", plan=draft.plan, order_id=order_id)

    def ask(
        self, stage: Stage, facts: Mapping[str, GateValue], failures: tuple[str, ...] = ()
    ) -> TradeDecision | None:
        """The rejection of one gate, or None when it lets the signal pass."""
        gate = self.gates[stage]
        answer = gate.decide(facts)
        if answer.passed:
            return None
        status = _STATUS[answer.status or gate.rejects_as]
        details = gate_details(gate, facts, answer)
        if failures:
            details["failures"] = list(failures)
        return self.end(status, stage, reason=answer.outward, blocked_by=answer.blocked_by, details=details)

    def ask_plan(self, facts: Mapping[str, GateValue]) -> TradeDecision | None:
        """The rejection of the plan's gate; where a condition of the profile failed, with its numbers."""
        judged = judge_plan(self.conditions, facts)
        rejected = self.ask("plan", {**facts, **judged.facts(self.gates["plan"])})
        if rejected is None or not judged.failed:
            return rejected
        return replace(rejected, details={**rejected.details, "plan_conditions": judged.details()})

    def end(
        self,
        status: DecisionStatus,
        stage: Stage,
        *,
        reason: str | None = None,
        blocked_by: str | None = None,
        details: Mapping[str, Any] | None = None,
        plan: OrderPlan | None = None,
        order_id: str | None = None,
    ) -> TradeDecision:
        return TradeDecision(
            status=status,
            symbol=self.signal.symbol,
            decision_key=self.key,
            trade_id=trade_id(self.key, self.signal.symbol),
            stage=stage,
            reason=reason,
            blocked_by=blocked_by,
            details=details or {},
            plan=plan,
            client_order_id=order_id,
        )


def gate_details(gate: Gate, facts: Mapping[str, GateValue], answer: GateDecision) -> dict[str, Any]:
    """Every fact the gate had, in its own order, decimals as texts; and which ones its check missed."""
    details: dict[str, Any] = {}
    for name, unit in gate.facts.items():
        value = facts.get(name)
        if isinstance(value, Decimal):
            details[name] = plain(value) if unit in _SHOWN_IN_FULL else shown(value)
        elif value is not None:
            details[name] = value
    unknown = answer.unknown or [name for name, value in answer.values.items() if value is None]
    if unknown:
        details["unknown"] = list(unknown)
    return details
