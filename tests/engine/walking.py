"""Profiles that walk over 15m, 5m and 1m; their context is 1h, and ``rsi`` says the side as in ``staged``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staged import decided, small

from engine.verdict import ProfileRules, VerdictBatch

TIMEFRAMES = ("15m", "5m", "1m")
LONG, SHORT, NONE = 70.0, 30.0, 50.0
SIDES = {"long": ["up"], "short": ["down"]}

Metrics = Mapping[str, float | None]


def walking(per_timeframe: Mapping[str, Any], **selector: Any) -> ProfileRules:
    """The groups of each timeframe, and the rest of the selector."""
    return small(
        context_timeframes=["1h"],
        execution_timeframes=list(TIMEFRAMES),
        timeframes=dict.fromkeys(("1h", *TIMEFRAMES), SIDES),
        execution_selector={"strategy": "walk", "per_timeframe": dict(per_timeframe)} | selector,
    )


def facts(valid: Sequence[str], side: float = LONG, other: float = NONE) -> dict[str, float | None]:
    """``valid`` timeframes have the context's side."""
    return {"rsi@1h": side} | {f"rsi@{tf}": side if tf in valid else other for tf in TIMEFRAMES}


def walk(rules: ProfileRules, valid: Sequence[str], metrics: Metrics, side: float = LONG) -> VerdictBatch:
    """One row."""
    return decided(rules, [facts(valid, side)], metrics=[metrics])


def outcomes(batch: VerdictBatch, row: int = 0) -> dict[str, str]:
    """What became of each timeframe."""
    return {step.timeframe: step.outcome for step in batch.verdict(row).execution.walk}
