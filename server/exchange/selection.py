"""Which contracts of a venue a run looks at when it names none, and what stands in the way of each other one.

Fixed code hands the facts of every contract to the gate ``selection`` at once and ranks those it lets pass by
turnover; the gate decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from engine.gates import Gate, GateDecision
from engine.gates.gate import PASSED, GateValue
from engine.models.contracts import ContractsDocument, SelectionRules, TurnoverOrder
from server.exchange.port import Contract, Listing

GATE = "selection"
HOUR_SEC = 3_600

Bucket = Literal["top", "mid", "unranked"]
BUCKETS: tuple[Bucket, ...] = ("unranked", "top", "mid")

Facts = Mapping[str, Any]
"""Name → array ``(contracts,)``, or a scalar that holds for all of them."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One contract of the venue: its place among the selected ones, from 1, or what the gate said of it.

    ``facts`` are all that the gate was given.
    """

    symbol: str
    listing: Listing
    place: int | None
    bucket: Bucket
    decision: GateDecision
    facts: Mapping[str, GateValue]


@dataclass(frozen=True, eq=False)
class Selection:
    """``symbols`` in the order they are run: top bucket, mid bucket, then what cannot be ranked, by symbol.

    ``left_out``: the reason of every other symbol of the venue.
    """

    symbols: tuple[str, ...]
    left_out: Mapping[str, str]
    listings: Mapping[str, Listing]
    gate: Gate
    facts: Facts

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Each selected symbol's place, from 1."""
        return {symbol: place for place, symbol in enumerate(self.symbols, 1)}

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {symbol: row for row, symbol in enumerate(self.listings)}

    def contender(self, symbol: str) -> Contender:
        """How one symbol of the venue fared. Raises ``KeyError`` for one that is not listed."""
        row = self._rows[symbol]
        facts = {name: _value(value, row) for name, value in self.facts.items()}
        place = self.places.get(symbol)
        bucket: Bucket = next(b for b in BUCKETS if b == facts["bucket"])
        return Contender(
            symbol,
            self.listings[symbol],
            place,
            bucket,
            self.gate.decide(facts),
            _as_declared(self.gate, facts),
        )


def select_contracts(
    listings: Mapping[str, Listing],
    document: ContractsDocument,
    gate: Gate,
    now_ms: int,
    *,
    blacklisted: Collection[str] = (),
    switched_off: Collection[str] = (),
) -> Selection:
    """The contracts that a profile selects at ``now_ms``.

    ``blacklisted`` and ``switched_off`` are those of the operators; the profile's own blacklist counts too.
    """
    rules, symbols = document.selection, tuple(listings)
    facts = _facts(listings, rules, now_ms, {*blacklisted, *document.blacklist}, set(switched_off))
    passed = gate.decide_columns(facts, len(symbols)).check == PASSED
    turnover, bucket = facts["turnover_usdt"], facts["bucket"]
    rank = np.full(len(symbols), np.nan)
    ordered: list[int] = []
    orders: tuple[tuple[Bucket, TurnoverOrder], ...] = (("top", rules.order.top), ("mid", rules.order.mid))
    for name, order in orders:
        rows = _by_turnover(np.flatnonzero(passed & (bucket == name)), symbols, turnover, order)
        rank[rows] = np.arange(1, len(rows) + 1)
        ordered += rows
    unranked: list[int] = np.flatnonzero(passed & (bucket == "unranked")).tolist()
    ordered += sorted(unranked, key=symbols.__getitem__)
    facts = {**facts, "rank": rank}
    check: list[int] = gate.decide_columns(facts, len(symbols)).check.tolist()
    return Selection(
        symbols=tuple(symbols[row] for row in ordered if check[row] == PASSED),
        left_out={
            symbol: gate.reason or gate.checks[index].reason
            for symbol, index in zip(symbols, check, strict=True)
            if index != PASSED
        },
        listings=listings,
        gate=gate,
        facts=facts,
    )


def _facts(
    listings: Mapping[str, Listing],
    rules: SelectionRules,
    now_ms: int,
    blacklisted: Collection[str],
    switched_off: Collection[str],
) -> Facts:
    known = [item if isinstance(item, Contract) else None for item in listings.values()]
    turnover = _column([c and c.turnover_24h_usdt for c in known])
    age = _column([None if c is None or c.listed_at_ms is None else now_ms - c.listed_at_ms for c in known])
    expiry = [None if c is None else c.expires_at_ms for c in known]
    least_age = rules.min_listing_age_hours * HOUR_SEC
    ranked = ~np.isnan(turnover) & (~np.isnan(age) | (least_age == 0))
    top = turnover > float(rules.mid_max_turnover_usdt)
    return {
        "blacklisted": _flags([symbol in blacklisted for symbol in listings]),
        "switched_off": _flags([symbol in switched_off for symbol in listings]),
        "status": np.array([item.status for item in listings.values()], dtype=object),
        "wanted_status": rules.status,
        "quote": np.array([c and c.quote for c in known], dtype=object),
        "wanted_quote": rules.quote_currency,
        "expires": _flags([at is not None for at in expiry]),
        "expires_in_sec": _column([None if at is None else at - now_ms for at in expiry]) / 1000,
        "require_not_expired": rules.require_not_expired,
        "turnover_usdt": turnover,
        "min_turnover_usdt": float(rules.min_turnover_usdt),
        "listing_age_sec": age / 1000,
        "min_listing_age_sec": least_age,
        "when_unknown": rules.when_unknown,
        "bucket": np.where(ranked, np.where(top, "top", "mid"), "unranked").astype(object),
        "bucket_size": np.where(top, rules.top_n, rules.mid_n),
    }


def _by_turnover(
    rows: NDArray[np.int64], symbols: tuple[str, ...], turnover: NDArray[np.float64], order: TurnoverOrder
) -> list[int]:
    """Equal turnovers by symbol."""
    sign = -1 if order == "descending" else 1
    found: list[int] = rows.tolist()
    return sorted(found, key=lambda row: (sign * turnover[row], symbols[row]))


def _column(values: list[Any]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)


def _flags(values: list[bool]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def _value(value: Any, row: int) -> GateValue:
    """One row of a fact; NaN is unknown."""
    if not isinstance(value, np.ndarray):
        return value
    column = cast("NDArray[Any]", value)
    found = cast("GateValue", column[row : row + 1].tolist()[0])
    return None if isinstance(found, float) and np.isnan(found) else found


def _as_declared(gate: Gate, facts: Mapping[str, GateValue]) -> Mapping[str, GateValue]:
    """Flags as flags, counts as whole numbers."""
    shown: dict[str, GateValue] = {}
    for name, value in facts.items():
        unit = gate.facts[name]
        if value is None or isinstance(value, str):
            shown[name] = value
        elif unit == "flag":
            shown[name] = bool(value)
        else:
            shown[name] = int(value) if float(value).is_integer() else round(float(value), 3)
    return shown
