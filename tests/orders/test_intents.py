"""Intents are stored once, changed one after the other, and never lose a step of their journey."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from order_rows import (
    ACCOUNT,
    NOW,
    VENUE,
    begun,
    event,
    intent,
    key_of,
    recorded,
    ticket,
    try_record,
)

from server.database import Database, DatabaseAddress
from server.orders.errors import ChangedMeanwhile, NoSuchOrder, OrderIsDone, OrdersUnavailable
from server.orders.holds import Hold, Release
from server.orders.intent import Name
from server.orders.reading import Count, OrderFilter
from server.orders.store import Orders
from server.trade_entry.ticket import Ticket


async def test_a_decision_key_has_one_intent_whoever_stores_it_first(orders: Orders, other: Orders) -> None:
    tries = [
        store.begin(replace(intent(), run_id=f"{n:036}"), event())
        for n in range(6)
        for store in (orders, other)
    ]
    answers = await asyncio.gather(*tries)
    assert [new for _, new in answers].count(True) == 1
    assert len({stored.run_id for stored, _ in answers}) == 1
    assert [e.kind for e in await orders.journey(key_of("BTCUSDT"))] == ["decided"]


async def test_an_intent_comes_back_as_it_was_stored(orders: Orders, other: Orders) -> None:
    stored = await recorded(orders)
    changed = await orders.change(
        stored,
        state="submitting",
        attempt=1,
        exchange_order_id="2707",
        progress={"filled": "0.30", "é": [None, True]},
        events=[event("submitting", NOW + 5, price="67000.10")],
    )
    assert await other.intent(stored.decision_key) == changed
    assert changed.ticket == ticket(stored, 1000)
    assert isinstance(changed.ticket, Ticket)
    assert changed.ticket.price == Decimal("67000.1")
    assert (changed.version, changed.updated_at) == (2, NOW + 5)
    last = (await other.journey(stored.decision_key))[-1]
    assert (last.number, last.kind, last.at, last.details) == (
        3,
        "submitting",
        NOW + 5,
        {"price": "67000.10"},
    )


async def test_only_one_of_two_changes_of_a_version_is_made(orders: Orders, other: Orders) -> None:
    stored = await recorded(orders)
    tries = [
        store.change(stored, events=[event("operator", NOW, who=n)], progress={"by": n})
        for n, store in enumerate((orders, other))
    ]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    lost = [answer for answer in answers if isinstance(answer, ChangedMeanwhile)]
    assert len(lost) == 1
    journey = await orders.journey(stored.decision_key)
    assert [e.number for e in journey] == [1, 2, 3]
    assert (await orders.intent(stored.decision_key)).progress == {"by": journey[-1].details["who"]}


async def test_events_are_numbered_without_gaps(orders: Orders) -> None:
    stored = await begun(orders)
    for n in range(3):
        stored = await orders.change(stored, events=[event("operator", NOW + n)] * n)
    journey = await orders.journey(stored.decision_key)
    assert [e.number for e in journey] == [1, 2, 3, 4]
    assert [e.at for e in journey] == [NOW, NOW + 1, NOW + 2, NOW + 2]


async def test_what_is_done_stays_done(orders: Orders) -> None:
    stored = await orders.change(await recorded(orders), state="closed", status="submitted", reason="x")
    with pytest.raises(OrderIsDone, match="closed; its state and reason cannot change"):
        await orders.change(stored, state="open", reason=None)
    told = await orders.change(stored, state="closed", events=[event("operator")], progress={"note": 1})
    assert (told.state, told.progress) == ("closed", {"note": 1})
    with pytest.raises(ValueError, match="nothing to try again"):
        await orders.reopen(told, event("retried"))


async def test_only_record_makes_a_recorded_intent(orders: Orders) -> None:
    stored = await begun(orders)
    with pytest.raises(ValueError, match="by begin, record or reopen"):
        await orders.change(stored, state="recorded")
    with pytest.raises(ValueError, match="not at its beginning"):
        await orders.begin(replace(intent("ETHUSDT"), state="open"), event())
    with pytest.raises(ValueError, match="only a deciding intent"):
        await try_record(orders, await recorded(orders, "ETHUSDT"))


async def test_a_retry_sends_again_only_what_has_not_left(orders: Orders) -> None:
    unsent = await orders.change(await recorded(orders), state="failed", status="error", reason="x")
    again = await orders.reopen(unsent, event("retried", NOW + 9))
    assert (again.state, again.status, again.reason, again.ticket) == ("deciding", "pending", None, None)
    assert (await try_record(orders, again)).state == "recorded"  # type: ignore[union-attr]

    sent = await orders.change(
        await recorded(orders, "ETHUSDT"), state="submitting", events=[event("submitting")]
    )
    failed = await orders.change(sent, state="failed", status="error", reason="x")
    with pytest.raises(ValueError, match="can go back to submitting or resting or open or closing"):
        await orders.reopen(failed, event("retried"), "deciding")
    again = await orders.reopen(failed, event("retried"))
    assert (again.state, again.ticket) == ("submitting", failed.ticket)


async def test_every_client_order_id_finds_its_intent(orders: Orders) -> None:
    first, second = await recorded(orders), await recorded(orders, "ETHUSDT")
    first = await orders.change(first, names=[("EGSTOP1", "stop", 1), ("EGENTRY2", "entry", 2)])
    for name in (first.client_order_id, "EGSTOP1", "EGENTRY2"):
        assert (await orders.by_name(name)).decision_key == first.decision_key
    deciding = await begun(orders, "SOLUSDT")
    assert (await orders.by_name(deciding.client_order_id)).symbol == "SOLUSDT"
    assert await orders.names(first.decision_key) == (
        Name(first.client_order_id, "entry", 1),
        Name("EGENTRY2", "entry", 2),
        Name("EGSTOP1", "stop", 1),
    )
    first = await orders.change(first, names=[("EGSTOP1", "stop", 1)])
    with pytest.raises(ValueError, match="EGSTOP1 is already"):
        await orders.change(second, names=[("EGSTOP1", "stop", 1)])
    assert (await orders.intent(second.decision_key)).version == second.version, "nothing of it was stored"
    for missing in (orders.by_name("EGNONE"), orders.intent("none"), orders.journey("none")):
        with pytest.raises(NoSuchOrder):
            await missing


async def test_holds_follow_the_order(orders: Orders) -> None:
    stored = await recorded(orders)
    key = stored.decision_key
    assert await orders.holds(VENUE, ACCOUNT, NOW) == (Hold("BTCUSDT", key, "under_way", None),)
    stored = await orders.change(stored, hold=Hold("BTCUSDT", key, "submitted", NOW + 900_000))
    stored = await orders.change(
        stored, state="cancelled", hold=Hold("BTCUSDT", key, "cancelled", NOW + 60_000)
    )
    assert [hold.cause for hold in await orders.holds(VENUE, ACCOUNT, NOW + 59_999)] == ["cancelled"]
    assert await orders.holds(VENUE, ACCOUNT, NOW + 60_000) == ()
    assert await orders.expire_holds(NOW + 59_999) == 0
    assert await orders.expire_holds(NOW + 60_000) == 1
    with pytest.raises(ValueError, match="a hold of ETHUSDT"):
        await orders.change(stored, hold=Hold("ETHUSDT", key, "cancelled", NOW))


async def test_a_hold_of_another_order_is_left_in_place(orders: Orders) -> None:
    first = await recorded(orders)
    first = await orders.change(first, state="cancelled", hold=Release())
    second = await recorded(orders, number=1)
    for hold in (Release(), Hold("BTCUSDT", first.decision_key, "cancelled", NOW + 1)):
        first = await orders.change(first, hold=hold)
    (held,) = await orders.holds(VENUE, ACCOUNT, NOW)
    assert (held.decision_key, held.cause) == (second.decision_key, "under_way")


async def test_lists_and_counts(orders: Orders) -> None:
    for n, symbol in enumerate(("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")):
        await recorded(orders, symbol, n)
    ended = await orders.intent(key_of("ETHUSDT", 1))
    await orders.change(ended, state="refused", status="error", reason="submit_refused")
    sent = await orders.intent(key_of("SOLUSDT", 2))
    await orders.change(sent, state="submitting", events=[event("submitting", NOW + 7)])

    async def symbols(**wanted: object) -> list[str]:
        return [i.symbol for i in (await orders.page(OrderFilter(**wanted))).items]  # type: ignore[arg-type]

    assert await symbols() == ["XRPUSDT", "SOLUSDT", "ETHUSDT", "BTCUSDT"]
    assert await symbols(status="error") == ["ETHUSDT"]
    assert await symbols(reason="submit_refused", account=ACCOUNT) == ["ETHUSDT"]
    assert await symbols(states=("recorded", "submitting"), from_ms=NOW + 1) == ["XRPUSDT", "SOLUSDT"]
    assert await symbols(to_ms=NOW + 1, profile="scalper_micro") == ["BTCUSDT"]
    assert await symbols(symbol="XRPUSDT", exchange=VENUE) == ["XRPUSDT"]
    assert await symbols(exchange="elsewhere") == []
    second = await orders.page(page=2, page_size=3)
    assert ([i.symbol for i in second.items], second.total) == (["BTCUSDT"], 4)
    assert [i.symbol for i in await orders.under_way(VENUE, ACCOUNT)] == ["BTCUSDT", "SOLUSDT", "XRPUSDT"]
    assert set(await orders.many([key_of("BTCUSDT"), "none"])) == {key_of("BTCUSDT")}
    tally = await orders.tally()
    assert tally.counts == (
        Count("recorded", "pending", None, 2),
        Count("refused", "error", "submit_refused", 1),
        Count("submitting", "pending", None, 1),
    )
    assert (tally.unsettled, tally.oldest_unsettled_at) == (1, NOW + 7)


async def test_a_database_that_does_not_answer_is_said_so() -> None:
    away = Orders(Database.open(DatabaseAddress.parse("postgresql://nobody@127.0.0.1:1/none")))
    for asked in (away.intent("k"), away.begin(intent(), event()), away.halted(), away.lease("a", "b", 1, 1)):
        with pytest.raises(OrdersUnavailable):
            await asked
    await away.database.close()
