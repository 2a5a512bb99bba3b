"""Inputs of the domain's worked examples, with the numbers that the rules in force give.

Each expectation was worked out apart from the code, with fractions: the stop rounded away from the entry, the
loss of one contract ``contract_size x (distance + 0.0006 x (entry + stop))``, the size floored, the leverage
``ceil(notional / budget)`` within its caps, the target where the net reward is R times the net risk.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from trade_entry_bench import (
    BTC_MARKET,
    DOGE_MARKET,
    ETH_MARKET,
    SOL_MARKET,
    SPLITS,
    D,
    balance,
    btc_facts,
    draft,
    fact_values,
    judged,
    planned,
    settings,
    signal,
)

from server.trade_entry.stop import find_stop
from server.trade_entry.take_profit import Ladder, take_profit
from server.trade_entry.targets import two_targets

MICRO = settings()
MARGIN_BASED = settings(risk={"base": "margin_budget"})

# The domain's regular profile, as far as this issue has its keys: risk on the margin budget, 1.5 ATR, 2 R.
REGULAR = settings(
    decision={"allowed_execution_timeframes": ["1m", "5m", "15m"]},
    risk={
        "base": "margin_budget",
        "risk_pct": 5,
        "initial_margin_usdt": 40,
        "timeframe_multipliers": {"5m": 0.75},
    },
    entry={"zone_max_deviation_ratio": 0.018},
    entry_zone={"from": "vwap", "k_atr": 0.30, "w_max": 0.01, "ttl_sec": 240},
    stop={"atr_k": 1.5},
    take_profit={"r_multiple": 2, "tp_max_extra_r": 0.5},
    leverage={
        "exchange_cap": 40,
        "per_symbol_caps": [
            {"symbol_regex": "^BTCUSDT$", "cap": 40},
            {"symbol_regex": "^(ETH|BNB)USDT$", "cap": 25},
        ],
    },
)

CRASH = settings(
    decision={"allowed_execution_timeframes": []},
    risk={"base": "margin_budget", "risk_pct": 1.5, "initial_margin_usdt": 20, "timeframe_multipliers": {}},
    entry={"zone_max_deviation_ratio": 0.03},
    entry_zone={"from": "vwap", "k_atr": 0.25, "w_max": 0.008, "ttl_sec": 120},
    stop={"atr_k": 1.5},
    take_profit={"r_multiple": 1.0, "tp_max_extra_r": 0.5},
    leverage={"floor": 3, "exchange_cap": 40},
)

# The domain's scalper profile; its multipliers of 10 and 12 are cut to the upper bound of 3 (decision 14).
SCALPER = settings(
    decision={"allowed_execution_timeframes": []},
    risk={
        "base": "margin_budget",
        "risk_pct": 7,
        "initial_margin_usdt": 20,
        "timeframe_multipliers": {"5m": 3, "1m": 3},
    },
    entry={"zone_max_deviation_ratio": 0.045},
    entry_zone={"from": "vwap", "k_atr": 0.22, "w_min": 0.0004, "w_max": 0.0065, "ttl_sec": 150},
    stop={"from": "pivot", "fallback": "atr", "atr_k": 1.5, "pivot_buffer_ratio": 0.003},
    take_profit={"r_multiple": 1.3, "tp_max_extra_r": 0.5},
    leverage={"floor": 4, "exchange_cap": 50},
    market_entry={"enabled": True, "allowed_execution_timeframes": ["1m", "5m"], "max_slippage_bps": 25},
)

ETH_PIVOTS = {"pp": 3405, "r1": 3452, "r2": 3498, "r3": 3545, "s1": 3388, "s2": 3340.5, "s3": 3301}
SOL_PIVOTS = {"pp": 149, "r1": 153.2, "r2": 157.9, "r3": 161, "s1": 146.1, "s2": 143, "s3": 139.5}

ETH_5M = fact_values("5m", {"5m": 14.2, "15m": 24.8}, None, 3421.55, ETH_PIVOTS)
ETH_15M = fact_values("15m", {"15m": 5.0, "5m": 14.2}, None, 3421.55, ETH_PIVOTS)
DOGE_5M = fact_values(
    "5m", {"5m": 0.00118, "15m": 0.00205}, None, 0.4021,
    {"pp": 0.4035, "r1": 0.41, "r2": 0.4205, "r3": 0.431, "s1": 0.3995, "s2": 0.391, "s3": 0.385},
)  # fmt: skip
SOL_1M = fact_values(
    "1m", {"1m": 0.21, "5m": 0.62, "15m": 1.05}, None, 148.25,
    {"pp": 147.6, "r1": 148.5, "r2": 151.9, "r3": 154, "s1": 146.1, "s2": 143, "s3": 139.5},
)  # fmt: skip
PIVOT_ELSE_ATR = {"from": "pivot", "fallback": "atr", "atr_k": 1.5, "pivot_buffer_ratio": 0.003}
SOL_5M = fact_values("5m", {"5m": 0.62, "15m": 1.05}, 148.30, None, SOL_PIVOTS)

EXAMPLES: list[Any] = [
    # Example 1. Risk 0.5 % x 3 of 500. The ATR stop 66 760.1 is nearer than 0.5 %, so the stop moves away.
    # 18 contracts by risk; 13x would be needed, the profile caps at 10x, so 14 remain. r1 in front of the
    # base keeps only 1.087 R of the required 1.14.
    pytest.param(
        BTC_MARKET, signal(), btc_facts(), MICRO,
        {
            "zone": ("66963.2", "67047.2"), "entry": "67000.1", "entry_source": "maker",
            "stop": "66665.0", "stop_source": "atr_min_distance", "take_profit": "67579.2",
            "risk": "7.5", "risk_size": "18", "size": "14", "needed": 13, "leverage": 10,
            "notional": "938.0014", "margin": "93.80014", "loss": "5.81418684", "reward": "6.97693388",
        },
        id="1-long-minimum-distance",
    ),
    # Example 2. The stop at 1.5 ATR is kept, not widened to spend the whole risk of 1.50.
    pytest.param(
        ETH_MARKET, signal("ETHUSDT", "short", "5m"), ETH_5M, REGULAR,
        {
            "zone": ("3417.29", "3425.81"), "entry": "3421.25", "entry_source": "maker",
            "stop": "3442.55", "stop_source": "atr", "take_profit": "3366.35",
            "risk": "1.5", "risk_size": "5", "size": "5", "needed": 5, "leverage": 5,
            "notional": "171.0625", "margin": "34.2125", "loss": "1.270914", "reward": "2.541372",
        },
        id="2-short-atr",
    ),
    # Example 3. A market entry: sized for the worst price it may be filled at, 25 bps beyond the ask but not
    # outside the zone: 0.40236 (D-44). The pivot stop is s1 less 0.3 %. 19x carry it, nothing is cut.
    pytest.param(
        DOGE_MARKET, signal("DOGEUSDT", "long", "5m"), DOGE_5M, SCALPER,
        {
            "zone": ("0.40184", "0.40236"), "entry": "0.40201", "entry_source": "taker",
            "stop": "0.39830", "stop_source": "pivot", "take_profit": "0.40794",
            "risk": "4.2", "risk_size": "92", "size": "92", "needed": 19, "leverage": 19,
            "notional": "370.1712", "margin": "19.48269474", "loss": "4.17716432", "reward": "5.0085076",
        },
        id="3-long-market-pivot",
    ),
    # Example 4, with the ATR stop its fallback ends at. The floor of 3x holds, the margin stays below 19.35.
    pytest.param(
        replace(SOL_MARKET, balance=balance("19.35")), signal("SOLUSDT", "short", "5m"),
        fact_values("5m", {"5m": 0.62, "15m": 1.05}, None, 148.35, SOL_PIVOTS),
        CRASH.model_copy(update={"stop": settings(stop=PIVOT_ELSE_ATR).stop}),
        {
            "zone": ("148.195", "148.505"), "entry": "148.268", "entry_source": "maker",
            "stop": "149.198", "stop_source": "atr", "take_profit": "146.983",
            "risk": "0.29025", "risk_size": "2", "size": "2", "needed": 2, "leverage": 3,
            "notional": "29.6536", "margin": "9.88453333", "loss": "0.22169592", "reward": "0.22156988",
        },
        id="4-short-floor",
    ),
    # Example 5. The nearest edge is 0.119519 away (the far edge, 0.1208, no longer counts): the order waits.
    pytest.param(
        BTC_MARKET, signal(), btc_facts(sma_21=58950.0), MICRO,
        {
            "zone": ("58908.0", "58992.0"), "entry": "58992.0", "entry_source": "zone_edge",
            "stop": "58697.0", "stop_source": "atr_min_distance", "take_profit": "59501.8",
            "risk": "7.5", "risk_size": "20", "size": "15", "needed": 12, "leverage": 9,
            "notional": "884.88", "margin": "98.32", "loss": "5.484201", "reward": "6.5805558",
        },
        id="5-far-edge-does-not-count",
    ),
    # Example 6. An error before; now the order rests at the zone's upper edge and waits for the market.
    pytest.param(
        BTC_MARKET, signal(), btc_facts(sma_21=66700.0, vwap=66700.0), MICRO,
        {
            "zone": ("66658.0", "66742.0"), "entry": "66742.0", "entry_source": "zone_edge",
            "stop": "66408.2", "stop_source": "atr_min_distance", "take_profit": "67318.8",
            "risk": "7.5", "risk_size": "18", "size": "14", "needed": 13, "leverage": 10,
            "notional": "934.388", "margin": "93.4388", "loss": "5.79166168", "reward": "6.94908928",
        },
        id="6-rests-at-the-edge",
    ),
    # Example 7. A stop at a fixed distance (D-33), 0.4 % here, moved away to the least of 0.5 %.
    pytest.param(
        BTC_MARKET, signal(timeframe="15m"),
        fact_values("15m", {"5m": 120.0, "15m": 210.0}, None, 67001.0),
        REGULAR.model_copy(update={"stop": settings(stop={"from": "risk", "risk_stop_ratio": 0.004}).stop}),
        {
            "zone": ("66965.0", "67037.0"), "entry": "67000.1", "entry_source": "maker",
            "stop": "66665.0", "stop_source": "risk_min_distance", "take_profit": "67911.6",
            "risk": "2", "risk_size": "4", "size": "4", "needed": 7, "leverage": 7,
            "notional": "268.0004", "margin": "38.28577143", "loss": "1.66119624", "reward": "3.32221192",
        },
        id="7-risk-stop",
    ),
    # Example 8 with the risk on equity: 2.5 USDT pay for three contracts.
    pytest.param(
        BTC_MARKET, signal(timeframe="5m"),
        btc_facts(timeframe="5m", atr={"5m": 150.0, "15m": 210.0}), settings(entry_zone={"k_atr": 0.28}),
        {
            "zone": ("66963.2", "67047.2"), "entry": "67000.1", "entry_source": "maker",
            "stop": "66400.1", "stop_source": "atr", "take_profit": "67897.0",
            "risk": "2.5", "risk_size": "3", "size": "3", "needed": 3, "leverage": 3,
            "notional": "201.0003", "margin": "67.0001", "loss": "2.04012036", "reward": "2.44788522",
        },
        id="8-risk-on-equity",
    ),
    # Example 9. A small notional needs 1x; the floor of 2x stands, so nothing is skipped.
    pytest.param(
        SOL_MARKET, signal("SOLUSDT", "long", "5m"), SOL_5M, MICRO,
        {
            "zone": ("148.083", "148.517"), "entry": "148.262", "entry_source": "maker",
            "stop": "145.782", "stop_source": "atr", "take_profit": "151.629",
            "risk": "0.6", "risk_size": "2", "size": "2", "needed": 1, "leverage": 2,
            "notional": "29.6524", "margin": "14.8262", "loss": "0.53128528", "reward": "0.63741308",
        },
        id="9-small-notional",
    ),
    # Example 10. r1 plus 0.3 % is 0.46 % away, so the stop moves to 0.5 % and says so. The cap of the market
    # entry is the zone's edge, 148.113; a short takes most margin at the bid.
    pytest.param(
        SOL_MARKET, signal("SOLUSDT", "short", "1m"), SOL_1M, SCALPER,
        {
            "zone": ("148.113", "148.387"), "entry": "148.261", "entry_source": "taker",
            "stop": "149.003", "stop_source": "pivot_min_distance", "take_profit": "146.888",
            "risk": "4.2", "risk_size": "39", "size": "39", "needed": 29, "leverage": 29,
            "notional": "578.2179", "margin": "19.93854828", "loss": "4.16625144", "reward": "4.66405134",
        },
        id="10-short-market-pivot-guarded",
    ),
    # Example 11. Sized once from the final stop: nothing is lost to rounding twice.
    pytest.param(
        ETH_MARKET, signal("ETHUSDT", "long", "15m"), ETH_15M | {("atr", "15m"): 5.0}, REGULAR,
        {
            "zone": ("3417.29", "3425.81"), "entry": "3421.21", "entry_source": "maker",
            "stop": "3404.1", "stop_source": "atr_min_distance", "take_profit": "3467.75",
            "risk": "2", "risk_size": "9", "size": "9", "needed": 8, "leverage": 8,
            "notional": "307.9089", "margin": "38.4886125", "loss": "1.90846674", "reward": "3.81659616",
        },
        id="11-sized-once",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("market", "ready", "values", "rules", "expected"), EXAMPLES)
def test_worked_example(market: Any, ready: Any, values: Any, rules: Any, expected: dict[str, Any]) -> None:
    plan = planned(market, ready, values, rules)
    got = {
        "zone": (plan.zone.low, plan.zone.high),
        "entry": plan.entry.price,
        "entry_source": plan.entry.source,
        "stop": plan.stop.price,
        "stop_source": plan.stop.source,
        "take_profit": plan.take_profit.price,
        "risk": plan.risk.risk_usdt,
        "risk_size": plan.risk_size,
        "size": plan.size,
        "needed": plan.leverage.needed,
        "leverage": plan.leverage.value,
        "notional": plan.notional_usdt,
        "margin": round(plan.margin_usdt, 8),
        "loss": plan.loss_at_stop_usdt,
        "reward": plan.reward_usdt,
    }
    assert got == {key: _numbers(value) for key, value in expected.items()}


def _numbers(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_numbers(item) for item in value)
    try:
        return Decimal(value)
    except ArithmeticError:
        return value


def test_example_5_one_notch_further_is_skipped() -> None:
    """Pivot 58 900: edge 58 942.0 is (67 000.1 - 58 942.0) / 67 003.0 = 0.120265 away, the limit is 0.12."""
    made = draft(BTC_MARKET, signal(), btc_facts(sma_21=58900.0), MICRO)
    answer = judged(made, MICRO)
    assert (answer.status, answer.outward) == ("skipped", "skipped_out_of_zone")
    assert round(made.facts["zone_deviation_ratio"], 6) == D("0.120265")  # type: ignore[call-overload]


def test_example_8_risk_on_the_margin_budget_is_too_small() -> None:
    """0.5 USDT against 0.001 x (600 + 0.0006 x (67 000.1 + 66 400.1)) = 0.68004012 per contract."""
    facts = btc_facts(timeframe="5m", atr={"5m": 150.0, "15m": 210.0})
    made = draft(BTC_MARKET, signal(timeframe="5m"), facts, MARGIN_BASED)
    answer = judged(made, MARGIN_BASED)
    assert (answer.status, answer.outward) == ("skipped", "size_below_min_volume")
    assert made.facts["required_risk_usdt"] == D("0.68004012")
    assert made.plan is None


def test_example_11_symbol_pattern_caps_the_leverage() -> None:
    plan = planned(ETH_MARKET, signal("ETHUSDT", "long", "15m"), ETH_15M, REGULAR)
    assert (plan.leverage.caps.symbol, plan.leverage.caps.whole) == (D(25), 25)


def test_example_4_says_why_its_stop_is_not_behind_the_pivot() -> None:
    """r1 and its buffer end at 153.660, (153.660 - 148.268) / 148.268 = 3.64 % away, the limit is 2 %."""
    rules = CRASH.model_copy(update={"stop": settings(stop=PIVOT_ELSE_ATR).stop})
    facts = fact_values("5m", {"5m": 0.62, "15m": 1.05}, None, 148.35, SOL_PIVOTS)
    made = draft(SOL_MARKET, signal("SOLUSDT", "short", "5m"), facts, rules)
    assert made.facts["pivot_stop"] == "too_far"
    assert round(made.facts["pivot_stop_distance_ratio"], 6) == D("0.036367")  # type: ignore[call-overload]
    assert made.plan is not None
    assert (made.plan.stop.method, made.plan.stop.fell_back) == ("atr", True)


def test_example_12_two_targets_share_one_stop() -> None:
    """The first target pays 1.3 R after fees: (3421.30 x 1.0006 + 1.3 x 50.537684) / 0.9994, down to a tick.

    The second lies at least max(0.5, 17.1065, 9.292) beyond 3 491.14: r2 at 3 496.50 is too near, r3 is not.
    """
    rules = settings(
        stop={"from": "pivot", "pivot_buffer_ratio": 0.003},
        take_profit={"targets": "two", "r_multiple": 1.3, "split": {"strategies": SPLITS}},
    )
    entry, tick = D("3421.30"), D("0.01")
    levels = {"pp": 3400, "r1": 3442, "r2": 3500, "r3": 3560, "r4": 3620, "s1": 3385, "s2": 3310}
    prices = {name: D(price) for name, price in levels.items()}
    stop = find_stop("long", entry, None, prices, rules.stop, tick).stop
    assert stop is not None
    assert (stop.price, stop.level and stop.level.name) == (D("3374.84"), "s1")

    ladder = Ladder("long", entry, stop.price, D("0.0006"), tick)
    first = take_profit(ladder, rules.take_profit, prices)
    facts = {"adx_1h": None, "atr_ratio": D("7.6") / entry, "valid_timeframes": 2, "entry_position": D(1)}
    made = two_targets(ladder, rules.take_profit, prices, first, D(37), ETH_MARKET.contract, facts)
    assert [(part.price, part.share, part.size) for part in made.parts] == [
        (D("3491.14"), D("0.5"), D(18)),
        (D("3556.44"), D("0.5"), D(19)),
    ]
    assert (made.second and made.second.level, made.split and made.split.strategy) == ("r3", None)
    assert [round(part.effective_r, 6) for part in made.parts] == [D("1.299872"), D("2.591202")]
