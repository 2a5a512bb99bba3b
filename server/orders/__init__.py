"""What was meant to be ordered and what came of it; what keeps symbols, or everything, from being entered."""

from server.orders.errors import ChangedMeanwhile, NoSuchOrder, OrderIsDone, OrdersUnavailable
from server.orders.holds import DailyLoss, Halt, Hold, HoldCause, Release, utc_day
from server.orders.intent import (
    FINAL,
    UNDER_WAY,
    Event,
    EventKind,
    Intent,
    IntentState,
    IntentStatus,
    Name,
    NewEvent,
)
from server.orders.operator import Action, ActionName
from server.orders.reading import Count, OrderFilter, Tally
from server.orders.reasons import ExecutionReason, GuardReason
from server.orders.store import Orders
from server.orders.writing import Change, Denied

__all__ = [
    "FINAL",
    "UNDER_WAY",
    "Action",
    "ActionName",
    "Change",
    "ChangedMeanwhile",
    "Count",
    "DailyLoss",
    "Denied",
    "Event",
    "EventKind",
    "ExecutionReason",
    "GuardReason",
    "Halt",
    "Hold",
    "HoldCause",
    "Intent",
    "IntentState",
    "IntentStatus",
    "Name",
    "NewEvent",
    "NoSuchOrder",
    "OrderFilter",
    "OrderIsDone",
    "Orders",
    "OrdersUnavailable",
    "Release",
    "Tally",
    "utc_day",
]
