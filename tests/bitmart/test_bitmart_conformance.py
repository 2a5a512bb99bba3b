"""The conformance suite over the local server that speaks BitMart's wire format, in process and by HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from conformance import ExchangeConformance
from conformance_trader import LEVERAGE, Market, Trader, accepted, new_id, refused
from served_market import client, opened
from venues.bitmart import BitMart, Direct, serving

from engine.models.base import Side


class BitmartConformance(ExchangeConformance):
    """The suite, less what BitMart's documentation does not promise."""

    @pytest.mark.parametrize("side", ["long", "short"])
    async def test_a_post_only_order_that_would_cross_is_refused(self, trader: Trader, side: Side) -> None:
        """No refusal is documented: such an order is taken, and finished at once with nothing filled."""
        order = trader.limit(1 if side == "long" else -1, side)
        accepted(await trader.venue.submit(order))
        state = await trader.state(order)
        assert (state.status, state.filled_size) == ("closed", 0)
        assert await trader.nothing_rests()
        assert await trader.position() is None

    async def test_every_other_refusal_says_its_cause(self, trader: Trader) -> None:
        """No limit of prices is documented; everything else is refused as the suite says."""
        contract, good = trader.contract, trader.limit(-2)
        assert good.price is not None and contract.max_size is not None
        rich = (await trader.venue.balance()).equity_usdt * LEVERAGE * 2
        unaffordable = rich / (good.price * contract.contract_size)
        for order, cause in [
            (replace(good, price=good.price + contract.tick_size / 2), "invalid_price"),
            (replace(good, size=good.size + contract.size_step / 2), "invalid_size"),
            (replace(good, size=Decimal(0)), "invalid_size"),
            (replace(good, size=contract.max_size + contract.size_step), "invalid_size"),
            (replace(good, size=unaffordable.to_integral_value()), "insufficient_margin"),
            (replace(good, symbol="NOSUCHTHINGUSDT"), "symbol_unavailable"),
        ]:
            refused(await trader.venue.submit(replace(order, client_order_id=new_id())), cause)
        assert await trader.nothing_rests()
        accepted(await trader.venue.submit(good))


class TestInProcess(BitmartConformance):
    """Every parameter that the documentation does not know is refused here."""

    @pytest.fixture
    async def market(self) -> AsyncGenerator[Market]:
        server = BitMart(limits=False, strict=True)
        async with opened(server, client("http://bitmart.test", Direct(server))) as market:
            yield market


class TestOverLoopback(BitmartConformance):
    """The same over real HTTP."""

    @pytest.fixture
    async def market(self) -> AsyncGenerator[Market]:
        server = BitMart(limits=False)
        with serving(server) as url:
            async with opened(server, client(url, httpx.AsyncHTTPTransport())) as market:
                yield market
