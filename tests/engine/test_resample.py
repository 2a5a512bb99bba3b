"""Longer candles from shorter ones: complete UTC buckets, equal to a group-by of polars."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shipped import columns, examples, recorded, without

from engine.candles import STEP_MS, TIMEFRAMES, CandleError, CandleSet, Timeframe, resample

LONGER: tuple[Timeframe, ...] = ("5m", "15m", "30m", "1h", "4h", "1d")


def by_polars(candles: CandleSet, timeframe: Timeframe) -> pl.DataFrame:
    """Buckets of an independent group-by; those with a missing part are dropped."""
    parts = STEP_MS[timeframe] // STEP_MS[candles.timeframe]
    frame = pl.DataFrame(columns(candles)).with_columns(
        pl.from_epoch("ts", time_unit="ms").dt.truncate(timeframe).dt.epoch("ms").alias("bucket")
    )
    return (
        frame.group_by("bucket", maintain_order=True)
        .agg(
            pl.len().alias("parts"),
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        .filter(pl.col("parts") == parts)
        .sort("bucket")
    )


def same(built: CandleSet, expected: pl.DataFrame) -> None:
    assert built.ts.tolist() == expected["bucket"].to_list()
    for name in ("open", "high", "low", "close"):
        assert getattr(built, name).tolist() == expected[name].to_list()
    assert np.allclose(built.volume, expected["volume"].to_numpy(), rtol=1e-12)


@pytest.mark.parametrize("timeframe", LONGER)
@pytest.mark.parametrize("symbol", ["BTCUSDT", "SUIUSDT"])
def test_recorded_candles_are_what_polars_makes_of_them(symbol: str, timeframe: Timeframe) -> None:
    built = resample(recorded(symbol), timeframe)
    assert len(built) > 7
    assert built.timeframe == timeframe
    same(built, by_polars(recorded(symbol), timeframe))


@given(
    st.lists(st.integers(0, 1999), max_size=40),
    st.integers(0, 700),
    st.integers(1, 1999),
    st.sampled_from(("5m", "15m", "1h", "4h")),
)
@examples(80)
def test_with_gaps_and_ragged_ends_only_complete_buckets_exist(
    missing: list[int], start: int, stop: int, timeframe: Timeframe
) -> None:
    part = recorded("ETHUSDT").between(0, 2000)
    drop = np.zeros(2000, dtype=np.bool_)
    drop[missing] = True
    drop[:start] = True
    drop[max(stop, start) :] = True
    holes = without(part, drop)
    same(resample(holes, timeframe), by_polars(holes, timeframe))


@given(st.integers(1, 3000))
@examples(40)
def test_a_bucket_that_is_built_never_changes_when_time_goes_on(stop: int) -> None:
    candles = recorded("XRPUSDT")
    before = resample(candles.between(0, stop), "15m")
    later = resample(candles.between(0, stop + 500), "15m")
    for name, column in columns(before).items():
        assert np.array_equal(column, getattr(later, name)[: len(before)])


@pytest.mark.parametrize(
    ("short", "long"), [(a, b) for a, b in product(TIMEFRAMES, repeat=2) if STEP_MS[a] <= STEP_MS[b]]
)
def test_the_way_over_another_timeframe_leads_to_the_same_candles(short: Timeframe, long: Timeframe) -> None:
    direct = recorded("AVAXUSDT", long)
    over = resample(recorded("AVAXUSDT", short), long)
    assert direct.ts.tolist() == over.ts.tolist()
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(direct, name), getattr(over, name))
    assert np.allclose(direct.volume, over.volume, rtol=1e-12)


def test_the_same_timeframe_is_the_same_candles() -> None:
    candles = recorded("BTCUSDT")
    assert resample(candles, "1m") is candles


@pytest.mark.parametrize(("short", "long"), [("5m", "1m"), ("1d", "4h"), ("15m", "5m")])
def test_shorter_candles_cannot_be_built(short: Timeframe, long: Timeframe) -> None:
    with pytest.raises(CandleError, match=f"cannot be built into {long}"):
        resample(recorded("BTCUSDT", short), long)


def test_of_nothing_nothing_is_built() -> None:
    assert len(resample(CandleSet.empty("X", "1m"), "1h")) == 0
    assert len(resample(recorded("BTCUSDT").between(0, 59), "1h")) == 0
    assert len(resample(recorded("BTCUSDT").between(1, 61), "1h")) == 0
    assert len(resample(recorded("BTCUSDT").between(0, 60), "1h")) == 1
