"""Verdicts as golden files hold them: times as text, numbers with six digits, no fingerprint."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from engine.explain import explain
from engine.verdict import TimeframeDecision, VerdictBatch

Told = dict[str, Any]


def iso(at: int | None) -> str | None:
    """ms UTC as text."""
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def short(value: Any) -> Any:
    """Numbers as text, so that the last digits of a library's version do not matter."""
    match value:
        case float():
            return f"{value + 0.0:.6g}"
        case dict():
            return {key: short(inner) for key, inner in value.items()}
        case list() | tuple():
            return [short(inner) for inner in value]
        case _:
            return value


def timeframe(decision: TimeframeDecision) -> Told:
    """One timeframe's decision, without what is empty."""
    said = {
        "timeframe": decision.timeframe,
        "phase": decision.phase,
        "signal": decision.signal,
        "valid": decision.valid,
        "invalid_reason": decision.invalid_reason,
        "passed": list(decision.rules_passed),
        "failed": list(decision.rules_failed),
        "unknown": list(decision.rules_unknown),
        "filters_failed": list(decision.filters_failed),
        "missing_facts": list(decision.missing_facts),
        "candle_time": iso(decision.candle_time),
        "window_start": iso(decision.window_start),
        "candles": decision.candles,
        "price": short(decision.price),
    }
    return {name: value for name, value in said.items() if value not in (None, [])}


def verdict(batch: VerdictBatch, row: int) -> Told:
    """A verdict, what was nearest, and the sentence that says why."""
    why = explain(batch, row)
    said = why.verdict
    return {
        "symbol": said.symbol,
        "as_of": iso(said.as_of),
        "status": said.status,
        "side": said.side,
        "execution_timeframe": said.execution_timeframe,
        "reason": said.reason,
        "blocking_timeframe": said.blocking_timeframe,
        "details": dict(said.details),
        "context": {
            "valid": said.context.valid,
            "reason_if_invalid": said.context.reason_if_invalid,
            "side": said.context.side,
            "mode": said.context.mode,
            "timeframes": [timeframe(decision) for decision in said.context.timeframe_decisions],
        },
        "execution": {
            "selected_timeframe": said.execution.selected_timeframe,
            "selected_side": said.execution.selected_side,
            "reason_if_none": said.execution.reason_if_none,
            "timeframes": [timeframe(decision) for decision in said.execution.timeframe_decisions],
        },
        "sentence": why.sentence,
        "nearest": [miss.sentence for miss in why.nearest],
    }


def in_brief(batch: VerdictBatch, row: int) -> Told:
    """One line of a run, and the sentence."""
    said = verdict(batch, row)
    names = ("status", "side", "execution_timeframe", "reason", "blocking_timeframe", "sentence")
    return {name: said[name] for name in names if said[name] is not None}
