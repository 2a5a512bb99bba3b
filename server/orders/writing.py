"""Changing intents, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from server.orders.intent import IntentState, IntentStatus
from server.orders.reasons import GuardReason


class Change(TypedDict, total=False):
    """What a change may set; what is absent stays."""

    state: IntentState
    status: IntentStatus
    reason: str | None
    decision: Mapping[str, Any]
    attempt: int
    exchange_order_id: str | None
    progress: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Denied:
    """Why an intent was not recorded, and the facts of it in the types of JSON; nothing was changed."""

    reason: GuardReason
    facts: Mapping[str, Any]
