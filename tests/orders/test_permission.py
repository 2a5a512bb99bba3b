"""What the store itself lets through: places, holds, halts and locked days, under any number of workers."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from order_rows import ACCOUNT, DAY_MS, NOW, VENUE, D, begun, recorded, try_record
from syrupy.assertion import SnapshotAssertion

from engine.models.service import ExclusionRules
from server.database import Database, DatabaseAddress, upgrade
from server.instants import machine_ms
from server.orders.errors import OrdersUnavailable, TradingHalted
from server.orders.holds import Hold, Release
from server.orders.intent import UNDER_WAY, Intent
from server.orders.permission import FreeBalance
from server.orders.store import Orders
from server.orders.writing import Denied
from server.switches.store import Blacklist, Switches
from server.switches.switch import SwitchKey


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


async def test_two_entries_do_not_take_the_same_balance(
    orders: Orders, other: Orders, golden: SnapshotAssertion
) -> None:
    """Each holds 111.87 of 300: margin 111.67 and a fee of 0.20. Two fit, whoever records first."""
    waiting = [await begun(orders, f"S{n}USDT", n) for n in range(5)]
    answers = await asyncio.gather(
        *(
            try_record((orders, other)[n % 2], one, places=9, free=FreeBalance(D(300)))
            for n, one in enumerate(waiting)
        )
    )
    assert sorted(denied(answer) or "" for answer in answers) == ["", "", *["balance_taken"] * 3]
    facts = next(answer.facts for answer in answers if isinstance(answer, Denied))
    assert {"reason": "balance_taken", "facts": facts} == golden


async def test_what_the_balance_counts_is_not_reserved_twice(orders: Orders) -> None:
    """An order that the venue had accepted before its balance was asked is in that balance."""
    resting = await recorded(orders, "ETHUSDT")
    resting = await orders.change(resting, state="submitting", attempt=0)
    resting = await orders.change(resting, state="resting")
    stored = await begun(orders)
    just = D("111.86783364")
    assert denied(await try_record(orders, stored, free=FreeBalance(just))) == "balance_taken"
    before = FreeBalance(just, {(resting.decision_key, 0)})
    # It has been sent again since, under another attempt: nobody knows what the balance counted of it.
    again = await orders.change(resting, state="submitting", attempt=1)
    assert denied(await try_record(orders, stored, free=before)) == "balance_taken"
    again = await orders.change(again, state="resting")
    assert denied(await try_record(orders, stored, free=before)) == "balance_taken"
    assert denied(await try_record(orders, stored, free=FreeBalance(just, {(again.decision_key, 1)}))) is None


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


# Switches and the blacklist, between the verdict and the record (acceptance 14).

LATER = 4 * 3_600_000


async def turned(orders: Orders, key: str, on: bool = False, for_ms: int | None = None) -> None:
    await Switches(orders.database).turn(
        SwitchKey.parse(key), on=on, reason="news", actor="ada", now_ms=machine_ms(), for_ms=for_ms
    )


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("GLOBAL", "global_switch_off"),
        ("SYMBOL:BTCUSDT", "symbol_switch_off"),
        ("SYMBOL_TF:BTCUSDT:1m", "timeframe_switch_off"),
        ("SYMBOL_TF:BTCUSDT:5m", "timeframe_switch_off"),
        ("SYMBOL:ETHUSDT", None),
        ("SYMBOL_TF:BTCUSDT:15m", None),
        ("SYMBOL_TF:ETHUSDT:1m", None),
    ],
)
async def test_what_is_switched_off_after_the_verdict_is_not_recorded(
    orders: Orders, other: Orders, key: str, reason: str | None
) -> None:
    stored = await begun(orders)
    assert denied(await try_record(other, await begun(other, "XRPUSDT"), places=9)) is None
    await turned(other, key, for_ms=LATER)
    answer = await try_record(orders, stored, places=9)
    assert denied(answer) == reason
    if isinstance(answer, Denied):
        assert (answer.facts["switch"], answer.facts["switched_by"]) == (key, "ada")
        assert answer.facts["switch_until"] is not None
        assert await orders.intent(stored.decision_key) == stored
        await turned(other, key, on=True)
        assert denied(await try_record(orders, stored, places=9)) is None


async def test_a_switch_whose_time_is_over_lets_pass(orders: Orders) -> None:
    await Switches(orders.database).turn(
        SwitchKey.parse("GLOBAL"), on=False, reason="r", actor="a", now_ms=machine_ms() - 2, for_ms=1
    )
    assert denied(await try_record(orders, await begun(orders))) is None


async def test_what_is_blacklisted_after_the_verdict_is_not_recorded(orders: Orders, other: Orders) -> None:
    stored = await begun(orders)
    blacklist = Blacklist(other.database)
    await blacklist.add("BTCUSDT", reason="illiquid", actor="ada", now_ms=machine_ms(), for_ms=LATER)
    answer = await try_record(orders, stored)
    assert isinstance(answer, Denied)
    assert answer.reason == "blacklisted"
    assert (answer.facts["blacklist_reason"], answer.facts["blacklisted_by"]) == ("illiquid", "ada")
    await blacklist.remove("BTCUSDT", reason="back", actor="ada")
    assert denied(await try_record(orders, stored)) is None


async def test_what_a_run_switched_off_is_looked_at_afresh(orders: Orders) -> None:
    """It was open then; whether it is now is asked of positions and intents, not of the switch."""
    rules = ExclusionRules(off_sec=300, extend_sec=60)
    await Switches(orders.database).exclude(["BTCUSDT"], machine_ms(), rules)
    stored = await begun(orders)
    theirs = [("BTCUSDT", "short")]
    assert denied(await try_record(orders, stored, positions=theirs)) == "has_open_orders_or_positions"
    assert denied(await try_record(orders, stored)) is None


async def test_no_intent_is_recorded_once_everything_is_off(orders: Orders, other: Orders) -> None:
    waiting = [await begun(orders, f"S{n}USDT", n) for n in range(10)]

    async def off() -> int:
        await turned(other, "GLOBAL")
        return len(await other.under_way(VENUE, ACCOUNT))

    then, *answers = await asyncio.gather(off(), *(try_record(orders, one, places=99) for one in waiting))
    passed = [answer for answer in answers if denied(answer) is None]  # type: ignore[arg-type]
    assert len(passed) == then == len(await orders.under_way(VENUE, ACCOUNT))


async def test_switches_that_cannot_be_read_are_not_on(orders: Orders) -> None:
    stored = await begun(orders)
    async with orders.database.write() as connection:
        await connection.exec_driver_sql("DROP TABLE switch")
    with pytest.raises(OrdersUnavailable):
        await try_record(orders, stored)
    assert (await orders.intent(stored.decision_key)).state == "deciding"
