"""Daily losses by decision 26, the kill switch, operators' actions and leases."""

from __future__ import annotations

import asyncio

import pytest
from order_rows import ACCOUNT, DAY_MS, NOW, VENUE, D

from server.orders.holds import utc_day
from server.orders.operator import ActionFilter
from server.orders.store import Orders

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
LIMIT = D(25)


async def test_a_locked_day_does_not_unlock_itself(orders: Orders) -> None:
    """Example 13 of the domain with its defects mended: realised and unrealised result instead of equity."""
    day = [
        (2 * MINUTE_MS, "0", False),
        (10 * HOUR_MS, "22.30", False),
        (10 * HOUR_MS + 20 * MINUTE_MS, "25.50", True),
        (11 * HOUR_MS, "24.40", True),  # the reference unlocked here
        (12 * HOUR_MS, "-40", True),
        (DAY_MS, "0", False),
    ]
    for at, loss, locked in day:
        seen = await orders.observe_loss(VENUE, ACCOUNT, NOW + at, D(loss), LIMIT)
        assert (seen.loss_usdt, seen.locked) == (D(loss), locked), at
        assert await orders.daily_loss(VENUE, ACCOUNT, utc_day(NOW + at)) == seen


@pytest.mark.parametrize(
    ("loss", "limit", "locked"),
    [
        ("24.99", "25", False),
        ("25", "25", True),
        ("25.00", "25", True),
        ("9999", "0", False),
        ("0", "0", False),
    ],
)
async def test_the_limit_itself_locks(orders: Orders, loss: str, limit: str, locked: bool) -> None:
    assert (await orders.observe_loss(VENUE, ACCOUNT, NOW, D(loss), D(limit))).locked is locked


async def test_a_reset_forgives_what_was_lost_so_far(orders: Orders) -> None:
    await orders.observe_loss(VENUE, ACCOUNT, NOW, D("25.50"), LIMIT)
    with pytest.raises(ValueError, match="needs a reason"):
        await orders.reset_daily_loss(VENUE, ACCOUNT, NOW, reason=" ", actor="me")
    known = await orders.daily_loss(VENUE, ACCOUNT, NOW)
    assert known is not None
    assert known.locked, "a refused reset changes nothing"
    reset = await orders.reset_daily_loss(VENUE, ACCOUNT, NOW + 5, reason="deposit error", actor="me")
    assert (reset.locked, reset.forgiven_usdt, reset.counted_usdt) == (False, D("25.50"), D(0))
    seen = await orders.observe_loss(VENUE, ACCOUNT, NOW + 9, D("50.49"), LIMIT)
    assert (seen.locked, seen.counted_usdt) == (False, D("24.99"))
    assert (await orders.observe_loss(VENUE, ACCOUNT, NOW + 9, D("50.50"), LIMIT)).locked
    (action,) = (await orders.actions()).items
    assert (action.action, action.subject, action.actor) == ("reset_daily_loss", "paper:main", "me")
    assert action.details == {"day": "2025-05-30T00:00:00Z", "forgiven_usdt": "25.50"}
    tomorrow = await orders.reset_daily_loss(VENUE, ACCOUNT, NOW + DAY_MS, reason="r", actor="me")
    assert (tomorrow.loss_usdt, tomorrow.forgiven_usdt) == (0, 0)


async def test_a_gain_is_nothing_to_forgive(orders: Orders) -> None:
    await orders.observe_loss(VENUE, ACCOUNT, NOW, D(-10), LIMIT)
    assert (await orders.reset_daily_loss(VENUE, ACCOUNT, NOW, reason="r", actor="me")).forgiven_usdt == 0


async def test_two_observers_cannot_lose_a_lock(orders: Orders, other: Orders) -> None:
    losses = ["26", *["1"] * 9]
    await asyncio.gather(
        *((orders, other)[n % 2].observe_loss(VENUE, ACCOUNT, NOW, D(x), LIMIT) for n, x in enumerate(losses))
    )
    known = await orders.daily_loss(VENUE, ACCOUNT, NOW)
    assert known is not None
    assert known.locked


async def test_the_kill_switch_says_who_and_why(orders: Orders, other: Orders) -> None:
    assert not (await orders.halted()).halted
    halt = await orders.halt("odd fills", "ada")
    assert await other.halted() == halt
    assert (halt.halted, halt.reason, halt.actor) == (True, "odd fills", "ada")
    assert not (await other.resume("explained", "bob")).halted
    for reason, actor in (("", "ada"), ("why", " ")):
        with pytest.raises(ValueError, match="an operator's action needs"):
            await orders.halt(reason, actor)
    assert not (await orders.halted()).halted
    cancel = await orders.act("cancel", "some:key", actor="bob", reason="too late", details={"n": 1})
    page = await orders.actions(page_size=2)
    assert page.total == 3
    assert page.items[0] == cancel
    assert [(a.action, a.actor) for a in page.items] == [("cancel", "bob"), ("resume", "bob")]
    now = cancel.recorded_at
    for wanted, found in (
        (ActionFilter(action="halt"), ["halt"]),
        (ActionFilter(actor="bob"), ["cancel", "resume"]),
        (ActionFilter(about="ME:K"), ["cancel"]),
        (ActionFilter(about="%"), []),
        (ActionFilter(about="TRAD", actor="ada"), ["halt"]),
        (ActionFilter(from_ms=now + 1), []),
        (ActionFilter(to_ms=now + 1, from_ms=0), ["cancel", "resume", "halt"]),
    ):
        assert [a.action for a in (await orders.actions(wanted)).items] == found, wanted


async def test_a_lease_has_one_holder(orders: Orders, other: Orders) -> None:
    tries = [(orders, other)[n % 2].lease("guardian", f"p{n}", 1000, NOW) for n in range(8)]
    taken = await asyncio.gather(*tries)
    assert taken.count(True) == 1
    holder = f"p{taken.index(True)}"
    assert await other.lease("guardian", holder, 1000, NOW + 500), "renewed"
    assert not await orders.lease("guardian", "new", 1000, NOW + 1499)
    await orders.release("guardian", "new")
    assert not await orders.lease("guardian", "new", 1000, NOW + 1499)
    assert await orders.lease("guardian", "new", 1000, NOW + 1500)
    await orders.release("guardian", "new")
    assert await other.lease("guardian", holder, 1000, NOW + 1500)
