"""What an entry is sent at after its price was refused: never more risk than was planned."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from trade_entry_bench import (
    AS_OF_MS,
    BTC,
    BTC_MARKET,
    D,
    balance,
    book,
    btc_facts,
    issued,
    planned,
    settings,
    signal,
    venue,
)

from server.exchange.port import Book
from server.execution.progress import Attempt, Progress
from server.execution.sending import Planned, next_attempt
from server.execution.sightings import Sightings
from server.trade_entry.liquidation import estimate
from server.trade_entry.preflight import Market
from server.trade_entry.ticket import Ticket


def ticket_of(side: str = "long", least_multiple: str = "3", **rules: Any) -> Ticket:
    """67000.1, with a zone that reaches 105 further and a stop that is nearer or further behind."""
    market = Market(BTC, BTC_MARKET.book, balance("500"))
    facts = btc_facts(atr={"1m": 60.0, "5m": 300.0, "15m": 210.0})
    ticket = issued(planned(market, signal(side=side), facts, settings(**rules)))
    return ticket.model_copy(update={"liquidation_min_stop_multiple": D(least_multiple)})


def refused(ticket: Ticket, *filled: tuple[str, str]) -> Progress:
    """The first price was refused; attempts before it have filled (price, size)."""
    tried = [("0", D(price), D(size)) for price, size in filled] + [("1", ticket.price, D(0))]
    attempts = tuple(
        Attempt(
            name=name,
            price=price,
            size=ticket.size,
            time_in_force="post_only",
            attached=True,
            sent_at=AS_OF_MS,
            filled=size,
            done=True,
        )
        for name, price, size in tried
    )
    return Progress(attempts=attempts)


def answer(ticket: Ticket, progress: Progress, top: Book) -> Planned | str:
    desk: Any = SimpleNamespace(sightings=Sightings(venue(replace(BTC_MARKET, book=top))))  # type: ignore[arg-type]
    return asyncio.run(next_attempt(desk, ticket, progress, AS_OF_MS))


def lost(ticket: Ticket, price: Decimal, size: Decimal) -> Fraction:
    filled, stop = Fraction(price), Fraction(ticket.stop)
    fees = Fraction(ticket.taker_fee_ratio) * (filled + stop)
    return Fraction(size) * Fraction(ticket.contract_size) * (abs(filled - stop) + fees)


def test_a_worse_price_is_asked_for_less() -> None:
    ticket = ticket_of()
    assert (ticket.price, ticket.size, ticket.zone_high) == (D("67000.1"), D(14), D("67110.2"))
    at_top = answer(ticket, refused(ticket), book("BTCUSDT", "67100.0", "67100.4", "67100"))
    assert at_top == (D("67100.1"), D(11), "post_only")  # 0.5157 a contract instead of 0.4153
    better = answer(ticket, refused(ticket), book("BTCUSDT", "66950.0", "66950.4", "66950"))
    assert better == (D("66950.1"), D(14), "post_only")


@pytest.mark.parametrize(
    ("obstacle", "bid", "ask", "rules"),
    [
        ("no_market", "0", "67000.4", {}),
        ("price_out_of_zone", "67200.0", "67200.4", {}),
        ("price_past_stop", "66400.0", "66400.4", {"entry_zone": {"w_min": 0.01}}),
        ("price_past_target", "67600.0", "67600.4", {"entry_zone": {"w_min": 0.01}}),
        ("liquidation_too_near", "67020.0", "67020.4", {"least_multiple": "18.5"}),
        ("size_below_min", "67050.0", "67050.4", {"risk": {"risk_pct": 0.03}}),
    ],
)
def test_no_price_is_left(obstacle: str, bid: str, ask: str, rules: dict[str, Any]) -> None:
    ticket = ticket_of(**rules)
    assert answer(ticket, refused(ticket), book("BTCUSDT", bid, ask, bid)) == obstacle


def test_what_has_filled_above_the_plan_counts_against_the_rest() -> None:
    """9 filled where each loses 0.4659: of 5.8142 that leaves room for 3 at the planned price, not for 5."""
    ticket = ticket_of()
    progress = refused(ticket, ("67050.7", "9"))
    found = answer(ticket, progress, book("BTCUSDT", "67000.0", "67000.4", "67000"))
    assert found == (D("67000.1"), D(3), "post_only")


@examples(max_examples=200, deadline=None)
@given(
    side=st.sampled_from(["long", "short"]),
    bid=st.integers(-4500, 4500),
    spread=st.integers(0, 20),
    wide=st.booleans(),
    least_multiple=st.sampled_from(["1", "3", "18.7"]),
    filled=st.tuples(st.integers(0, 400), st.integers(0, 13)),
)
@example(side="long", bid=1000, spread=4, wide=False, least_multiple="3", filled=(0, 0))
def test_another_price_keeps_every_promise(
    side: str, bid: int, spread: int, wide: bool, least_multiple: str, filled: tuple[int, int]
) -> None:
    ticket = ticket_of(side, least_multiple, entry_zone={"w_min": 0.008} if wide else {})
    worse = ticket.price + filled[0] * ticket.tick_size * (1 if side == "long" else -1)
    before = (worse, D(min(filled[1], int(ticket.size) - 1)))
    assume(lost(ticket, *before) <= lost(ticket, ticket.price, ticket.size))
    low = D("67000.0") + bid * ticket.tick_size
    top = Book("BTCUSDT", low, low + spread * ticket.tick_size, D(1), D(1), low, low, AS_OF_MS)
    found = answer(ticket, refused(ticket, (str(before[0]), str(before[1]))), top)
    assume(not isinstance(found, str))
    assert not isinstance(found, str)
    price, size, time_in_force = found

    assert time_in_force == ticket.time_in_force
    assert price % ticket.tick_size == 0 and size % ticket.size_step == 0
    assert ticket.zone_low <= price <= ticket.zone_high
    assert ticket.stop < price < ticket.targets[0].price or ticket.stop > price > ticket.targets[0].price
    assert ticket.min_size <= size <= ticket.size - before[1]
    planned_loss = lost(ticket, ticket.price, ticket.size)
    assert lost(ticket, *before) + lost(ticket, price, size) <= planned_loss <= Fraction(ticket.max_loss_usdt)
    assert before[0] * before[1] + price * size <= ticket.price * ticket.size
    assert ticket.maintenance_margin_ratio is not None
    kept = ticket.maintenance_margin_ratio + ticket.taker_fee_ratio
    gone = estimate(ticket.side, price, ticket.stop, ticket.leverage, kept, ticket.tick_size)
    assert gone.stop_multiple >= D(least_multiple)
