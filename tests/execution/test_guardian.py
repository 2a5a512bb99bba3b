"""What a look of the guardian does, whatever a row, an answer or another process does to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from guarded import NOW, UNAVAILABLE, Guarded, gauges
from order_rows import begun, event
from sqlalchemy import text

from server.database import Database, DatabaseAddress, upgrade
from server.exchange.trading import EntryOrder, TriggerOrder
from server.execution import watch_lease
from server.execution.guardian import Guardian
from server.execution.names import order_name
from server.execution.watch_lease import LEASE_MS, lease_of
from server.metrics import Metrics
from server.orders.intent import Intent
from server.orders.store import Orders

WATCH = lease_of("paper", "main")


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    address = DatabaseAddress.of_file(tmp_path / "orders.db")
    upgrade(address)
    database = Database.open(address)
    yield Guarded(Orders(database))
    await database.close()


async def soon(holds: Callable[[], Awaitable[bool]]) -> None:
    """Returns once it holds; what is waited for takes another task no more than a moment."""
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110 (what is waited for is in the database)
            await asyncio.sleep(0.01)


async def spoil(guarded: Guarded, intent: Intent, column: str, content: str) -> None:
    async with guarded.orders.database.write() as connection:
        statement = f"UPDATE order_intent SET {column} = :content WHERE decision_key = :key"
        await connection.execute(text(statement), {"content": content, "key": intent.decision_key})


async def resting(guarded: Guarded, symbol: str, name: str) -> None:
    """An entry order far below the market, under one of our names."""
    book = await guarded.venue.top_of_book(symbol)
    await guarded.venue.submit(
        EntryOrder(
            symbol=symbol,
            client_order_id=name,
            side="long",
            type="limit",
            size=Decimal(5),
            price=book.bid - 1000,
            time_in_force="post_only",
            leverage=5,
            margin_mode="isolated",
        )
    )


@pytest.mark.parametrize(
    ("column", "content"), [("progress", '{"field_of_another_release":1}'), ("ticket", "{}"), ("ticket", "")]
)
async def test_a_row_that_cannot_be_read_keeps_nobody_from_a_stop(
    guarded: Guarded, column: str, content: str
) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        await guarded.position(symbol)
    unreadable = await guarded.intent("BTCUSDT")
    await guarded.intent("ETHUSDT")
    await spoil(guarded, unreadable, column, content)
    report = await guarded.look(2)

    assert await guarded.stops() == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert guarded.told.count(("order_unreadable", "BTCUSDT")) == 1
    assert report.broken == [unreadable.decision_key]
    assert guarded.gauges() == (0, 0)


async def test_a_venue_that_does_not_specify_contracts_keeps_only_its_own_waiting(guarded: Guarded) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        await guarded.position(symbol)
    await guarded.intent("ETHUSDT")
    guarded.venue.fails["contracts"] = UNAVAILABLE
    await guarded.guardian.look_if_leading()

    assert await guarded.stops() == ["ETHUSDT"]
    assert {("unprotected", "BTCUSDT"), ("unprotected", "SOLUSDT")} <= {*guarded.told}
    assert guarded.gauges() == (3, 0)


async def test_a_defect_that_one_meets_keeps_nobody_else_waiting(guarded: Guarded) -> None:
    broken = await guarded.intent("BTCUSDT")
    await guarded.intent("ETHUSDT")
    guarded.venue.fails["fills BTCUSDT"] = RuntimeError("a defect")
    report = await guarded.look(2)

    assert report.broken == [broken.decision_key]
    assert guarded.told == [("not_looked_after", broken.decision_key), ("position_not_found", "ETHUSDT")]
    assert guarded.gauges() == (0, 0)


async def test_positions_without_a_stop_do_not_wait_for_one_another(guarded: Guarded) -> None:
    symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    for symbol in symbols:
        await guarded.position(symbol)
    for symbol in symbols[:2]:
        await guarded.intent(symbol)
    together = asyncio.Barrier(len(symbols))
    guarded.venue.before["place stop_loss"] = together.wait
    async with asyncio.timeout(20):
        await guarded.guardian.look()
    assert await guarded.stops() == symbols


async def test_a_stop_is_tried_once_however_late_it_is_taken_up(guarded: Guarded) -> None:
    await guarded.position("BTCUSDT")
    intent = await guarded.intent("BTCUSDT", unprotected_since=NOW - 60_000, protected=False)
    await guarded.guardian.look()

    assert await guarded.stops() == ["BTCUSDT"]
    assert (await guarded.orders.intent(intent.decision_key)).state == "open"
    journey = await guarded.orders.journey(intent.decision_key)
    assert [one.kind for one in journey][-2:] == ["unprotected", "protected"]


async def test_a_lasting_absence_is_one_alarm(guarded: Guarded) -> None:
    await guarded.intent("BTCUSDT")
    await guarded.look(3)
    assert guarded.told == [("position_not_found", "BTCUSDT")]


async def test_an_entry_that_ends_while_one_looks_is_not_adopted(guarded: Guarded) -> None:
    entry = await guarded.intent("BTCUSDT", state="resting")

    async def ends() -> None:
        if (await guarded.orders.intent(entry.decision_key)).state == "resting":
            await guarded.orders.change(entry, state="cancelled", events=[event("cancelled", NOW)])

    guarded.meanwhile = ends
    report = await guarded.guardian.look()
    assert (report.adopted, guarded.told) == ([], [])


async def test_an_entry_that_begins_and_fills_while_one_looks_is_not_foreign(guarded: Guarded) -> None:
    async def begins() -> None:
        if not await guarded.orders.under_way("paper", "main"):
            await guarded.intent("BTCUSDT", state="resting")
            await guarded.position("BTCUSDT")

    guarded.meanwhile = begins
    report = await guarded.guardian.look()
    assert (report.foreign, await guarded.stops(), guarded.told) == ([], [], [])


async def test_what_no_decision_has_is_recorded_for_the_operator(guarded: Guarded) -> None:
    name = order_name("another:installation", "entry", 0)
    await resting(guarded, "BTCUSDT", name)
    await guarded.position("ETHUSDT")
    report = await guarded.guardian.look()

    cancelled, protected = sorted((await guarded.orders.actions()).items, key=lambda one: one.action)
    assert (report.cancelled, await guarded.stops()) == ([name], ["ETHUSDT"])
    assert {cancelled.actor, protected.actor} == {"guardian"}
    assert (cancelled.action, cancelled.subject) == ("cancel", name)
    assert cancelled.details == {
        "client_order_id": name,
        "outcome": "accepted",
        "exchange": "paper",
        "symbol": "BTCUSDT",
        "side": "buy",
    }
    assert (protected.action, protected.subject) == ("protect_position", "ETHUSDT long")
    assert protected.details["outcome"] == "accepted" and Decimal(protected.details["stop"]) > 0


@pytest.mark.parametrize("state", ["cancelled", "open"])
async def test_an_order_of_an_entry_that_is_done_is_in_its_journey(guarded: Guarded, state: str) -> None:
    entry = await guarded.intent("BTCUSDT", state="resting")
    await guarded.orders.change(entry, state=state, events=[event("cancelled", NOW)])  # type: ignore[arg-type]
    await resting(guarded, "BTCUSDT", entry.client_order_id)
    await guarded.guardian.look()

    last = (await guarded.orders.journey(entry.decision_key))[-1]
    assert (last.kind, last.details["cause"]) == ("cancelling", "the entry was done without it")
    assert (last.details["client_order_id"], last.details["outcome"]) == (entry.client_order_id, "accepted")
    assert (await guarded.orders.actions()).total == 0


async def test_a_stop_that_its_position_left_behind_is_taken_away(guarded: Guarded) -> None:
    """It would count as the stop of the next position. Seen twice: a venue may show positions late."""
    closed = await guarded.intent("BTCUSDT")
    name = order_name(closed.decision_key, "stop", 0)
    stored = await guarded.orders.change(
        closed, state="closed", names=[(name, "stop", 0)], events=[event("closed", NOW)]
    )
    left = TriggerOrder(
        symbol="BTCUSDT",
        order_id="77",
        client_order_id=name,
        kind="stop_loss",
        side="long",
        trigger_price=Decimal(90_000),
        size=None,
        created_at_ms=NOW,
    )
    unknown = replace(left, order_id="78", symbol="ETHUSDT", client_order_id=order_name("who", "stop", 0))
    theirs = replace(left, order_id="79", symbol="SOLUSDT", client_order_id="")
    waited_for = replace(left, order_id="80", symbol="XRPUSDT", client_order_id=order_name("x", "stop", 0))
    guarded.venue.left_over = [left, unknown, theirs, waited_for]
    coming = await guarded.intent("XRPUSDT", state="resting")
    guarded.running.add(coming.decision_key)

    await guarded.look()
    assert len(guarded.venue.left_over) == 4
    report = await guarded.look()

    assert guarded.venue.left_over == [theirs, waited_for]
    assert report.cancelled == [name, unknown.client_order_id]
    last = (await guarded.orders.journey(stored.decision_key))[-1]
    assert (last.kind, last.details["cause"], last.details["client_order_id"]) == (
        "cancelling",
        "its position is gone",
        name,
    )
    (action,) = (await guarded.orders.actions()).items
    assert (action.action, action.subject, action.actor) == (
        "cancel_trigger",
        unknown.client_order_id,
        "guardian",
    )


async def test_the_lease_is_kept_during_a_look_that_takes_long(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_lease, "RENEW_SEC", 0.01)
    other = guarded.another(Metrics())
    going_on = asyncio.Event()
    guarded.venue.before["open_orders"] = going_on.wait
    look = asyncio.create_task(guarded.guardian.look_if_leading())
    for _ in range(3):
        guarded.wall[0] += LEASE_MS - 1

        async def renewed() -> bool:
            return (await guarded.orders.leased_until(WATCH) or 0) >= guarded.wall[0] + LEASE_MS

        await soon(renewed)
        await other.look_if_leading()
        assert other.last is None
    going_on.set()
    await look
    assert guarded.guardian.last is not None


async def test_who_is_superseded_breaks_off_and_takes_back_what_it_told(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_lease, "RENEW_SEC", 0.01)
    await guarded.position("BTCUSDT")
    guarded.venue.fails["contracts"] = UNAVAILABLE
    await guarded.guardian.look_if_leading()
    assert guarded.gauges() == (1, 0)
    del guarded.venue.fails["contracts"]
    guarded.clock.move_to(NOW + 5000)
    going_on, metrics = asyncio.Event(), Metrics()
    guarded.venue.before["open_orders"] = going_on.wait
    look = asyncio.create_task(guarded.guardian.look_if_leading())
    await asyncio.sleep(0.05)
    async with guarded.orders.database.write() as connection:
        await connection.execute(text("UPDATE lease SET holder = 'another'"))
    async with asyncio.timeout(20):
        await look
    assert guarded.gauges() == (0, 0)

    await guarded.orders.release(WATCH, "another")
    del guarded.venue.before["open_orders"]
    guarded.clock.move_to(NOW + 10_000)
    other = guarded.another(metrics)
    await other.look_if_leading()
    assert other.last is not None and other.last.foreign == ["BTCUSDT:long"]
    assert gauges(metrics) == (1, 0), "it was without a stop when it was looked at"
    await guarded.guardian.look_if_leading()
    assert guarded.gauges() == (0, 0)


async def test_nothing_that_was_adopted_runs_on_after_the_watch(guarded: Guarded) -> None:
    entry = await guarded.intent("BTCUSDT", state="resting")
    await resting(guarded, "BTCUSDT", entry.client_order_id)
    never = asyncio.Event()
    watch = asyncio.create_task(guarded.guardian.watch())

    async def adopted() -> bool:
        return ("order_adopted", "BTCUSDT") in guarded.told

    await soon(adopted)
    guarded.venue.before["open_orders"] = never.wait
    before = asyncio.all_tasks() - {watch}
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    assert asyncio.all_tasks() <= {asyncio.current_task()}, before


async def test_a_process_that_may_not_lead_leaves_the_lease_alone(guarded: Guarded) -> None:
    may = [False]

    async def leads() -> bool:
        return may[0]

    guarded.guardian = Guardian(
        guarded.desk,
        guarded._running,  # pyright: ignore[reportPrivateUsage]
        lambda: Decimal("0.02"),
        leads=leads,
        wall_ms=lambda: guarded.wall[0],
    )
    await begun(guarded.orders)
    await guarded.guardian.look_if_leading()
    assert (guarded.guardian.last, await guarded.orders.leased_until(WATCH)) == (None, None)
    may[0] = True
    await guarded.guardian.look_if_leading()
    assert await guarded.orders.leased_until(WATCH) is not None
    may[0] = False
    await guarded.guardian.look_if_leading()
    assert await guarded.orders.leased_until(WATCH) is None
