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
    D,
    TableVenue,
    balance,
    book,
    btc_facts,
    gates,
    merged,
    read,
    settings,
    signal,
    venue,
)

from engine.models.trade_entry import TradeEntryDocument
from server.trade_entry import decide
from server.trade_entry.preflight import Market

Values = dict[Any, float | None]
SHIPPED = "profiles/scalper_micro/trade_entry.yaml"
UNCHANGED = {"kind", "version", "profile", "extends", "summary"}

OLD_BOOK = replace(BTC_MARKET, book=book("BTCUSDT", "67000.0", "67000.4", "67003.0", AS_OF_MS - 30_000))


def nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


# r1 at 67 640 is buffered to 67 572.3, just before the base of 67 579.2.
AGGRESSIVE = {"take_profit": {"tp_policy": "pivot_aggressive", "tp_max_extra_r": 1}}

# path, changed value, facts, market, timeframe, what else differs from the shipped document in both runs
KNOBS: list[tuple[str, Any, Values, Market, str, dict[str, Any]]] = [
    ("decision.allowed_execution_timeframes", ["5m"], btc_facts(), BTC_MARKET, "1m", {}),
    ("decision.dry_run_validate_all_timeframes", True, btc_facts(timeframe="15m"), BTC_MARKET, "15m", {}),
    ("risk.base", "margin_budget", btc_facts(), BTC_MARKET, "1m", {}),
    ("risk.risk_pct", 0.25, btc_facts(), BTC_MARKET, "1m", {}),
    ("risk.timeframe_multipliers", {"1m": 2}, btc_facts(), BTC_MARKET, "1m", {}),
    ("risk.initial_margin_usdt", 50, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry.inside_ticks", 3, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry.rest_at_edge", False, btc_facts(sma_21=66700.0), BTC_MARKET, "1m", {}),
    ("entry.zone_max_deviation_ratio", 0.001, btc_facts(sma_21=66700.0), BTC_MARKET, "1m", {}),
    ("entry.max_book_age_sec", 60, btc_facts(), OLD_BOOK, "1m", {}),
    ("entry_zone.from", "vwap", btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.pivot_timeframe", "15m", btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.atr_timeframe", "15m", btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.k_atr", 0.5, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.w_min", 0.001, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.w_max", 0.0006, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.asym_bias", 0.3, btc_facts(), BTC_MARKET, "1m", {}),
    ("entry_zone.ttl_sec", 60, btc_facts(), BTC_MARKET, "1m", {}),
    ("stop.atr_k", 8.0, btc_facts(), BTC_MARKET, "1m", {}),
    ("stop.min_stop_distance_ratio", 0.01, btc_facts(), BTC_MARKET, "1m", {}),
    ("take_profit.r_multiple", 2, btc_facts(), BTC_MARKET, "1m", {}),
    ("take_profit.tp_policy", "none", btc_facts(pivots={"r1": 67640.0}), BTC_MARKET, "1m", {}),
    ("take_profit.tp_buffer_ratio", 0.0012, btc_facts(pivots={"r1": 67640.0}), BTC_MARKET, "1m", {}),
    ("take_profit.tp_buffer_ticks", 5, btc_facts(pivots={"r1": 67640.0}), BTC_MARKET, "1m", {}),
    ("take_profit.tp_min_keep_ratio", 1, btc_facts(pivots={"r1": 67640.0}), BTC_MARKET, "1m", {}),
    ("take_profit.tp_max_extra_r", 0, btc_facts(pivots={"r1": 67700.0}), BTC_MARKET, "1m", AGGRESSIVE),
    ("leverage.floor", 4, btc_facts(), replace(BTC_MARKET, balance=balance("50")), "1m", {}),
    ("leverage.exchange_cap", 5, btc_facts(), BTC_MARKET, "1m", {}),
    ("leverage.per_symbol_caps", [{"symbol_regex": "BTC", "cap": 3}], btc_facts(), BTC_MARKET, "1m", {}),
    ("leverage.k_dynamic", 0.02, btc_facts(), BTC_MARKET, "1m", {}),
    ("leverage.min_accepted", 10, btc_facts(), BTC_MARKET, "1m", {}),
]


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of every key below the document's sections."""
    for name, info in model.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from leaves(info.annotation, f"{path}.")
        elif prefix or name not in UNCHANGED:
            yield path


def test_every_key_is_tested() -> None:
    assert {knob[0] for knob in KNOBS} == set(leaves(TradeEntryDocument))


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob[0])
async def test_every_key_changes_something(knob: Any) -> None:
    path, value, facts, market, timeframe, base = knob

    async def answer(rules: TradeEntryDocument) -> dict[str, Any]:
        table: TableVenue = venue(market)
        made = await decide(signal(timeframe=timeframe), facts, rules, gates(), table, dry_run=True)
        return made.to_json()

    before = await answer(settings(**base))
    after = await answer(settings(**merged(base, nested(path, value))))
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
    ("entry.order_type", "market"),  # no such key yet
    ("entry_zone.from", "sma_21"),
    ("entry_zone.offset_k", 2.0),  # one name per setting
    ("entry_zone.w_max", 0.0001),  # below w_min
    ("stop.stop_from", "pivot"),
    ("stop.atr_k", 0),
    ("take_profit.tp_policy", "nearest"),
    ("take_profit.tp_min_keep_ratio", 1.2),
    ("leverage.floor", 11),  # above exchange_cap
    ("leverage.per_symbol_caps", [{"symbol_regex": "(BTC", "cap": 5}]),
    ("leverage.per_symbol_caps", [{"symbol_regex": "BTC", "cap": 0}]),
    ("market_entry", {"enabled": True}),
]


@pytest.mark.parametrize(("path", "value"), BROKEN, ids=lambda item: str(item))
def test_wrong_settings_are_refused(path: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        TradeEntryDocument.model_validate(merged(read(SHIPPED), nested(path, value)))


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
