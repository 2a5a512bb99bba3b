"""Reason codes that a run gives by itself, without a gate."""

from __future__ import annotations

from enum import StrEnum


class RunReason(StrEnum):
    """Each one is in ``rules/reasons.yaml``; a test holds the two together."""

    EVALUATION_ERROR = "evaluation_error"
    CANDLES_UNAVAILABLE = "candles_unavailable"
    RUN_FAILED = "run_failed"
    JOURNAL_UNAVAILABLE = "journal_unavailable"
    ORDERS_UNAVAILABLE = "orders_unavailable"
    OPEN_STATE_UNAVAILABLE = "open_state_unavailable"
    RUN_LOCK_LOST = "run_lock_lost"
    SYMBOL_TIMEOUT = "symbol_timeout"
