"""Processes are killed while an entry is under way: afterwards there is one order, and it is looked after."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence

import pytest
from killed_processes import LocalVenue, Trader, Traders, eventually
from trading_process import ORDER_TTL_SEC

from server.database import Database, DatabaseAddress
from server.orders.intent import Event, Intent
from server.orders.store import Orders

TAKEN_OVER_WITHIN_SEC = ORDER_TTL_SEC + 25
"""What the orders have left to live, and then seconds: also on a machine that has other things to do."""

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")


@pytest.fixture
async def orders(database_url: str, traders: Traders) -> AsyncIterator[Orders]:
    database = Database.open(DatabaseAddress.parse(database_url))
    yield Orders(database)
    await database.close()


async def the_intent(orders: Orders, key: str, *states: str) -> Intent:
    async def there() -> Intent | None:
        found = (await orders.many([key])).get(key)
        return found if found is not None and found.state in states else None

    return await eventually(there, f"an intent that is {' or '.join(states)}")


def kinds(journey: Sequence[Event]) -> list[str]:
    return [event.kind for event in journey]


async def test_killed_before_anything_is_sent(traders: Traders, venue: LocalVenue, orders: Orders) -> None:
    """While it asks for the book: another process decides again, and sends one order."""
    await venue.plan(kind="delay", endpoint="assets-detail", ms=20_000, before=True)
    first = await traders.start("start", "BTCUSDT")
    key = (await first.says("key"))["key"]
    await the_intent(orders, key, "deciding")
    await eventually(lambda: venue.has_struck("assets-detail"), "a process that decides")
    await first.kill()
    assert await venue.entries() == []

    second = await traders.start("work")
    intent = await the_intent(orders, key, "resting", "cancelled")
    assert [order["client_order_id"] for order in await venue.entries()] == [intent.client_order_id]
    assert await venue.submissions() == {intent.client_order_id: 1}
    await second.kill()


async def test_killed_between_acceptance_and_its_record(
    traders: Traders, venue: LocalVenue, orders: Orders
) -> None:
    """The venue has the order and the process never learns it: the next one finds it and sends nothing."""
    await venue.plan(kind="delay", endpoint="submit-order", ms=20_000)
    first = await traders.start("start", "BTCUSDT")
    key = (await first.says("key"))["key"]
    await eventually(venue.entries, "an order at the venue")
    await first.kill()
    assert (await orders.intent(key)).state == "submitting"

    await traders.start("work")
    intent = await the_intent(orders, key, "resting", "cancelled")
    assert intent.status == "submitted"
    assert await venue.submissions() == {intent.client_order_id: 1}
    assert "settled" in kinds(await orders.journey(key))


async def test_killed_while_the_order_rests(traders: Traders, venue: LocalVenue, orders: Orders) -> None:
    """The order's life ends when it was meant to, although nobody lived to see it."""
    first = await traders.start("start", "BTCUSDT")
    key = (await first.says("key"))["key"]
    assert (await first.says("decision"))["decision"]["status"] == "submitted"
    await first.kill()
    assert [order["state"] for order in await venue.entries()] != [4]

    await traders.start("work")
    intent = await the_intent(orders, key, "cancelled")
    assert intent.reason == "cancel_after_timeout"
    journey = await orders.journey(key)
    accepted, cancelled = (next(e for e in journey if e.kind == k) for k in ("accepted", "cancelling"))
    assert cancelled.at - accepted.at >= (ORDER_TTL_SEC - 1) * 1000
    assert await venue.submissions() == {intent.client_order_id: 1}


@pytest.fixture
async def shared(postgres_url: str, venue: LocalVenue) -> AsyncIterator[tuple[Traders, Orders]]:
    """Processes on one PostgreSQL, which end with the test however it goes."""
    database = Database.open(DatabaseAddress.parse(postgres_url))
    traders = Traders(postgres_url, venue)
    yield traders, Orders(database)
    await traders.end()
    await database.close()


async def test_a_killed_worker_s_orders_are_taken_over_and_nobody_else_s(
    shared: tuple[Traders, Orders], venue: LocalVenue
) -> None:
    """Two workers share one database. One dies: the other goes on with its orders within seconds."""
    traders, orders = shared
    workers = [await traders.start("work"), await traders.start("work")]
    for worker in workers:
        await worker.says("ready")
    queue = await traders.start("queue", *SYMBOLS)

    async def all_queued() -> set[str] | None:
        found = {line["key"] for line in queue.lines if "key" in line}
        return found if len(found) == len(SYMBOLS) else None

    keys: set[str] = await eventually(all_queued, "keys of all symbols")

    async def all_submitted() -> bool:
        known = (await orders.many(sorted(keys))).values()
        assert not [(i.symbol, i.status, i.reason) for i in known if i.status in ("skipped", "error")]
        return all(intent.status == "submitted" for intent in known)

    await eventually(all_submitted, "orders that rest")
    await queue.process.wait()

    def has(worker: Trader) -> set[str]:
        return worker.did("order.accepted", "order.settled") - worker.did("order.cancelling")

    async def someone_has() -> bool:
        return any(has(worker) for worker in workers)

    await eventually(someone_has, "a worker that says so")
    victim, survivor = sorted(workers, key=lambda worker: len(has(worker)), reverse=True)
    owned = has(victim) - has(survivor)
    await victim.kill()
    killed_at = time.monotonic()
    assert owned

    async def taken_over() -> bool:
        return survivor.did("order.cancelling") >= owned

    await eventually(taken_over, "the orders of the dead in other hands")
    assert time.monotonic() - killed_at < TAKEN_OVER_WITHIN_SEC
    for key in keys:
        intent = await the_intent(orders, key, "cancelled")
        assert intent.reason == "cancel_after_timeout"
        assert kinds(await orders.journey(key)).count("submitting") == 1
    assert not survivor.did("order.submitting") & owned
    assert sorted((await venue.submissions()).values()) == [1] * len(SYMBOLS)
    assert len(await venue.entries()) == len(SYMBOLS)
