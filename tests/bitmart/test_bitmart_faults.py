"""Faults between the client and a venue that goes on: what is said of a write, and what reading settles."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from served_market import START, SYMBOL, ServedMarket, client, opened
from test_bitmart_wire import entry
from venues.bitmart import BitMart, Clock, Direct, Options, serving

from server.exchange.errors import VenueUnavailable
from server.exchange.trading import EntryOrder, Outcome, Refused

AT_MS = 1_750_000_000_000


@pytest.fixture
async def market() -> AsyncGenerator[ServedMarket]:
    server = BitMart(limits=False)
    async with opened(server, client("http://bitmart.test", Direct(server))) as served:
        yield served


def order(client_order_id: str = "eg1") -> EntryOrder:
    return entry(client_order_id=client_order_id, price=START - 100)


def said(outcome: Outcome) -> str:
    return outcome.cause if isinstance(outcome, Refused) else type(outcome).__name__


@pytest.mark.parametrize(
    ("kind", "details", "outcome", "exists"),
    [
        ("drop_before", {}, "Unknown", False),
        ("drop_before", {"ending": "disconnect"}, "Unknown", False),
        ("drop_before", {"ending": "refuse"}, "not_sent", False),
        ("drop_after", {}, "Unknown", True),
        ("drop_after", {"ending": "disconnect"}, "Unknown", True),
        ("cut", {}, "Unknown", True),
        ("throttle", {}, "not_sent", False),
        ("error_before", {"status": 503}, "Unknown", False),
        ("error_before", {"status": 403, "html": True}, "Unknown", False),
        ("error_after", {"status": 503}, "Unknown", True),
        ("error_after", {"status": 502, "html": True}, "Unknown", True),
        ("reject", {"code": 40012}, "leverage", False),
        ("reject", {"code": 30016}, "not_sent", False),
        ("duplicate_ack", {}, "duplicate_client_order_id", True),
        ("hide", {"reads": 1}, "Accepted", True),
    ],
)
async def test_a_write_is_sent_once_and_reading_settles_it(
    market: ServedMarket, kind: Any, details: dict[str, Any], outcome: str, exists: bool
) -> None:
    market.server.faults.plan(kind, "submit-order", **details)
    assert said(await market.venue.submit(order())) == outcome
    assert len(market.server.journal.of("submit-order")) == 1
    found = await market.venue.order(SYMBOL, "eg1")
    assert (found is not None) is exists
    assert market.server.journal.accepted["eg1"] == exists


@pytest.mark.parametrize("name", ["get-open-orders", "order-history"])
@pytest.mark.parametrize("kind", ["drop_before", "cut", "error_before", "throttle"])
async def test_a_read_survives_two_faults_and_not_three(market: ServedMarket, name: str, kind: Any) -> None:
    await market.venue.submit(order())
    await market.venue.cancel(SYMBOL, "eg1")
    market.server.faults.plan(kind, name, times=2)
    found = await market.venue.order(SYMBOL, "eg1")
    assert found is not None and found.status == "closed"
    market.server.faults.plan(kind, name, times=3)
    with pytest.raises(VenueUnavailable):
        await market.venue.order(SYMBOL, "eg1")


async def test_a_late_order_shows_why_the_receive_window_is_waited_for() -> None:
    """The reply is lost, the request still on its way: not found is no proof before the window has passed."""
    server = BitMart(limits=False, clock=Clock(AT_MS), window_ms=60_000)
    async with opened(server, client("http://bitmart.test", Direct(server))) as market:
        server.faults.plan("late", "submit-order", ms=30_000)
        assert said(await market.venue.submit(order("early"))) == "Unknown"
        assert await market.venue.order(SYMBOL, "early") is None
        server.clock.advance(30_000)
        assert await market.venue.order(SYMBOL, "early") is not None
        await market.venue.open()  # the standing clock was moved: measure it
        server.faults.plan("late", "submit-order", ms=market.venue.receive_window_ms)
        assert said(await market.venue.submit(order("late"))) == "Unknown"
        server.clock.advance(market.venue.receive_window_ms)
        assert await market.venue.order(SYMBOL, "late") is None  # it came, and was too old
        assert (server.journal.accepted["early"], server.journal.accepted["late"]) == (1, 0)


async def test_a_venue_whose_clock_jumps_is_followed() -> None:
    server = BitMart(limits=False, clock=Clock(AT_MS))
    async with opened(server, client("http://bitmart.test", Direct(server))) as market:
        for jump in (90_000, -45_000):
            server.clock.advance(jump)
            assert said(await market.venue.submit(order(f"jump{abs(jump)}"))) == "Accepted"
        assert abs(await market.venue.now_ms() - server.clock.now_ms()) < 2_000


@pytest.mark.parametrize("code", [42000, 40027])
async def test_either_code_is_insufficient_margin(code: int) -> None:
    server = BitMart(limits=False, usdt="1000", options=Options(insufficient_code=code))
    async with opened(server, client("http://bitmart.test", Direct(server))) as market:
        large = entry(price=START - 100, size=Decimal(1000))
        assert said(await market.venue.submit(large)) == "insufficient_margin"


async def test_a_venue_that_refuses_what_would_cross() -> None:
    server = BitMart(limits=False, options=Options(post_only="refuse"))
    async with opened(server, client("http://bitmart.test", Direct(server))) as market:
        crossing = entry(price=START + 100)
        assert said(await market.venue.submit(crossing)) == "other"
        assert await market.venue.order(SYMBOL, "eg1") is None


async def test_the_documented_rates_are_kept_against_a_venue_that_counts() -> None:
    """14 books and 5 lists of positions, as fast as the client lets them: never turned away."""
    server = BitMart(limits=True)
    with serving(server) as url:
        venue = client(url, httpx.AsyncHTTPTransport(), rate_factor=1.0)
        async with opened(server, venue) as market:
            for _ in range(14):
                await market.venue.top_of_book(SYMBOL)
            for _ in range(5):
                await market.venue.positions()
    assert not [entry for entry in server.journal.entries if entry.code == 30013]


RATES = {
    "drop_before": 0.06,
    "drop_after": 0.06,
    "late": 0.06,
    "throttle": 0.06,
    "error_before": 0.06,
    "error_after": 0.06,
    "reject": 0.06,
    "duplicate_ack": 0.06,
    "cut": 0.06,
    "delay": 0.06,
    "hide": 0.1,
}


@pytest.mark.parametrize("seed", range(0, 300, 30))
async def test_an_outcome_is_what_became_of_it_whatever_fails(seed: int) -> None:
    """Accepted was done once, refused was not and will not be; unknown is settled once the window is over."""
    seen: Counter[str] = Counter()
    for each in range(seed, seed + 30):
        server = BitMart(limits=False, clock=Clock(AT_MS))
        async with opened(server, client("http://bitmart.test", Direct(server))) as market:
            server.faults.randomly(each, RATES)
            outcome = await market.venue.submit(order())
            server.faults.clear()
            server.clock.advance(market.venue.receive_window_ms + 1)
            server.run_due()
            done = server.journal.accepted["eg1"]
            seen[said(outcome)] += 1
            if said(outcome) in ("Accepted", "duplicate_client_order_id"):
                assert done == 1, (each, outcome)
            elif isinstance(outcome, Refused):
                assert done == 0, (each, outcome)
            else:
                assert done <= 1, (each, outcome)
            found = await market.venue.order(SYMBOL, "eg1")
            assert (found is not None) == done, (each, outcome)
    assert seen["Accepted"] and seen["Unknown"] and len(seen) > 3, seen
