"""Every key of ``trade_entry.yaml`` is in force, bounded, and nothing else is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from trade_entry_bench import (
    AS_OF_MS,
    BTC_MARKET,
    RULES,
    TAKES,
    D,
    TableVenue,
    balance,
    book,
    btc_facts,
    decided,
    issued,
    merged,
    planned,
    read,
    settings,
    signal,
    venue,
)

from engine.documents.document import read_document
from engine.models.trade_entry import TradeEntryDocument
from server.trade_entry.preflight import Market

Values = dict[Any, float | None]
SHIPPED = "profiles/scalper_micro/trade_entry.yaml"
UNCHANGED = {"kind", "version", "profile", "extends", "summary"}

OLD_BOOK = replace(BTC_MARKET, book=book("BTCUSDT", "67000.0", "67000.4", "67003.0", AS_OF_MS - 30_000))
BOOK_AHEAD = replace(BTC_MARKET, book=book("BTCUSDT", "67000.0", "67000.4", "67003.0", AS_OF_MS + 30_000))


def nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


# r1 at 67 640 is buffered to 67 572.3, just before the base of 67 579.2.
AGGRESSIVE = {"take_profit": {"tp_policy": "pivot_aggressive", "tp_max_extra_r": 1}}

PIVOT = {"stop": {"from": "pivot"}}
LEVELS = btc_facts(pivots={"r1": 67600, "s1": 66500, "s2": 66100})
NO_LEVELS = btc_facts(pivots={})
SWITCH = {"market_entry": {"enabled": True}}
TWO = {"take_profit": {"targets": "two"}}
# A second target at 2 R is where the first is, so far_r_multiple counts.
FAR = {"take_profit": {"targets": "two", "r_multiple": 2, "second_target": {"at_pivots": False}}}
# A second target at 1 R is never far enough, so it is as far away as the gap says: one tick here.
NO_GAP = {
    "take_profit": {
        "targets": "two",
        "second_target": {
            "r_multiple": 1,
            "far_r_multiple": 1,
            "min_gap_ticks": 0,
            "min_gap_ratio": 0,
            "min_gap_stop_ratio": 0,
        },
    }
}
VOLATILE = [{"name": "volatile", "when": "atr_ratio > 0.001", "first_share": 0.7}]

# path, changed value, facts, market, timeframe, what else differs from the shipped document in both runs
KNOBS: list[tuple[str, Any, Values, Market, str, dict[str, Any]]] = [
    ("decision.allowed_execution_timeframes", ["5m"], btc_facts(), BTC_MARKET, "1m", {}),
    ("decision.dry_run_validate_all_timeframes", True, btc_facts(timeframe="15m"), BTC_MARKET, "15m", {}),
    ("plan_conditions", [{"lev_bounds": {"minimum": 11}}], btc_facts(), BTC_MARKET, "1m", {}),
    ("risk.base", "margin_budget", btc_facts(), BTC_MARKET, "1m", {}),
    ("risk.risk_pct", 0.25, btc_facts(), BTC_MARKET, "1m", {}),
    ("risk.timeframe_multipliers", {"1m": 2}, btc_facts(), BTC_MARKET, "1m", {}),
    ("risk.initial_margin_usdt", 50, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry.order_type", "market", btc_facts(), BTC_MARKET, "1m", {}),
    ("entry.order_mode", "gtc", btc_facts(), BTC_MARKET, "1m", {}),
    ("entry.max_slippage_bps", 2, btc_facts(), BTC_MARKET, "1m", TAKES),
    ("entry.market_max_spread_bps", 0.05, btc_facts(), BTC_MARKET, "1m", TAKES),
    ("entry.inside_ticks", 3, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry.rest_at_edge", False, btc_facts(sma_21=66700.0), BTC_MARKET, "1m", {}),
    ("entry.zone_max_deviation_ratio", 0.001, btc_facts(sma_21=66700.0), BTC_MARKET, "1m", {}),
    ("entry.max_book_age_sec", 60, btc_facts(), OLD_BOOK, "1m", {}),
    ("entry.max_book_ahead_sec", 60, btc_facts(), BOOK_AHEAD, "1m", {}),
    ("entry_zone.from", "vwap", btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.pivot_timeframe", "15m", btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.atr_timeframe", "15m", btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.k_atr", 0.5, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.w_min", 0.001, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.w_max", 0.0006, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.asym_bias", 0.3, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.ttl_sec", 60, btc_facts(), BTC_MARKET, "1m", {}),
    ("stop.from", "risk", btc_facts(), BTC_MARKET, "1m", {}),
    ("stop.fallback", "risk", NO_LEVELS, BTC_MARKET, "1m", PIVOT),
    ("stop.risk_stop_ratio", 0.02, btc_facts(), BTC_MARKET, "1m", {"stop": {"from": "risk"}}),
    ("stop.pivot_policy", "strongest", LEVELS, BTC_MARKET, "1m", PIVOT),
    ("stop.pivot_buffer_ratio", 0.003, LEVELS, BTC_MARKET, "1m", PIVOT),
    ("stop.max_pivot_distance_ratio", 0.005, LEVELS, BTC_MARKET, "1m", PIVOT),
    ("stop.atr_k", 8.0, btc_facts(), BTC_MARKET, "1m", {}),
    ("stop.min_stop_distance_ratio", 0.01, btc_facts(), BTC_MARKET, "1m", {}),
    ("take_profit.r_multiple", 2, btc_facts(), BTC_MARKET, "1m", {}),
    ("take_profit.tp_policy", "none", btc_facts(pivots={"r1": 67640.0}), BTC_MARKET, "1m", {}),
    ("take_profit.tp_buffer_ratio", 0.0012, btc_facts(pivots={"r1": 67640.0}), BTC_MARKET, "1m", {}),
    ("take_profit.tp_buffer_ticks", 5, btc_facts(pivots={"r1": 67640.0}), BTC_MARKET, "1m", {}),
    ("take_profit.tp_min_keep_ratio", 1, btc_facts(pivots={"r1": 67640.0}), BTC_MARKET, "1m", {}),
    ("take_profit.tp_max_extra_r", 0, btc_facts(pivots={"r1": 67700.0}), BTC_MARKET, "1m", AGGRESSIVE),
    ("take_profit.targets", "two", btc_facts(), BTC_MARKET, "1m", {}),
    ("take_profit.second_target.at_pivots", False, btc_facts(), BTC_MARKET, "1m", TWO),
    ("take_profit.second_target.r_multiple", 2.4, NO_LEVELS, BTC_MARKET, "1m", TWO),
    ("take_profit.second_target.far_r_multiple", 3, NO_LEVELS, BTC_MARKET, "1m", FAR),
    ("take_profit.second_target.min_gap_ticks", 5000, NO_LEVELS, BTC_MARKET, "1m", NO_GAP),
    ("take_profit.second_target.min_gap_ratio", 0.007, NO_LEVELS, BTC_MARKET, "1m", NO_GAP),
    ("take_profit.second_target.min_gap_stop_ratio", 2, NO_LEVELS, BTC_MARKET, "1m", NO_GAP),
    ("take_profit.split.default_share", 0.3, btc_facts(), BTC_MARKET, "1m", TWO),
    ("take_profit.split.strategies", VOLATILE, btc_facts(), BTC_MARKET, "1m", TWO),
    ("leverage.floor", 4, btc_facts(), replace(BTC_MARKET, balance=balance("50")), "1m", {}),
    ("leverage.exchange_cap", 5, btc_facts(), BTC_MARKET, "1m", {}),
    ("leverage.per_symbol_caps", [{"symbol_regex": "BTC", "cap": 3}], btc_facts(), BTC_MARKET, "1m", {}),
    ("leverage.k_dynamic", 0.02, btc_facts(), BTC_MARKET, "1m", {}),
    ("leverage.min_accepted", 10, btc_facts(), BTC_MARKET, "1m", {}),
    ("guards.max_concurrent_positions", 0, btc_facts(), BTC_MARKET, "1m", {}),
    ("market_entry.enabled", True, btc_facts(), BTC_MARKET, "1m", {}),
    ("market_entry.allowed_execution_timeframes", ["5m"], btc_facts(), BTC_MARKET, "1m", SWITCH),
    ("market_entry.adx_min_1h", 20, btc_facts(), BTC_MARKET, "1m", SWITCH),
    ("market_entry.max_slippage_bps", 2, btc_facts(), BTC_MARKET, "1m", SWITCH),
    ("liquidation.min_stop_multiple", 50, btc_facts(), BTC_MARKET, "1m", {}),
]

HANDED_ON: list[tuple[str, Any]] = [
    ("cooldown.submitted_sec", 1),
    ("cooldown.cancelled_sec", 1),
    ("cooldown.stopped_out_sec", 1),
    ("end_of_zone.enabled", False),
    ("end_of_zone.ttl_threshold_sec", 1),
    ("end_of_zone.max_spread_bps", 1),
    ("end_of_zone.only_if_within_zone", False),
    ("end_of_zone.max_slippage_bps", 1),
    ("execution.margin_mode", "cross"),
    ("execution.signal_ttl_sec", 1),
    ("execution.order_ttl_sec", 1),
    ("execution.out_of_zone_sec", 1),
    ("execution.fill_timeout_sec", 1),
    ("execution.protect_within_sec", 1),
    ("execution.max_requotes", 0),
    ("execution.poll_sec", 5),
]
"""Keys of which the plan only tells the execution, in its ticket."""

OF_THE_ACCOUNT = {"guards.daily_max_loss_usdt", "guards.daily_loss_count_unrealized"}
"""Keys that are read with the state of the account; their tests are those of the gate ``guards``."""


COMPANIONS = {"entry.order_type": {"entry": {"order_mode": "ioc"}}}
"""What has to be changed with a key because one does not go without the other."""


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of every key below the document's sections."""
    for name, info in model.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from leaves(info.annotation, f"{path}.")
        elif prefix or name not in UNCHANGED:
            yield path


def test_every_key_is_tested() -> None:
    tested = {knob[0] for knob in KNOBS} | {path for path, _ in HANDED_ON}
    assert tested | OF_THE_ACCOUNT == set(leaves(TradeEntryDocument))
    assert not tested & OF_THE_ACCOUNT


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob[0])
async def test_every_key_changes_something(knob: Any) -> None:
    path, value, facts, market, timeframe, base = knob

    async def answer(rules: TradeEntryDocument) -> dict[str, Any]:
        table: TableVenue = venue(market)
        made = await decided(signal(timeframe=timeframe), facts, rules, table)
        return made.to_json()

    before = await answer(settings(**base))
    with_it = COMPANIONS.get(path, {})
    after = await answer(settings(**merged(base, merged(nested(path, value), with_it))))
    assert before != after


@pytest.mark.parametrize(("path", "value"), HANDED_ON)
def test_what_execution_needs_is_on_the_ticket(path: str, value: Any) -> None:
    before, after = (
        issued(planned(BTC_MARKET, signal(), btc_facts(), rules)).to_json()
        for rules in (settings(), settings(**nested(path, value)))
    )
    assert before != after


BROKEN: list[tuple[str, Any]] = [
    ("risk.risk_pct", -0.1),
    ("risk.risk_pct", 11),
    ("risk.risk_pct", "0.5"),
    ("risk.risk_pct", True),
    ("risk.risk_pct", float("nan")),
    ("risk.risk_pct", None),
    ("risk.base", "capital"),
    ("risk.timeframe_multipliers", {"1m": 4}),  # above the upper bound
    ("risk.timeframe_multipliers", {"2m": 1}),
    ("entry.inside_ticks", 1.5),
    ("entry.order_type", "market"),  # with the shipped order_mode maker_only
    ("entry.order_type", "stop"),
    ("entry.order_mode", "ioc"),
    ("entry.order_mode", "fok"),
    ("entry.market_max_spread_bps", 0),
    ("entry_zone.from", "sma_21"),
    ("entry_zone.offset_k", 2.0),  # one name per setting
    ("entry_zone.w_max", 0.0001),  # below w_min
    ("stop.stop_from", "pivot"),
    ("stop.from", "pivots"),
    ("stop.fallback", "atr"),  # what it falls back from
    ("stop", {"from": "risk", "fallback": "atr"}),  # risk never fails
    ("stop.pivot_policy", "s7"),
    ("stop.pivot_policy", "pp"),
    ("stop.max_pivot_distance_ratio", 0),
    ("stop.atr_k", 0),
    ("take_profit.tp_policy", "nearest"),
    ("take_profit.tp_min_keep_ratio", 1.2),
    ("leverage.floor", 11),  # above exchange_cap
    ("leverage.per_symbol_caps", [{"symbol_regex": "(BTC", "cap": 5}]),
    ("leverage.per_symbol_caps", [{"symbol_regex": "BTC", "cap": 0}]),
    ("take_profit.targets", "three"),
    ("take_profit.second_target", {"r_multiple": 3, "far_r_multiple": 2}),
    ("take_profit.split", {"default_share": 1}),
    ("take_profit.split", {"strategies": [{"name": "a", "when": "momentum > 1", "first_share": 0.5}]}),
    ("take_profit.split", {"strategies": [{"name": "a", "when": "adx_1h[1] > 1", "first_share": 0.5}]}),
    ("take_profit.split", {"strategies": [{"name": "a", "when": "adx_1h", "first_share": 0.5}]}),
    ("market_entry", {"enabled": True, "adx_min_5m": 20}),
    ("plan_conditions", []),
    ("plan_conditions", "lev_bounds"),
    ("liquidation.min_stop_multiple", 0.5),
    ("guards", None),
    ("guards.max_concurrent_positions", -1),
    ("guards.max_positions", 3),
    ("cooldown.submitted_sec", 1.5),
    ("end_of_zone.taker_order_type", "market"),
    ("execution.max_requotes", 3),
]


@pytest.mark.parametrize(("path", "value"), BROKEN, ids=lambda item: str(item))
def test_wrong_settings_are_refused(path: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        TradeEntryDocument.model_validate(merged(read(SHIPPED), nested(path, value)))


def test_a_switch_to_what_it_is_already_is_refused() -> None:
    with pytest.raises(ValidationError, match="enabled does nothing where"):
        settings(**TAKES, **SWITCH)


PLACES = [
    (
        "order_mode: maker_only ",
        "order_mode: ioc ",
        "20:3: order_mode ioc does not go with order_type limit; it takes maker_only or gtc",
    ),
    (
        "order_type: limit ",
        "order_type: market ",
        "20:3: order_mode maker_only does not go with order_type market; it takes ioc",
    ),
    ("  order_mode: maker_only", "# ", ""),
    ("fallback: none ", "fallback: atr ", "38:3: a fallback atr does nothing where the stop is from atr"),
    ("from: atr ", "from: atrs ", "37:9: unknown from 'atrs'; did you mean 'atr'?"),
    ("min_stop_multiple: 3", "min_stop_multiple: 0", "80:22: 0 is below the least value, 1"),
    ("max_concurrent_positions: 3", "", "82:1: missing key 'max_concurrent_positions'"),
]


@pytest.mark.parametrize(("old", "new", "told"), PLACES, ids=lambda item: str(item).strip())
def test_refusals_name_their_place(old: str, new: str, told: str) -> None:
    text = (RULES / SHIPPED).read_text()
    assert text.count(old) == 1
    found = read_document(SHIPPED, text.replace(old, new), "trade_entry").problems
    assert [str(problem) for problem in found] == ([f"{SHIPPED}:{told}"] if told else [])


def test_numbers_are_the_decimals_that_were_written() -> None:
    rules = settings(stop={"min_stop_distance_ratio": 0.1}, risk={"risk_pct": 1})
    assert (rules.stop.min_stop_distance_ratio, rules.risk.risk_pct) == (D("0.1"), D(1))
    shown = rules.model_dump(mode="json", by_alias=True)
    assert shown["stop"]["min_stop_distance_ratio"] == 0.1
    assert TradeEntryDocument.model_validate(shown) == rules


def test_the_shipped_profile_has_the_decided_values() -> None:
    rules = settings()
    assert (rules.entry_zone.k_atr, rules.entry_zone.w_max) == (D("0.35"), D("0.014"))
    assert rules.entry.zone_max_deviation_ratio == D("0.12")
    assert (rules.risk.base, rules.risk.risk_pct) == ("equity", D("0.5"))
    assert rules.risk.timeframe_multipliers == {"1m": D(3)}
    assert (rules.stop.min_stop_distance_ratio, rules.leverage.min_accepted) == (D("0.005"), 1)
