"""Verdicts of many symbols: split into shares, each decided over columns in a thread of its own."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from engine.candles import CandleSet, Timeframe
from engine.facts import Snapshot
from engine.verdict import decide
from server.run.judged import Failure, Judged, RunStage
from server.run.memory import ProfileMemory
from server.run.reasons import RunReason
from server.run.switched_off import TimeframesOff, rows_off

Candles = Mapping[str, Mapping[Timeframe, CandleSet]]

Decided = tuple[list[Judged], list[Failure]]
"""Verdicts of the symbols of a share, and failures of the others."""

log = structlog.get_logger(__name__)


def timed_out(symbol: str, stage: RunStage, doing: str, limit_sec: float) -> Failure:
    """The failure of a symbol that ``doing`` took too long for."""
    message = f"{doing} took longer than {limit_sec:g} s (symbol_timeout_sec)"
    return Failure(symbol, stage, RunReason.SYMBOL_TIMEOUT, message)


def shares(symbols: Sequence[str], count: int) -> list[Sequence[str]]:
    """At most ``count`` shares of neighbours whose sizes differ by no more than one; none is empty."""
    count = max(1, min(count, len(symbols)))
    size, more = divmod(len(symbols), count)
    bounds = [i * size + min(i, more) for i in range(count + 1)]
    return [symbols[a:b] for a, b in itertools.pairwise(bounds) if b > a]


async def decide_all(
    pool: ThreadPoolExecutor,
    memory: ProfileMemory,
    symbols: Sequence[str],
    candles: Candles,
    as_of_ms: int,
    mode: str,
    workers: int,
    limit_sec: float,
    done: Callable[[int], None],
    off: TimeframesOff = (),
) -> tuple[dict[str, Judged], dict[str, Failure]]:
    """Verdicts in the order of ``symbols``, and failures. The same for every number of workers.

    A share that takes longer than ``limit_sec`` is begun again symbol by symbol, each with that limit, so
    that only the culprit is lost. ``done`` is told, on the event loop, how many symbols each finished share
    had.
    """
    loop = asyncio.get_running_loop()

    async def within_limit(share: Sequence[str]) -> Decided:
        thread = loop.run_in_executor(pool, decide_share, memory, share, candles, as_of_ms, mode, off)
        try:
            # A thread cannot be stopped: what it comes to is not waited for any longer.
            return await asyncio.wait_for(asyncio.shield(thread), limit_sec)
        except TimeoutError:
            if len(share) == 1:
                log.error("run.evaluation_timed_out", symbol=share[0], limit_sec=limit_sec)
                return [], [timed_out(share[0], "mtf_execution", "deciding", limit_sec)]
        alone = [await within_limit([symbol]) for symbol in share]
        return [j for found, _ in alone for j in found], [f for _, failed in alone for f in failed]

    async def one(share: Sequence[str]) -> Decided:
        answer = await within_limit(share)
        done(len(share))
        return answer

    answers = await asyncio.gather(*(one(share) for share in shares(symbols, workers)))
    judged = {j.verdict.symbol: j for found, _ in answers for j in found}
    failures = {f.symbol: f for _, failed in answers for f in failed if f.symbol is not None}
    return judged, failures


def decide_share(
    memory: ProfileMemory,
    symbols: Sequence[str],
    candles: Candles,
    as_of_ms: int,
    mode: str,
    off: TimeframesOff = (),
) -> Decided:
    """All symbols in one batch; should that fail, one by one, so that only the culprit is lost."""
    try:
        return decide_batch(memory, symbols, candles, as_of_ms, mode, off), []
    except Exception as error:
        if len(symbols) == 1:
            log.exception("run.evaluation_failed", symbol=symbols[0])
            message = f"deciding ended in {type(error).__name__}; the log has the details"
            return [], [Failure(symbols[0], "mtf_execution", RunReason.EVALUATION_ERROR, message)]
    alone = [decide_share(memory, [symbol], candles, as_of_ms, mode, off) for symbol in symbols]
    return [j for found, _ in alone for j in found], [f for _, failed in alone for f in failed]


def decide_batch(
    memory: ProfileMemory,
    symbols: Sequence[str],
    candles: Candles,
    as_of_ms: int,
    mode: str,
    off: TimeframesOff = (),
) -> list[Judged]:
    """One batch, as facts and rules see it; raises whatever they raise."""
    rules = memory.profile.rules
    by_pair = {
        (symbol, timeframe): candles[symbol][timeframe] for symbol in symbols for timeframe in candles[symbol]
    }
    source = Snapshot.of(rules.plans, symbols, by_pair, as_of_ms, memory.verdict_facts)
    batch = decide(rules, source, mode, switched_off=rows_off(symbols, off))
    return [Judged(batch.verdict(row), batch, row) for row in range(len(batch))]
