"""When the rest of a waiting entry takes liquidity, at which price, how much of it, and why it does not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from trade_entry_bench import (
    AS_OF_MS,
    BTC_MARKET,
    SOL_MARKET,
    D,
    balance,
    book,
    btc_facts,
    fact_values,
    issued,
    planned,
    settings,
    signal,
)

from server.exchange.port import Book
from server.trade_entry.end_of_zone import Conversion, NoConversion, convert
from server.trade_entry.liquidation import estimate
from server.trade_entry.rest import Rest
from server.trade_entry.ticket import Ticket

# The zone of example 14: 148.113 to 148.387, built around 148.25.
SOL_FACTS = fact_values("1m", {"1m": 0.62, "5m": 0.62, "15m": 1.05}, 148.25, None)
SOL_RULES = {"entry_zone": {"k_atr": 0.22, "w_min": 0.0004, "w_max": 0.0065}, "risk": {"risk_pct": 10}}


def sol_ticket(side: str = "long", **rules: Any) -> Ticket:
    market = replace(SOL_MARKET, balance=balance("400"))
    return issued(planned(market, signal("SOLUSDT", side), SOL_FACTS, settings(**SOL_RULES, **rules)))


def sol_book(bid: str = "148.261", ask: str = "148.269") -> Book:
    return book("SOLUSDT", bid, ask, "148.27")


def at(left_sec: int, ticket: Ticket, top: Book, remaining: str = "10") -> Conversion | NoConversion:
    return convert(
        ticket, top, ticket.zone_expires_at_ms - left_sec * 1000, Rest.planned(ticket, D(remaining))
    )


def test_example_14_converts_with_20_seconds_left() -> None:
    """Spread 0.54 bps, 148.269 in the zone. 10 bps beyond it are 148.417269; the zone ends at 148.387."""
    ticket = sol_ticket()
    assert (ticket.zone_low, ticket.zone_high) == (D("148.113"), D("148.387"))
    assert (ticket.price, ticket.stop) == (D("148.262"), D("145.782"))
    made = at(20, ticket, sol_book())
    # From 148.387 a contract loses 0.28155... against 0.26564... from 148.262: 9 of the 10 keep to the plan.
    assert made == Conversion(D("148.387"), D(9))


def test_example_14_without_the_zone_as_a_bound() -> None:
    made = at(20, sol_ticket(end_of_zone={"only_if_within_zone": False}), sol_book())
    assert made == Conversion(D("148.417"), D(9))


NOT: list[tuple[str, dict[str, Any], int, Book, str]] = [
    ("disabled", {"enabled": False}, 20, sol_book(), "10"),
    ("zone_has_time", {}, 26, sol_book(), "10"),
    ("zone_over", {}, 0, sol_book(), "10"),
    ("zone_over", {}, -5, sol_book(), "10"),
    ("no_market", {}, 20, sol_book("0", "148.269"), "10"),
    ("no_market", {}, 20, sol_book("148.3", "148.269"), "10"),
    ("spread_too_wide", {}, 20, sol_book("148.15", "148.269"), "10"),
    ("price_out_of_zone", {}, 20, sol_book("148.387", "148.388"), "10"),
    ("price_out_of_zone", {}, 20, sol_book("148.1", "148.112"), "10"),
    ("price_past_stop", {"only_if_within_zone": False}, 20, sol_book("145.6", "145.61"), "10"),
    ("price_past_target", {"only_if_within_zone": False}, 20, sol_book("151.9", "151.91"), "10"),
    ("size_below_min", {}, 20, sol_book(), "1"),  # 0.94 of a contract would keep to the plan
]


@pytest.mark.parametrize(("obstacle", "rules", "left_sec", "top", "remaining"), NOT)
def test_what_keeps_the_rest_as_it_is(
    obstacle: str, rules: dict[str, Any], left_sec: int, top: Book, remaining: str
) -> None:
    assert at(left_sec, sol_ticket(end_of_zone=rules), top, remaining) == NoConversion(obstacle)  # type: ignore[arg-type]


def test_a_liquidation_that_comes_too_near_is_an_obstacle() -> None:
    """Further from the stop, at the same leverage: the gate that the plan passed would not let it pass."""
    plan = planned(
        replace(SOL_MARKET, balance=balance("400")),
        signal("SOLUSDT"),
        SOL_FACTS,
        settings(**SOL_RULES, end_of_zone={"max_slippage_bps": 0.01}),
    )
    ticket = issued(plan).model_copy(update={"liquidation_min_stop_multiple": plan.liquidation.stop_multiple})
    assert at(20, ticket, sol_book("148.25", "148.262")) == Conversion(D("148.262"), D(10))
    assert at(20, ticket, sol_book("148.25", "148.263")) == NoConversion("liquidation_too_near")
    for unknown in ("liquidation_min_stop_multiple", "maintenance_margin_ratio"):
        older = ticket.model_copy(update={unknown: None})
        assert at(20, older, sol_book("148.25", "148.262")) == NoConversion("liquidation_too_near")


@pytest.mark.parametrize("left_sec", [1, 25])
def test_the_threshold_belongs_to_the_end(left_sec: int) -> None:
    assert isinstance(at(left_sec, sol_ticket(), sol_book()), Conversion)


def test_a_short_mirrors_it() -> None:
    ticket = sol_ticket("short")
    made = at(20, ticket, sol_book())
    assert isinstance(made, Conversion)
    assert made.price == D("148.113")  # 10 bps below 148.261 is 148.112739; the zone's edge is the bound


def test_a_better_price_than_planned_takes_all_of_the_rest() -> None:
    """The market came to the order without filling it: the cap is not above the planned price."""
    ticket = sol_ticket(end_of_zone={"max_slippage_bps": 0.01})
    assert at(20, ticket, sol_book("148.2", "148.21")) == Conversion(D("148.21"), D(10))


BPS = st.integers(1, 40)


@examples(max_examples=200, deadline=None)
@given(
    side=st.sampled_from(["long", "short"]),
    bid=st.integers(-900, 900),
    spread=st.integers(0, 800),
    left_ms=st.integers(-1000, 30_000),
    remaining=st.integers(1, 200),
    slippage_bps=BPS,
    max_spread_bps=BPS,
    within=st.booleans(),
    least_multiple=st.sampled_from(["3", "18.7"]),  # the plan's is 18.75 for a long, 18.8 for a short
)
def test_a_conversion_keeps_every_promise(
    side: str,
    bid: int,
    spread: int,
    left_ms: int,
    remaining: int,
    slippage_bps: int,
    max_spread_bps: int,
    within: bool,
    least_multiple: str,
) -> None:
    rules = {
        "max_slippage_bps": slippage_bps,
        "max_spread_bps": max_spread_bps,
        "only_if_within_zone": within,
    }
    ticket = issued(planned(BTC_MARKET, signal(side=side), btc_facts(), settings(end_of_zone=rules)))
    ticket = ticket.model_copy(update={"liquidation_min_stop_multiple": D(least_multiple)})
    low = D("67000.0") + bid * ticket.tick_size
    top = Book("BTCUSDT", low, low + spread * ticket.tick_size, D(1), D(1), low, low, AS_OF_MS)
    made = convert(ticket, top, ticket.zone_expires_at_ms - left_ms, Rest.planned(ticket, D(remaining)))
    assume(isinstance(made, Conversion))
    assert isinstance(made, Conversion)

    assert 0 < left_ms <= ticket.end_of_zone.ttl_threshold_sec * 1000
    middle = Fraction(top.bid + top.ask) / 2
    assert Fraction(top.ask - top.bid) / middle * 10_000 <= max_spread_bps
    assert ticket.maintenance_margin_ratio is not None
    kept = ticket.maintenance_margin_ratio + ticket.taker_fee_ratio
    gone = estimate(ticket.side, made.price, ticket.stop, ticket.leverage, kept, ticket.tick_size)
    assert gone.stop_multiple >= D(least_multiple)
    best = top.ask if side == "long" else top.bid
    beyond = made.price - best if side == "long" else best - made.price
    assert 0 <= beyond <= Fraction(slippage_bps, 10_000) * Fraction(best)
    if within:
        assert ticket.zone_low <= made.price <= ticket.zone_high
    assert made.price % ticket.tick_size == 0
    assert made.size % ticket.size_step == 0
    assert ticket.min_size <= made.size <= remaining
    assert _loss(ticket, made.price, made.size) <= _loss(ticket, ticket.price, D(remaining))
    dearest = max(made.price, best)
    assert made.size * dearest <= remaining * ticket.price
    one_more = made.size + ticket.size_step
    if one_more <= remaining:  # no more is given away than has to be
        too_risky = _loss(ticket, made.price, one_more) > _loss(ticket, ticket.price, D(remaining))
        assert too_risky or one_more * dearest > remaining * ticket.price


def _loss(ticket: Ticket, price: Decimal, size: Decimal) -> Fraction:
    filled, stop = Fraction(price), Fraction(ticket.stop)
    fees = Fraction(ticket.taker_fee_ratio) * (filled + stop)
    return Fraction(size) * Fraction(ticket.contract_size) * (abs(filled - stop) + fees)
