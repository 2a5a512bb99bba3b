"""Orders as they are shown, alone and with their journeys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from server.execution.desk import progress_of
from server.instants import iso
from server.orders.errors import NoSuchOrder
from server.orders.holds import DailyLoss, Halt
from server.orders.intent import Event, Intent, Name
from server.orders.operator import Action
from server.orders.store import Orders
from server.overview.sentences import sentence
from server.overview.shapes import (
    ActionEntry,
    DailyLossState,
    EventEntry,
    HaltState,
    OrderEntry,
    OrderJourney,
    PlanNumbers,
)
from server.trade_entry.quantise import plain
from server.trade_entry.ticket import Ticket

_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
class Journey:
    """An order with everything that happened to it."""

    intent: Intent
    names: Sequence[Name]
    events: Sequence[Event]


async def find(orders: Orders, client_order_id: str) -> Intent:
    """The order that gave out this client order id. Raises ``NoSuchOrder``, ``OrdersUnavailable``."""
    if not _NAME.fullmatch(client_order_id):  # not even a venue would take it
        raise NoSuchOrder(client_order_id)
    return await orders.by_name(client_order_id)


async def journey(orders: Orders, intent: Intent) -> Journey:
    """Raises ``OrdersUnavailable``."""
    key = intent.decision_key
    return Journey(intent, await orders.names(key), await orders.journey(key))


def order_json(intent: Intent) -> OrderEntry:
    """One order of a list."""
    ticket, progress = intent.ticket, progress_of(intent)
    average = progress.average
    return {
        "client_order_id": intent.client_order_id,
        "decision_key": intent.decision_key,
        "trade_id": intent.trade_id,
        "exchange": intent.exchange,
        "account": intent.account,
        "symbol": intent.symbol,
        "side": intent.side,
        "profile": intent.profile,
        "fingerprint": intent.fingerprint,
        "run_id": intent.run_id,
        "actor": intent.actor,
        "state": intent.state,
        "status": intent.status,
        "reason": intent.reason,
        "exchange_order_id": intent.exchange_order_id,
        "price": None if ticket is None else plain(ticket.price),
        "size": None if ticket is None else plain(ticket.size),
        "leverage": None if ticket is None else ticket.leverage,
        "stop": plain(progress.stop) if progress.stop else None if ticket is None else plain(ticket.stop),
        "filled_size": plain(progress.filled),
        "average_price": None if average is None else plain(round(average, 8)),
        "created_at": iso(intent.created_at),
        "updated_at": iso(intent.updated_at),
    }


def journey_json(found: Journey) -> OrderJourney:
    """One order with its journey."""
    intent = found.intent
    return {
        **order_json(intent),
        "trading_decision": cast(Any, dict(intent.decision)),
        "plan": None if intent.ticket is None else _plan(intent.ticket),
        "names": [
            {"client_order_id": n.client_order_id, "purpose": n.purpose, "number": n.number}
            for n in found.names
        ],
        "events": [event_json(event) for event in found.events],
    }


def event_json(event: Event) -> EventEntry:
    """One step."""
    return {
        "number": event.number,
        "kind": event.kind,
        "at": iso(event.at),
        "recorded_at": iso(event.recorded_at),
        "sentence": sentence(event),
        "details": dict(event.details),
    }


def halt_json(halt: Halt) -> HaltState:
    """The kill switch."""
    used = halt.recorded_at > 0
    return {
        "halted": halt.halted,
        "reason": halt.reason if used else None,
        "actor": halt.actor if used else None,
        "recorded_at": iso(halt.recorded_at) if used else None,
    }


def action_json(action: Action) -> ActionEntry:
    """What an operator did."""
    return {
        "number": action.number,
        "action": action.action,
        "subject": action.subject,
        "actor": action.actor,
        "reason": action.reason,
        "details": dict(action.details),
        "recorded_at": iso(action.recorded_at),
    }


def daily_loss_json(exchange: str, account: str, day: int, loss: DailyLoss | None) -> DailyLossState:
    """The loss of a UTC day."""
    return {
        "exchange": exchange,
        "account": account,
        "day": iso(day)[:10],
        "locked": loss is not None and loss.locked,
        "loss_usdt": None if loss is None else plain(loss.loss_usdt),
        "counted_usdt": None if loss is None else plain(loss.counted_usdt),
        "forgiven_usdt": None if loss is None else plain(loss.forgiven_usdt),
        "limit_usdt": None if loss is None else plain(loss.limit_usdt),
        "at": None if loss is None else iso(loss.at),
    }


def _plan(ticket: Ticket) -> PlanNumbers:
    return {
        "order_type": ticket.order_type,
        "time_in_force": ticket.time_in_force,
        "execution_timeframe": ticket.execution_timeframe,
        "entry": plain(ticket.entry),
        "price": plain(ticket.price),
        "size": plain(ticket.size),
        "contract_size": plain(ticket.contract_size),
        "leverage": ticket.leverage,
        "stop": plain(ticket.stop),
        "targets": [{"price": plain(t.price), "share": plain(t.share)} for t in ticket.targets],
        "zone_low": plain(ticket.zone_low),
        "zone_high": plain(ticket.zone_high),
        "zone_expires_at": iso(ticket.zone_expires_at_ms),
        "signal_expires_at": iso(ticket.signal_expires_at_ms),
        "decided_at": iso(ticket.decided_at_ms),
        "max_loss_usdt": plain(ticket.max_loss_usdt),
    }
