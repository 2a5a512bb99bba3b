"""Whole runs of 200 symbols for each shipped profile, one after the other, by one runner.

Their long timeframes reach back a year and more: what the recording does not have of that is the
recording again, day for day, so often before itself.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from bench.peer import indicators_alone
from bench.run import MINUTE_MS, SYMBOLS, Stages, counted, market, settings_of, stages_of
from bench.table import Row, Tell, span
from engine.candles import STEP_MS, CandleSet, Timeframe, resample
from server.instants import at
from server.run import RunRequest
from server.run.judged import Judged
from server.service import service
from server.settings import Settings

BEGIN_MS = at("2025-06-02T00:01:00Z")
ROUNDS = 5
NEW_RATIO, OLD_RATIO = 4.0, 1.0
"""What a run may take, as a multiple of what TA-Lib alone takes for the same indicators."""

STEP = 4 * 60 * MINUTE_MS
DAY_MS = 24 * 60 * MINUTE_MS
DAYS, BEFORE = 8, 66
"""The recording is so many whole days long, and is there so often before itself: for a year and a half."""

LONG: tuple[Timeframe, ...] = ("15m", "1h", "4h")
Rounds = list[dict[str, Stages]]


def run(tell: Tell) -> list[Row]:
    """Four hours later each round, so that the longest candle is new, too; then the same run again."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tell(f"writing the candles of {SYMBOLS} symbols")
        symbols = market(folder / "candles")
        _lengthen(folder / "candles", symbols)
        fresh, reused, alone = asyncio.run(_measure(settings_of(folder), symbols, tell))
    rows = [*_rows("every candle new", fresh), *_rows("facts reused", reused)]
    new, old = (min(map(_total, rounds)) / alone for rounds in (fresh, reused))
    return [
        *rows,
        Row("TA-Lib alone on the same candles", span(alone)),
        Row("    every candle new, in such", f"{new:,.1f} ×", f"≤ {NEW_RATIO:g} ×", new <= NEW_RATIO),
        Row("    facts reused, in such", f"{old:,.2f} ×", f"≤ {OLD_RATIO:g} ×", old <= OLD_RATIO),
    ]


def _lengthen(folder: Path, symbols: Sequence[str]) -> None:
    """Writes what was before the one-minute candles of ``folder``, for the long timeframes."""
    before = np.arange(-BEFORE, 0)
    for symbol in symbols:
        table = pq.read_table(folder / f"{symbol}-1m.parquet")
        columns = [table[name].to_numpy() for name in table.column_names]
        minutes = CandleSet.from_columns(symbol, "1m", *columns)
        first = int(minutes.ts[0])
        for timeframe in LONG:
            size = DAYS * DAY_MS // STEP_MS[timeframe]
            candles = resample(minutes, timeframe).between(0, size)
            instants = (before[:, None] * DAYS * DAY_MS + candles.ts).ravel()
            prices = (candles.open, candles.high, candles.low, candles.close, candles.volume)
            values = [instants, *(np.tile(column, BEFORE) for column in prices)]
            assert first % DAY_MS == 0
            longer = pa.table(dict(zip(table.column_names, values, strict=True)))
            pq.write_table(longer, folder / f"{symbol}-{timeframe}.parquet", compression="none")


async def _measure(settings: Settings, symbols: tuple[str, ...], tell: Tell) -> tuple[Rounds, Rounds, float]:
    fresh: Rounds = []
    reused: Rounds = []
    async with service(settings) as open_service:
        profiles = open_service.rulesets.current.profiles

        async def each(at_ms: int) -> dict[str, Stages]:
            spent: dict[str, Stages] = {}
            for name in profiles:
                request = RunRequest(symbols=symbols, as_of_ms=at_ms, profile=name, actor="bench")
                result = await open_service.runner.run(request)
                _decided(name, result.findings.judged.values())
                spent[name] = stages_of(result)
            return spent

        for round_ in range(ROUNDS + 1):
            tell(f"round {round_} of {ROUNDS}")
            at_ms = BEGIN_MS + round_ * STEP
            spent = await each(at_ms)
            if round_:  # the first reads the files
                fresh.append(spent)
            reused.append(await each(at_ms))
        rules = [profile.rules for profile in profiles.values()]
        alone = await indicators_alone(open_service.venues["paper"], rules, symbols, at_ms)
    return fresh, reused, alone


def _decided(name: str, judged: Iterable[Judged]) -> None:
    """A symbol whose candles do not suffice is told so without its facts, and would be too quick."""
    for one in judged:
        if one.verdict.reason in ("not_enough_klines", "klines_have_gaps", "klines_stale"):
            raise RuntimeError(f"{name}: {one.verdict.symbol} is {one.verdict.reason}")


def _total(spent: dict[str, Stages]) -> float:
    return sum(map(counted, spent.values()))


def _rows(what: str, rounds: Rounds) -> list[Row]:
    best = min(rounds, key=_total)
    rows = [Row(f"{what}: to answers with reasons", span(_total(best)))]
    return rows + [Row(f"    {name}", span(counted(stages))) for name, stages in best.items()]
