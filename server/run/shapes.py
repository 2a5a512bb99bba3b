"""The shapes of a run's answer. The OpenAPI document is made from them."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from server.run.stopwatch import Performance

RunStatus = Literal["success", "partial_success", "error"]
SymbolStatus = Literal["READY", "INVALID", "ERROR"]


class TimeframeExtra(TypedDict):
    """Only with ``verbose``: the facts the rules read, and the outcome of every condition."""

    facts: dict[str, float | None]
    conditions: dict[str, Literal["pass", "fail", "unknown"]]


class TimeframeAnswer(TypedDict):
    """What one timeframe said. ``candle_time`` is the open time of its newest closed candle."""

    timeframe: str
    phase: Literal["context", "execution"]
    signal: Literal["long", "short", "neutral", "invalid"]
    valid: bool
    invalid_reason: str | None
    rules_passed: list[str]
    rules_failed: list[str]
    rules_unknown: list[str]
    filters_failed: list[str]
    missing_facts: list[str]
    candle_time: str | None
    window_start: str | None
    candles: int
    extra: NotRequired[TimeframeExtra]


class ContextAnswer(TypedDict):
    valid: bool
    reason_if_invalid: str | None
    timeframe_decisions: list[TimeframeAnswer]


class WalkStepAnswer(TypedDict):
    """What the walk made of an execution timeframe. A group of which no member is known is null, undecided.

    ``left``: the walk went down from it; ``not_allowed``: 1m, and none of its conditions holds.
    """

    timeframe: str
    outcome: Literal[
        "selected", "selected_by_default", "left", "not_allowed", "not_a_candidate", "not_reached"
    ]
    stay: bool | None
    drop: bool | None
    forbid: bool | None


class ExecutionAnswer(TypedDict):
    """``metrics`` are what the profile's selector reads, null where unknown; ``walk`` is how it went. Both
    are empty where the first valid timeframe is taken, or none came to be looked at.
    """

    selected_timeframe: str | None
    selected_side: Literal["long", "short"] | None
    reason_if_none: str | None
    timeframe_decisions: list[TimeframeAnswer]
    metrics: dict[str, float | None]
    walk: list[WalkStepAnswer]


class ErrorAnswer(TypedDict):
    """``symbol`` is null where the run as a whole is meant."""

    symbol: str | None
    stage: str
    code: str
    message: str


class TradingDecision(TypedDict):
    """What trade entry did with a READY symbol; ``raw`` holds the plan, or the facts it was declined on.

    ``pending``: it goes on, and appears under ``GET /api/runs/{run_id}`` when it is known.
    """

    status: Literal["simulated", "submitted", "pending", "skipped", "error"]
    reason: str | None
    blocked_by: NotRequired[str]
    client_order_id: str | None
    exchange_order_id: str | None
    decision_key: str
    trade_id: str
    raw: dict[str, Any]


class SymbolAnswer(TypedDict):
    """One symbol. Prices are decimal texts; ``details`` are the candle counts the data gate read."""

    symbol: str
    status: SymbolStatus
    execution_tf: str | None
    signal_side: Literal["long", "short"] | None
    reason: str | None
    blocking_tf: str | None
    candle_time: str | None
    current_price: str | None
    atr: str | None
    validation_mode_used: str
    trade_entry_mode_used: str
    context: ContextAnswer
    execution: ExecutionAnswer
    trading_decision: TradingDecision | None
    details: dict[str, str | int | float | None]
    error: ErrorAnswer | None


class RunSummary(TypedDict):
    """``success_rate`` is READY symbols in percent of the processed ones.

    ``degraded``: the venue did not say what is open, so that nothing is placed. ``open_state``: who said it;
    null for a run about the past, which does not ask.
    """

    run_id: str
    status: RunStatus
    profile: str
    fingerprint: str
    validation_mode: str
    dry_run: bool
    degraded: bool
    open_state: Literal["venue", "database"] | None
    workers: int
    exchange: str
    market_type: str
    as_of: str
    started_at: str
    finished_at: str
    execution_time_seconds: float
    symbols_requested: int
    symbols_excluded: int
    symbols_processed: int
    symbols_ready: int
    symbols_invalid: int
    symbols_failed: int
    symbols_successful: int
    symbols_skipped: int
    success_rate: float


class ExcludedAnswer(TypedDict):
    """A symbol that was not looked at. The counts are null where nobody asked what is open; ``switch_key`` is
    the switch that is off, or goes off because of this, and ``switch_until`` when it comes on by itself.
    """

    symbol: str
    reason: str
    open_positions: int | None
    open_orders: int | None
    switch_key: str | None
    switch_was_off: bool
    switch_until: str | None


class SkippedPosition(TypedDict):
    symbol: str
    reason: str


class TpSlAnswer(TypedDict):
    """Open positions whose stop and target were moved to their real entry, and those that were let be."""

    moved: list[str]
    skipped: list[SkippedPosition]


class LastValidated(TypedDict):
    """A READY symbol and the timeframe above its execution timeframe; ``READY`` above 1m."""

    symbol: str
    side: Literal["long", "short"] | None
    timeframe: str | None


class OrderCount(TypedDict):
    total: int
    submitted: int
    simulated: int


class OrderAnswer(TypedDict):
    symbol: str
    status: str
    client_order_id: str | None
    exchange_order_id: str | None
    decision_key: str
    raw: dict[str, Any]


class OrdersPlaced(TypedDict):
    count: OrderCount
    orders: list[OrderAnswer]


class RunData(TypedDict):
    """``symbols`` has every requested symbol once, but for those in ``excluded``. ``tp_sl`` is null where
    stops and targets were not looked at.
    """

    run: RunSummary
    symbols: dict[str, SymbolAnswer]
    excluded: list[ExcludedAnswer]
    errors: list[ErrorAnswer]
    warnings: list[str]
    workers: int
    summary_by_tf: dict[str, list[str]]
    rejected_by: list[str]
    rejected_by_reason: dict[str, list[str]]
    last_validated: list[LastValidated]
    orders_placed: OrdersPlaced
    tp_sl: TpSlAnswer | None
    performance: Performance


class RunAnswer(TypedDict):
    status: RunStatus
    message: str
    data: RunData
