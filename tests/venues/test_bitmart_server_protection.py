"""Stops and targets at the venue: presets, TP/SL orders, plan orders, the dead-man timer."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .bitmart import Options
from .caller import AT_MS, SYMBOL, caller, code

PRESETS = {"preset_stop_loss_price": "76500.0", "preset_take_profit_price": "77500.0"}


async def test_presets_are_armed_with_the_first_fill_and_cover_the_position() -> None:
    asks = caller()
    order_id = (await asks.enter("one", **PRESETS)).json()["data"]["order_id"]
    assert await asks.data("current-plan-order") == []
    asks.server.venue.set_fill_cap(order_id, 3)
    asks.server.venue.set_price("BTCUSDT", "76989.0")
    plans = {plan["type"]: plan for plan in await asks.data("current-plan-order", **SYMBOL)}
    stop, target = plans["stop_loss"], plans["take_profit"]
    assert (stop["trigger_price"], stop["side"], stop["price_way"], stop["size"]) == ("76500", 3, 2, "3")
    assert (target["trigger_price"], target["price_way"], target["plan_category"]) == ("77500", 1, 2)
    asks.server.venue.set_fill_cap(order_id, None)
    asks.server.venue.set_price("BTCUSDT", "76989.0")
    assert {plan["size"] for plan in await asks.data("current-plan-order")} == {"10"}


async def test_presets_by_choice() -> None:
    whole, partial = caller(Options(presets_arm="whole_fill")), caller(Options(preset_category=1))
    for asks, after_a_part, after_all in ((whole, [], ["10"]), (partial, ["3"], ["10"])):
        order_id = (await asks.enter("one", preset_stop_loss_price="76500.0")).json()["data"]["order_id"]
        for cap, sizes in ((3, after_a_part), (None, after_all)):
            asks.server.venue.set_fill_cap(order_id, cap)
            asks.server.venue.set_price("BTCUSDT", "76989.0")
            assert [plan["size"] for plan in await asks.data("current-plan-order")] == sizes


async def test_stop_goes_before_the_target_and_takes_it_along() -> None:
    asks = caller()
    await asks.enter("one", price="77000.1", preset_stop_loss_price_type=2, **PRESETS)
    asks.server.venue.set_price("BTCUSDT", "77400.0", last="77600.0", mark="76400.0")  # both are due
    history = await asks.data("order-history", **SYMBOL)
    assert (history[0]["type"], history[0]["side"], history[0]["trigger_price"]) == ("market", 3, "76500")
    assert history[0]["client_order_id"] == f"PLAN_{history[0]['executive_order_id']}"
    assert await asks.data("current-plan-order") == []
    assert (await asks.holding())["current_amount"] == "0"


async def test_preset_that_is_due_goes_with_the_fill() -> None:
    asks = caller()
    await asks.enter("one", type="market", preset_stop_loss_price="77200.0")
    assert (await asks.holding())["current_amount"] == "0"
    assert [row["side"] for row in await asks.data("order-history", **SYMBOL)] == [3, 1]


# side of the position, kind, trigger -> code; the market is 77000.0 / 77000.1, last 77000.0
TRIGGERS = [
    (3, "stop_loss", "76000", 1000),
    (3, "stop_loss", "77000", 40044),  # would trigger at once
    (3, "stop_loss", "78000", 40044),
    (3, "take_profit", "78000", 1000),
    (3, "take_profit", "76000", 40044),
    (2, "stop_loss", "78000", 1000),
    (2, "stop_loss", "76000", 40044),
    (2, "take_profit", "76000", 1000),
    (2, "take_profit", "78000", 40044),
]


@pytest.mark.parametrize(("side", "kind", "trigger", "expected"), TRIGGERS)
async def test_stop_and_target_need_a_position_and_the_right_side(
    side: int, kind: str, trigger: str, expected: int
) -> None:
    asks = caller()
    assert code(await asks.protect(side, kind, trigger)) == 40021
    await asks.enter("one", side=1 if side == 3 else 4, type="market")
    reply = await asks.protect(side, kind, trigger)
    assert code(reply) == expected
    if expected != 1000:
        return
    assert isinstance(reply.json()["data"]["order_id"], str)
    beyond = "75000.0" if trigger == "76000" else "79000.0"
    asks.server.venue.set_price("BTCUSDT", beyond)
    assert (await asks.holding("long" if side == 3 else "short"))["current_amount"] == "0"


async def test_stop_is_moved_in_place() -> None:
    asks = caller()
    await asks.enter("one", type="market")
    stop = (await asks.protect(3, "stop_loss", "76000", client_order_id="s1")).json()["data"]
    moved = {"order_id": stop["order_id"], "price_type": 1, **SYMBOL}
    assert code(await asks.post("modify-tp-sl-order", trigger_price="77500", **moved)) == 40044
    assert code(await asks.post("modify-tp-sl-order", trigger_price="76900", **moved)) == 1000
    (plan,) = await asks.data("current-plan-order", plan_type="profit_loss")
    assert (plan["trigger_price"], plan["client_order_id"], plan["size"]) == ("76900", "s1", "10")
    assert code(await asks.post("modify-plan-order", trigger_price="76900", type="market", **moved)) == 40036
    assert code(await asks.post("cancel-plan-order", order_id=stop["order_id"], **SYMBOL)) == 1000
    assert code(await asks.post("cancel-plan-order", order_id=stop["order_id"], **SYMBOL)) == 40036
    assert code(await asks.post("cancel-plan-order", client_order_id="nobody", **SYMBOL)) == 40035


async def test_partial_target_and_closing_sizes() -> None:
    asks = caller()
    await asks.enter("one", type="market")
    assert code(await asks.protect(3, "take_profit", "78000", size=11, plan_category=1)) == 40020
    assert code(await asks.protect(3, "take_profit", "78000", size=4, plan_category=1)) == 1000
    asks.server.venue.set_price("BTCUSDT", "78000.0")
    assert (await asks.holding())["current_amount"] == "6"
    closing = {"side": 3, "type": "market", "price": None, "leverage": None}
    assert code(await asks.enter("two", size=7, **closing)) == 40020
    assert code(await asks.enter("three", size=6, **closing)) == 1000
    assert code(await asks.enter("four", size=1, **closing)) == 40021


async def test_plan_order_enters_when_the_price_comes() -> None:
    asks = caller()
    planned = {"side": 1, "size": 10, "leverage": "5", "open_type": "isolated", "type": "market"}
    trigger = {"trigger_price": "78000", "price_way": 1, "price_type": 1}
    assert code(await asks.post("submit-plan-order", **planned, **trigger, **SYMBOL, **PRESETS)) == 1000
    asks.server.venue.set_price("BTCUSDT", "77900.0")
    assert [plan["type"] for plan in await asks.data("current-plan-order", plan_type="plan")] == ["plan"]
    asks.server.venue.set_price("BTCUSDT", "78000.0")
    assert (await asks.holding())["current_amount"] == "0"  # its target at 77500 went at once
    history = await asks.data("order-history", **SYMBOL)
    assert [(row["side"], row["deal_size"]) for row in history] == [(3, "10"), (1, "10")]


async def test_dead_man_timer_takes_orders_and_leaves_stops() -> None:
    asks = caller()
    await asks.enter("one", type="market", **PRESETS)
    await asks.enter("two")
    assert code(await asks.post("cancel-all-after", timeout=4, **SYMBOL)) == 49998
    reply = await asks.post("cancel-all-after", timeout=5, **SYMBOL)
    assert reply.json()["data"] == {
        "result": True,
        "set_time": AT_MS // 1000,
        "cancel_time": AT_MS // 1000 + 5,
    }
    asks.server.clock.advance(4999)
    assert len(await asks.data("get-open-orders")) == 1
    asks.server.clock.advance(1)
    assert await asks.data("get-open-orders") == []
    assert len(await asks.data("current-plan-order")) == 2
    await asks.enter("three")
    await asks.post("cancel-all-after", timeout=5, **SYMBOL)
    await asks.post("cancel-all-after", timeout=0, **SYMBOL)
    asks.server.clock.advance(60_000)
    assert len(await asks.data("get-open-orders")) == 1


async def test_presets_of_an_unfilled_order_can_change() -> None:
    asks = caller()
    order_id = str((await asks.enter("one", **PRESETS)).json()["data"]["order_id"])
    change = {"order_id": order_id, "preset_stop_loss_price": "76600.0", **SYMBOL}
    assert code(await asks.post("modify-preset-plan-order", **change)) == 1000
    order = await asks.order_of("one")
    assert (order["preset_stop_loss_price"], order["preset_take_profit_price"]) == ("76600", "77500")
    asks.server.venue.set_price("BTCUSDT", "76989.0")
    assert code(await asks.post("modify-preset-plan-order", **change)) == 40036


async def test_choices_on_triggers() -> None:
    few = caller(Options(max_plans=1, max_trigger_deviation=Decimal("0.1"), timer_takes_plans=True))
    await few.enter("one", type="market")
    assert code(await few.protect(3, "stop_loss", "60000")) == 40031
    assert code(await few.protect(3, "stop_loss", "76000")) == 1000
    assert code(await few.protect(3, "take_profit", "78000")) == 40028
    await few.post("cancel-all-after", timeout=5, **SYMBOL)
    few.server.clock.advance(5000)
    assert await few.data("current-plan-order") == []
