"""The spread of symbols whose execution timeframe may turn on it; nobody else's book is asked for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import structlog

from engine.verdict import VerdictBatch, decide_again
from engine.verdict.selection import wanting
from server.exchange.errors import ExchangeError
from server.exchange.port import Exchange
from server.run.judged import Judged
from server.trade_entry.slippage import spread_bps

SPREAD = "spread_bps"
"""The metric that a run hands in."""

AT_ONCE = 16
"""Books that are asked for at the same time."""

MS_PER_SEC = 1000

log = structlog.get_logger(__name__)


async def with_spreads(
    venue: Exchange,
    judged: Mapping[str, Judged],
    as_of_ms: int,
    max_book_age_sec: int,
    limit_sec: float,
) -> dict[str, Judged]:
    """The verdicts, decided again with the spread where it may matter.

    A book that cannot be had within ``limit_sec``, is older than ``max_book_age_sec`` or has no positive
    prices leaves the spread unknown, which neither keeps nor drops a timeframe.
    """
    batches = {id(one.batch): one.batch for one in judged.values()}
    rows = {key: _rows(batch) for key, batch in batches.items()}
    wanted = [symbol for symbol, one in judged.items() if one.row in rows[id(one.batch)]]
    if not wanted:
        return dict(judged)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(symbol: str) -> float:
        async with slots:
            return await _spread(venue, symbol, as_of_ms, max_book_age_sec, limit_sec)

    found = dict(zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True))
    return _again(judged, {symbol: spread for symbol, spread in found.items() if math.isfinite(spread)})


def _rows(batch: VerdictBatch) -> frozenset[int]:
    """Rows of a batch whose selection may turn on the spread."""
    if batch.rules.walk is None or batch.walk is None:
        return frozenset()
    return frozenset(np.flatnonzero(wanting(batch.rules.walk, batch.walk, SPREAD)).tolist())


async def _spread(
    venue: Exchange, symbol: str, as_of_ms: int, max_book_age_sec: int, limit_sec: float
) -> float:
    try:
        async with asyncio.timeout(limit_sec):
            book = await venue.top_of_book(symbol, as_of_ms)
    except (ExchangeError, TimeoutError) as error:
        log.info("run.spread_unknown", symbol=symbol, error=str(error))
        return math.nan
    if as_of_ms - book.at_ms > max_book_age_sec * MS_PER_SEC or not 0 < book.bid <= book.ask:
        return math.nan
    return float(spread_bps(book))


def _again(judged: Mapping[str, Judged], spreads: Mapping[str, float]) -> dict[str, Judged]:
    """Every batch that holds one of these symbols, decided again as a whole."""
    batches: dict[int, VerdictBatch] = {}
    for symbol in spreads:
        batch = judged[symbol].batch
        if id(batch) not in batches:
            column = np.array([spreads.get(name, math.nan) for name in batch.symbols])
            batches[id(batch)] = decide_again(batch, {SPREAD: column})
    return {
        symbol: one
        if (batch := batches.get(id(one.batch))) is None
        else replace(one, batch=batch, verdict=batch.verdict(one.row))
        for symbol, one in judged.items()
    }
