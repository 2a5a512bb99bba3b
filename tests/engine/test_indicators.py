"""Facts are what their definitions say: check vectors, plain formulas, warm-up, gaps, sessions."""

from __future__ import annotations

from typing import Any

import numpy as np
import plain_indicators as plain
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter
from shipped import columns, examples, ms, rebuilt, recorded, ruleset, without

from engine.candles import CandleSet
from engine.indicators import Window, evaluate, warm_up
from engine.indicators.library import pivot_level
from engine.models.facts import FactBase, FactDefinition

DEFINITION = TypeAdapter[FactBase](FactDefinition)
FACTS = ruleset().facts.facts
CALENDAR = ("vwap", *(name for name in FACTS if name.startswith("pivot_")))
"""Facts that begin with the calendar, not after a number of candles."""
BY_COUNT = [name for name in FACTS if name not in CALENDAR]
MINUTE = 60_000


def fact(definition: dict[str, Any], candles: CandleSet) -> NDArray[np.float64]:
    return evaluate(DEFINITION.validate_python({"unit": "price"} | definition), Window(candles))


def named(name: str, candles: CandleSet) -> NDArray[np.float64]:
    return evaluate(FACTS[name], Window(candles))


def made(close: Any, high: Any = None, low: Any = None, volume: Any = None, start: str = "2024-05-01T21:00Z"):
    """One-minute candles whose open is their close, unless that is not within high and low."""
    close = np.asarray(close, dtype=np.float64)
    ts = ms(start) + np.arange(len(close)) * MINUTE
    high = close if high is None else np.asarray(high, dtype=np.float64)
    low = close if low is None else np.asarray(low, dtype=np.float64)
    volume = np.ones(len(close)) if volume is None else volume
    return CandleSet.from_columns("X", "1m", ts, close, high, low, close, volume)


def series() -> CandleSet:
    """250 candles of a sine on a slope, from 21:00 UTC."""
    i = np.arange(250)
    close = 100 + 10 * np.sin(i / 7) + 0.05 * i
    return made(close, close + 0.5 + 0.1 * (i % 3), close - 0.4 - 0.1 * (i % 5), 1000.0 + (i * 37) % 101)


# -- check vectors -------------------------------------------------------------------------------------------

MACD = {"indicator": "macd", "fast": 12, "slow": 26, "signal": 9}
BANDS = {"indicator": "bollinger", "period": 20, "deviations": 2.0}
SESSION = {"indicator": "vwap", "anchor": "session", "timezone": "UTC"}
VECTORS: tuple[tuple[dict[str, Any], int, float], ...] = (
    ({"indicator": "ema", "period": 9}, -1, 108.1114038526),
    ({"indicator": "ema", "period": 9}, -2, 109.1490163528),
    ({"indicator": "ema", "period": 20}, -1, 111.2620606777),
    ({"indicator": "ema", "period": 20}, -2, 112.0305982384),
    ({"indicator": "ema", "period": 21}, -1, 111.3857437253),
    ({"indicator": "ema", "period": 21}, -2, 112.1282227126),
    ({"indicator": "ema", "period": 50}, -1, 111.7958268207),
    ({"indicator": "ema", "period": 50}, -2, 112.1156175541),
    ({"indicator": "ema", "period": 200}, -1, 107.7706976026),
    ({"indicator": "ema", "period": 200}, -2, 107.8089864846),
    ({"indicator": "sma", "period": 9}, -1, 108.2536632372),
    ({"indicator": "sma", "period": 21}, -1, 114.6314223349),
    ({"indicator": "rsi", "period": 14}, -1, 19.9508965251),
    ({"indicator": "rsi", "period": 14}, -2, 21.1324109461),
    (MACD | {"output": "line"}, -1, -2.4053095285),
    (MACD | {"output": "line"}, 33, -4.1571085244),
    (MACD | {"output": "signal"}, -1, -0.7451435666),
    (MACD | {"output": "hist"}, -1, -1.6601659619),
    (MACD | {"output": "hist"}, -2, -1.7155901302),
    (MACD | {"output": "hist"}, -3, -1.7360617578),
    (MACD | {"output": "hist"}, -4, -1.7211637663),
    (MACD | {"output": "hist"}, 33, -0.9602830450),
    ({"indicator": "atr", "period": 14}, -1, 1.6653725116),
    ({"indicator": "adx", "period": 14}, -1, 43.9374360476),
    ({"indicator": "adx", "period": 15}, -1, 41.3314518955),
    (BANDS | {"output": "upper"}, -1, 126.5065955503),
    (BANDS | {"output": "middle"}, -1, 114.3089344663),
    (BANDS | {"output": "lower"}, -1, 102.1112733824),
    (BANDS | {"output": "width"}, -1, 126.5065955503 - 102.1112733824),
    ({"indicator": "vwap", "anchor": "window", "window": 250}, -1, 106.6375566783),
    (SESSION, -1, 112.0807066201),
    ({"indicator": "volume_ratio", "window": 20}, -1, 0.9708830095),
)


@pytest.mark.parametrize(("definition", "at", "expected"), VECTORS)
def test_check_vector(definition: dict[str, Any], at: int, expected: float) -> None:
    assert fact(definition, series())[at] == pytest.approx(expected, abs=1e-8)


def test_the_level_above_the_moving_average() -> None:
    level = named("sma_21", series()) + 1.5 * named("atr", series())
    assert level[-1] == pytest.approx(117.1294811023, abs=1e-8)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("pp", 103.86095385),
        *(("r1", 104.56095385), ("r2", 105.16095385), ("r3", 105.86095385), ("r6", 107.96095385)),
        *(("s1", 103.26095385), ("s2", 102.56095385), ("s3", 101.96095385), ("s6", 100.16095385)),
    ],
)
def test_pivot_level_of_the_newest_candle(output: str, expected: float) -> None:
    newest = pivot_level(output, 104.4609538515, 103.1609538515, 103.9609538515)
    assert newest == pytest.approx(expected, abs=1e-8)


def test_pivot_levels_are_ordered() -> None:
    levels = [pivot_level(name, 110.0, 100.0, 104.0) for name in ("s6", "s5", "s4", "s3", "s2", "s1", "pp")]
    levels += [pivot_level(f"r{rank}", 110.0, 100.0, 104.0) for rank in range(1, 7)]
    assert levels == sorted(levels)
    assert levels[5:8] == pytest.approx([2 * 314 / 3 - 110, 314 / 3, 2 * 314 / 3 - 100])


# -- plain formulas ------------------------------------------------------------------------------------------


def agree(column: NDArray[np.float64], expected: plain.Series, tolerance: float = 1e-9) -> None:
    wanted = np.array([np.nan if value is None else value for value in expected])
    assert np.array_equal(np.isnan(column), np.isnan(wanted))
    assert np.allclose(column, wanted, rtol=tolerance, atol=tolerance, equal_nan=True)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "XRPUSDT"])
def test_facts_are_what_plain_formulas_give(symbol: str) -> None:
    candles = recorded(symbol).between(0, 3000)
    high, low, close, volume = (getattr(candles, c).tolist() for c in ("high", "low", "close", "volume"))
    days = (candles.ts // 86_400_000).tolist()
    for period in (9, 21, 200):
        agree(named(f"ema_{period}", candles), plain.ema(close, period))
    agree(named("sma_21", candles), plain.sma(close, 21))
    agree(named("rsi", candles), plain.rsi(close, 14))
    agree(named("atr", candles), plain.atr(high, low, close, 14))
    agree(named("adx_14", candles), plain.adx(high, low, close, 14), 1e-8)
    agree(named("vwap", candles), plain.session_vwap(days, high, low, close, volume))
    agree(named("volume_ratio", candles), plain.volume_ratio(volume, 20))
    upper, lower = plain.bollinger(close, 20, 2.0)
    agree(named("bb_upper", candles), upper, 1e-6)  # TA-Lib's running sums cost digits of the variance
    agree(named("bb_lower", candles), lower, 1e-6)
    k, d = plain.stoch_rsi(close, 14, 14, 3, 3)
    agree(named("stoch_rsi_k", candles), k, 1e-7)
    agree(named("stoch_rsi_d", candles), d, 1e-7)


def test_macd_is_the_difference_of_its_averages_after_the_seed_has_faded() -> None:
    candles = recorded("ETHUSDT").between(0, 1000)
    close = candles.close.tolist()
    fast, slow = plain.ema(close, 12), plain.ema(close, 26)
    line = [a - b for a, b in zip(fast[300:], slow[300:], strict=True) if a is not None and b is not None]
    assert np.allclose(named("macd", candles)[300:], line, rtol=0, atol=1e-9)
    hist = named("macd", candles) - named("macd_signal", candles)
    assert np.allclose(named("macd_hist", candles), hist, rtol=0, atol=1e-9, equal_nan=True)


# -- where a value begins ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_COUNT)
def test_the_first_value_comes_with_the_warm_up_and_not_before(name: str) -> None:
    for start in (0, 1000):
        column = named(name, recorded("SOLUSDT").between(start, start + 700))
        assert np.isfinite(column).tolist() == [i + 1 >= warm_up(FACTS[name]) for i in range(700)]


@pytest.mark.parametrize("name", BY_COUNT)
def test_a_window_shorter_than_the_warm_up_has_no_value(name: str) -> None:
    least = warm_up(FACTS[name])
    for size in (0, 1, least - 1, least):
        column = named(name, recorded("SOLUSDT").between(0, size))
        assert np.isfinite(column).sum() == (1 if size >= least else 0)


@pytest.mark.parametrize("name", BY_COUNT)
def test_a_gap_starts_a_fact_anew(name: str) -> None:
    """After a gap the values are those of the candles after it alone, to the last bit."""
    candles = recorded("SOLUSDT").between(0, 900)
    hole = np.zeros(900, dtype=np.bool_)
    hole[[400, 650]] = True
    column = named(name, without(candles, hole))
    parts = [candles.between(0, 400), candles.between(401, 650), candles.between(651, 900)]
    assert np.array_equal(column, np.concatenate([named(name, part) for part in parts]), equal_nan=True)


@given(st.sampled_from(list(FACTS)), st.integers(1, 2999))
@examples(60)
def test_a_value_depends_on_nothing_after_its_bar(name: str, stop: int) -> None:
    candles = recorded("AVAXUSDT").between(0, 3000)
    assert np.array_equal(named(name, candles)[:stop], named(name, candles.between(0, stop)), equal_nan=True)


@given(st.sampled_from(list(FACTS)), st.integers(1, 2999), st.integers(1, 30))
@examples(60)
def test_only_reading_the_newest_bars_gives_the_same_bits(name: str, size: int, depth: int) -> None:
    candles = recorded("BNBUSDT").between(0, size)
    first = max(0, size - depth)
    newest = evaluate(FACTS[name], Window(candles, first))[first:]
    assert np.array_equal(newest, named(name, candles)[first:], equal_nan=True)


# -- flat, empty and extreme ---------------------------------------------------------------------------------


def test_a_flat_series() -> None:
    flat = made(np.full(250, 100.0))
    assert np.isnan(named("rsi", flat)).all()
    for name in (
        "adx_14",
        "atr",
        "macd",
        "macd_signal",
        "macd_hist",
        "stoch_rsi_k",
        "stoch_rsi_d",
        "bb_width",
    ):
        assert named(name, flat)[-1] == 0, name
    for name in ("vwap", "vwap_window", "ema_200", "sma_21"):
        assert named(name, flat)[-1] == pytest.approx(100.0), name
    assert named("volume_ratio", flat)[-1] == 1


def test_a_series_that_only_falls_has_an_rsi_of_zero_and_one_that_only_rises_of_a_hundred() -> None:
    assert named("rsi", made(100.0 - np.arange(60)))[-1] == 0
    assert named("rsi", made(100.0 + np.arange(60)))[-1] == 100


def test_without_volume_there_is_no_vwap_and_no_ratio() -> None:
    silent = made(100.0 + np.arange(300), volume=np.zeros(300))
    for name in ("vwap", "vwap_window", "volume_ratio"):
        assert np.isnan(named(name, silent)).all(), name


def test_a_mean_of_zero_volumes_is_zero_whatever_was_traded_before() -> None:
    """A running sum would leave a rest of the earlier volumes, and the ratio would be enormous."""
    volume = np.concatenate((np.linspace(0.1, 7.3, 40), np.zeros(20), [5.0]))
    assert np.isnan(named("volume_ratio", made(np.full(61, 100.0), volume=volume))[-1])


# -- sessions and days ---------------------------------------------------------------------------------------


def test_the_session_starts_anew_at_midnight() -> None:
    column = named("vwap", recorded("BTCUSDT").between(0, 1500))
    candles = recorded("BTCUSDT")
    for i in (0, 1440):
        typical = (candles.high[i] + candles.low[i] + candles.close[i]) / 3
        assert column[i] == pytest.approx(typical)


def test_a_session_that_is_not_whole_has_no_vwap() -> None:
    candles = recorded("BTCUSDT")
    late = named("vwap", candles.between(1, 3000))
    assert np.isnan(late[:1439]).all()
    assert np.isfinite(late[1439:]).all()
    hole = np.zeros(3000, dtype=np.bool_)
    hole[700] = True
    gappy = named("vwap", without(candles.between(0, 3000), hole))
    assert np.isfinite(gappy[:700]).all()
    assert np.isnan(gappy[700:1439]).all()
    assert np.isfinite(gappy[1439:]).all()


def test_pivots_are_of_the_previous_whole_day_by_the_time_of_the_close() -> None:
    candles = recorded("BTCUSDT")
    column = named("pivot_r1", candles.between(0, 3000))
    day = candles.between(0, 1440)
    expected = pivot_level("r1", float(day.high.max()), float(day.low.min()), float(day.close[-1]))
    assert np.isnan(column[:1439]).all()  # the bar that opens at 23:59 closes on the next day
    assert (column[1439:2879] == expected).all()
    assert (column[2879:] != expected).all()


def test_pivots_of_a_day_with_a_hole_are_unknown_for_the_day_after() -> None:
    candles = recorded("BTCUSDT").between(0, 4400)
    hole = np.zeros(4400, dtype=np.bool_)
    hole[800] = True
    column = named("pivot_pp", without(candles, hole))
    assert np.isnan(column[:2878]).all()
    assert np.isfinite(column[2878:]).all()
    late = named("pivot_pp", candles.between(5, 3000))
    assert np.isnan(late[: 2879 - 5]).all()
    assert np.isfinite(late[2879 - 5 :]).all()


def test_pivots_are_the_same_from_every_timeframe() -> None:
    minute, five, hour = (recorded("ETHUSDT", tf) for tf in ("1m", "5m", "1h"))
    at = ms("2025-06-01T12:00Z")
    values = {float(named("pivot_s2", candles.closed(at))[-1]) for candles in (minute, five, hour)}
    assert len(values) == 1
    assert np.isfinite(values.pop())


def test_a_fact_reads_candles_and_changes_none() -> None:
    candles = recorded("LINKUSDT").between(0, 600)
    before = columns(candles)
    window = Window(candles)
    for definition in FACTS.values():
        evaluate(definition, window)
    assert all(np.array_equal(column, getattr(candles, name)) for name, column in before.items())
    again = rebuilt(candles, {})
    assert np.array_equal(named("adx_14", again), named("adx_14", candles), equal_nan=True)
