"""Locks of runs: one holder, however many ask, until it gives back, dies or loses it."""

from __future__ import annotations

import asyncio

import pytest

from server.orders.store import Orders
from server.switches.errors import NoSuchLock
from server.switches.run_locks import RunLock, RunLocks, run_key

NOW = 1_748_563_200_000
KEY = run_key("paper", "perpetual", "scalper_micro")
Both = tuple[RunLocks, RunLocks]


async def acquire(locks: RunLocks, run_id: str, now_ms: int = NOW, key: str = KEY) -> RunLock | None:
    return await locks.acquire(key, run_id=run_id, holder=f"{run_id}'s host", ttl_sec=300, now_ms=now_ms)


async def test_one_of_many_runs_has_the_lock(run_locks: Both) -> None:
    """Acceptance 15, as far as the store goes: the others learn who has it and since when."""
    answers = await asyncio.gather(*(acquire(run_locks[n % 2], f"r{n}") for n in range(8)))
    assert answers.count(None) == 1
    holder = f"r{answers.index(None)}"
    held = RunLock(key=KEY, run_id=holder, holder=f"{holder}'s host", since=NOW, until=NOW + 300_000)
    assert {answer for answer in answers if answer} == {held}
    assert (await run_locks[0].page(now_ms=NOW)).items == (held,)
    assert await acquire(run_locks[0], "other", key=run_key("paper", "perpetual", "crash")) is None


async def test_a_lock_lasts_as_long_as_it_is_renewed(run_locks: Both) -> None:
    mine, theirs = run_locks
    await acquire(mine, "r1")
    assert await mine.renew(KEY, run_id="r1", ttl_sec=300, now_ms=NOW + 200_000)
    held = await acquire(theirs, "r2", NOW + 499_999)
    assert held is not None
    assert (held.since, held.until) == (NOW, NOW + 500_000)
    assert (await theirs.page(KEY, now_ms=NOW + 500_000)).items == ()
    assert await acquire(theirs, "r2", NOW + 500_000) is None
    assert not await mine.renew(KEY, run_id="r1", ttl_sec=300, now_ms=NOW + 500_001)
    await mine.release(KEY, run_id="r1")
    (now_held,) = (await mine.page(now_ms=NOW + 500_001)).items
    assert (now_held.run_id, now_held.since) == ("r2", NOW + 500_000)


async def test_a_late_renewal_keeps_what_nobody_took(run_locks: Both) -> None:
    mine, theirs = run_locks
    await acquire(mine, "r1")
    assert await mine.renew(KEY, run_id="r1", ttl_sec=300, now_ms=NOW + 400_000)
    assert await acquire(theirs, "r2", NOW + 400_000) is not None


async def test_what_is_given_back_is_free(run_locks: Both) -> None:
    mine, theirs = run_locks
    await acquire(mine, "r1")
    await theirs.release(KEY, run_id="r2")
    assert await acquire(theirs, "r2") is not None
    await mine.release(KEY, run_id="r1")
    assert await acquire(theirs, "r2") is None


async def test_an_operator_takes_a_lock_away(run_locks: Both) -> None:
    mine, theirs = run_locks
    await acquire(mine, "r1")
    gone = await theirs.force_release(KEY, actor="ada", reason="stuck", now_ms=NOW)
    assert gone.run_id == "r1"
    assert not await mine.renew(KEY, run_id="r1", ttl_sec=300, now_ms=NOW), "the run learns of it"
    with pytest.raises(NoSuchLock, match=KEY):
        await theirs.force_release(KEY, actor="ada", reason="stuck", now_ms=NOW)
    await acquire(mine, "r2")
    with pytest.raises(ValueError, match="an operator's action needs a reason"):
        await theirs.force_release(KEY, actor="ada", reason="", now_ms=NOW)
    assert await acquire(theirs, "r3") is not None, "a refused release releases nothing"
    (action,) = (await Orders(mine.database).actions()).items
    assert (action.action, action.subject, action.details["run_id"]) == ("release_lock", KEY, "r1")


async def test_leases_of_other_things_are_no_locks_of_runs(run_locks: Both) -> None:
    locks = run_locks[0]
    assert await Orders(locks.database).lease("guardian paper main", "p1", 1000, NOW)
    assert (await locks.page(now_ms=NOW)).total == 0
    with pytest.raises(NoSuchLock):
        await locks.force_release("guardian paper main", actor="ada", reason="r", now_ms=NOW)
