"""The schedule by its clock: each slot in time or not at all, whatever the clock does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from schedule_steps import MINUTE_MS, SLOT, Scheduled

from server.instants import machine_ms
from server.orders.reading import OrderFilter
from server.schedule.opening import scheduled as scheduled_by
from server.schedule.slots import Slot, SlotFilter, SlotKey, Slots
from server.service import Service, service
from server.settings import Settings, load_settings
from server.switches.run_locks import run_key

DUE = SLOT + 2_000
"""When the first slot after the start is begun."""


async def test_the_slot_before_the_start_is_not_run_and_the_next_is(scheduled: Scheduled) -> None:
    await scheduled.clock.move(DUE - 1)
    assert await scheduled.all() == []
    await scheduled.clock.move(DUE)
    await scheduled.becomes(["07:47 done"])
    (slot,) = await scheduled.all()
    assert slot.dry_run
    assert slot.begun_at - slot.slot_ms == 2_000
    assert slot.run_id is not None
    kept = await scheduled.journal.run(slot.run_id)
    assert kept.to_json()["workers"] == 2
    assert (kept.run.summary.actor, kept.run.summary.dry_run) == ("schedule", True)


async def test_a_clock_that_jumps_leaves_slots_behind_that_are_not_run(scheduled: Scheduled) -> None:
    await scheduled.clock.move(DUE + 3 * MINUTE_MS)
    await scheduled.becomes(["07:47 missed", "07:48 missed", "07:49 missed", "07:50 done"])
    assert await scheduled.runs() == 1
    # Into the second half of a slot: too late for that one too.
    await scheduled.clock.move(DUE + 4 * MINUTE_MS + 30_001)
    await scheduled.becomes(["07:47 missed", "07:48 missed", "07:49 missed", "07:50 done", "07:51 missed"])
    assert await scheduled.runs() == 1


async def test_a_clock_that_is_set_back_runs_nothing_twice(scheduled: Scheduled) -> None:
    await scheduled.clock.move(DUE)
    await scheduled.becomes(["07:47 done"])
    await scheduled.clock.move(DUE - 5_000)
    await scheduled.clock.move(DUE + 1)
    await scheduled.clock.move(DUE + MINUTE_MS)
    await scheduled.becomes(["07:47 done", "07:48 done"])
    assert await scheduled.runs() == 2


async def test_a_slot_that_somebody_else_has_is_left_alone(scheduled: Scheduled) -> None:
    more = {"every_ms": MINUTE_MS, "dry_run": True, "begun_at": SLOT, "now_ms": machine_ms()}
    key = SlotKey("paper", "scalper_micro", 0, SLOT)
    assert await scheduled.slots.take(key, run_id="theirs", process="another", **more)
    await scheduled.clock.move(DUE)
    await scheduled.clock.move(DUE + MINUTE_MS)
    await scheduled.becomes(["07:47 begun", "07:48 skipped"])
    assert await scheduled.runs() == 0


async def test_a_process_that_is_told_to_stop_says_that_its_run_died(scheduled: Scheduled) -> None:
    await scheduled.clock.move(DUE)
    await scheduled.becomes(["07:47 begun"])
    scheduled.keeping.cancel()
    await asyncio.gather(scheduled.keeping, return_exceptions=True)
    (slot,) = await scheduled.all()
    assert (slot.status, slot.reason) == ("died", "its process was told to stop")
    assert await scheduled.slots.watches() == []


@pytest.fixture
def running(tmp_path: Path) -> Settings:
    """Half a minute before a slot with a signal, twenty times as fast."""
    return load_settings(
        database_url=f"sqlite:///{tmp_path / 'entrygate.db'}",
        paper_start="2025-06-01T07:45:30Z",
        paper_speed=20,
        every="1m",
    )


async def test_orders_are_placed_where_they_are_asked_for(running: Settings) -> None:
    async with service(running, trades=True) as made, scheduled_by(made, live=True):
        (slot,) = await first(made, "done")
        (placed, *_) = (await made.orders.page(OrderFilter())).items
    assert (slot.dry_run, placed.run_id, placed.actor) == (False, slot.run_id, "schedule")


async def test_a_run_that_somebody_asked_for_lets_the_slot_be_skipped(running: Settings) -> None:
    async with service(running, trades=True) as made:
        key = run_key("paper", "perpetual", "scalper_micro")
        mine = {"run_id": "r1", "holder": "ada", "ttl_sec": 300, "now_ms": machine_ms()}
        assert await made.run_locks.acquire(key, **mine) is None
        async with scheduled_by(made, live=True):
            (slot,) = await first(made, "skipped")
    assert slot.run_id is None
    assert "r1" in str(slot.reason)


async def first(made: Service, status: str) -> tuple[Slot, ...]:
    """The slots that are so, once there are any."""
    for _ in range(400):
        wanted = SlotFilter(status=status)
        found = (await Slots(made.database).page(wanted, now_ms=machine_ms(), page_size=1)).items
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"no slot is {status}")
