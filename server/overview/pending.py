"""Decisions that were pending when their run was stored, as they have become since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from server.orders.store import Orders


async def become(decisions: Sequence[dict[str, Any]], orders: Orders) -> None:
    """Replaces each ``trading_decision`` that says ``pending`` by what is known now.

    ``decisions`` are in the shape the journal answers with. Raises ``OrdersUnavailable``.
    """
    waiting = {
        trade["decision_key"]: decision
        for decision in decisions
        if (trade := decision["trading_decision"]) is not None and trade["status"] == "pending"
    }
    if waiting:
        for key, intent in (await orders.many(list(waiting))).items():
            waiting[key]["trading_decision"] = dict(intent.decision)
