"""Orders of a paper session that another took the place of."""

from __future__ import annotations

import asyncio

from order_rows import ACCOUNT, NOW, VENUE, D, begun, event, recorded

from server.instants import machine_ms
from server.orders.holds import Hold
from server.orders.intent import FINAL
from server.orders.store import Orders

LATER = NOW + 3_600_000


async def give_up(orders: Orders, before_ms: int, *, new: bool = False) -> dict[str, str]:
    ended = await orders.give_up(VENUE, ACCOUNT, before_ms, LATER, account_is_new=new)
    return {intent.symbol: intent.state for intent in ended}


async def test_what_was_begun_before_ends_once(orders: Orders) -> None:
    await begun(orders, "DECIDINGUSDT")
    await recorded(orders, "RECORDEDUSDT")
    held = await recorded(orders, "OPENUSDT")
    held = await orders.change(held, state="submitting", attempt=0)
    held = await orders.change(held, state="open", status="submitted")
    done = await recorded(orders, "DONEUSDT")
    kept = Hold("DONEUSDT", done.decision_key, "submitted", LATER + 60_000)
    done = await orders.change(
        done, state="cancelled", status="skipped", events=[event("cancelled")], hold=kept
    )
    other = await begun(orders, "OTHERUSDT", account="second")
    assert await give_up(orders, machine_ms() - 600_000) == {}
    assert len(await orders.holds(VENUE, ACCOUNT, LATER)) == 3

    ended = {"DECIDINGUSDT": "cancelled", "RECORDEDUSDT": "cancelled", "OPENUSDT": "closed"}
    assert await give_up(orders, machine_ms() + 1) == ended
    assert await give_up(orders, machine_ms() + 1) == {}
    assert await orders.holds(VENUE, ACCOUNT, LATER) == ()
    assert await orders.under_way(VENUE, ACCOUNT) == ()
    held = await orders.intent(held.decision_key)
    assert (held.state, held.status, held.reason) == ("closed", "submitted", "session_given_up")
    last = (await orders.journey(held.decision_key))[-1]
    assert (last.kind, last.at, last.details) == ("closed", LATER, {"cause": "session_given_up"})
    assert await orders.intent(done.decision_key) == done
    assert (await orders.intent(other.decision_key)).state not in FINAL


async def test_what_was_tried_again_since_stays(orders: Orders) -> None:
    held = await recorded(orders, "OPENUSDT")
    await asyncio.sleep(0.002)
    began = machine_ms()
    await orders.change(held, state="submitting", attempt=0, events=[event("submitting")])
    assert await give_up(orders, began) == {}


async def test_losses_are_forgotten_with_their_account(orders: Orders) -> None:
    await orders.observe_loss(VENUE, ACCOUNT, NOW, D(30), D(25))
    await give_up(orders, machine_ms())
    assert await orders.daily_loss(VENUE, ACCOUNT, NOW) is not None
    await give_up(orders, machine_ms(), new=True)
    assert await orders.daily_loss(VENUE, ACCOUNT, NOW) is None
