"""Facts with gaps and short histories, live and in one pass; how far back a plan reads."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from closed_bar_laws import (
    HEALTH,
    MINUTE,
    facts_are_of_the_candles_that_closed_last,
    live,
    one_pass_equals_minute_by_minute,
    replay,
)
from hypothesis import given
from hypothesis import strategies as st
from shipped import (
    ROOT,
    Candles,
    examples,
    market,
    ms,
    rebuilt,
    recorded,
    ruleset,
    shipped_rules,
    variant,
    without,
)

from engine.candles import STEP_MS, CandleSet, resample
from engine.expression import FactRef
from engine.facts import History, Recorded, Snapshot, plan_facts
from engine.ruleset import RulesetError, load
from server.fixed_code import FIXED_CODE

SYMBOL = "XRPUSDT"
FIRST, LAST = ms("2025-06-01T22:00Z"), ms("2025-06-03T02:00Z")


# -- gaps ----------------------------------------------------------------------------------------------------


def with_holes(holes: list[tuple[int, int]], from_minutes: bool) -> Candles:
    """Recorded candles without the minutes ``[at, at + length)`` before the last instant; 5m likewise."""
    minutes = recorded(SYMBOL)
    drop = np.zeros(len(minutes), dtype=np.bool_)
    for back, length in holes:
        at = LAST - back * MINUTE
        drop |= (minutes.ts >= at) & (minutes.ts < at + length * MINUTE)
    thin = without(minutes, drop)
    fives = resample(thin, "5m") if from_minutes else recorded(SYMBOL, "5m")
    return {(SYMBOL, "1m"): thin, (SYMBOL, "5m"): fives}


HOLES = st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 90)), max_size=4)


@given(HOLES, st.booleans(), st.lists(st.integers(FIRST // MINUTE, LAST // MINUTE), min_size=1, max_size=12))
@examples(25)
def test_with_gaps_one_pass_equals_minute_by_minute(
    holes: list[tuple[int, int]], from_minutes: bool, minutes: list[int]
) -> None:
    instants = sorted({minute * MINUTE for minute in minutes})
    one_pass_equals_minute_by_minute(shipped_rules(), [SYMBOL], with_holes(holes, from_minutes), instants)


@given(HOLES, st.booleans(), st.integers(FIRST, LAST))
@examples(25)
def test_with_gaps_facts_are_still_of_the_candles_that_closed_last(
    holes: list[tuple[int, int]], from_minutes: bool, at: int
) -> None:
    facts_are_of_the_candles_that_closed_last(shipped_rules(), SYMBOL, with_holes(holes, from_minutes), at)


@given(HOLES, st.integers(FIRST, LAST))
@examples(40)
def test_health_counts_what_is_there(holes: list[tuple[int, int]], at: int) -> None:
    """Counted again, one candle at a time."""
    candles = with_holes(holes, from_minutes=True)
    anchors = {"1m": ms("2025-05-31T00:00Z"), "5m": ms("2025-05-26T00:00Z")}
    if at >= ms("2025-06-02T00:00Z"):
        anchors["1m"] = ms("2025-06-01T00:00Z")
    if at >= ms("2025-06-03T00:00Z"):
        anchors["1m"] = ms("2025-06-02T00:00Z")
    batch = live(shipped_rules(), [SYMBOL], candles, at)
    for timeframe, anchor in anchors.items():
        step = STEP_MS[shipped_rules().plans[timeframe].timeframe]
        times = [t for t in candles[SYMBOL, timeframe].ts.tolist() if anchor <= t and t + step <= at]
        run = 1
        while run < len(times) and times[-run - 1] == times[-run] - step:
            run += 1
        missing = 0
        while times[-1] + (missing + 2) * step <= at:
            missing += 1
        found = [int(getattr(batch.health[timeframe], name)[0]) for name in HEALTH[:-1]]
        assert found == [len(times), run, missing, times[-1], times[-run]]


def test_at_a_bar_that_is_missing_there_are_no_facts() -> None:
    at = ms("2025-06-02T12:00Z")
    gone = {key: without(part, part.ts == at - MINUTE) for key, part in market((SYMBOL,)).items()}
    for batch in (live(shipped_rules(), [SYMBOL], gone, at), replay(shipped_rules(), SYMBOL, gone, [at])):
        lagged = [ref.lag for ref in shipped_rules().timeframes["1m"].program.refs]
        known = ~np.isnan(batch.columns["1m"][:, 0])
        assert known.tolist() == [lag > 0 for lag in lagged]  # the candle before it is still there
        assert batch.reason(0) == "klines_stale"


# -- how far back --------------------------------------------------------------------------------------------

FACTS = ruleset().facts


@pytest.mark.parametrize(
    ("refs", "least", "needed", "depth"),
    [
        ([("close", 0)], 1, 1, 1),
        ([("close", 7)], 1, 8, 8),
        ([("rsi", 0)], 1, 15, 1),
        ([("macd_hist", 2), ("rsi", 0)], 1, 36, 3),
        ([("ema_200", 1)], 1, 201, 2),
        ([("ema_200", 1)], 249, 249, 2),
        ([("adx_14", 0), ("stoch_rsi_d", 0)], 1, 32, 1),
        ([("vwap", 3)], 1, 4, 4),
        ([], 1, 1, 1),
    ],
)
def test_a_plan_needs_the_warm_up_and_the_lag(
    refs: list[tuple[str, int]], least: int, needed: int, depth: int
) -> None:
    plan = plan_facts(FACTS, "5m", [FactRef(name, lag, "5m") for name, lag in refs], least)
    assert (plan.needed, plan.depth, plan.anchor) == (needed, depth, "previous_week")
    assert list(plan.definitions) == sorted({name for name, _ in refs})


def test_a_plan_is_of_one_timeframe_and_of_facts_that_exist() -> None:
    refs = [FactRef("rsi", 0, "5m"), FactRef("close", 4, "1h")]
    assert list(plan_facts(FACTS, "5m", refs).definitions) == ["rsi"]
    assert plan_facts(FACTS, "1h", refs).depth == 5
    with pytest.raises(KeyError, match="nothing"):
        plan_facts(FACTS, "5m", [FactRef("nothing", 0, "5m")])
    with pytest.raises(KeyError, match="1d"):
        plan_facts(FACTS, "1d", [FactRef("close", 0, "1d")])


def test_with_as_many_candles_as_are_needed_every_counted_fact_has_a_value() -> None:
    counted = [name for name in FACTS.facts if name != "vwap" and not name.startswith("pivot_")]
    conditions = {f"sees_{name}": {"when": f"{name}[2] > 0"} for name in counted}
    rules = variant(
        lambda validation: validation.update(
            min_candles=1, timeframes={"5m": {"long": [{"any_of": list(conditions)}]}, "1m": {}}
        ),
        conditions,
    )
    needed = rules.plans["5m"].needed
    at = ms("2025-06-03T10:00Z")
    for size, whole in ((needed, True), (needed - 1, False)):
        candles = dict(market((SYMBOL,)))
        candles[SYMBOL, "5m"] = recorded(SYMBOL, "5m").closed(at).since(at - size * STEP_MS["5m"])
        batch = live(rules, [SYMBOL], candles, at)
        assert bool(np.isfinite(batch.columns["5m"]).all()) is whole
        assert (batch.reason(0) == "not_enough_klines") is not whole


# -- sources -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instants", [[2, 1], [1, 1]])
def test_instants_of_a_history_ascend(instants: list[int]) -> None:
    with pytest.raises(ValueError, match="must ascend"):
        History(shipped_rules().plans, SYMBOL, {}, np.array(instants, dtype=np.int64))


def test_a_source_without_candles_has_rows_without_facts() -> None:
    plans = shipped_rules().plans
    instants = np.array([FIRST, LAST], dtype=np.int64)
    sources: list[Any] = [
        Snapshot.of(plans, ["AUSDT", "BUSDT"], {}, FIRST),
        History(plans, SYMBOL, {"5m": CandleSet.empty(SYMBOL, "5m")}, instants),
        Recorded(("AUSDT", "BUSDT"), instants, {}, {}),
    ]
    for source in sources:
        assert np.isnan(source.column(FactRef("rsi", 0, "5m"))).tolist() == [True, True]
    for source in sources[:2]:
        health = source.health("5m")
        assert health.candles.tolist() == health.in_row.tolist() == [0, 0]
        assert health.newest.tolist() == health.window_start.tolist() == [-1, -1]


def test_columns_are_contiguous_float64() -> None:
    snapshot = Snapshot.of(shipped_rules().plans, [SYMBOL, "BTCUSDT"], market(), LAST)
    column = snapshot.column(FactRef("macd_hist", 1, "1m"))
    assert (column.dtype, column.shape, column.flags.c_contiguous) == (np.float64, (2,), True)


def test_a_fact_that_overflows_is_unknown() -> None:
    at, symbol = ms("2025-06-03T10:00Z"), "BTCUSDT"
    minutes = recorded(symbol)
    huge = rebuilt(minutes, {"volume": np.full(len(minutes), 1e302)})
    candles = market((symbol,)) | {(symbol, "1m"): huge}
    refs = [ref.name for ref in shipped_rules().timeframes["1m"].program.refs]
    for batch in (
        live(shipped_rules(), [symbol], candles, at),
        replay(shipped_rules(), symbol, candles, [at]),
    ):
        column = dict(zip(refs, batch.columns["1m"][:, 0], strict=True))
        assert {name for name, value in column.items() if not np.isfinite(value)} == {"vwap"}
        assert np.isnan(column["vwap"])


@pytest.mark.parametrize("unit", ["flag", "name"])
def test_a_fact_of_candles_is_a_number(unit: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    path = tmp_path / "rules" / "facts.yaml"
    written = path.read_text(encoding="utf-8")
    line = next(row for row in written.splitlines() if row.strip().startswith("rsi:"))
    path.write_text(written.replace(line, line.replace("unit: index", f"unit: {unit}")), encoding="utf-8")
    with pytest.raises(RulesetError) as refused:
        load(tmp_path / "rules", FIXED_CODE)
    (problem,) = refused.value.problems
    assert problem.message == f"a fact of candles is a number, and a '{unit}' is not"
    assert problem.line == written.splitlines().index(line) + 1
    assert problem.column == line.index("index") + 1
