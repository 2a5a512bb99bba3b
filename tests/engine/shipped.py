"""The shipped rules and recorded candles, and small variants of both, as the engine's tests use them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import settings

from engine.candles import CandleSet, Timeframe, resample
from engine.models.conditions import ConditionsDocument
from engine.models.facts import FactsDocument
from engine.models.trade_entry import TradeEntryDocument
from engine.models.validation import ValidationDocument
from engine.ruleset import Ruleset, load
from engine.ruleset.profile import conditions_document
from engine.verdict import ProfileRules
from server.exchange.paper.parquet import read_columns
from server.exchange.paper.venue import BUNDLED
from server.fixed_code import FIXED_CODE

ROOT = Path(__file__).resolve().parents[2]
PROFILE = "scalper_micro"
SYMBOLS = tuple(
    entry["symbol"] for entry in json.loads((BUNDLED / "manifest.json").read_text(encoding="utf-8"))["files"]
)

Candles = dict[tuple[str, str], CandleSet]
Plain = dict[str, Any]


def examples(count: int) -> settings:
    """Settings of a property: so many examples, and no deadline."""
    return settings(max_examples=count, deadline=None)


def ms(text: str) -> int:
    """``2025-06-01T07:46Z`` as ms UTC."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@cache
def ruleset() -> Ruleset:
    """The folder ``rules/``."""
    return load(ROOT / "rules", FIXED_CODE)


def plain_validation() -> Plain:
    """The shipped profile's validation document as maps and lists, to be changed at will."""
    return ruleset().profiles[PROFILE].validation.model_dump(by_alias=True, exclude_none=True, mode="json")


def variant(
    edit: Callable[[Plain], object] | None = None,
    conditions: Mapping[str, Plain] | None = None,
    facts: Mapping[str, Plain] | None = None,
    trade_entry: TradeEntryDocument | None = None,
) -> ProfileRules:
    """The shipped rules with ``edit`` applied to the validation document, and more conditions or facts."""
    shipped = ruleset()
    validation = plain_validation()
    if edit is not None:
        edit(validation)
    catalogue = conditions_document(shipped.conditions).model_dump(
        by_alias=True, exclude_none=True, mode="json"
    )
    catalogue["conditions"] |= dict(conditions or {})
    catalogued = shipped.facts.model_dump(by_alias=True, exclude_none=True, mode="json")
    catalogued["facts"] |= dict(facts or {})
    return ProfileRules.compile(
        ValidationDocument.model_validate(validation),
        ConditionsDocument.model_validate(catalogue),
        FactsDocument.model_validate(catalogued),
        shipped.profiles[PROFILE].trade_entry if trade_entry is None else trade_entry,
        shipped.gates,
        "variant",
    )


@cache
def shipped_rules() -> ProfileRules:
    """The rules of the shipped profile."""
    return ruleset().profiles[PROFILE].rules


@cache
def recorded(symbol: str, timeframe: Timeframe = "1m") -> CandleSet:
    """The bundled candles of a symbol; longer ones are built from 1m."""
    if timeframe != "1m":
        return resample(recorded(symbol), timeframe)
    return CandleSet.from_columns(symbol, "1m", *read_columns(BUNDLED / "candles" / f"{symbol}-1m.parquet"))


@cache
def market(symbols: tuple[str, ...] = SYMBOLS, timeframes: tuple[Timeframe, ...] = ("1m", "5m")) -> Candles:
    """Bundled candles by symbol and timeframe."""
    return {
        (symbol, timeframe): recorded(symbol, timeframe) for symbol in symbols for timeframe in timeframes
    }


def columns(candles: CandleSet) -> dict[str, Any]:
    """The six columns as arrays that may be changed."""
    names = ("ts", "open", "high", "low", "close", "volume")
    return {name: getattr(candles, name).copy() for name in names}


def rebuilt(candles: CandleSet, changed: Mapping[str, Any]) -> CandleSet:
    """The same symbol and timeframe with other columns."""
    parts = columns(candles) | dict(changed)
    return CandleSet.from_columns(candles.symbol, candles.timeframe, **parts)


def without(candles: CandleSet, drop: Any) -> CandleSet:
    """Without the rows where ``drop`` is true."""
    return rebuilt(candles, {name: column[~drop] for name, column in columns(candles).items()})
