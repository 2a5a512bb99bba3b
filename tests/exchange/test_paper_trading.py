"""The paper venue as a whole: its clock, the market it trades in, and what it turns away at the door."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conformance_trader import Trader, accepted, new_id, refused
from driven import BEGIN_MS, MINUTE_MS, DrivenMarket
from recordings import START_MS, candles, columns

from server.exchange.errors import SymbolUnknown
from server.exchange.paper import ManualClock, PaperExchange, PaperOptions
from server.exchange.port import Exchange
from server.exchange.trading import ClosingOrder, EntryOrder, TriggerOrder, TriggerRequest
from server.instants import at

Write = Callable[[str, dict[str, Any]], Path]


def entry(symbol: str = "BTCUSDT") -> EntryOrder:
    return EntryOrder(
        symbol=symbol,
        client_order_id=new_id(),
        side="long",
        type="market",
        size=Decimal(1),
        price=None,
        time_in_force="ioc",
        leverage=5,
        margin_mode="isolated",
    )


async def every_request(venue: Exchange, symbol: str) -> list[Any]:
    """The outcome of everything that can be asked for."""
    closing = ClosingOrder(symbol=symbol, client_order_id=new_id(), side="long", size=Decimal(1))
    trigger = TriggerOrder(
        symbol=symbol,
        order_id="1",
        client_order_id="",
        kind="stop_loss",
        side="long",
        trigger_price=Decimal(1),
        size=None,
        created_at_ms=0,
    )
    request = TriggerRequest(
        symbol=symbol,
        client_order_id=new_id(),
        kind="stop_loss",
        side="long",
        trigger_price=Decimal(1),
        size=None,
    )
    return [
        await venue.submit(entry(symbol)),
        await venue.close(closing),
        await venue.cancel(symbol, "any"),
        await venue.set_leverage(symbol, 5, "isolated"),
        await venue.place_trigger(request),
        await venue.amend_trigger(trigger, Decimal(2), None),
        await venue.cancel_trigger(trigger),
    ]


async def test_a_standing_clock_takes_no_orders_and_says_how_it_would() -> None:
    venue: Exchange = PaperExchange(PaperOptions())
    obstacle = venue.orders_obstacle()
    assert obstacle is not None
    assert "stands at 2025-06-03T15:32:00Z" in obstacle
    assert "entrygate serve --start TIME --speed X" in obstacle
    for outcome in await every_request(venue, "BTCUSDT"):
        refused(outcome, "not_permitted")


@pytest.mark.parametrize("symbol", ["NOSUCHUSDT", "NEWUSDT"])
async def test_a_symbol_that_is_unknown_or_unspecified_is_not_traded(
    write: Write, tmp_path: Path, symbol: str
) -> None:
    write("NEWUSDT-1m.parquet", columns(candles("1m", 30)))
    venue = PaperExchange(PaperOptions(market_data=tmp_path), clock=ManualClock(START_MS + 20 * MINUTE_MS))
    for outcome in await every_request(venue, symbol):
        refused(outcome, "symbol_unavailable")


async def test_the_account_of_an_unknown_symbol_is_an_error() -> None:
    venue = DrivenMarket().venue
    for ask in (venue.order("NOSUCHUSDT", "any"), venue.fills("NOSUCHUSDT", 0)):
        with pytest.raises(SymbolUnknown):
            await ask


async def test_a_market_without_a_fresh_price_opens_nothing_but_closes() -> None:
    market = DrivenMarket()
    trader = await Trader.on(market)
    await trader.opened()
    market.clock.move_to(market.clock.now_ms() + 10 * MINUTE_MS)
    refused(await market.venue.submit(trader.at_market()), "symbol_unavailable")
    accepted(await market.venue.close(trader.closing(trader.size)))


async def test_a_suspended_contract_opens_nothing() -> None:
    market = DrivenMarket()
    specifications = market.venue.market.specifications
    specifications[market.symbol] = specifications[market.symbol].model_copy(update={"status": "suspended"})
    refused(await market.venue.submit(entry()), "symbol_unavailable")


async def test_the_price_limit_is_an_option() -> None:
    for ratio, percent, taken in [("0.05", -6, False), ("0.05", -4, True), ("0.1", -6, True)]:
        trader = await Trader.on(DrivenMarket(price_limit_ratio=Decimal(ratio)))
        outcome = await trader.venue.submit(trader.limit(percent))
        accepted(outcome) if taken else refused(outcome, "price_limit")


async def test_fills_carry_the_close_of_their_candle_and_ids_that_lead_to_orders() -> None:
    market = DrivenMarket()
    trader = await Trader.on(market)
    order = trader.limit(-1, stop_loss=trader.price(-3))
    accepted(await market.venue.submit(order))
    market.clock.move_to(market.clock.now_ms() + 30_000)
    assert not await market.venue.fills(market.symbol, 0)  # the candle is not known before it has closed
    await market.minute(low=98_500, close=99_500)
    (fill,) = await market.venue.fills(market.symbol, 0)
    assert fill.at_ms == await market.venue.now_ms() == BEGIN_MS + 121 * MINUTE_MS
    assert fill.client_order_id == order.client_order_id
    assert fill.order_id == (await trader.state(order)).order_id
    await market.gap(96_000)
    stopped = (await market.venue.fills(market.symbol, 0))[-1]
    assert (stopped.price, stopped.client_order_id, stopped.closes) == (96_000, "", True)


async def test_the_recorded_market_fills_what_it_traded_through() -> None:
    clock = ManualClock(at("2025-06-01T00:00:30Z"))
    venue = PaperExchange(PaperOptions(balance_usdt=Decimal(10_000)), clock=clock)
    book = await venue.top_of_book("ETHUSDT")
    accepted(await venue.set_leverage("ETHUSDT", 5, "isolated"))
    order = EntryOrder(
        symbol="ETHUSDT",
        client_order_id=new_id(),
        side="long",
        type="limit",
        size=Decimal(100),
        price=book.bid - 2,
        time_in_force="post_only",
        leverage=5,
        margin_mode="isolated",
        stop_loss=book.bid - 60,
        take_profit=book.bid + 60,
    )
    accepted(await venue.submit(order))
    minutes = await PaperExchange(PaperOptions()).candles(
        "ETHUSDT", "1m", at("2025-06-01T00:00:00Z"), at("2025-06-03T00:00:00Z")
    )
    beyond = [int(ts) for ts, low in zip(minutes.ts, minutes.low, strict=True) if low < float(book.bid - 2)]
    clock.move_to(beyond[0] + MINUTE_MS - 1)
    state = await venue.order("ETHUSDT", order.client_order_id)
    assert state is not None and state.filled_size == 0
    clock.move_to(beyond[0] + MINUTE_MS)
    state = await venue.order("ETHUSDT", order.client_order_id)
    assert state is not None and state.filled_size == 100
    assert [t.kind for t in await venue.trigger_orders()] == ["stop_loss", "take_profit"]
    clock.move_to(at("2025-06-03T15:32:00Z"))
    assert not await venue.positions()
    assert not await venue.trigger_orders()
    after = minutes.since(beyond[0] + MINUTE_MS)
    stopped = next(int(ts) for ts, low in zip(after.ts, after.low, strict=True) if low <= book.bid - 60)
    assert float(after.closed(stopped).high.max()) < book.bid + 60, "the take profit would have come first"
    closing = (await venue.fills("ETHUSDT", 0))[-1]
    assert (closing.price, closing.at_ms) == (book.bid - 60, stopped + MINUTE_MS)


async def test_waiting_is_in_the_venues_time() -> None:
    market = DrivenMarket()
    before = await market.venue.now_ms()
    await market.venue.wait(90)
    assert await market.venue.now_ms() == before + 90_000
    running = PaperExchange(PaperOptions(start_ms=at("2025-06-01T00:00:00Z"), speed=3600))
    began, real = await running.now_ms(), time.monotonic()
    await running.wait(36)
    assert await running.now_ms() - began >= 36_000
    assert 0.009 < time.monotonic() - real < 5
    assert running.receive_window_ms == 2_000 * 3600


def test_a_clock_moved_by_hand_never_goes_back() -> None:
    clock = ManualClock(1_000)
    with pytest.raises(ValueError, match="never goes back"):
        clock.move_to(999)
    assert clock.now_ms() == 1_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"volume_share": Decimal(0)}, "above 0 and at most 1, not 0"),
        ({"volume_share": Decimal("1.1")}, "above 0 and at most 1, not 1.1"),
        ({"volume_share": Decimal("NaN")}, "above 0 and at most 1, not NaN"),
        ({"price_limit_ratio": Decimal(0)}, "a ratio above 0, not 0"),
    ],
)
def test_trading_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PaperOptions(**options)
