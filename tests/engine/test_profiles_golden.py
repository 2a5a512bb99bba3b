"""Every shipped profile finds entries in recorded markets; at these minutes, and at their neighbours, so and
not otherwise.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import told
from shipped import ms, ruleset
from syrupy.assertion import SnapshotAssertion

from engine.candles import CandleSet, Timeframe, resample
from engine.facts import History
from engine.verdict import VerdictBatch, decide
from server.exchange.paper.parquet import read_columns

MINUTE_MS = 60_000
TIMEFRAMES: tuple[Timeframe, ...] = ("1m", "5m", "15m", "1h", "4h")

READY = [
    # profile, set, symbol, instant, side, execution timeframe
    ("regular", "2025-05", "BTCUSDT", "2025-05-26T16:00Z", "long", "15m"),
    ("regular", "2025-05", "ETHUSDT", "2025-05-26T12:00Z", "long", "5m"),
    ("regular", "2025-05", "ETHUSDT", "2025-05-28T05:48Z", "long", "1m"),
    ("regular", "2025-05", "XRPUSDT", "2025-05-31T00:10Z", "short", "5m"),
    ("regular", "2025-05", "XRPUSDT", "2025-05-31T00:04Z", "short", "1m"),
    ("scalper", "2025-05", "BTCUSDT", "2025-05-26T07:20Z", "long", "5m"),
    ("scalper", "2025-05", "ETHUSDT", "2025-05-26T08:01Z", "long", "1m"),
    ("scalper", "2025-05", "BTCUSDT", "2025-05-28T14:00Z", "short", "5m"),
    ("scalper", "2025-05", "BTCUSDT", "2025-05-28T14:11Z", "short", "1m"),
    ("scalper_micro", "2025-05", "BTCUSDT", "2025-05-26T15:20Z", "long", "1m"),
    ("scalper_micro", "2025-05", "BTCUSDT", "2025-05-26T14:23Z", "short", "1m"),
    ("crash", "2025-05", "BTCUSDT", "2025-05-30T01:00Z", "short", "15m"),
    ("crash", "2025-05", "BTCUSDT", "2025-05-30T09:40Z", "short", "5m"),
]


@cache
def candles(folder: Path, symbol: str) -> dict[str, CandleSet]:
    """What was recorded of a symbol; a timeframe that was not is built from 1m."""
    found: dict[str, CandleSet] = {}
    for timeframe in TIMEFRAMES:
        file = folder / f"{symbol}-{timeframe}.parquet"
        if file.exists():
            found[timeframe] = CandleSet.from_columns(symbol, timeframe, *read_columns(file))
        else:
            found[timeframe] = resample(found["1m"], timeframe)
    return found


def verdicts(profile: str, folder: Path, symbol: str, first: str, minutes: int) -> VerdictBatch:
    rules = ruleset().profiles[profile].rules
    as_of = ms(first) + MINUTE_MS * np.arange(minutes, dtype=np.int64)
    return decide(rules, History(rules.plans, symbol, candles(folder, symbol), as_of))


@pytest.mark.parametrize(
    ("profile", "kept_in", "symbol", "instant", "side", "timeframe"),
    READY,
    ids=[f"{r[0]}-{r[4]}-{r[5]}" for r in READY],
)
def test_ready(
    market_data: Path,
    golden: SnapshotAssertion,
    profile: str,
    kept_in: str,
    symbol: str,
    instant: str,
    side: str,
    timeframe: str,
) -> None:
    batch = verdicts(profile, market_data / "klines" / kept_in, symbol, instant, 1)
    verdict = batch.verdict(0)
    assert (verdict.status, verdict.side, verdict.execution_timeframe) == ("READY", side, timeframe)
    before = told.iso(ms(instant) - MINUTE_MS)
    assert before is not None
    around = verdicts(profile, market_data / "klines" / kept_in, symbol, before, 3)
    assert {
        "whole": told.verdict(batch, 0),
        "neighbours": {told.iso(int(around.as_of[row])): told.in_brief(around, row) for row in (0, 2)},
    } == golden


@pytest.mark.parametrize("profile", ["regular", "scalper", "scalper_micro", "crash"])
def test_a_week(market_data: Path, golden: SnapshotAssertion, profile: str) -> None:
    """How often a profile says what, over every minute of a week and four symbols."""
    counts: dict[str, int] = {}
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"):
        batch = verdicts(profile, market_data / "klines/2025-05", symbol, "2025-05-27T00:00Z", 7 * 1440)
        for row in range(len(batch)):
            verdict = batch.reason(row)
            if verdict is None:
                ready = batch.verdict(row)
                verdict = f"READY {ready.side} on {ready.execution_timeframe}"
            counts[verdict] = counts.get(verdict, 0) + 1
    assert sum(counts.values()) == 4 * 7 * 1440
    sides = {name.split()[1] for name in counts if name.startswith("READY")}
    assert sides == ({"short"} if profile == "crash" else {"long", "short"})
    assert dict(sorted(counts.items())) == golden
