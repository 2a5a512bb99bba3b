"""Where candles come from, what is forming, and that nothing after the clock is ever seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import START_MS, candles, columns, same

from engine.candles import STEP_MS, CandleSet, Timeframe, resample
from server.exchange.errors import CandlesUnavailable
from server.exchange.paper.catalogue import read_catalogue
from server.exchange.paper.errors import CandleFileBroken
from server.exchange.paper.history import SymbolHistory

Write = Callable[[str, dict[str, Any]], Path]
MINUTE_MS = 60_000
EVER = (0, 2**50)


def history(folder: Path, symbol: str = "ANYUSDT") -> SymbolHistory:
    return SymbolHistory(symbol, read_catalogue(folder).files[symbol])


def test_a_longer_candle_is_built_from_minutes(write: Write, tmp_path: Path) -> None:
    minutes = candles("1m", 67)
    write("ANYUSDT-1m.parquet", columns(minutes))
    assert same(history(tmp_path).series("5m"), resample(minutes, "5m"))
    assert len(history(tmp_path).series("5m")) == 13
    assert len(history(tmp_path).series("1h")) == 1
    assert len(history(tmp_path).series("4h")) == 0


def test_minutes_win_over_the_file_and_the_file_fills_what_they_do_not_cover(
    write: Write, tmp_path: Path
) -> None:
    minutes = columns(candles("1m", 60))
    kept = np.arange(60) != 31  # one minute is missing, so the candle of 00:30 cannot be built
    write("ANYUSDT-1m.parquet", {name: column[kept] for name, column in minutes.items()})
    own = candles("5m", 14, start_ms=START_MS - 10 * MINUTE_MS, seed=2)
    write("ANYUSDT-5m.parquet", columns(own))
    series = history(tmp_path).series("5m")
    assert same(series.closed(START_MS), own.closed(START_MS))  # before the first minute: the file
    built = resample(candles("1m", 60), "5m")
    bucket = (series.ts - START_MS) // STEP_MS["5m"]
    for row in range(2, len(series)):
        source = own.between(row, row + 1) if bucket[row] == 6 else built.between(row - 2, row - 1)
        assert same(series.between(row, row + 1), source)


def test_without_minutes_the_file_of_the_timeframe_is_taken_even_if_a_shorter_one_is_there(
    write: Write, tmp_path: Path
) -> None:
    own = candles("15m", 4, seed=2)
    write("ANYUSDT-5m.parquet", columns(candles("5m", 24)))
    write("ANYUSDT-15m.parquet", columns(own))
    assert same(history(tmp_path).series("15m"), own)
    assert same(history(tmp_path).series("30m"), resample(candles("5m", 24), "30m"))


def test_a_timeframe_shorter_than_all_files_is_an_error_that_says_so(write: Write, tmp_path: Path) -> None:
    write("ANYUSDT-5m.parquet", columns(candles("5m", 3)))
    with pytest.raises(CandlesUnavailable, match=r"no 1m candles of ANYUSDT .* only 5m is recorded"):
        history(tmp_path).series("1m")


def test_the_same_candles_in_several_folders_are_one_set(write: Write, tmp_path: Path) -> None:
    whole = candles("1m", 90)
    parts = {
        "b/late": whole.between(50, 90),
        "a/early": whole.between(0, 30),
        "overlap": whole.between(20, 60),
    }
    for folder, part in parts.items():
        write(f"{folder}/ANYUSDT-1m.parquet", columns(part))
    assert same(history(tmp_path).series("1m"), whole)


def test_files_that_contradict_each_other_are_an_error_naming_both(write: Write, tmp_path: Path) -> None:
    table = columns(candles("1m", 10))
    write("a/ANYUSDT-1m.parquet", table)
    table = {name: column[2:] for name, column in table.items()}
    table["volume"][3] += 1
    write("b/ANYUSDT-1m.parquet", table)
    with pytest.raises(CandleFileBroken) as caught:
        history(tmp_path).series("1m")
    assert caught.value.row == 3
    assert caught.value.path == tmp_path / "b" / "ANYUSDT-1m.parquet"
    assert "volume at 2025-05-26T00:05:00Z differs" in str(caught.value)
    assert str(tmp_path / "a" / "ANYUSDT-1m.parquet") in str(caught.value)


def test_closed_candles_are_views_of_one_array(write: Write, tmp_path: Path) -> None:
    write("ANYUSDT-1m.parquet", columns(candles("1m", 60)))
    symbol = history(tmp_path)
    part = symbol.visible("1m", START_MS, START_MS + 30 * MINUTE_MS, START_MS + 40 * MINUTE_MS)
    assert len(part) == 30
    assert np.shares_memory(part.close, symbol.series("1m").close)


@pytest.mark.parametrize(
    ("seconds", "opens"),
    [(300, [0]), (301, [0, 5]), (599, [0, 5]), (600, [0, 5]), (601, [0, 5, 10])],
)
def test_the_forming_candle_comes_last(write: Write, tmp_path: Path, seconds: int, opens: list[int]) -> None:
    write("ANYUSDT-1m.parquet", columns(candles("1m", 60)))
    visible = history(tmp_path).visible("5m", *EVER, START_MS + seconds * 1000)
    assert [(ts - START_MS) // MINUTE_MS for ts in visible.ts.tolist()] == opens


def test_a_forming_candle_holds_the_minutes_so_far_and_the_open_of_the_running_one(
    write: Write, tmp_path: Path
) -> None:
    minutes = candles("1m", 60)
    write("ANYUSDT-1m.parquet", columns(minutes))
    forming = history(tmp_path).visible("5m", START_MS + 5 * MINUTE_MS, 2**50, START_MS + 450_000)  # 00:07:30
    seen = minutes.between(5, 7)
    assert forming.open[0] == minutes.open[5]
    assert forming.close[0] == minutes.open[7]
    assert forming.high[0] == max(seen.high.max(), minutes.open[7])
    assert forming.low[0] == min(seen.low.min(), minutes.open[7])
    assert forming.volume[0] == seen.volume.sum()


@pytest.mark.parametrize("timeframe", ["1m", "5m", "15m", "1h"])
def test_nothing_after_the_clock_is_seen(write: Write, tmp_path: Path, timeframe: Timeframe) -> None:
    whole = candles("1m", 180)
    write("whole/ANYUSDT-1m.parquet", columns(whole))
    full = history(tmp_path / "whole")
    for number, now_ms in enumerate(range(START_MS + 1, START_MS + 150 * MINUTE_MS, 1_234_567)):
        # The same recording with another future: what follows the open of the running minute is different.
        other = columns(candles("1m", 180, seed=99))
        row = (now_ms - START_MS) // MINUTE_MS
        for name, column in columns(whole).items():
            other[name][:row] = column[:row]
        other["open"][row] = whole.open[row]
        other["high"][row], other["low"][row] = 10_000, 0.5
        for at in range(row + 1, 180):
            other["high"][at], other["low"][at] = 10_000, 0.5
        folder = f"other{number}"
        write(f"{folder}/ANYUSDT-1m.parquet", other)
        changed = history(tmp_path / folder).visible(timeframe, *EVER, now_ms)
        assert same(full.visible(timeframe, *EVER, now_ms), changed)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> SymbolHistory:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("recorded")
    pq.write_table(pa.table(columns(candles("1m", 300))), folder / "ANYUSDT-1m.parquet")
    return history(folder)


@given(
    start=st.integers(-400, 400),
    length=st.integers(-10, 500),
    now=st.integers(-20_000, 20_000),
    timeframe=st.sampled_from(["1m", "5m", "15m", "1h", "4h"]),
)
def test_any_range_is_the_range_of_what_is_visible(
    recorded: SymbolHistory, start: int, length: int, now: int, timeframe: Timeframe
) -> None:
    start_ms, now_ms = START_MS + start * MINUTE_MS, START_MS + now * 1000
    end_ms = start_ms + length * MINUTE_MS
    everything: CandleSet = recorded.visible(timeframe, *EVER, now_ms)
    inside = (everything.ts >= start_ms) & (everything.ts < end_ms)
    assert np.array_equal(
        recorded.visible(timeframe, start_ms, end_ms, now_ms).close, everything.close[inside]
    )
    assert np.all(everything.ts < now_ms)
    assert len(everything) - len(everything.closed(now_ms)) <= 1


def test_every_instant_is_played_once_from_the_shortest_timeframe(write: Write, tmp_path: Path) -> None:
    write("ANYUSDT-1m.parquet", columns(candles("1m", 20)))
    write("ANYUSDT-15m.parquet", columns(candles("15m", 4, seed=5)))
    history = SymbolHistory("ANYUSDT", read_catalogue(tmp_path).files["ANYUSDT"])
    minutes, quarters = history.closing_between(START_MS + 10 * MINUTE_MS, START_MS + 60 * MINUTE_MS)
    assert [int(ts - START_MS) // MINUTE_MS for ts in minutes.ts] == list(range(10, 20))
    # The second quarter has recorded minutes in it; the third and fourth have none.
    assert [int(ts - START_MS) // MINUTE_MS for ts in quarters.ts] == [30, 45]
    none = history.closing_between(START_MS + 60 * MINUTE_MS, START_MS + 60 * MINUTE_MS)
    assert [len(part) for part in none] == [0, 0]
