"""Slots: taken once, whoever asks; what kept one from being run is written down."""

from __future__ import annotations

import asyncio

from schedule_steps import MINUTE_MS, SLOT

from server.schedule.slots import ALIVE_MS, Slot, SlotFilter, SlotKey, Slots

NOW = 1_780_000_000_000
"""This machine's clock, which has nothing to do with the venue's."""

Both = tuple[Slots, Slots]


def key(minutes: int = 0, profile: str = "scalper_micro", session: int = 0) -> SlotKey:
    return SlotKey("paper", profile, session, SLOT + minutes * MINUTE_MS)


async def take(slots: Slots, slot: SlotKey, run_id: str = "r1", now_ms: int = NOW) -> bool:
    return await slots.take(
        slot,
        run_id=run_id,
        every_ms=MINUTE_MS,
        dry_run=True,
        process=f"host of {run_id}",
        begun_at=slot.slot_ms + 2_000,
        now_ms=now_ms,
    )


async def listed(slots: Slots, now_ms: int = NOW, **wanted: str | int) -> list[Slot]:
    return list((await slots.page(SlotFilter(**wanted), now_ms=now_ms)).items)


async def test_of_many_who_ask_one_has_the_slot(slots: Both) -> None:
    answers = await asyncio.gather(*(take(slots[n % 2], key(), f"r{n}") for n in range(8)))
    assert answers.count(True) == 1
    (only,) = await listed(slots[0])
    assert (only.status, only.run_id) == ("begun", f"r{answers.index(True)}")


async def test_another_profile_and_another_session_have_slots_of_their_own(slots: Both) -> None:
    assert await take(slots[0], key())
    assert await take(slots[1], key(profile="crash"))
    assert await take(slots[1], key(session=5))
    assert not await take(slots[0], key(session=5))


async def test_a_run_that_takes_longer_lets_the_next_slot_be_skipped(slots: Both) -> None:
    mine, theirs = slots
    assert await take(mine, key())
    later = NOW + MINUTE_MS
    await mine.still_run(key(), later - 1)
    assert not await take(theirs, key(1), "r2", later)
    (skipped, begun) = await listed(mine, later)
    assert (skipped.status, skipped.run_id) == ("skipped", None)
    assert skipped.reason == "the run of 2025-06-01T07:47:00Z was still going"
    await mine.end(key(), "done", None, later)
    assert await take(theirs, key(2), "r3", later + MINUTE_MS)
    assert begun.status == "begun"


async def test_the_slot_of_a_process_that_died_is_not_run_later(slots: Both) -> None:
    await take(slots[0], key())
    later = NOW + ALIVE_MS
    assert not await take(slots[1], key(), "r2", later)
    (died,) = await listed(slots[1], later)
    assert (died.status, died.run_id, died.reason) == ("died", "r1", "its process ended before its run did")
    assert await take(slots[1], key(1), "r3", later), "and it is in nobody's way"


async def test_a_machine_whose_clock_was_set_back_does_not_wait_for_the_dead(slots: Both) -> None:
    await take(slots[0], key())
    assert await take(slots[1], key(1), "r2", NOW - 10 * ALIVE_MS)


async def test_a_slot_that_was_missed_is_nobodys_and_one_that_was_taken_was_not_missed(slots: Both) -> None:
    await take(slots[0], key())
    more = {"every_ms": MINUTE_MS, "dry_run": True, "process": "me", "begun_at": SLOT, "now_ms": NOW}
    await slots[1].missed([key(), key(1)], "too late", **more)
    assert not await take(slots[0], key(1))
    assert {one.slot_ms: one.status for one in await listed(slots[0])} == {
        key().slot_ms: "begun",
        key(1).slot_ms: "missed",
    }


async def test_slots_have_filters_and_pages(slots: Both) -> None:
    mine = slots[0]
    for minute, status in enumerate(("done", "failed", "died")):
        await take(mine, key(minute), now_ms=NOW + minute)
        await mine.end(key(minute), status, None, NOW + minute)
    await take(mine, key(3, "crash"), now_ms=NOW + 3)
    assert [one.slot_ms for one in await listed(mine, profile="scalper_micro")] == [
        key(minute).slot_ms for minute in (2, 1, 0)
    ]
    assert [one.profile for one in await listed(mine, status="begun")] == ["crash"]
    late = NOW + 3 + ALIVE_MS
    assert {one.profile for one in await listed(mine, late, status="died")} == {"crash", "scalper_micro"}
    assert await listed(mine, late, status="begun") == []
    bounds = {"from_ms": key(1).slot_ms, "to_ms": key(2).slot_ms}
    assert [one.status for one in await listed(mine, **bounds)] == ["died", "failed"]
    assert await listed(mine, exchange="bitmart") == []
    second = await mine.page(SlotFilter(), now_ms=NOW, page=2, page_size=3)
    assert ([one.status for one in second.items], second.total) == (["done"], 4)


async def test_who_runs_the_schedule_is_known_until_it_ends(slots: Both) -> None:
    mine, theirs = slots
    await mine.watch("paper", "crash", "one", "every 1m, dry", NOW)
    await theirs.watch("paper", "crash", "two", "every 1m, dry", NOW)
    (watch,) = await theirs.watches()
    assert (watch.exchange, watch.profile, watch.until) == ("paper", "crash", NOW + ALIVE_MS)
    await theirs.leave("paper", "crash", "two")
    assert len(await mine.watches()) == 1, "it was the other's"
    await mine.leave("paper", "crash", "one")
    assert await mine.watches() == []
