"""Symbols whose candles cannot be had."""

from __future__ import annotations

import structlog

from server.exchange.errors import ExchangeError
from server.market import CandleFailure
from server.run.judged import Failure
from server.run.reasons import RunReason

log = structlog.get_logger(__name__)


def without_candles(failed: CandleFailure, limit_sec: float) -> Failure:
    """What a venue raises on purpose is told as it is; anything else is only in the log."""
    error, symbol, timeframe = failed.error, failed.symbol, failed.timeframe
    if isinstance(error, TimeoutError):
        message = f"its {timeframe} candles took longer than {limit_sec:g} s (symbol_timeout_sec)"
        return Failure(symbol, "candles", RunReason.SYMBOL_TIMEOUT, message, timeframe)
    if isinstance(error, ExchangeError):
        message = str(error)
    else:
        log.error("run.candles_failed", symbol=symbol, timeframe=timeframe, exc_info=error)
        message = f"reading them ended in {type(error).__name__}; the log has the details"
    return Failure(symbol, "candles", RunReason.CANDLES_UNAVAILABLE, message, timeframe)
