"""The shapes of answers to an operator's questions. The OpenAPI document is made from them."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from server.api.shapes import StoredDecision
from server.overview.shapes import OrderEntry

PhaseName = Literal["data", "context", "execution"]
SideOrNone = Literal["long", "short"] | None


class TimeframeSaid(TypedDict):
    """What one timeframe said, derived from the facts and rules stored with the run."""

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


class RunSymbol(StoredDecision):
    """``timeframe_decisions`` is null where this version does not decide as was decided then."""

    timeframe_decisions: list[TimeframeSaid] | None


class RunSymbolPage(TypedDict):
    """In the order of the run; ``total`` counts all pages."""

    items: list[RunSymbol]
    page: int
    page_size: int
    total: int


class NotRestored(TypedDict):
    """Runs that this version cannot decide again as they were decided; they are not counted."""

    cause: str
    runs: int


class AuditRow(TimeframeSaid):
    """What one timeframe said of one symbol in one run."""

    run_id: str
    as_of: str
    profile: str
    symbol: str


class AuditRows(TypedDict):
    """Newest run first; ``total`` counts all pages."""

    items: list[AuditRow]
    page: int
    page_size: int
    total: int
    not_restored: list[NotRestored]


class ReasonCount(TypedDict):
    status: str
    reason: str | None
    decisions: int


class EntryCount(TypedDict):
    status: str
    reason: str | None
    blocked_by: str | None
    decisions: int


class ExclusionCount(TypedDict):
    """``symbols``: how often a run left one out."""

    reason: str
    symbols: int


class TimeframeCount(TypedDict):
    """``blocked``: it is the one that turned the symbol away. ``data``: its candles did."""

    timeframe: str
    phase: PhaseName
    decisions: int
    blocked: int
    long: int
    short: int
    neutral: int
    invalid: int
    reasons: dict[str, int]


class RuleCount(TypedDict):
    """A condition where its timeframe was asked."""

    timeframe: str
    phase: PhaseName
    side: Literal["long", "short", "filter"]
    condition: str
    passes: int
    fails: int
    unknowns: int


_Statistics = TypedDict("_Statistics", {"from": str, "to": str})


class Statistics(_Statistics):
    """Of the runs from ``from`` up to ``to``."""

    profile: str | None
    symbol: str | None
    runs: int
    decisions: int
    by_reason: list[ReasonCount]
    trade_entry: list[EntryCount]
    excluded: list[ExclusionCount]
    by_timeframe: list[TimeframeCount]
    by_rule: list[RuleCount]
    not_restored: list[NotRestored]


_Segment = TypedDict("_Segment", {"from": str, "to": str})


class WhySegment(_Segment):
    """Runs in a row that came to the same. ``no_run``: nothing ran; ``not_in_run``: not with this symbol."""

    kind: Literal["decided", "excluded", "not_in_run", "no_run", "running", "interrupted", "failed"]
    status: str | None
    reason: str | None
    blocked_by: str | None
    side: SideOrNone
    runs: int
    last_run_id: str | None


class WhyBlocker(TypedDict):
    """A condition in the way. ``alone``: nothing else was; ``nearest_relative``: the least distance."""

    timeframe: str
    phase: str
    side: Literal["long", "short"]
    condition: str
    runs: int
    alone: int
    unknown: int
    nearest_relative: float | None


class WhyTimeframeOff(TypedDict):
    """A timeframe that was switched off for the symbol when it was asked."""

    timeframe: str
    phase: Literal["context", "execution"]
    runs: int
    first: str
    last: str


class WhyMiss(TypedDict):
    """How near it came to a signal: value, threshold and margin in ``obstacles``."""

    at: str
    run_id: str
    timeframe: str
    side: Literal["long", "short"]
    sentence: str
    obstacles: list[dict[str, Any]]


class WhyZone(TypedDict):
    """How far beyond the allowed deviation from the entry zone the skips were."""

    slightly_over: int
    over: int
    far: int
    within_limit: int
    nearest_deviation_ratio: str | None
    max_deviation_ratio: str | None
    at: str | None


class WhyEntry(TypedDict):
    """What trade entry came to; ``facts`` are those of the last time."""

    status: str
    reason: str | None
    blocked_by: str | None
    runs: int
    first: str
    last: str
    last_run_id: str
    facts: dict[str, Any]
    zone: WhyZone | None


class WhyProfile(TypedDict):
    """``sequence`` covers the whole period, without a gap."""

    profile: str
    runs: int
    by_status: dict[str, int]
    sequence: list[WhySegment]
    switched_off: list[WhyTimeframeOff]
    blockers: list[WhyBlocker]
    nearest: list[WhyMiss]
    trade_entry: list[WhyEntry]


_Why = TypedDict("_Why", {"from": str, "to": str})


class WhyAnswer(_Why):
    """Why there was no order for a symbol; ``orders`` are those there were."""

    symbol: str
    profiles: list[WhyProfile]
    orders: list[OrderEntry]
    orders_total: int
    not_restored: list[NotRestored]


class QueueDepth(TypedDict):
    """``waiting``: no process has begun it; ``under_way``: one has."""

    queue: str
    waiting: int
    oldest_waiting_at: str | None
    oldest_waiting_sec: float | None
    under_way: int
    oldest_under_way_at: str | None
    oldest_under_way_sec: float | None


class QueueFailure(TypedDict):
    """``retry``: the call that has it done again."""

    queue: str
    workflow_id: str
    failed_at: str
    error: str
    client_order_id: str | None
    symbol: str | None
    retry: str | None


class WaitingSymbol(TypedDict):
    """A symbol that the next run looks at."""

    symbol: str
    reason: str
    actor: str
    queued_at: str
    age_sec: float


class QueueState(TypedDict):
    """What waits; ``failed`` newest first, ``total`` counts all of them."""

    at: str
    queues: list[QueueDepth]
    failed: list[QueueFailure]
    page: int
    page_size: int
    total: int
    symbols: list[WaitingSymbol]
