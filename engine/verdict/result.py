"""One verdict, as a reader wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.models.base import Phase, Side, Timeframe
from engine.verdict.selection import StepName

SignalName = Literal["long", "short", "neutral", "invalid"]
Status = Literal["READY", "INVALID"]


@dataclass(frozen=True, slots=True)
class TimeframeDecision:
    """What one timeframe says. Times are ms UTC, ``candle_time`` the open time of the newest closed candle.

    Rule names are labels of conditions: the ones of both sides and of the filters.
    """

    timeframe: str
    phase: Phase
    signal: SignalName
    valid: bool
    invalid_reason: str | None
    rules_passed: tuple[str, ...]
    rules_failed: tuple[str, ...]
    rules_unknown: tuple[str, ...]
    filters_failed: tuple[str, ...]
    missing_facts: tuple[str, ...]
    candle_time: int | None
    window_start: int | None
    candles: int
    price: float | None


@dataclass(frozen=True, slots=True)
class ContextDecision:
    """May this symbol be traded at all, and in which direction?"""

    valid: bool
    reason_if_invalid: str | None
    side: Side | None
    mode: str
    timeframe_decisions: tuple[TimeframeDecision, ...] = ()


@dataclass(frozen=True, slots=True)
class WalkStep:
    """What the walk made of one execution timeframe; a group without a known member is None, undecided."""

    timeframe: str
    outcome: StepName
    stay: bool | None
    drop: bool | None
    forbid: bool | None


@dataclass(frozen=True, slots=True)
class ExecutionDecision:
    """On which timeframe would the order be built?

    ``metrics`` are what the profile's selector reads, None where unknown; ``walk`` is how it went, empty
    where the first valid timeframe is taken.
    """

    selected_timeframe: str | None
    selected_side: Side | None
    reason_if_none: str | None
    timeframe_decisions: tuple[TimeframeDecision, ...] = ()
    metrics: Mapping[str, float | None] = field(default_factory=dict[str, "float | None"])
    walk: tuple[WalkStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """READY with a side and an execution timeframe, or INVALID with one reason."""

    symbol: str
    as_of: int
    profile: str
    fingerprint: str
    status: Status
    side: Side | None
    execution_timeframe: Timeframe | None
    reason: str | None
    blocking_timeframe: str | None
    context: ContextDecision
    execution: ExecutionDecision
    details: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def candle_time(self) -> int | None:
        """Open time of the execution timeframe's candle (ms UTC); ``None`` unless READY."""
        decisions = self.execution.timeframe_decisions
        return next((d.candle_time for d in decisions if d.timeframe == self.execution_timeframe), None)

    @property
    def price(self) -> float | None:
        """Close of the shortest timeframe that was looked at."""
        decisions = (*self.execution.timeframe_decisions, *self.context.timeframe_decisions)
        return next((d.price for d in decisions if d.price is not None), None)
