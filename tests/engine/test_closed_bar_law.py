"""A verdict at an instant is a function of the closed candles from the anchor on, and of nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from closed_bar_laws import AT_ONE_INSTANT, MINUTE, assert_same, live, one_pass_equals_minute_by_minute
from hypothesis import given
from hypothesis import strategies as st
from shipped import SYMBOLS, Plain, examples, market, ms, recorded, ruleset, shipped_rules, variant, without

from engine.candles import STEP_MS, CandleSet
from engine.facts import Snapshot, TailCache
from engine.verdict import decide

FACTS = ruleset().facts.facts

FIRST, LAST = ms("2025-06-02T00:00Z"), ms("2025-06-03T15:31Z")
"""Instants whose whole history is recorded, so that candles can be put in front of it."""

INSTANTS = st.one_of(
    st.integers(FIRST // MINUTE, LAST // MINUTE).map(lambda minute: minute * MINUTE),
    st.integers(FIRST // (5 * MINUTE), LAST // (5 * MINUTE)).map(lambda five: five * 5 * MINUTE),
    st.integers(FIRST, LAST),
    st.sampled_from(
        [
            ms("2025-06-02T00:00Z"),
            ms("2025-06-03T00:00Z"),
            ms("2025-06-03T00:00Z") - 1,
            ms("2025-06-03T00:00Z") + 1,
            ms("2025-06-03T00:05Z"),
            ms("2025-06-03T15:31Z"),
        ]
    ),
)


@pytest.mark.parametrize("law", AT_ONE_INSTANT.values(), ids=AT_ONE_INSTANT.keys())
@given(symbol=st.sampled_from(SYMBOLS), at=INSTANTS)
@examples(25)
def test_law(law: object, symbol: str, at: int) -> None:
    assert callable(law)
    law(shipped_rules(), symbol, market((symbol,)), at)


@given(symbol=st.sampled_from(SYMBOLS), at=st.integers(ms("2025-05-27T12:00Z") // MINUTE, LAST // MINUTE))
@examples(15)
def test_the_laws_of_the_future_hold_while_history_is_short(symbol: str, at: int) -> None:
    for name, law in AT_ONE_INSTANT.items():
        if "anchor" not in name:
            law(shipped_rules(), symbol, market((symbol,)), at * MINUTE)


# -- as-of alignment -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "minute", "five"),
    [
        ("2025-06-02T10:05:00Z", "2025-06-02T10:04Z", "2025-06-02T10:00Z"),  # both close at this instant
        ("2025-06-02T10:04:59.999Z", "2025-06-02T10:03Z", "2025-06-02T09:55Z"),
        ("2025-06-02T10:06:00Z", "2025-06-02T10:05Z", "2025-06-02T10:00Z"),
        ("2025-06-02T10:09:00Z", "2025-06-02T10:08Z", "2025-06-02T10:00Z"),
        ("2025-06-02T10:09:59.999Z", "2025-06-02T10:08Z", "2025-06-02T10:00Z"),
        ("2025-06-03T00:00:00Z", "2025-06-02T23:59Z", "2025-06-02T23:55Z"),
    ],
)
def test_at_the_instant_candles_of_two_timeframes_close_together_both_are_seen(
    at: str, minute: str, five: str
) -> None:
    verdict = live(shipped_rules(), ["BTCUSDT"], market(("BTCUSDT",)), ms(at)).verdict(0)
    (context,) = verdict.context.timeframe_decisions
    assert context.candle_time == ms(five)
    batch = live(shipped_rules(), ["BTCUSDT"], market(("BTCUSDT",)), ms(at))
    assert batch.health["1m"].newest[0] == ms(minute)
    assert batch.health["5m"].missing[0] == batch.health["1m"].missing[0] == 0


# -- many symbols --------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(SYMBOLS), unique=True, min_size=1), INSTANTS)
@examples(15)
def test_symbols_together_are_symbols_alone_in_any_order(symbols: list[str], at: int) -> None:
    together = live(shipped_rules(), symbols, market(), at)
    backwards = live(shipped_rules(), symbols[::-1], market(), at)
    for i, symbol in enumerate(symbols):
        assert_same(together, i, live(shipped_rules(), [symbol], market(), at), 0)
        assert_same(together, i, backwards, len(symbols) - 1 - i)


def test_histories_of_different_length_stand_side_by_side() -> None:
    """Padded with unknown: a short or empty history is refused by itself and touches no other row."""
    at = ms("2025-06-03T06:00Z")
    candles = dict(market())
    candles["XRPUSDT", "1m"] = recorded("XRPUSDT").since(at - 300 * MINUTE)
    candles["ETHUSDT", "1m"] = recorded("ETHUSDT").since(at - 100 * MINUTE)
    candles["SOLUSDT", "5m"] = CandleSet.empty("SOLUSDT", "5m")
    del candles["BNBUSDT", "1m"], candles["BNBUSDT", "5m"]
    late = recorded("AVAXUSDT")
    candles["AVAXUSDT", "1m"] = without(late, late.ts == at - MINUTE)
    batch = live(shipped_rules(), SYMBOLS, candles, at)
    reasons = {symbol: batch.reason(i) for i, symbol in enumerate(SYMBOLS)}
    assert {reasons[symbol] for symbol in ("ETHUSDT", "SOLUSDT", "BNBUSDT")} == {"not_enough_klines"}
    assert reasons["AVAXUSDT"] == "klines_stale"
    assert np.isnan(batch.columns["1m"][:, SYMBOLS.index("BNBUSDT")]).all()
    refs = shipped_rules().timeframes["1m"].program.refs
    xrp = dict(zip(refs, batch.columns["1m"][:, SYMBOLS.index("XRPUSDT")], strict=True))
    unknown = {ref.name for ref, value in xrp.items() if np.isnan(value)}
    assert unknown == {"vwap"}  # the session is not whole; everything else has its warm-up
    for i, symbol in enumerate(SYMBOLS):
        assert_same(batch, i, live(shipped_rules(), [symbol], candles, at), 0)


# -- the cache -----------------------------------------------------------------------------------------------


def test_with_and_without_a_cache_the_answers_are_the_same() -> None:
    """Minute after minute, at instants between minutes, backwards, and with other rules in between."""
    cache = TailCache()
    symbols = SYMBOLS[:3]
    start = ms("2025-06-02T23:50Z")
    instants = [start + 20_000 * k for k in range(60)] + [start, start + 6 * MINUTE, start + 5 * MINUTE - 1]
    for at in instants:
        cached = live(shipped_rules(), symbols, market(symbols), at, cache)
        fresh = live(shipped_rules(), symbols, market(symbols), at)
        for i in range(len(symbols)):
            assert_same(cached, i, fresh, i)


def test_a_tail_is_kept_until_a_candle_closes() -> None:
    cache = TailCache()
    plan = shipped_rules().plans["5m"]
    candles = recorded("BTCUSDT", "5m")
    at = ms("2025-06-02T10:05Z")
    first = cache.get(plan, candles, at)
    assert cache.get(plan, candles, at + STEP_MS["5m"] - 1) is first
    assert cache.get(plan, candles, at + STEP_MS["5m"]) is not first
    assert cache.get(plan, candles.closed(at), at) is not first  # computed anew, and equal
    assert np.array_equal(cache.get(plan, candles.closed(at), at).values, first.values, equal_nan=True)


def test_a_cache_sees_that_a_missing_candle_has_come() -> None:
    cache = TailCache()
    at = ms("2025-06-02T10:05Z")
    whole = market(("BTCUSDT",))
    late = {key: without(part, part.ts == at - STEP_MS[part.timeframe]) for key, part in whole.items()}
    stale = decide(shipped_rules(), Snapshot.of(shipped_rules().plans, ["BTCUSDT"], late, at, cache))
    assert stale.reason(0) == "klines_stale"
    assert_same(live(shipped_rules(), ["BTCUSDT"], whole, at, cache), 0,
                live(shipped_rules(), ["BTCUSDT"], whole, at), 0)  # fmt: skip


# -- one pass ------------------------------------------------------------------------------------------------


def test_a_day_in_one_pass_equals_every_minute_of_it() -> None:
    """24 hours over a midnight, every minute, two symbols."""
    instants = [LAST - MINUTE * k for k in range(1440)][::-1]
    symbols = ("LINKUSDT", "SUIUSDT")
    one_pass_equals_minute_by_minute(shipped_rules(), symbols, market(symbols), instants)


def test_a_week_in_one_pass_equals_samples_of_it() -> None:
    """Over day and week boundaries, aligned and between minutes, every symbol."""
    random = np.random.default_rng(20)
    first = ms("2025-05-27T01:00Z")
    chosen = set((first + random.integers(0, (LAST - first) // MINUTE, 60) * MINUTE).tolist())
    chosen |= set(random.integers(first, LAST, 15).tolist())
    chosen |= {
        ms(f"2025-06-0{day}T00:00Z") + shift for day in (1, 2, 3) for shift in (-MINUTE, -1, 0, MINUTE)
    }
    one_pass_equals_minute_by_minute(shipped_rules(), SYMBOLS, market(), sorted(chosen))


def test_every_fact_in_one_pass_equals_samples_of_it() -> None:
    """All of ``facts.yaml`` with lags, and facts of timeframes that have no rules of their own."""
    conditions = {f"moves_{name}": {"when": f"{name} > {name}[3] or rising({name}, 2)"} for name in FACTS}
    conditions["agrees"] = {"when": 'rsi["15m"] > rsi["1h"][1] and close["15m"] < pivot_r1["30m"]'}

    def see_all(validation: Plain) -> None:
        for timeframe in ("5m", "1m"):
            validation["timeframes"][timeframe]["long"] = [{"any_of": list(conditions)}]

    rules = variant(see_all, conditions)
    assert set(rules.plans) == {"5m", "1m", "15m", "30m", "1h"}
    candles = market(SYMBOLS[:2], ("1m", "5m", "15m", "30m", "1h"))
    random = np.random.default_rng(3)
    first = ms("2025-05-28T00:00Z")
    chosen = set((first + random.integers(0, (LAST - first) // MINUTE, 40) * MINUTE).tolist())
    chosen |= {ms("2025-06-01T00:00Z"), ms("2025-06-02T00:00Z"), ms("2025-06-02T00:15Z") - 1}
    one_pass_equals_minute_by_minute(rules, SYMBOLS[:2], candles, sorted(chosen))
