"""Candles are checked once at the door; after it the closed-bar law and the calendar hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shipped import examples, ms, recorded

from engine.candles import (
    STEP_MS,
    TIMEFRAMES,
    CandleError,
    CandleSet,
    Timeframe,
    anchor_of,
    period_bounds,
)

MINUTE = 60_000
SOUND: dict[str, Any] = {
    "ts": [0, MINUTE, 2 * MINUTE],
    "open": [10.0, 11.0, 12.0],
    "high": [11.5, 12.5, 13.5],
    "low": [9.5, 10.5, 11.5],
    "close": [11.0, 12.0, 13.0],
    "volume": [1.0, 0.0, 2.5],
}


def door(timeframe: Timeframe = "1m", **changed: Any) -> CandleSet:
    return CandleSet.from_columns("XUSDT", timeframe, **(SOUND | changed))


# -- the door ------------------------------------------------------------------------------------------------


def test_sound_candles_pass() -> None:
    candles = door()
    assert len(candles) == 3
    assert candles.ts.dtype == np.int64
    assert {getattr(candles, name).dtype for name in list(SOUND)[1:]} == {np.dtype(np.float64)}


@pytest.mark.parametrize(
    ("changed", "row", "message"),
    [
        ({"close": [11.0, 12.0]}, None, "the columns have different lengths"),
        ({"ts": [[0, MINUTE, 2 * MINUTE]]}, None, "the columns have different lengths"),
        ({"ts": [0, MINUTE + 1, 2 * MINUTE]}, 1, "the open time is not a multiple of 1m"),
        ({"ts": [0.0, MINUTE + 0.5, 2 * MINUTE]}, None, "the open times are not whole milliseconds"),
        ({"ts": [0.0, float("nan"), 2 * MINUTE]}, None, "the open times are not whole milliseconds"),
        ({"ts": ["0", "60000", "120000"]}, None, "the open times are not whole milliseconds"),
        ({"close": ["11", "12", "13"]}, None, "a column holds something else than numbers"),
        ({"low": [9.5, None, 11.5]}, None, "a column holds something else than numbers"),
        ({"ts": [0, MINUTE, MINUTE]}, 2, "the open time is a duplicate"),
        ({"ts": [MINUTE, 0, 2 * MINUTE]}, 1, "the open times are not ascending"),
        ({"close": [11.0, float("nan"), 13.0]}, 1, "close is not a finite number"),
        ({"high": [11.5, 12.5, float("inf")]}, 2, "high is not a finite number"),
        ({"volume": [1.0, float("nan"), 1.0]}, 1, "volume is not a finite number"),
        ({"low": [0.0, 10.5, 11.5]}, 0, "low is not positive"),
        ({"volume": [1.0, -0.1, 2.5]}, 1, "volume is negative"),
        ({"high": [11.5, 11.9, 13.5]}, 1, "high and low do not enclose open and close"),
        ({"low": [9.5, 11.1, 11.5]}, 1, "high and low do not enclose open and close"),
        ({"high": [9.0, 12.5, 13.5]}, 0, "high and low do not enclose open and close"),
    ],
)
def test_each_defect_is_turned_away_with_its_row(changed: Any, row: int | None, message: str) -> None:
    with pytest.raises(CandleError) as refused:
        door(**changed)
    place = "XUSDT 1m" if row is None else f"XUSDT 1m, row {row}"
    assert str(refused.value) == f"{place}: {message}"
    assert (refused.value.symbol, refused.value.timeframe, refused.value.row) == ("XUSDT", "1m", row)


def test_the_open_time_is_a_multiple_of_the_timeframes_own_step() -> None:
    assert len(door("1m")) == 3
    with pytest.raises(CandleError, match="not a multiple of 5m"):
        door("5m")


def test_gaps_are_no_defect() -> None:
    assert len(door(ts=[0, 5 * MINUTE, 60 * MINUTE])) == 3


def test_what_the_giver_does_to_his_arrays_later_changes_nothing() -> None:
    given_columns = {name: np.array(column, dtype=np.float64) for name, column in SOUND.items()}
    given_columns["ts"] = np.array(SOUND["ts"], dtype=np.int64)
    candles = CandleSet.from_columns("XUSDT", "1m", **given_columns)
    for column in given_columns.values():
        column[:] = -1
    assert candles.close.tolist() == SOUND["close"]
    assert candles.ts.tolist() == SOUND["ts"]


def test_columns_cannot_be_written_to() -> None:
    candles = door()
    for part in (candles, candles.between(0, 2), candles.closed(2 * MINUTE), candles.since(MINUTE)):
        with pytest.raises(ValueError, match="read-only"):
            part.close[0] = 1.0


def test_no_candles_are_candles() -> None:
    none = CandleSet.empty("XUSDT", "5m")
    assert len(none) == len(none.closed(10**15)) == len(none.since(0)) == 0
    assert len(CandleSet.from_columns("XUSDT", "5m", [], [], [], [], [], [])) == 0


# -- the closed-bar law --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "count"),
    [
        (0, 0),
        (MINUTE - 1, 0),
        (MINUTE, 1),
        (2 * MINUTE - 1, 1),
        (2 * MINUTE, 2),
        (3 * MINUTE, 3),
        (10**12, 3),
    ],
)
def test_a_candle_exists_from_the_instant_it_closes(as_of: int, count: int) -> None:
    assert len(door().closed(as_of)) == count


@pytest.mark.parametrize(("since", "count"), [(0, 3), (1, 2), (MINUTE, 2), (2 * MINUTE + 1, 0)])
def test_since_keeps_candles_that_open_at_the_instant_or_later(since: int, count: int) -> None:
    assert len(door().since(since)) == count


@given(st.integers(-5 * MINUTE, 12_460 * MINUTE), st.sampled_from(("1m", "5m", "1h", "4h")))
@examples(60)
def test_closed_and_since_are_the_law_row_by_row(offset: int, timeframe: Timeframe) -> None:
    candles = recorded("BTCUSDT", timeframe)
    at = int(candles.ts[0]) + offset
    assert candles.closed(at).ts.tolist() == [t for t in candles.ts.tolist() if t + STEP_MS[timeframe] <= at]
    assert candles.since(at).ts.tolist() == [t for t in candles.ts.tolist() if t >= at]


def test_steps_are_those_of_the_names() -> None:
    minutes = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440}
    assert {tf: STEP_MS[tf] // MINUTE for tf in TIMEFRAMES} == minutes


# -- the calendar --------------------------------------------------------------------------------------------

ANCHORS = (
    # anchor, an instant on a boundary, its anchor, the anchor one ms before, the end of the period
    ("previous_day", "2025-06-02T00:00Z", "2025-06-01T00:00Z", "2025-05-31T00:00Z", "2025-06-03T00:00Z"),
    ("previous_day", "2024-02-29T00:00Z", "2024-02-28T00:00Z", "2024-02-27T00:00Z", "2024-03-01T00:00Z"),
    ("previous_day", "2025-01-01T00:00Z", "2024-12-31T00:00Z", "2024-12-30T00:00Z", "2025-01-02T00:00Z"),
    ("previous_week", "2025-06-02T00:00Z", "2025-05-26T00:00Z", "2025-05-19T00:00Z", "2025-06-09T00:00Z"),
    ("previous_week", "2024-12-30T00:00Z", "2024-12-23T00:00Z", "2024-12-16T00:00Z", "2025-01-06T00:00Z"),
    ("previous_month", "2025-03-01T00:00Z", "2025-02-01T00:00Z", "2025-01-01T00:00Z", "2025-04-01T00:00Z"),
    ("previous_month", "2024-03-01T00:00Z", "2024-02-01T00:00Z", "2024-01-01T00:00Z", "2024-04-01T00:00Z"),
    ("previous_month", "2025-01-01T00:00Z", "2024-12-01T00:00Z", "2024-11-01T00:00Z", "2025-02-01T00:00Z"),
    ("previous_quarter", "2025-04-01T00:00Z", "2025-01-01T00:00Z", "2024-10-01T00:00Z", "2025-07-01T00:00Z"),
    ("previous_quarter", "2025-01-01T00:00Z", "2024-10-01T00:00Z", "2024-07-01T00:00Z", "2025-04-01T00:00Z"),
    ("previous_quarter", "2025-10-01T00:00Z", "2025-07-01T00:00Z", "2025-04-01T00:00Z", "2026-01-01T00:00Z"),
    ("previous_year", "2025-01-01T00:00Z", "2024-01-01T00:00Z", "2023-01-01T00:00Z", "2026-01-01T00:00Z"),
    ("previous_year", "2024-01-01T00:00Z", "2023-01-01T00:00Z", "2022-01-01T00:00Z", "2025-01-01T00:00Z"),
)


@pytest.mark.parametrize(("anchor", "boundary", "on", "before", "end"), ANCHORS)
def test_the_anchor_moves_exactly_at_the_boundary(
    anchor: Any, boundary: str, on: str, before: str, end: str
) -> None:
    at = ms(boundary)
    assert anchor_of(anchor, at - 1) == ms(before)
    assert anchor_of(anchor, at) == anchor_of(anchor, at + 1) == ms(on)
    assert period_bounds(anchor, at) == period_bounds(anchor, at + 1) == (at, ms(end))
    assert period_bounds(anchor, at - 1) == (ms(on), at)


@given(
    st.sampled_from([anchor for anchor, *_ in ANCHORS]),
    st.integers(ms("2017-01-01T00:00Z"), ms("2033-01-01T00:00Z")),
)
@examples(300)
def test_within_a_period_the_anchor_stands_still_and_is_the_start_of_the_one_before(
    anchor: Any, at: int
) -> None:
    start, end = period_bounds(anchor, at)
    assert start <= at < end
    assert {anchor_of(anchor, t) for t in (start, at, end - 1)} == {anchor_of(anchor, at)}
    assert anchor_of(anchor, at) == period_bounds(anchor, start - 1)[0]
    assert anchor_of(anchor, end) == start
    assert {period_bounds(anchor, t) for t in (start, end - 1)} == {(start, end)}


def test_a_period_is_never_so_short_that_the_anchor_leaves_too_little() -> None:
    """The shortest windows that ``facts.yaml`` relies on."""
    day = ms("2025-06-02T00:00Z")
    assert day - anchor_of("previous_day", day) == 1440 * MINUTE
    assert day - anchor_of("previous_week", day) == 7 * 1440 * MINUTE
