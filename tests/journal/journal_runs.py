"""Runs to record: verdicts on the bundled candles, by the shipped profile or one that differs from it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np

from engine.candles import CandleSet, resample
from engine.facts import Snapshot
from engine.ruleset import Profile, Ruleset, load
from engine.verdict import ProfileRules, VerdictBatch, decide
from server.exchange.paper.parquet import read_columns
from server.exchange.paper.venue import BUNDLED
from server.fixed_code import FIXED_CODE
from server.instants import at
from server.journal import RunRecord
from server.settings import shipped_rules

MINUTE = 60_000
SYMBOLS = ("AVAXUSDT", "BNBUSDT", "BTCUSDT", "ETHUSDT", "LINKUSDT", "SOLUSDT", "SUIUSDT", "XRPUSDT")
FIRST, LAST = at("2025-05-27T00:00:00Z"), at("2025-06-03T15:32:00Z")
SHORTS = at("2025-06-01T00:07:00Z")
"""ETHUSDT, SOLUSDT and BNBUSDT are READY short."""

Candles = Mapping[tuple[str, str], CandleSet]


@cache
def ruleset() -> Ruleset:
    """The shipped folder."""
    return load(shipped_rules(), FIXED_CODE)


@cache
def shipped() -> Profile:
    """The profile as it is shipped."""
    return ruleset().profiles[ruleset().default_profile]


def edited(edit: Callable[[dict[str, Any]], object]) -> Profile:
    """The shipped profile with an edit to its canonical form."""
    canonical = deepcopy(shipped().canonical())
    edit(canonical)
    return Profile.from_canonical(canonical)


def compiled(canonical: Mapping[str, Any]) -> ProfileRules:
    """Rules from what the journal kept of a profile."""
    return Profile.from_canonical(canonical).rules


@cache
def minutes(symbol: str) -> CandleSet:
    """The bundled candles of a symbol."""
    return CandleSet.from_columns(symbol, "1m", *read_columns(BUNDLED / "candles" / f"{symbol}-1m.parquet"))


@cache
def market() -> Candles:
    """The bundled candles, and longer ones built of them."""
    whole = {(symbol, "1m"): minutes(symbol) for symbol in SYMBOLS}
    return whole | {(s, tf): resample(minutes(s), tf) for s in SYMBOLS for tf in ("5m", "15m")}


def holed(symbol: str, first_ms: int, count: int) -> Candles:
    """The market with some candles of a symbol missing."""
    ts = minutes(symbol).ts
    kept = (ts < first_ms) | (ts >= first_ms + count * MINUTE)
    parts = [
        getattr(minutes(symbol), name)[kept] for name in ("ts", "open", "high", "low", "close", "volume")
    ]
    candles = CandleSet.from_columns(symbol, "1m", *parts)
    return {**market(), (symbol, "1m"): candles, (symbol, "5m"): resample(candles, "5m")}


def verdicts(
    profile: Profile,
    as_of: int,
    symbols: Sequence[str] = SYMBOLS,
    mode: str | None = None,
    candles: Candles | None = None,
    off: Mapping[str, Collection[str]] | None = None,
) -> VerdictBatch:
    """Verdicts of some symbols at an instant; ``off``: by timeframe, the symbols it is switched off for."""
    plans = profile.rules.plans
    switched_off = {tf: np.array([s in found for s in symbols]) for tf, found in (off or {}).items()}
    source = Snapshot.of(plans, symbols, candles or market(), as_of)
    return decide(profile.rules, source, mode, switched_off=switched_off)


def trade(symbol: str, **more: Any) -> dict[str, Any]:
    """A trading decision, as trade entry writes it."""
    return {
        "status": "simulated",
        "reason": None,
        "client_order_id": f"eg{symbol.lower()}",
        "exchange_order_id": None,
        "decision_key": f"paper:main:scalper_micro:{symbol}:short:1m",
        "trade_id": f"trd:{symbol}",
        "raw": {"plan": {"price": "0.10", "ratio": 1e-7, "legs": [1, 2.5, None, "é"]}},
    } | more


def skipped(symbol: str, reason: str, blocked_by: str | None = None) -> dict[str, Any]:
    """A trading decision that was not to be."""
    cause = {} if blocked_by is None else {"blocked_by": blocked_by}
    return trade(symbol, status="skipped", reason=reason, client_order_id=None) | cause


def record(profile: Profile, batches: Sequence[VerdictBatch], /, **more: Any) -> RunRecord:
    """A run of these batches; every READY symbol with a simulated entry, unless told otherwise."""
    as_of = int(batches[0].as_of[0]) if batches and len(batches[0]) else SHORTS
    ready = [symbol for batch in batches for symbol in np.array(batch.symbols)[batch.ready].tolist()]
    parts: dict[str, Any] = {
        "run_id": str(uuid.uuid4()),
        "started_at": as_of + 1_500,
        "finished_at": as_of + 1_750,
        "as_of": as_of,
        "profile": profile.name,
        "fingerprint": profile.fingerprint,
        "ruleset": profile.canonical(),
        "mode": batches[0].mode if batches else profile.rules.mode,
        "exchange": "paper",
        "market_type": "perpetual",
        "dry_run": True,
        "actor": "tests",
        "workers": len(batches),
        "status": "success",
        "request": {"symbols": [s for batch in batches for s in batch.symbols], "dry_run": True},
        "batches": batches,
        "trades": {symbol: trade(symbol) for symbol in ready},
    }
    return RunRecord(**(parts | more))
