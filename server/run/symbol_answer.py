"""One symbol of the answer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

from engine.expression import FactRef
from engine.models.exact import exact
from engine.truth import OUTCOME_NAMES
from engine.verdict import TimeframeDecision, WalkStep
from server.instants import iso
from server.run.judged import Entry, Failure, Judged
from server.run.resolve import Resolved
from server.run.shapes import (
    ErrorAnswer,
    SymbolAnswer,
    TimeframeAnswer,
    TimeframeExtra,
    TradingDecision,
    WalkStepAnswer,
)
from server.trade_entry.quantise import plain


def symbol_answer(
    run: Resolved, judged: Judged, entry: Entry | None, failure: Failure | None
) -> SymbolAnswer:
    """A symbol with a verdict; ``failure`` is what went wrong after it."""
    verdict = judged.verdict
    context, execution = verdict.context, verdict.execution
    return {
        "symbol": verdict.symbol,
        "status": verdict.status,
        "execution_tf": verdict.execution_timeframe,
        "signal_side": verdict.side,
        "reason": verdict.reason,
        "blocking_tf": verdict.blocking_timeframe,
        "candle_time": _time(verdict.candle_time),
        "current_price": None if verdict.price is None else plain(exact(verdict.price)),
        "atr": None if entry is None or entry.atr is None else plain(entry.atr),
        "validation_mode_used": run.mode,
        "trade_entry_mode_used": run.profile.name,
        "context": {
            "valid": context.valid,
            "reason_if_invalid": context.reason_if_invalid,
            "timeframe_decisions": _timeframes(run, context.timeframe_decisions, judged),
        },
        "execution": {
            "selected_timeframe": execution.selected_timeframe,
            "selected_side": execution.selected_side,
            "reason_if_none": execution.reason_if_none,
            "timeframe_decisions": _timeframes(run, execution.timeframe_decisions, judged),
            "metrics": dict(execution.metrics),
            "walk": [_step(step) for step in execution.walk],
        },
        "trading_decision": None if entry is None else cast(TradingDecision, dict(entry.decision)),
        "details": cast("dict[str, str | int | float | None]", dict(verdict.details)),
        "error": None if failure is None else error_answer(failure),
    }


def failed_answer(run: Resolved, symbol: str, failure: Failure) -> SymbolAnswer:
    """A symbol without a verdict."""
    return {
        "symbol": symbol,
        "status": "ERROR",
        "execution_tf": None,
        "signal_side": None,
        "reason": failure.code,
        "blocking_tf": failure.timeframe,
        "candle_time": None,
        "current_price": None,
        "atr": None,
        "validation_mode_used": run.mode,
        "trade_entry_mode_used": run.profile.name,
        "context": {"valid": False, "reason_if_invalid": failure.code, "timeframe_decisions": []},
        "execution": {
            "selected_timeframe": None,
            "selected_side": None,
            "reason_if_none": failure.code,
            "timeframe_decisions": [],
            "metrics": {},
            "walk": [],
        },
        "trading_decision": None,
        "details": {},
        "error": error_answer(failure),
    }


def error_answer(failure: Failure) -> ErrorAnswer:
    """An entry of ``errors``."""
    return {
        "symbol": failure.symbol,
        "stage": failure.stage,
        "code": failure.code,
        "message": failure.message,
    }


def _timeframes(
    run: Resolved, decisions: Iterable[TimeframeDecision], judged: Judged
) -> list[TimeframeAnswer]:
    """All of them, or the one that was asked for."""
    wanted = run.current_tf
    return [_timeframe(d, judged, run.verbose) for d in decisions if wanted in (None, d.timeframe)]


def _timeframe(decision: TimeframeDecision, judged: Judged, verbose: bool) -> TimeframeAnswer:
    answer: TimeframeAnswer = {
        "timeframe": decision.timeframe,
        "phase": decision.phase,
        "signal": decision.signal,
        "valid": decision.valid,
        "invalid_reason": decision.invalid_reason,
        "rules_passed": list(decision.rules_passed),
        "rules_failed": list(decision.rules_failed),
        "rules_unknown": list(decision.rules_unknown),
        "filters_failed": list(decision.filters_failed),
        "missing_facts": list(decision.missing_facts),
        "candle_time": _time(decision.candle_time),
        "window_start": _time(decision.window_start),
        "candles": decision.candles,
    }
    if verbose:
        answer["extra"] = _extra(decision.timeframe, judged)
    return answer


def _step(step: WalkStep) -> WalkStepAnswer:
    return {
        "timeframe": step.timeframe,
        "outcome": step.outcome,
        "stay": step.stay,
        "drop": step.drop,
        "forbid": step.forbid,
    }


def _extra(timeframe: str, judged: Judged) -> TimeframeExtra:
    batch, row = judged.batch, judged.row
    program = batch.rules.timeframes[timeframe]
    values = batch.columns[timeframe][:, row].tolist()
    codes = batch.codes[timeframe][:, row].tolist()
    return {
        "facts": {
            _fact_name(ref, timeframe): value if math.isfinite(value) else None
            for ref, value in zip(program.program.refs, values, strict=True)
        },
        "conditions": {label: OUTCOME_NAMES[code] for label, code in zip(program.labels, codes, strict=True)},
    }


def _fact_name(ref: FactRef, timeframe: str) -> str:
    """``macd_hist[1]`` on the timeframe at hand, ``ema_20["1h"]`` on another."""
    return str(ref._replace(timeframe=None) if ref.timeframe == timeframe else ref)


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)
