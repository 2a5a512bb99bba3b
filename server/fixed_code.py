"""What the code of this service takes from a rules folder, and brings to it."""

from __future__ import annotations

from engine.ruleset import VERDICT, FixedCode
from server.orders.reasons import ExecutionReason, GuardReason, TpSlReason
from server.run.reasons import RunReason
from server.run.spreads import SPREAD
from server.trade_entry.signal import (
    FALLBACK_ATR_TIMEFRAMES,
    PIVOT_LEVELS,
    TREND_STRENGTH,
    VOLATILITY_TIMEFRAME,
)

TRADE_ENTRY = FixedCode(
    gates={
        "preconditions": frozenset(
            {
                "execution_timeframe",
                "execution_tf_allowed",
                "dry_run",
                "validate_all_timeframes",
                "signal_side",
                "price",
                "atr",
            }
        ),
        "request": frozenset({"risk_pct", "initial_margin_usdt", "stop_needs_atr", "atr"}),
        "preflight": frozenset(
            {
                "contract_status",
                "bid",
                "ask",
                "mark",
                "book_age_sec",
                "max_book_age_sec",
                "max_book_ahead_sec",
                "order_type",
                "spread_bps",
                "market_max_spread_bps",
                "equity_usdt",
                "available_usdt",
                "reserved_usdt",
            }
        ),
        "plan": frozenset(
            {
                "zone_pivot",
                "zone_atr",
                "zone_min",
                "zone_max",
                "order_type",
                "candidate",
                "candidate_position",
                "zone_deviation_ratio",
                "zone_gap",
                "zone_max_deviation_ratio",
                "rest_at_edge",
                "entry",
                "pivot_stop",
                "pivot_stop_distance_ratio",
                "max_pivot_distance_ratio",
                "stop_fallback",
                "stop_atr",
                "stop",
                "risk_usdt",
                "risk_size",
                "min_size",
                "required_risk_usdt",
                "budget_usdt",
                "free_usdt",
                "leverage",
                "leverage_cap",
                "min_accepted_leverage",
                "leverage_floor",
                "liquidation_price",
                "liquidation_stop_multiple",
                "liquidation_min_stop_multiple",
                "size",
                "notional_usdt",
                "required_budget_usdt",
                "required_free_usdt",
                "take_profit",
                "last_take_profit",
                "effective_r",
                "failed_conditions",
                "failed_condition",
            }
        ),
    },
    reasons=frozenset({"exception_during_trade_entry"}),
    facts=frozenset(
        {"atr", "sma_21", "vwap", TREND_STRENGTH[0], *(f"pivot_{level}" for level in PIVOT_LEVELS)}
    ),
    timeframes=frozenset({*FALLBACK_ATR_TIMEFRAMES, VOLATILITY_TIMEFRAME, TREND_STRENGTH[1]}),
)
"""From a READY signal to the simulated order."""

GUARDS = FixedCode(
    gates={
        "guards": frozenset(
            {
                "halted",
                "global_off",
                "blacklisted",
                "symbol_off",
                "off_by_open_state",
                "timeframe_off",
                "duplicate",
                "daily_locked",
                "daily_loss_usdt",
                "daily_limit_usdt",
                "hold_cause",
                "hold_remaining_sec",
                "symbol_positions",
                "symbol_orders",
                "positions",
                "max_concurrent_positions",
            }
        ),
    },
    reasons=frozenset(GuardReason),
)
"""What forbids an entry whatever the signal says; some of it is asked again when an order is recorded."""

SELECTION = FixedCode(
    gates={
        "selection": frozenset(
            {
                "blacklisted",
                "switched_off",
                "status",
                "wanted_status",
                "quote",
                "wanted_quote",
                "expires",
                "expires_in_sec",
                "require_not_expired",
                "turnover_usdt",
                "min_turnover_usdt",
                "listing_age_sec",
                "min_listing_age_sec",
                "when_unknown",
                "bucket",
                "rank",
                "bucket_size",
            }
        ),
    },
)
"""Which contracts a run that names no symbols looks at."""

EXECUTION = FixedCode(
    gates={
        "submission": frozenset(
            {
                "may_change",
                "halted",
                "cancel_requested",
                "accepted_before",
                "global_off",
                "blacklisted",
                "symbol_off",
                "off_by_open_state",
                "timeframe_off",
                "leverage",
                "signal_remaining_sec",
            }
        ),
    },
    reasons=frozenset[str](ExecutionReason) | frozenset[str](TpSlReason),
)
"""From a recorded order to its end."""

RUN = FixedCode(
    gates={
        "eligibility": frozenset(
            {
                "listed",
                "global_off",
                "blacklisted",
                "open_positions",
                "open_orders",
                "filters_open_state",
                "symbol_off",
                "off_by_open_state",
                "locked",
            }
        ),
    },
    reasons=frozenset(RunReason),
    metrics=frozenset({SPREAD}),
)
"""Which symbols a run looks at, and what it says by itself."""

FIXED_CODE = VERDICT | SELECTION | TRADE_ENTRY | GUARDS | EXECUTION | RUN
"""Everything a rules folder has to fit: hand this to ``engine.ruleset.load``."""
