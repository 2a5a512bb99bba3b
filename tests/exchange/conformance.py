"""What every adapter of the exchange port promises, as tests that each of them inherits.

How an adapter inherits it::

    from conformance import ExchangeConformance
    from conformance_trader import Market

    class TestMyVenue(ExchangeConformance):
        @pytest.fixture
        async def market(self) -> AsyncGenerator[Market]:
            async with a_venue_of_its_own() as market:
                yield market

The fixture gives each test a `Market`: a venue with an account that holds nothing and at least 1,000 USDT,
and the means to move what is traded. Sizes and prices are derived from the contract and the book; no test
moves the price by more than 4 %, and every limit price is within 4 % of the last one unless it wants to be
refused. What is about triggers and closing is in `conformance_protection`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

import numpy as np
import pytest
from conformance_protection import ProtectionConformance
from conformance_trader import LEVERAGE, Market, Trader, accepted, new_id, refused

from engine.candles import STEP_MS
from engine.models.base import Side
from server.exchange.errors import SymbolUnknown
from server.exchange.port import Contract

SLACK_MS = 1000
HOUR_MS = 3_600_000


class ExchangeConformance(ProtectionConformance):
    """Inherit it and give the fixture ``market``."""

    @pytest.fixture
    async def market(self) -> AsyncGenerator[Market]:
        """A market of its own for each test."""
        raise NotImplementedError
        yield

    @pytest.fixture
    async def trader(self, market: Market) -> Trader:
        return await Trader.on(market)

    # -- what the venue is

    async def test_the_contract_has_steps_limits_and_ratios(self, market: Market) -> None:
        contract = (await market.venue.contracts())[market.symbol]
        assert isinstance(contract, Contract)
        assert (contract.symbol, contract.status) == (market.symbol, "trading")
        assert min(contract.tick_size, contract.size_step, contract.contract_size, contract.min_size) > 0
        assert contract.min_size % contract.size_step == 0
        assert contract.max_size is None or contract.max_size >= contract.min_size
        assert 1 <= contract.min_leverage <= LEVERAGE <= contract.max_leverage
        # Ratios, not percent.
        assert abs(contract.maker_fee_ratio) < Decimal("0.01")
        assert 0 < contract.taker_fee_ratio < Decimal("0.01")
        assert 0 < contract.maintenance_margin_ratio < 1

    async def test_candles_are_those_that_open_in_the_range(self, market: Market) -> None:
        end = await market.venue.now_ms()
        candles = await market.venue.candles(market.symbol, "1m", end - HOUR_MS, end)
        assert 0 < len(candles) <= 61
        assert end - HOUR_MS <= candles.ts[0] and candles.ts[-1] < end
        assert np.all(np.diff(candles.ts) > 0)
        assert np.all(candles.ts % STEP_MS["1m"] == 0)
        assert np.all((candles.low <= candles.close) & (candles.close <= candles.high))

    async def test_the_book_lies_on_ticks_around_the_last_price(self, market: Market) -> None:
        contract = (await market.venue.contracts())[market.symbol]
        assert isinstance(contract, Contract)
        book = await market.venue.top_of_book(market.symbol)
        assert 0 < book.bid < book.ask
        assert all(price % contract.tick_size == 0 for price in (book.bid, book.ask, book.last))
        assert min(book.bid_size, book.ask_size) > 0
        assert abs(book.mark / book.last - 1) < Decimal("0.05")
        assert 0 <= await market.venue.now_ms() - book.at_ms < 300_000

    async def test_an_unknown_symbol_has_no_book(self, market: Market) -> None:
        with pytest.raises(SymbolUnknown):
            await market.venue.top_of_book("NOSUCHTHINGUSDT")

    async def test_a_new_account_holds_nothing(self, market: Market) -> None:
        balance = await market.venue.balance()
        assert balance.equity_usdt == balance.available_usdt >= 1000
        assert not await market.venue.positions()
        assert not await market.venue.open_orders()
        assert not await market.venue.trigger_orders()
        assert not await market.venue.fills(market.symbol, 0)

    async def test_the_venue_takes_orders_and_its_time_passes(self, market: Market) -> None:
        assert market.venue.orders_obstacle() is None
        assert market.venue.receive_window_ms > 0
        before = await market.venue.now_ms()
        await market.venue.wait(0.05)
        assert await market.venue.now_ms() >= before

    # -- orders

    async def test_a_limit_order_rests_and_is_found_by_its_client_id(self, trader: Trader) -> None:
        order = trader.limit(-2)
        answer = accepted(await trader.venue.submit(order))
        state = await trader.state(order)
        assert (state.status, state.size, state.filled_size) == ("open", order.size, 0)
        assert (state.symbol, state.client_order_id) == (order.symbol, order.client_order_id)
        assert (state.price, state.average_price) == (order.price, None)
        assert answer.order_id in (None, state.order_id)
        (resting,) = await trader.venue.open_orders()
        assert (resting.client_order_id, resting.order_id) == (order.client_order_id, state.order_id)
        assert (resting.symbol, resting.side, resting.type) == (trader.symbol, "buy", "limit")
        assert (resting.price, resting.size, resting.filled_size) == (order.price, order.size, 0)
        assert not resting.reduce_only
        balance = await trader.venue.balance()
        assert balance.available_usdt < balance.equity_usdt
        assert await trader.position() is None

    async def test_an_unknown_client_id_is_none(self, trader: Trader) -> None:
        assert await trader.venue.order(trader.symbol, new_id()) is None

    async def test_a_client_id_is_taken_once(self, trader: Trader) -> None:
        order = trader.limit(-2)
        accepted(await trader.venue.submit(order))
        refused(await trader.venue.submit(order), "duplicate_client_order_id")
        assert len(await trader.venue.open_orders()) == 1
        accepted(await trader.venue.cancel(trader.symbol, order.client_order_id))
        refused(await trader.venue.submit(order), "duplicate_client_order_id")
        assert await trader.nothing_rests()

    async def test_a_cancelled_order_is_closed_and_frees_its_margin(self, trader: Trader) -> None:
        order = trader.limit(-2)
        accepted(await trader.venue.submit(order))
        accepted(await trader.venue.cancel(trader.symbol, order.client_order_id))
        state = await trader.state(order)
        assert (state.status, state.filled_size, state.average_price) == ("closed", 0, None)
        assert await trader.nothing_rests()
        balance = await trader.venue.balance()
        assert balance.available_usdt == balance.equity_usdt

    async def test_what_is_not_open_cannot_be_cancelled(self, trader: Trader) -> None:
        refused(await trader.venue.cancel(trader.symbol, new_id()), "no_such_order")
        filled, gone = trader.at_market(), trader.limit(-2)
        accepted(await trader.venue.submit(filled))
        accepted(await trader.venue.submit(gone))
        accepted(await trader.venue.cancel(trader.symbol, gone.client_order_id))
        for order in (filled, gone):
            refused(await trader.venue.cancel(trader.symbol, order.client_order_id), "no_such_order")
        assert (await trader.state(filled)).filled_size == filled.size

    @pytest.mark.parametrize("side", ["long", "short"])
    async def test_a_post_only_order_that_would_cross_is_refused(self, trader: Trader, side: Side) -> None:
        order = trader.limit(1 if side == "long" else -1, side)
        refused(await trader.venue.submit(order), "would_cross")
        assert await trader.nothing_rests()
        assert await trader.position() is None

    async def test_every_other_refusal_says_its_cause(self, trader: Trader) -> None:
        contract, good = trader.contract, trader.limit(-2)
        assert good.price is not None
        largest = contract.max_size or trader.size * 10**9
        rich = (await trader.venue.balance()).equity_usdt * LEVERAGE * 2
        unaffordable = rich / (good.price * contract.contract_size)
        steps = (unaffordable / contract.size_step).to_integral_value(ROUND_CEILING)
        assert steps * contract.size_step <= largest, "the contract's largest size is affordable"
        wrong = [
            (replace(good, price=good.price + contract.tick_size / 2), "invalid_price"),
            (replace(good, size=good.size + contract.size_step / 2), "invalid_size"),
            (replace(good, size=Decimal(0)), "invalid_size"),
            (replace(good, size=steps * contract.size_step), "insufficient_margin"),
            (replace(good, price=trader.price(-50)), "price_limit"),
            (replace(good, symbol="NOSUCHTHINGUSDT"), "symbol_unavailable"),
        ]
        if contract.min_size > contract.size_step:
            wrong.append((replace(good, size=contract.min_size - contract.size_step), "invalid_size"))
        if contract.max_size is not None:
            wrong.append((replace(good, size=contract.max_size + contract.size_step), "invalid_size"))
        for order, cause in wrong:
            refused(await trader.venue.submit(replace(order, client_order_id=new_id())), cause)
        assert await trader.nothing_rests()
        accepted(await trader.venue.submit(good))

    async def test_leverage_out_of_the_contracts_range_is_refused(self, trader: Trader) -> None:
        for leverage in (0, trader.contract.max_leverage + 1):
            refused(await trader.venue.set_leverage(trader.symbol, leverage, "isolated"), "leverage")
        refused(await trader.venue.set_leverage("NOSUCHTHINGUSDT", 5, "isolated"), "symbol_unavailable")

    # -- fills

    @pytest.mark.parametrize(("side", "there"), [("long", -3), ("short", 3)])
    async def test_a_resting_order_fills_when_the_market_trades_through_it(
        self, trader: Trader, side: Side, there: float
    ) -> None:
        order = trader.limit(there * 2 / 3, side)
        accepted(await trader.venue.submit(order))
        await trader.market.move(trader.price(there))
        state = await trader.state(order)
        assert (state.status, state.filled_size) == ("closed", order.size)
        assert state.average_price == order.price
        assert state.created_at_ms <= state.updated_at_ms
        position = await trader.position()
        assert position is not None
        assert (position.side, position.size, position.entry_price) == (side, order.size, order.price)
        assert position.leverage == LEVERAGE
        (fill,) = await trader.venue.fills(trader.symbol, 0)
        assert (fill.price, fill.size, fill.side, fill.closes) == (order.price, order.size, side, False)
        assert fill.order_id == state.order_id
        assert await trader.nothing_rests()

    async def test_an_order_that_crosses_takes_what_the_touch_has(self, trader: Trader) -> None:
        order = trader.limit(1, time_in_force="gtc", size=trader.contract.min_size)
        accepted(await trader.venue.submit(order))
        state = await trader.state(order)
        assert state.filled_size == order.size
        assert state.average_price is not None
        assert trader.start.last <= state.average_price <= trader.price(1)

    @pytest.mark.parametrize("time_in_force", ["ioc", "fok"])
    async def test_what_is_for_now_only_never_rests(self, trader: Trader, time_in_force: str) -> None:
        order = trader.limit(-1, time_in_force=time_in_force)
        accepted(await trader.venue.submit(order))
        state = await trader.state(order)
        assert (state.status, state.filled_size) == ("closed", 0)
        assert await trader.nothing_rests()

    async def test_a_partial_fill_leaves_the_rest_open_until_it_is_cancelled(self, trader: Trader) -> None:
        order = trader.limit(-1, size=trader.size * 2)
        accepted(await trader.venue.submit(order))
        await trader.market.trade_thinly(trader.price(-1.5), order.size)
        state = await trader.state(order)
        assert state.status == "open"
        assert 0 < state.filled_size < order.size
        position = await trader.position()
        assert position is not None and position.size == state.filled_size
        (resting,) = await trader.venue.open_orders()
        assert (resting.size, resting.filled_size) == (order.size, state.filled_size)
        accepted(await trader.venue.cancel(trader.symbol, order.client_order_id))
        after = await trader.state(order)
        assert (after.status, after.filled_size) == ("closed", state.filled_size)

    @pytest.mark.parametrize("side", ["long", "short"])
    async def test_a_market_order_fills_at_once(self, trader: Trader, side: Side) -> None:
        order = trader.at_market(side)
        accepted(await trader.venue.submit(order))
        state = await trader.state(order)
        assert (state.status, state.filled_size, state.price) == ("closed", order.size, None)
        position = await trader.position()
        assert position is not None
        assert (position.side, position.size) == (side, order.size)
        assert position.entry_price == state.average_price
        assert position.margin_usdt > 0
        liquidation = position.liquidation_price
        assert liquidation is None or (liquidation < position.entry_price) is (side == "long")

    async def test_unrealised_profit_is_size_times_the_way_of_the_mark(self, trader: Trader) -> None:
        opened = await trader.opened()
        before = (await trader.venue.balance()).equity_usdt
        await trader.market.move(trader.price(2))
        position = await trader.position()
        assert position is not None
        way = position.mark_price - position.entry_price
        wanted = way * position.size * trader.contract.contract_size
        assert abs(position.unrealised_pnl_usdt - wanted) < Decimal("0.001")
        gained = position.unrealised_pnl_usdt - opened.unrealised_pnl_usdt
        assert abs((await trader.venue.balance()).equity_usdt - before - gained) < Decimal("0.001")

    async def test_a_round_trip_adds_up(self, trader: Trader) -> None:
        before = await trader.venue.balance()
        # The venue's clock is only known to a few milliseconds, and nothing else has traded here.
        since = await trader.venue.now_ms() - SLACK_MS
        await trader.opened()
        await trader.market.move(trader.price(1))
        accepted(await trader.venue.close(trader.closing(trader.size)))
        assert await trader.position() is None
        fills = await trader.venue.fills(trader.symbol, since)
        assert [(fill.closes, fill.size) for fill in fills] == [(False, trader.size), (True, trader.size)]
        assert all(fill.fee_usdt > 0 for fill in fills)
        opening, closing = fills
        worth = (closing.price - opening.price) * trader.size * trader.contract.contract_size
        assert abs(closing.realised_pnl_usdt - worth) < Decimal("0.001")
        assert opening.realised_pnl_usdt == 0
        realised = sum((fill.realised_pnl_usdt - fill.fee_usdt for fill in fills), Decimal(0))
        assert abs(await trader.venue.realised_pnl(since) - realised) < Decimal("0.001")
        after = await trader.venue.balance()
        assert abs(after.equity_usdt - before.equity_usdt - realised) < Decimal("0.001")
        assert after.available_usdt == after.equity_usdt
        assert await trader.venue.realised_pnl(await trader.venue.now_ms() + HOUR_MS) == 0
