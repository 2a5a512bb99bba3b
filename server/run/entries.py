"""Trade entry for the READY symbols of a run: their facts, then one decision each, several at a time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import structlog

from engine.candles import Timeframe
from engine.expression import FactRef
from engine.facts import Snapshot
from engine.models.exact import exact
from engine.verdict import Verdict
from server.run.deciders import Decider
from server.run.judged import Entry, Failure
from server.run.memory import ProfileMemory, entry_keys
from server.run.reasons import RunReason
from server.run.resolve import Resolved
from server.run.verdicts import Candles
from server.trade_entry import FactKey, FactValues, Signal

AT_ONCE = 16
"""Decisions that ask the venue at the same time."""

log = structlog.get_logger(__name__)


async def enter_all(
    pool: ThreadPoolExecutor,
    memory: ProfileMemory,
    run: Resolved,
    ready: Sequence[Verdict],
    candles: Candles,
    decider: Decider,
    done: Callable[[int], None],
) -> tuple[dict[str, Entry], dict[str, Failure]]:
    """A decision for every READY verdict, in their order; failures of symbols whose facts cannot be had."""
    loop = asyncio.get_running_loop()
    facts, failures = await loop.run_in_executor(pool, entry_facts, memory, ready, candles, run.as_of_ms)
    slots = asyncio.Semaphore(AT_ONCE)
    taken = [verdict for verdict in ready if verdict.symbol in facts]
    signals = {verdict.symbol: signal_of(verdict) for verdict in taken}
    decide_one = await decider([*signals.values()])

    async def one(verdict: Verdict) -> Entry:
        values = facts[verdict.symbol]
        async with slots:
            decision, failure = await decide_one(signals[verdict.symbol], values)
        done(1)
        return Entry(decision, _atr(verdict, values), failure)

    entries = await asyncio.gather(*(one(verdict) for verdict in taken))
    failures |= {
        verdict.symbol: entry.failure
        for verdict, entry in zip(taken, entries, strict=True)
        if entry.failure is not None
    }
    return {v.symbol: entry for v, entry in zip(taken, entries, strict=True)}, failures


def signal_of(verdict: Verdict) -> Signal:
    """A READY verdict as trade entry takes it."""
    price = verdict.price
    return Signal(
        symbol=verdict.symbol,
        side=verdict.side,
        execution_timeframe=verdict.execution_timeframe,
        candle_open_ms=verdict.candle_time if verdict.candle_time is not None else verdict.as_of,
        as_of_ms=verdict.as_of,
        profile=verdict.profile,
        price=None if price is None else exact(price),
        valid_timeframes=sum(
            decision.valid and decision.signal == verdict.side
            for decision in verdict.context.timeframe_decisions
        ),
    )


def entry_facts(
    memory: ProfileMemory, ready: Sequence[Verdict], candles: Candles, as_of_ms: int
) -> tuple[dict[str, FactValues], dict[str, Failure]]:
    """What trade entry reads, per symbol; computed together for each execution timeframe."""
    facts: dict[str, FactValues] = {}
    failures: dict[str, Failure] = {}
    for timeframe in memory.entry_plans:
        symbols = [verdict.symbol for verdict in ready if verdict.execution_timeframe == timeframe]
        if symbols:
            found, failed = _facts_of(memory, timeframe, symbols, candles, as_of_ms)
            facts |= found
            failures |= failed
    return facts, failures


def _facts_of(
    memory: ProfileMemory, timeframe: Timeframe, symbols: Sequence[str], candles: Candles, as_of_ms: int
) -> tuple[dict[str, FactValues], dict[str, Failure]]:
    try:
        return _batch_facts(memory, timeframe, symbols, candles, as_of_ms), {}
    except Exception as error:
        if len(symbols) == 1:
            log.exception("run.entry_facts_failed", symbol=symbols[0])
            message = f"computing its facts ended in {type(error).__name__}; the log has the details"
            failure = Failure(symbols[0], "trade_entry", RunReason.EVALUATION_ERROR, message)
            return {}, {symbols[0]: failure}
    facts: dict[str, FactValues] = {}
    failures: dict[str, Failure] = {}
    for symbol in symbols:
        found, failed = _facts_of(memory, timeframe, [symbol], candles, as_of_ms)
        facts |= found
        failures |= failed
    return facts, failures


def _batch_facts(
    memory: ProfileMemory, timeframe: Timeframe, symbols: Sequence[str], candles: Candles, as_of_ms: int
) -> dict[str, FactValues]:
    plans = memory.entry_plans[timeframe]
    by_pair = {(s, tf): candles[s][tf] for s in symbols for tf in candles[s]}
    source = Snapshot.of(plans, symbols, by_pair, as_of_ms, memory.entry_facts[timeframe])
    columns: list[tuple[FactKey, list[float]]] = [
        (key, source.column(FactRef(key[0], 0, key[1])).tolist())
        for key in entry_keys(memory.profile, timeframe)
    ]
    return {symbol: {key: values[row] for key, values in columns} for row, symbol in enumerate(symbols)}


def _atr(verdict: Verdict, values: FactValues) -> Decimal | None:
    value = None if verdict.execution_timeframe is None else values.get(("atr", verdict.execution_timeframe))
    return exact(value) if value is not None and math.isfinite(value) else None
