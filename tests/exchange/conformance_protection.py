"""The half of the conformance suite that is about triggers and closing; `ExchangeConformance` inherits it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from conformance_trader import Trader, accepted, new_id, refused

from engine.models.base import Side


class ProtectionConformance:
    """What reduces a position. Needs the fixture ``trader`` of `ExchangeConformance`."""

    @pytest.mark.parametrize(("side", "way"), [("long", 1), ("short", -1)])
    async def test_attached_protection_appears_with_the_fill(
        self, trader: Trader, side: Side, way: int
    ) -> None:
        stop, target = trader.price(-3.5 * way), trader.price(3 * way)
        order = trader.limit(-1 * way, side, stop_loss=stop, take_profit=target)
        outcome = await trader.venue.submit(order)
        if not trader.venue.attaches_protection:
            refused(outcome, "other")
            return
        accepted(outcome)
        assert await trader.triggers() == {}
        await trader.market.move(trader.price(-1.5 * way))
        position = await trader.position()
        assert position is not None
        waiting = await trader.triggers()
        assert {kind: trigger.trigger_price for kind, trigger in waiting.items()} == {
            "stop_loss": stop,
            "take_profit": target,
        }
        assert all(t.side == side and t.size in (None, position.size) for t in waiting.values())
        await trader.market.move(trader.price(-4 * way))
        assert await trader.position() is None
        assert await trader.triggers() == {}

    async def test_a_partial_fill_is_protected_too(self, trader: Trader) -> None:
        if not trader.venue.attaches_protection:
            pytest.skip("this venue attaches no protection")
        order = trader.limit(-1, size=trader.size * 2, stop_loss=trader.price(-3))
        accepted(await trader.venue.submit(order))
        await trader.market.trade_thinly(trader.price(-1.5), order.size)
        assert (await trader.triggers())["stop_loss"].trigger_price == trader.price(-3)

    @pytest.mark.parametrize("price", ["stop_loss", "take_profit"])
    async def test_protection_on_the_wrong_side_is_refused(self, trader: Trader, price: str) -> None:
        if not trader.venue.attaches_protection:
            pytest.skip("this venue attaches no protection")
        wrong = trader.price(1 if price == "stop_loss" else -3)
        refused(await trader.venue.submit(trader.limit(-1, **{price: wrong})), "invalid_price")
        assert await trader.nothing_rests()

    async def test_a_trigger_is_placed_moved_and_taken_away(self, trader: Trader) -> None:
        await trader.opened()
        request = trader.trigger("stop_loss", -3)
        accepted(await trader.venue.place_trigger(request))
        placed = (await trader.triggers())["stop_loss"]
        assert (placed.symbol, placed.side) == (trader.symbol, "long")
        assert (placed.client_order_id, placed.trigger_price) == (
            request.client_order_id,
            request.trigger_price,
        )
        assert placed.size in (None, trader.size)
        accepted(await trader.venue.amend_trigger(placed, trader.price(-2), None))
        moved = (await trader.triggers())["stop_loss"]
        assert (moved.trigger_price, moved.order_id) == (trader.price(-2), placed.order_id)
        accepted(await trader.venue.cancel_trigger(moved))
        assert await trader.triggers() == {}
        refused(await trader.venue.cancel_trigger(moved), "no_such_order")
        refused(await trader.venue.amend_trigger(moved, trader.price(-2), None), "no_such_order")

    async def test_a_stop_closes_the_position_and_takes_the_rest_along(self, trader: Trader) -> None:
        since = await trader.venue.now_ms()
        await trader.opened()
        accepted(await trader.venue.place_trigger(trader.trigger("stop_loss", -2)))
        accepted(await trader.venue.place_trigger(trader.trigger("take_profit", 3)))
        await trader.market.move(trader.price(-3))
        assert await trader.position() is None
        assert await trader.triggers() == {}
        closing = (await trader.venue.fills(trader.symbol, since))[-1]
        assert (closing.closes, closing.side, closing.size) == (True, "long", trader.size)
        assert closing.price <= trader.price(-2)
        assert closing.realised_pnl_usdt < 0

    async def test_the_stop_of_a_short_is_above_it(self, trader: Trader) -> None:
        await trader.opened("short")
        accepted(await trader.venue.place_trigger(trader.trigger("stop_loss", 2, "short")))
        await trader.market.move(trader.price(1))
        assert await trader.position() is not None
        await trader.market.move(trader.price(3))
        assert await trader.position() is None

    async def test_a_take_profit_of_a_part_leaves_the_rest(self, trader: Trader) -> None:
        since = await trader.venue.now_ms()
        await trader.opened()
        half = trader.size / 2
        accepted(await trader.venue.place_trigger(trader.trigger("stop_loss", -3)))
        accepted(await trader.venue.place_trigger(trader.trigger("take_profit", 2, size=half)))
        assert (await trader.triggers())["take_profit"].size == half
        await trader.market.move(trader.price(3))
        position = await trader.position()
        assert position is not None and position.size == half
        assert list(await trader.triggers()) == ["stop_loss"]
        closing = (await trader.venue.fills(trader.symbol, since))[-1]
        assert (closing.closes, closing.size) == (True, half)
        assert closing.realised_pnl_usdt > 0

    async def test_a_trigger_that_cannot_stand_is_refused(self, trader: Trader) -> None:
        good = trader.trigger("stop_loss", -2)
        refused(await trader.venue.place_trigger(good), "no_position")
        await trader.opened()
        good = replace(good, client_order_id=new_id())
        off_tick = good.trigger_price + trader.contract.tick_size / 2
        for request, cause in [
            (trader.trigger("stop_loss", 1), "invalid_price"),  # would fire at once
            (trader.trigger("take_profit", -1), "invalid_price"),
            (replace(good, trigger_price=off_tick), "invalid_price"),
            (replace(good, size=trader.contract.size_step / 2), "invalid_size"),
            (trader.trigger("stop_loss", 2, "short"), "no_position"),
        ]:
            refused(await trader.venue.place_trigger(replace(request, client_order_id=new_id())), cause)
        assert await trader.triggers() == {}
        accepted(await trader.venue.place_trigger(good))
        refused(await trader.venue.place_trigger(good), "duplicate_client_order_id")
        waiting = (await trader.triggers())["stop_loss"]
        refused(await trader.venue.amend_trigger(waiting, trader.price(1), None), "invalid_price")
        assert (await trader.triggers())["stop_loss"] == waiting

    async def test_a_closing_order_only_reduces(self, trader: Trader) -> None:
        refused(await trader.venue.close(trader.closing(trader.size)), "no_position")
        await trader.opened()
        half = trader.closing(trader.size / 2)
        accepted(await trader.venue.close(half))
        position = await trader.position()
        assert position is not None and position.size == trader.size / 2
        state = await trader.state(half)
        assert (state.status, state.filled_size) == ("closed", trader.size / 2)
        refused(await trader.venue.close(half), "duplicate_client_order_id")
        refused(await trader.venue.close(trader.closing(trader.size, "short")), "no_position")
        # More than there is: the position is gone and no other one has begun.
        accepted(await trader.venue.close(trader.closing(trader.size)))
        assert await trader.position() is None
        assert (await trader.venue.balance()).equity_usdt > Decimal(0)
