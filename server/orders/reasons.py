"""Reasons that keeping and executing orders gives by itself; `rules/reasons.yaml` says what they mean."""

from __future__ import annotations

from enum import StrEnum


class GuardReason(StrEnum):
    """Why the store itself lets no order through, whatever the gate said a moment before."""

    TRADING_HALTED = "trading_halted"
    GLOBAL_SWITCH_OFF = "global_switch_off"
    BLACKLISTED = "blacklisted"
    SYMBOL_SWITCH_OFF = "symbol_switch_off"
    TIMEFRAME_SWITCH_OFF = "timeframe_switch_off"
    DUPLICATE_DECISION_KEY = "duplicate_decision_key"
    SYMBOL_UNDER_WAY = "symbol_under_way"
    SYMBOL_COOLING_DOWN = "symbol_cooling_down"
    HAS_OPEN_ORDERS_OR_POSITIONS = "has_open_orders_or_positions"
    MAX_CONCURRENT_POSITIONS_REACHED = "max_concurrent_positions_reached"
    DAILY_LOSS_LIMIT_REACHED = "daily_loss_limit_reached"
    BALANCE_TAKEN = "balance_taken"


class ExecutionReason(StrEnum):
    """What became of an order that was meant to leave."""

    DECISION_PENDING = "decision_pending"
    WORKFLOW_FAILED = "workflow_failed"
    SIGNAL_EXPIRED = "signal_expired"
    LEVERAGE_SUBMIT_FAILED = "leverage_submit_failed"
    LIMIT_SUBMIT_REFUSED = "limit_submit_refused"
    MARKET_ORDER_SUBMIT_FAILED = "market_order_submit_failed"
    MARKET_ORDER_FILL_TIMEOUT = "market_order_fill_timeout"
    SUBMISSION_UNKNOWN = "submission_unknown"
    ENTRY_PRICE_NOT_FOUND = "entry_price_not_found"
    PROTECTION_FAILED = "protection_failed"
    TP_SL_SERVICE_UNAVAILABLE = "tp_sl_service_unavailable"
    CANCEL_AFTER_TIMEOUT = "cancel_after_timeout"
    CANCELLED_OUT_OF_ZONE = "cancelled_out_of_zone"
    CANCELLED_ZONE_EXPIRED = "cancelled_zone_expired"
    CANCELLED_BY_OPERATOR = "cancelled_by_operator"
    ORDER_EXPIRED = "order_expired"
    POSITION_CLOSED_STOP = "position_closed_stop"
    POSITION_CLOSED_TAKE_PROFIT = "position_closed_take_profit"
    POSITION_CLOSED_EXTERNALLY = "position_closed_externally"
    LOST_AT_VENUE = "lost_at_venue"
    SESSION_GIVEN_UP = "session_given_up"


class TpSlReason(StrEnum):
    """Why the stop and the target of an open position were let be."""

    NO_TP_ORDERS = "no_tp_orders"
    MULTIPLE_TP_ORDERS = "multiple_tp_orders"
