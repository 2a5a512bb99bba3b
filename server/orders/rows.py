"""Rows of the order tables as values, and the other way round."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import order_tables as t
from server.orders.holds import DailyLoss, Hold
from server.orders.intent import Event, Intent, NewEvent
from server.trade_entry.ticket import Ticket

TICKETS_KEPT = 1024
"""More than are ever under way at once; each is a few kilobytes."""

AnyRow = Sequence[Any]
"""Values of one row, in the order of the columns that were asked for."""

INTENT = tuple(t.order_intent.c)
_INTENT_NAMES = tuple(column.name for column in INTENT)
EVENT = tuple(t.order_event.c)
HOLD = (t.symbol_hold.c.symbol, t.symbol_hold.c.decision_key, t.symbol_hold.c.cause, t.symbol_hold.c.until)
DAILY_LOSS = (
    t.daily_loss.c.day,
    t.daily_loss.c.locked,
    t.daily_loss.c.loss_usdt,
    t.daily_loss.c.limit_usdt,
    t.daily_loss.c.forgiven_usdt,
    t.daily_loss.c.at,
)


def insert_into(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what happens when the row is there already."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def text_of(value: Mapping[str, Any]) -> str:
    """JSON; raises ``TypeError`` or ``ValueError`` for what JSON cannot carry, decimals among it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def ticket_text(ticket: Ticket | None) -> str | None:
    """A ticket as it is stored."""
    return None if ticket is None else ticket.model_dump_json()


@lru_cache(TICKETS_KEPT)
def ticket_of(stored: str) -> Ticket:
    """A ticket as it was stored; it never changes, and is read far more often than written."""
    return Ticket.model_validate_json(stored)


def intent_row(intent: Intent) -> dict[str, Any]:
    """A new row of ``order_intent``."""
    return {name: getattr(intent, name) for name in _INTENT_NAMES} | {
        "decision": text_of(intent.decision),
        "ticket": ticket_text(intent.ticket),
        "progress": text_of(intent.progress),
    }


def intent_of(row: AnyRow) -> Intent:
    """An intent from a row of ``INTENT``."""
    values: dict[str, Any] = dict(zip(_INTENT_NAMES, row, strict=True))
    ticket = values["ticket"]
    values["decision"] = json.loads(values["decision"])
    values["ticket"] = None if ticket is None else ticket_of(ticket)
    values["progress"] = json.loads(values["progress"])
    values["decision_sha256"] = bytes(values["decision_sha256"])
    return Intent(**values)


def event_rows(decision_key: str, events: Sequence[NewEvent], recorded_at: int) -> list[dict[str, Any]]:
    """New rows of ``order_event``, without their numbers."""
    return [
        {
            "decision_key": decision_key,
            "kind": event.kind,
            "at": event.at,
            "recorded_at": recorded_at,
            "details": text_of(event.details),
        }
        for event in events
    ]


def event_of(row: AnyRow) -> Event:
    """An event from a row of ``EVENT``."""
    key, number, kind, at, recorded_at, details = row
    return Event(
        decision_key=key,
        number=number,
        kind=kind,
        at=at,
        recorded_at=recorded_at,
        details=json.loads(details),
    )


def hold_of(row: AnyRow) -> Hold:
    """A hold from a row of ``HOLD``."""
    return Hold(*row)


def daily_loss_of(row: AnyRow) -> DailyLoss:
    """A daily loss from a row of ``DAILY_LOSS``."""
    day, locked, loss, limit, forgiven, at = row
    return DailyLoss(day, locked, Decimal(loss), Decimal(limit), Decimal(forgiven), at)
