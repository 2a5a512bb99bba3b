"""Which contracts a run looks at: filters, buckets, what is unknown, the blacklist, and names asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from syrupy.assertion import SnapshotAssertion
from trade_entry_bench import BTC, D, merged, read

from engine.gates import Gate
from engine.models.contracts import ContractsDocument
from engine.models.gate import GateDocument
from server.exchange.port import Contract, Listing, UnspecifiedContract
from server.exchange.selection import GATE, Selection, select_contracts

GATE_OF_SELECTION = Gate.link(GateDocument.model_validate(read(f"gates/{GATE}.yaml")))
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


def select(*listings: Listing, rules: ContractsDocument | None = None, **out: Any) -> Selection:
    by_symbol = {c.symbol: c for c in listings}
    return select_contracts(by_symbol, rules or document(), GATE_OF_SELECTION, NOW_MS, **out)


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


LEFT_OUT: tuple[tuple[Listing, str], ...] = (
    (listed("X1", 500, status="suspended"), "contract_status_unfit"),
    (listed("X1", 500, quote="USDC"), "contract_quote_unfit"),
    (listed("X1", 9), "turnover_too_low"),
    (listed("X1", 500, 23), "listed_too_recently"),
    (listed("X1", 500, 24), "listed_too_recently"),
    (listed("X1", 500, expires_at_ms=NOW_MS), "contract_expired"),
    (listed("X1", None), "turnover_unknown"),
    (listed("X1", 500, None), "listing_time_unknown"),
    (UnspecifiedContract("X1", "no specification"), "contract_unspecified"),
)


@pytest.mark.parametrize(("listing", "cause"), LEFT_OUT)
def test_why_a_contract_is_left_out(listing: Listing, cause: str) -> None:
    chosen = select(A, listing)
    assert chosen.symbols == ("A1",)
    assert chosen.left_out == {"X1": cause}
    assert chosen.contender("X1").decision.outward == cause
    assert chosen.contender("X1").place is None


def test_every_reason_with_the_values_it_read(golden: SnapshotAssertion) -> None:
    said: dict[str, Any] = {}
    lists = {"blacklisted": {"L1"}, "switched_off": {"S1"}}
    for listing, _ in LEFT_OUT:
        others = (A, B, listed("L1", 900), listed("S1", 900), listing)
        chosen = select(*others, rules=document(top_n=1), **lists)
        for symbol in chosen.left_out:
            found = chosen.contender(symbol)
            assert found.decision.outward is not None
            said[found.decision.outward] = {name: found.facts[name] for name in found.decision.values}
    assert said.keys() == {check.reason for check in GATE_OF_SELECTION.checks}
    assert dict(sorted(said.items())) == golden


def test_what_fits_by_a_hair() -> None:
    """The least turnover itself is enough, the border of the buckets is mid, one hour more is old enough."""
    least, border, above = listed("L1", 10), listed("M1", 100), listed("T1", 101)
    old, later = listed("O1", 500, 25), listed("P1", 500, expires_at_ms=NOW_MS + 1)
    chosen = select(least, border, above, old, later)
    assert chosen.symbols == ("O1", "P1", "T1", "L1", "M1")
    assert [chosen.contender(s).bucket for s in ("T1", "M1", "L1")] == ["top", "mid", "mid"]
    assert (chosen.contender("L1").place, chosen.contender("L1").facts["rank"]) == (4, 1)


def test_a_contract_that_has_ended_where_the_profile_does_not_mind() -> None:
    ended = listed("X1", 500, expires_at_ms=NOW_MS - 1)
    assert select(ended, rules=document(require_not_expired=False)).symbols == ("X1",)


def test_the_values_that_a_filter_read_are_told() -> None:
    decision = select(A, listed("X1", 9)).contender("X1").decision
    assert decision.values == {"turnover_usdt": 9.0, "min_turnover_usdt": 10.0}


def test_unknown_contracts_come_last_where_the_profile_includes_them() -> None:
    rules = document(when_unknown="include")
    unsure = [UnspecifiedContract("N1", ""), listed("M1", None)]
    assert select(*unsure, C, A, rules=rules).symbols == ("A1", "C1", "M1", "N1")
    hidden = listed("M1", None, status="delisted")  # what is known to be wrong stays out
    assert select(hidden, A, rules=rules).left_out == {"M1": "contract_status_unfit"}


def test_an_age_of_zero_needs_no_listing_time() -> None:
    assert select(listed("X1", 500, None), rules=document(min_listing_age_hours=0)).symbols == ("X1",)


def test_limits_say_so() -> None:
    chosen = select(A, B, rules=document(top_n=1))
    assert chosen.left_out == {"A1": "bucket_full"}
    assert chosen.contender("A1").decision.values == {"rank": 2, "bucket_size": 1}


def test_blacklisted_contracts_are_never_selected() -> None:
    chosen = select(A, B, C, rules=document(blacklist=("B1",), top_n=1), blacklisted={"C1"})
    assert chosen.symbols == ("A1",), "it takes no place from another"
    assert chosen.left_out == {"B1": "contract_blacklisted", "C1": "contract_blacklisted"}


def test_a_symbol_that_is_switched_off_is_not_selected() -> None:
    assert select(A, B, switched_off={"B1", "Q1"}).left_out == {"B1": "contract_switched_off"}


names = st.sampled_from([f"{letter}{digit}" for letter in "ABCDEF" for digit in "123"])
contracts = st.builds(
    listed,
    names,
    st.none() | st.integers(0, 200),
    st.none() | st.integers(0, 50),
    status=st.sampled_from(["trading", "suspended"]),
    expires_at_ms=st.none() | st.integers(NOW_MS - 2, NOW_MS + 2),
)
rules = st.builds(
    document,
    top_n=st.integers(0, 4),
    mid_n=st.integers(0, 4),
    when_unknown=st.sampled_from(["exclude", "include"]),
    order=st.fixed_dictionaries({"top": st.sampled_from(["ascending", "descending"])}),
)


@given(st.lists(contracts, unique_by=lambda c: c.symbol), rules, st.sets(names), st.randoms())
@settings(deadline=None)
def test_a_selection_parts_the_venue(
    found: list[Contract], wanted: ContractsDocument, out: set[str], rng: Any
) -> None:
    """Every contract is in it once or left out for one reason; one by one the gate says the same."""
    chosen = select(*found, rules=wanted, switched_off=out)
    assert sorted([*chosen.symbols, *chosen.left_out]) == sorted(c.symbol for c in found)
    assert not out & set(chosen.symbols)
    for contract in found:
        alone = chosen.contender(contract.symbol)
        assert alone.decision.outward == chosen.left_out.get(contract.symbol)
        assert alone.decision.passed == (alone.place is not None)
    top = [s for s in chosen.symbols if chosen.contender(s).bucket == "top"]
    mid = [s for s in chosen.symbols if chosen.contender(s).bucket == "mid"]
    assert len(top) <= wanted.selection.top_n and len(mid) <= wanted.selection.mid_n
    assert chosen.symbols[: len(top) + len(mid)] == (*top, *mid)
    rng.shuffle(found)
    assert select(*found, rules=wanted, switched_off=out).symbols == chosen.symbols


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
