"""What waits: entries to be carried out, entries that failed, symbols for the next run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from server.durable.port import Durable, FailedWorkflow, UnfinishedWorkflow
from server.instants import iso
from server.orders.intent import Intent
from server.orders.store import Orders
from server.switches.store import Switches
from server.switches.switch import Queued

Json = dict[str, Any]

MOST = 10_000


async def queue_state(
    durable: Durable, orders: Orders, switches: Switches, *, page: int, page_size: int
) -> Json:
    """Depth and age per kind of work, a page of what failed, newest first, and the symbols of the next run.

    Raises ``DurableError``, ``OrdersUnavailable``, ``SwitchesUnavailable``.
    """
    now_ms = time.time_ns() // 1_000_000
    waiting, failed = await durable.unfinished(MOST), await durable.failed(MOST)
    some = failed[(page - 1) * page_size : page * page_size]
    named = await orders.many([workflow.workflow_id for workflow in some])
    return {
        "at": iso(now_ms),
        "queues": [_depth(name, waiting, now_ms) for name in sorted({one.name for one in waiting})],
        "failed": [_failed(one, named.get(one.workflow_id)) for one in some],
        "page": page,
        "page_size": page_size,
        "total": len(failed),
        "symbols": [_symbol(queued, now_ms) for queued in (await switches.state(now_ms)).queued],
    }


def _depth(name: str, waiting: Sequence[UnfinishedWorkflow], now_ms: int) -> Json:
    """``waiting`` has no process yet, ``under_way`` has one; the age is that of the oldest of each."""
    mine = [one for one in waiting if one.name == name]
    free = [one.created_at for one in mine if not one.taken]
    taken = [one.created_at for one in mine if one.taken]
    return {
        "queue": name,
        "waiting": len(free),
        "oldest_waiting_at": iso(min(free)) if free else None,
        "oldest_waiting_sec": (now_ms - min(free)) / 1000 if free else None,
        "under_way": len(taken),
        "oldest_under_way_at": iso(min(taken)) if taken else None,
        "oldest_under_way_sec": (now_ms - min(taken)) / 1000 if taken else None,
    }


def _failed(workflow: FailedWorkflow, intent: Intent | None) -> Json:
    """``retry``: what has it done again; null where no order belongs to it."""
    return {
        "queue": workflow.name,
        "workflow_id": workflow.workflow_id,
        "failed_at": iso(workflow.failed_at),
        "error": workflow.error,
        "client_order_id": None if intent is None else intent.client_order_id,
        "symbol": None if intent is None else intent.symbol,
        "retry": None if intent is None else f"POST /api/orders/{intent.client_order_id}/retry",
    }


def _symbol(queued: Queued, now_ms: int) -> Json:
    return {
        "symbol": queued.symbol,
        "reason": queued.reason,
        "actor": queued.actor,
        "queued_at": iso(queued.queued_at),
        "age_sec": (now_ms - queued.queued_at) / 1000,
    }
