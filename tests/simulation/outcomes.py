"""Every way an entry may end in a world: state, status and reason together; nothing else is an outcome."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

RULES = Path(__file__).resolve().parents[2] / "rules"

Outcome = tuple[str, str, str | None]


def _each(state: str, status: str, *reasons: str) -> set[Outcome]:
    return {(state, status, reason) for reason in reasons}


GUARDED = (
    "symbol_under_way",
    "symbol_cooling_down",
    "has_open_orders_or_positions",
    "trading_halted",
    "max_concurrent_positions_reached",
    "daily_loss_limit_reached",
    "balance_taken",
)
UNANSWERED = (
    "contract_unavailable",
    "order_book_unavailable",
    "order_book_stale",
    "order_book_ahead_of_clock",
    "balance_unavailable",
    "positions_unavailable",
    "daily_loss_guard_unavailable",
    "orders_unavailable",
    "orders_state_unavailable",
)
DECIDED = (
    "skipped_out_of_zone",
    "market_order_spread_too_wide",
    "insufficient_balance",
    "exception_during_trade_entry",
)
LOOKED_AT = ("live_not_enabled",)
STOPPED_BEFORE = ("signal_expired", "trading_halted", "cancelled_by_operator", "global_switch_off")

OUTCOMES: frozenset[Outcome] = frozenset(
    # Nothing left: a gate, or what came up between the plan and its sending.
    _each("rejected", "skipped", *GUARDED, *DECIDED, *STOPPED_BEFORE, *LOOKED_AT)
    | _each("rejected", "error", *UNANSWERED, *DECIDED)
    # Something left, and is proven to have come to nothing.
    | _each(
        "refused",
        "error",
        "leverage_submit_failed",
        "limit_submit_refused",
        "market_order_submit_failed",
        *STOPPED_BEFORE,
    )
    # It was taken, and never filled.
    | _each(
        "cancelled",
        "submitted",
        "cancel_after_timeout",
        "cancelled_out_of_zone",
        "cancelled_zone_expired",
        "cancelled_by_operator",
        "trading_halted",
        "order_expired",
        "limit_submit_refused",
        "signal_expired",
    )
    | _each(
        "cancelled",
        "error",
        "market_order_fill_timeout",
        "lost_at_venue",
    )
    # There was a position.
    | _each(
        "closed",
        "submitted",
        "position_closed_stop",
        "position_closed_take_profit",
        "position_closed_externally",
    )
    | _each("closed", "error", "protection_failed", "tp_sl_service_unavailable", "entry_price_not_found")
    # A defect kept everybody from pursuing it.
    | _each("cancelled", "error", "workflow_failed")
    | _each("cancelled", "submitted", "workflow_failed")
    | _each("refused", "error", "workflow_failed")
    # A step of the workflow broke before anything left, or its process died before it was begun.
    | _each("failed", "error", "workflow_failed")
)


def stages() -> dict[str, str]:
    """The codes of ``rules/reasons.yaml`` and the stage of each."""
    document = YAML(typ="safe", pure=True).load(RULES / "reasons.yaml")
    return {code: definition["stage"] for code, definition in document["reasons"].items()}


def registered() -> frozenset[str]:
    """The codes of ``rules/reasons.yaml``."""
    return frozenset(stages())
