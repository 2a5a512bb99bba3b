"""What the store itself lets through: places, holds, halts and locked days, under any number of workers."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from order_rows import ACCOUNT, DAY_MS, NOW, VENUE, D, begun, recorded, try_record

from server.database import Database, DatabaseAddress, upgrade
from server.orders.errors import TradingHalted
from server.orders.holds import Hold, Release
from server.orders.intent import UNDER_WAY, Intent
from server.orders.store import Orders
from server.orders.writing import Denied


def denied(answer: Intent | Denied) -> str | None:
    return str(answer.reason) if isinstance(answer, Denied) else None


async def test_the_last_place_is_taken_once(orders: Orders, other: Orders) -> None:
    await recorded(orders, "BTCUSDT")
    waiting = [await begun(orders, f"S{n}USDT", n) for n in range(8)]
    answers = await asyncio.gather(
        *(try_record((orders, other)[n % 2], one, places=2) for n, one in enumerate(waiting))
    )
    assert sorted(denied(answer) or "" for answer in answers) == [
        "",
        *["max_concurrent_positions_reached"] * 7,
    ]
    assert len(await orders.under_way(VENUE, ACCOUNT)) == 2
    facts = next(answer.facts for answer in answers if isinstance(answer, Denied))
    assert facts == {"positions": 2, "max_concurrent_positions": 2}


async def test_a_symbol_is_recorded_once_at_a_time(orders: Orders, other: Orders) -> None:
    waiting = [await begun(orders, number=n) for n in range(6)]
    answers = await asyncio.gather(
        *(try_record((orders, other)[n % 2], one, places=9) for n, one in enumerate(waiting))
    )
    assert sorted(denied(answer) or "" for answer in answers) == ["", *["symbol_under_way"] * 5]


async def test_what_was_denied_is_not_changed(orders: Orders) -> None:
    stored = await begun(orders)
    answer = await try_record(orders, stored, places=0)
    assert denied(answer) == "max_concurrent_positions_reached"
    assert await orders.intent(stored.decision_key) == stored
    assert await orders.names(stored.decision_key) == ()
    assert await orders.holds(VENUE, ACCOUNT, NOW) == ()


async def test_positions_of_the_venue_count_once_with_our_own(orders: Orders) -> None:
    await recorded(orders, "BTCUSDT")
    one = await begun(orders, "ETHUSDT")
    theirs = [("BTCUSDT", "long"), ("SOLUSDT", "short")]
    assert denied(await try_record(orders, one, places=2, positions=theirs)) == (
        "max_concurrent_positions_reached"
    )
    held = await try_record(orders, one, places=3, positions=[*theirs, ("ETHUSDT", "short")])
    assert denied(held) == "has_open_orders_or_positions"
    assert denied(await try_record(orders, one, places=3, positions=theirs)) is None


@pytest.mark.parametrize(
    ("cause", "until", "reason"),
    [
        ("under_way", None, "symbol_under_way"),
        ("unsettled", NOW + 1, "symbol_under_way"),
        ("submitted", NOW + 1, "symbol_cooling_down"),
        ("cancelled", NOW + 1, "symbol_cooling_down"),
        ("stopped_out", NOW + 1, "symbol_cooling_down"),
        ("stopped_out", NOW, None),
        ("unsettled", NOW, None),
    ],
)
async def test_a_held_symbol_is_not_recorded(
    orders: Orders, cause: str, until: int | None, reason: str | None
) -> None:
    first = await recorded(orders)
    hold = Hold("BTCUSDT", first.decision_key, cause, until)  # type: ignore[arg-type]
    await orders.change(first, state="closed", hold=hold)
    assert denied(await try_record(orders, await begun(orders, number=1))) == reason


async def test_an_order_under_way_keeps_its_symbol_after_its_cool_down(orders: Orders) -> None:
    first = await recorded(orders)
    await orders.change(first, state="open", hold=Hold("BTCUSDT", first.decision_key, "submitted", NOW))
    assert denied(await try_record(orders, await begun(orders, number=1))) == "has_open_orders_or_positions"


async def test_accounts_do_not_see_each_other(orders: Orders) -> None:
    await recorded(orders)
    stored = await begun(orders, account="second")
    assert denied(await try_record(orders, stored, places=1)) is None


async def test_no_intent_is_recorded_once_halted(orders: Orders, other: Orders) -> None:
    waiting = [await begun(orders, f"S{n}USDT", n) for n in range(10)]

    async def halt() -> int:
        await other.halt("exchange incident", "night shift")
        return len(await other.under_way(VENUE, ACCOUNT))

    then, *answers = await asyncio.gather(halt(), *(try_record(orders, one, places=99) for one in waiting))
    passed = [answer for answer in answers if denied(answer) is None]  # type: ignore[arg-type]
    assert len(passed) == then == len(await orders.under_way(VENUE, ACCOUNT))
    after = await try_record(orders, await begun(orders, "LATEUSDT"))
    assert isinstance(after, Denied)
    assert (after.reason, after.facts["halted_by"]) == ("trading_halted", "night shift")
    await orders.resume("over", "day shift")
    late = await orders.intent("paper:main:scalper_micro:LATEUSDT:long:1m:1748563200000")
    assert denied(await try_record(orders, late, places=99)) is None


async def test_no_order_leaves_once_halted(orders: Orders, other: Orders) -> None:
    waiting = [await recorded(orders, f"S{n}USDT", n) for n in range(10)]

    async def halt() -> int:
        await other.halt("exchange incident", "night shift")
        return len([i for i in await other.under_way(VENUE, ACCOUNT) if i.state == "submitting"])

    async def leave(one: Intent) -> Intent | None:
        try:
            return await orders.change(one, state="submitting", leaves=True)
        except TradingHalted as error:
            assert "night shift: exchange incident" in str(error)
            return None

    then, *left = await asyncio.gather(halt(), *(leave(one) for one in waiting))
    assert len([one for one in left if one is not None]) == then
    assert await leave(await recorded_before(orders)) is None


async def recorded_before(orders: Orders) -> Intent:
    """One that was recorded and has not left."""
    await orders.resume("a moment", "day shift")
    one = await recorded(orders, "LATEUSDT")
    await orders.halt("exchange incident", "night shift")
    return one


async def test_a_locked_day_records_nothing_until_the_next(orders: Orders) -> None:
    await orders.observe_loss(VENUE, ACCOUNT, NOW, D("25.50"), D(25))
    stored = await begun(orders)
    answer = await try_record(orders, stored, now_ms=NOW + DAY_MS - 1)
    assert isinstance(answer, Denied)
    assert answer.reason == "daily_loss_limit_reached"
    assert answer.facts == {"daily_locked": True, "daily_loss_usdt": "25.50", "daily_limit_usdt": "25"}
    assert denied(await try_record(orders, stored, now_ms=NOW + DAY_MS)) is None


STEPS = st.lists(
    st.tuples(st.sampled_from(["record", "end", "open", "fail"]), st.integers(0, 4)), min_size=1, max_size=25
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, places=st.integers(0, 3))
async def test_never_more_under_way_than_there_are_places(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], places: int
) -> None:
    address = DatabaseAddress.of_file(tmp_path_factory.mktemp("orders") / "orders.db")
    upgrade(address)
    orders = Orders(Database.open(address))
    standing: dict[str, Intent] = {}
    for number, (step, which) in enumerate(steps):
        symbol = f"S{which}USDT"
        if step == "record":
            answer = await try_record(orders, await begun(orders, symbol, number), places=places)
            wanted = (
                "symbol_under_way"
                if symbol in standing
                else "max_concurrent_positions_reached"
                if len(standing) >= places
                else None
            )
            assert denied(answer) == wanted
            if isinstance(answer, Intent):
                standing[symbol] = answer
        elif symbol in standing:
            state = {"end": "cancelled", "open": "open", "fail": "failed"}[step]
            hold = None if step == "open" else Release()
            changed = await orders.change(standing.pop(symbol), state=state, hold=hold)  # type: ignore[arg-type]
            if changed.state in UNDER_WAY:
                standing[symbol] = changed
        under_way = await orders.under_way(VENUE, ACCOUNT)
        assert {i.symbol for i in under_way} == set(standing)
        assert len(under_way) <= places
    await orders.database.close()
