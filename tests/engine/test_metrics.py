"""Metrics: what they are computed from, that they are those of the entry, and that unknown stays unknown."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from closed_bar_laws import assert_same, live, replay
from hypothesis import given
from hypothesis import strategies as st
from shipped import SYMBOLS, Plain, examples, market, ms, ruleset, variant

from engine.expression import FactRef
from engine.facts import Health, Recorded
from engine.models.trade_entry import EntryZoneRules, TradeEntryDocument
from engine.ruleset.metrics import metric_program
from engine.verdict import ProfileRules, decide
from server.trade_entry.signal import Facts
from server.trade_entry.zone import build_zone

FRAMES = ("1m", "5m", "15m", "1h")
READS = [
    "expected_r_multiple_gte", "entry_zone_width_pct_gt", "atr_pct_15m_gt_bps", "adx_5m_lt", "adx_1m_lt",
    "spread_bps_gt", "strong_1h", "busy", "high",
]  # fmt: skip
OWN: dict[str, Plain] = {
    "strong_1h": {"when": "adx_1h > 25"},
    "busy": {"when": "volume_ratio > 1.4"},
    "high": {"when": "price_vs_ma21_k_atr > 1.5"},
}
COMPUTED = {
    "atr_pct_15m_bps": lambda f: 10_000 * f["atr@15m"] / f["close@15m"],
    "adx_1m": lambda f: f["adx_14@1m"],
    "adx_5m": lambda f: f["adx_14@5m"],
    "adx_1h": lambda f: f["adx_14@1h"],
    "volume_ratio": lambda f: f["volume_ratio@15m"],
    "price_vs_ma21_k_atr": lambda f: (f["close@15m"] - f["sma_21@15m"]) / f["atr@15m"],
}


def measuring(**trade_entry: object) -> ProfileRules:
    """A profile that reads every metric there is."""

    def edit(validation: Plain) -> None:
        group = {"drop_to_lower_if_any": READS}
        validation["execution_selector"] = {"strategy": "walk", "per_timeframe": {"1m": group}}

    document = ruleset().profiles["scalper_micro"].trade_entry
    changed = document.model_dump(by_alias=True, exclude_none=True, mode="json") | trade_entry
    return variant(edit, OWN, trade_entry=TradeEntryDocument.model_validate(changed))


def measured(rules: ProfileRules, facts: dict[str, float]) -> dict[str, float | None]:
    """The metrics of one row whose facts are these."""
    columns = {
        FactRef(name, 0, timeframe): np.array([value])
        for key, value in facts.items()
        for name, timeframe in (key.split("@"),)
    }
    some = np.array([2000])
    none = np.zeros(1, dtype=np.int64)
    health = {tf: Health(some, some, none, none, none, np.array([100.0])) for tf in rules.plans}
    return decide(rules, Recorded(("S",), np.array([0]), columns, health)).metrics(0)


FACTS = {
    "atr@15m": 1.2, "close@15m": 100.0, "sma_21@15m": 99.0, "volume_ratio@15m": 1.7, "adx_14@1m": 11.0,
    "adx_14@5m": 12.0, "adx_14@1h": 13.0, "sma_21@5m": 101.0, "vwap@5m": 102.0, "atr@5m": 0.5,
}  # fmt: skip


def test_every_declared_metric_is_read_here() -> None:
    assert set(measured(measuring(), FACTS)) == set(ruleset().facts.metrics)


@pytest.mark.parametrize("name", COMPUTED)
def test_a_metric_is_computed_from_the_facts_of_its_timeframe(name: str) -> None:
    value = measured(measuring(), FACTS)[name]
    assert value == pytest.approx(COMPUTED[name](FACTS))
    used = {key for key in FACTS if COMPUTED[name]({k: v for k, v in FACTS.items() if k != key} | {key: 7.0})
            != COMPUTED[name](FACTS)}  # fmt: skip
    for key in used:
        without = {k: v for k, v in FACTS.items() if k != key}
        assert measured(measuring(), without)[name] is None, key


def test_the_spread_is_unknown_until_it_is_handed_in() -> None:
    assert measured(measuring(), FACTS)["spread_bps"] is None


def test_the_r_multiple_is_the_profiles() -> None:
    assert measured(measuring(), {})["expected_r_multiple"] == 1.2
    other = measuring(take_profit={"r_multiple": Decimal("2.5")})
    assert measured(other, {})["expected_r_multiple"] == 2.5


ZONE = {"from": "sma21", "k_atr": Decimal("0.35"), "w_min": Decimal("0.0005"), "w_max": Decimal("0.014")}
PRICE = st.one_of(st.none(), st.floats(-5, 200).map(lambda x: round(x, 4)))


@examples(80)
@given(
    st.sampled_from(["sma21", "vwap"]), st.sampled_from(["5m", "15m"]), PRICE, PRICE, PRICE,
    st.floats(0.05, 9.9), st.floats(0, 0.01), st.floats(0.01, 0.2), st.sampled_from([0, 0.4]),
)  # fmt: skip
def test_the_zone_width_is_that_of_the_entry_zone(
    source: str,
    frame: str,
    sma: float | None,
    vwap: float | None,
    atr: float | None,
    k_atr: float,
    w_min: float,
    w_max: float,
    bias: float,
) -> None:
    numbers = {"k_atr": k_atr, "w_min": w_min, "w_max": w_max, "asym_bias": bias}
    exact = {name: Decimal(str(round(value, 6))) for name, value in numbers.items()}
    rules = {"from": source, "pivot_timeframe": frame, "atr_timeframe": "5m"} | exact
    document = ruleset().profiles["scalper_micro"].trade_entry
    changed = document.model_dump(by_alias=True, exclude_none=True, mode="json") | {"entry_zone": rules}
    metric = metric_program(
        "entry_zone_width_pct", ruleset().facts, TradeEntryDocument.model_validate(changed)
    )
    values = {("sma_21", frame): sma, ("vwap", frame): vwap, ("atr", "5m"): atr}
    assert metric.compute is not None
    columns = [
        np.array([np.nan if (v := values.get((ref.name, ref.timeframe))) is None else v])
        for ref in metric.refs
    ]
    (width,) = np.atleast_1d(metric.compute(columns))
    zone = build_zone("long", Facts.of(values), EntryZoneRules.model_validate(rules), Decimal("1e-12"), 0)
    if zone is None:
        assert np.isnan(width)
    else:
        assert width == pytest.approx(float(100 * zone.width_ratio), rel=1e-6, abs=1e-9)


def test_metrics_of_recorded_candles_are_the_same_live_and_replayed() -> None:
    rules = measuring()
    instants = [ms(f"2025-06-01T0{hour}:{minute:02d}Z") for hour in (6, 7) for minute in (0, 7, 46)]
    candles = market(SYMBOLS[:2], FRAMES)
    for symbol in SYMBOLS[:2]:
        batch = replay(rules, symbol, candles, instants)
        for row, at in enumerate(instants):
            now = live(rules, [symbol], candles, at)
            assert_same(now, 0, batch, row)
            metrics = now.metrics(0)
            assert metrics == batch.metrics(row)
            assert {name for name, value in metrics.items() if value is None} == {"spread_bps"}


def test_a_timeframe_that_only_metrics_read_needs_no_candles() -> None:
    rules = measuring()
    assert rules.gated == ("5m", "1m")
    assert set(rules.plans) == {"5m", "1m", "15m", "1h"}
    candles = market(SYMBOLS[:1], FRAMES)
    at = ms("2025-06-01T07:46Z")
    few = {key: part for key, part in candles.items() if key[1] in ("1m", "5m")}
    expected, found = (live(rules, SYMBOLS[:1], some, at) for some in (candles, few))
    assert found.verdict(0).context == expected.verdict(0).context
    assert [name for name, value in found.metrics(0).items() if value is None] == [
        "atr_pct_15m_bps", "spread_bps", "adx_1h", "volume_ratio", "price_vs_ma21_k_atr",
    ]  # fmt: skip


def test_a_metric_asks_for_no_more_candles() -> None:
    read = measuring()
    assert {tf: plan.needed for tf, plan in variant().plans.items()} == {
        tf: read.plans[tf].needed for tf in variant().plans
    }
