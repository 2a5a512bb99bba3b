"""The venue's clock as it is measured and kept, and the pace at which requests leave."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from scripted_wire import NOW_MS, Clocks, Wire, error, ok, options

from server.exchange.bitmart import BitmartExchange
from server.exchange.bitmart.endpoints import ASSETS_DETAIL, DEPTH
from server.exchange.bitmart.limits import RateLimits, bucket
from server.exchange.errors import VenueUnavailable


async def test_the_clock_is_measured_at_the_start_and_carried_on(
    venue: BitmartExchange, wire: Wire, clocks: Clocks
) -> None:
    assert await venue.now_ms() == NOW_MS
    assert venue.clock_offset_ms == -7500
    clocks.pass_(60)
    assert await venue.now_ms() == NOW_MS + 60_000
    assert not wire.sent("time")


async def test_the_clock_is_measured_again_every_few_minutes(
    venue: BitmartExchange, wire: Wire, clocks: Clocks
) -> None:
    clocks.pass_(301)
    wire.answers["time"] = ok({"server_time": NOW_MS + 301_250})
    assert await venue.now_ms() == NOW_MS + 301_250
    # A measurement that fails leaves the old one, which is still a good one.
    clocks.pass_(301)
    wire.answers["time"] = error(30014, 503)
    assert await venue.now_ms() == NOW_MS + 602_250


@pytest.mark.parametrize("jump", [-3600.0, -0.6, 0.6, 86_400.0])
async def test_a_clock_that_was_set_is_found_out(
    venue: BitmartExchange, wire: Wire, clocks: Clocks, jump: float
) -> None:
    clocks.wall += jump
    wire.answers["time"] = ok({"server_time": NOW_MS + 1})
    assert await venue.now_ms() == NOW_MS + 1
    clocks.wall += jump
    wire.answers["time"] = error(30014, 503)
    with pytest.raises(VenueUnavailable):  # what was measured before cannot be trusted now
        await venue.now_ms()


async def test_a_slow_answer_is_halved_and_measured_again(wire: Wire, clocks: Clocks) -> None:
    delays = iter((3.0, 0.04, 0.0))

    def answer(_: object) -> object:
        stamp = NOW_MS + round((clocks.monotonic - 100) * 1000)
        delay = next(delays)
        clocks.pass_(delay)
        return ok({"server_time": stamp + round(delay * 500)})

    wire.answers["time"] = answer
    venue = BitmartExchange(options(wire, clocks))
    await venue.open()
    assert len(wire.sent("time")) == 2
    assert await venue.now_ms() == NOW_MS + 3040
    await venue.aclose()


async def test_no_clock_no_time(wire: Wire, clocks: Clocks) -> None:
    wire.answers["time"] = ok({"server_time": None})
    venue = BitmartExchange(options(wire, clocks))
    with pytest.raises(VenueUnavailable, match="server_time"):
        await venue.now_ms()
    await venue.aclose()


@pytest.mark.parametrize("requests", [1, 2, 4, 6, 10, 12, 24, 40, 50])
async def test_no_window_lets_more_through_than_documented(requests: int) -> None:
    """At a fortieth of the time, as asyncio's clock tells it; the bucket's arithmetic does not change."""
    window = 2.0 / 40
    limiter = bucket(requests, window)
    loop, times = asyncio.get_running_loop(), []
    for _ in range(requests * 2 + 1):
        await limiter.acquire()
        times.append(loop.time())
    for earlier, later in zip(times, times[requests:], strict=False):
        assert later - earlier > window * 0.95  # the next one after `requests` of them
    assert times[-1] - times[0] < window * 2 * 2.2  # and it is no slower than it has to be


async def test_each_path_has_its_own_bucket() -> None:
    limits = RateLimits(0.5)  # depth: 6 per 2 s, of which 2 may come at once
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(2):
        await limits.slot(DEPTH)
        await limits.slot(ASSETS_DETAIL)
    assert loop.time() - began < 0.2
    await limits.slot(DEPTH)
    assert loop.time() - began > 0.4


@pytest.mark.parametrize(
    ("used", "limit", "reset", "pauses"),
    [
        ("13", "12", "1", True),
        ("2", "2", "1", True),
        ("12", "12", "1", False),  # for a twelfth of the window only
        ("11", "12", "1", False),
        ("0", "12", "1", False),  # 0 used, not 0 remaining
        ("x", "12", "1", False),
        ("12", "0", "1", False),
    ],
)
async def test_a_used_up_rate_pauses_the_path(used: str, limit: str, reset: str, pauses: bool) -> None:
    limits = RateLimits()
    headers = {
        "X-BM-RateLimit-Remaining": used,
        "X-BM-RateLimit-Limit": limit,
        "X-BM-RateLimit-Reset": reset,
    }
    limits.note(DEPTH, headers)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await limits.slot(ASSETS_DETAIL)
    assert loop.time() - began < 0.2
    task = asyncio.create_task(limits.slot(DEPTH))
    done, _ = await asyncio.wait([task], timeout=0.2)
    assert bool(done) is not pauses
    task.cancel()


async def test_what_the_client_sends_is_paced(wire: Wire, clocks: Clocks) -> None:
    """At ten times the documented rate: 20 position modes in 2 s, 6 of them at once."""
    venue = BitmartExchange(options(wire, clocks, rate_factor=10.0))
    await venue.open()
    loop = asyncio.get_running_loop()
    times = [loop.time()]
    for _ in range(9):
        clocks.pass_(301)
        await venue.now_ms()
        wire.answers["position-v2"] = ok([])
        await venue.positions()
        times.append(loop.time())
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(gaps[:4]) < 0.1
    assert min(gaps[-2:]) > 0.1  # 14 more in 2 s: one every 143 ms
    await venue.aclose()


async def test_waiting_is_real_time(venue: BitmartExchange) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await venue.wait(0.02)
    assert loop.time() - began >= 0.015
    assert venue.receive_window_ms == 61_000
