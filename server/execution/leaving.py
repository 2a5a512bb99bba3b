"""Whether an order may leave: what the gate ``submission`` says right before each one does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.gates import Gate
from engine.gates.gate import GateValue
from server.execution.desk import MS, Desk, progress_of, ticket_of
from server.execution.progress import Progress
from server.journal.errors import JournalError
from server.orders.errors import OrdersUnavailable
from server.orders.intent import Intent, IntentStatus
from server.switches.switch import SwitchState, keeping_out, switch_facts
from server.trade_entry.decide import gate_details
from server.trade_entry.ticket import Ticket

SUBMISSION = "submission"


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Why it may not, with the facts of the gate; ``status`` is for an entry of which nothing was sent."""

    reason: str
    status: IntentStatus
    facts: Mapping[str, Any]


async def forbidden(desk: Desk, intent: Intent, now: int) -> Forbidden | None:
    """Asks the gate by the rules that the entry was decided by.

    Raises ``OrdersUnavailable`` while those or the kill switch cannot be read, ``ValueError`` for rules of
    before there was such a gate.
    """
    ticket, halt, switches = ticket_of(intent), await desk.orders.halted(), await desk.orders.switches()
    facts = submission_facts(
        ticket, progress_of(intent), now, switches, may_change=desk.may_change, halted=halt.halted
    )
    gate = await _gate(desk, intent.fingerprint)
    answer = gate.decide(facts)
    if answer.passed:
        return None
    status: IntentStatus = "error" if answer.status == "error" else "skipped"
    told = gate_details(gate, facts, answer)
    out = keeping_out(switches, ticket.symbol, ticket.timeframes)
    if out is not None and out.reason == answer.outward:
        told |= out.told
    return Forbidden(answer.outward or "", status, told)


def submission_facts(
    ticket: Ticket,
    progress: Progress,
    now: int,
    switches: SwitchState,
    *,
    may_change: bool,
    halted: bool,
) -> dict[str, GateValue]:
    """An entry that is about to leave, as the gate reads it."""
    return {
        "may_change": may_change,
        "halted": halted,
        "cancel_requested": progress.cancel_requested is not None,
        "accepted_before": progress.acknowledged,
        **switch_facts(switches, ticket.symbol, ticket.timeframes),
        "leverage": ticket.leverage,
        "signal_remaining_sec": Decimal(ticket.signal_expires_at_ms - now) / MS,
    }


async def _gate(desk: Desk, fingerprint: str) -> Gate:
    try:
        profile = await desk.rules.profile(fingerprint)
    except JournalError as error:
        raise OrdersUnavailable(str(error)) from error
    gate = profile.gates.get(SUBMISSION)
    if gate is None:
        raise ValueError(
            f"the rules {fingerprint[:12]} have no gate '{SUBMISSION}', so nothing may leave by them"
        )
    return gate
