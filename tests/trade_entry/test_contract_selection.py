"""Which contracts a run looks at: filters, buckets, what is unknown, the blacklist, and names asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from trade_entry_bench import BTC, D, merged, read

from engine.models.contracts import ContractsDocument
from server.exchange.port import Contract, Listing, UnspecifiedContract
from server.exchange.selection import Selection, select_contracts

HOUR_MS = 3_600_000
NOW_MS = 5_000 * HOUR_MS
SELECTION: dict[str, Any] = {
    "min_turnover_usdt": 10,
    "mid_max_turnover_usdt": 100,
    "min_listing_age_hours": 24,
    "when_unknown": "exclude",
    "top_n": 10,
    "mid_n": 10,
}


def listed(symbol: str, turnover: int | None, age_hours: int | None = 1_000, **change: Any) -> Contract:
    made = replace(
        BTC,
        symbol=symbol,
        turnover_24h_usdt=None if turnover is None else D(turnover),
        listed_at_ms=None if age_hours is None else NOW_MS - age_hours * HOUR_MS,
    )
    return replace(made, **change)


def document(blacklist: tuple[str, ...] = (), **selection: Any) -> ContractsDocument:
    shape = {"kind": "contracts", "profile": "scalper_micro", "version": 1}
    return ContractsDocument.model_validate(
        shape | {"selection": merged(SELECTION, selection), "blacklist": list(blacklist)}
    )


def select(*listings: Listing, rules: ContractsDocument | None = None, requested: Any = None) -> Selection:
    return select_contracts({c.symbol: c for c in listings}, rules or document(), NOW_MS, requested)


A, B, C, E = (listed(name, turnover) for name, turnover in (("A1", 500), ("B1", 900), ("C1", 50), ("E1", 20)))
SAME = [listed(name, 300) for name in ("Z1", "Y1")]


@pytest.mark.parametrize(
    ("rules", "symbols"),
    [
        ({}, ("B1", "A1", "Y1", "Z1", "E1", "C1")),  # top falling, mid rising, equal ones by symbol
        ({"order": {"top": "ascending", "mid": "descending"}}, ("Y1", "Z1", "A1", "B1", "C1", "E1")),
        ({"top_n": 1, "mid_n": 1}, ("B1", "E1")),
        ({"top_n": 0}, ("E1", "C1")),
        ({"mid_n": 0}, ("B1", "A1", "Y1", "Z1")),
        ({"top_n": 0, "mid_n": 0}, ()),
        ({"min_turnover_usdt": 30}, ("B1", "A1", "Y1", "Z1", "C1")),
    ],
)
def test_buckets(rules: dict[str, Any], symbols: tuple[str, ...]) -> None:
    chosen = select(*SAME, A, B, C, E, rules=document(**rules))
    assert chosen.symbols == symbols
    assert set(chosen.left_out) == {"A1", "B1", "C1", "E1", "Y1", "Z1"} - set(symbols)


@pytest.mark.parametrize(
    ("listing", "cause"),
    [
        (listed("X1", 500, status="suspended"), "status"),
        (listed("X1", 500, quote="USDC"), "quote_currency"),
        (listed("X1", 9), "turnover"),
        (listed("X1", 500, 23), "listing_age"),
        (listed("X1", None), "unknown"),
        (listed("X1", 500, None), "unknown"),
        (UnspecifiedContract("X1", "no specification"), "unknown"),
    ],
)
def test_why_a_contract_is_left_out(listing: Listing, cause: str) -> None:
    chosen = select(A, listing)
    assert chosen.symbols == ("A1",)
    assert chosen.left_out == {"X1": cause}


def test_unknown_contracts_come_last_where_the_profile_includes_them() -> None:
    rules = document(when_unknown="include")
    unsure = [UnspecifiedContract("N1", ""), listed("M1", None)]
    assert select(*unsure, C, A, rules=rules).symbols == ("A1", "C1", "M1", "N1")
    hidden = listed("M1", None, status="delisted")  # what is known to be wrong stays out
    assert select(hidden, A, rules=rules).left_out == {"M1": "status"}


def test_an_age_of_zero_needs_no_listing_time() -> None:
    assert select(listed("X1", 500, None), rules=document(min_listing_age_hours=0)).symbols == ("X1",)


def test_limits_say_so() -> None:
    assert select(A, B, rules=document(top_n=1)).left_out == {"A1": "limit"}


def test_requested_symbols_skip_the_selection_but_not_the_blacklist() -> None:
    poor = listed("X1", 1, 0, status="suspended")
    chosen = select(poor, A, B, rules=document(blacklist=("B1",)), requested=["X1", "B1", "A1", "X1", "Q1"])
    assert chosen.symbols == ("X1", "A1")
    assert chosen.left_out == {"B1": "blacklisted", "Q1": "not_listed"}


def test_blacklisted_contracts_are_never_selected() -> None:
    chosen = select(A, B, rules=document(blacklist=("B1",)))
    assert (chosen.symbols, chosen.left_out) == (("A1",), {"B1": "blacklisted"})


def test_the_order_of_the_venue_does_not_matter() -> None:
    assert select(A, B, C, E, *SAME).symbols == select(*SAME, E, C, B, A).symbols


def test_the_shipped_profile_is_valid() -> None:
    shipped = ContractsDocument.model_validate(read("profiles/scalper_micro/contracts.yaml"))
    big = listed("A1", 9_000_000)
    assert select(big, listed("B1", 8_000_000), rules=shipped).symbols == ("A1",)


@pytest.mark.parametrize(
    "change",
    [
        {"min_turnover_usdt": 200},  # above the border of the buckets
        {"status": "Trading"},
        {"top_n": -1},
        {"max_age_hours": 880},
        {"order": {"top": "DESC"}},
    ],
)
def test_wrong_rules_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        document(**change)
