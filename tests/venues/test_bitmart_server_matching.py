"""What the market does at the venue: fills, positions and money."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .bitmart import Options
from .caller import AT_MS, SYMBOL, caller, code

# side, type, mode, price -> state, filled size, average price; the market is 77000.0 / 77000.1
ACCEPTED = [
    (1, "limit", 1, "76999.9", (2, "0", "0")),  # rests below the ask
    (1, "limit", 1, "77000.0", (2, "0", "0")),  # joins the bid
    (1, "limit", 1, "77000.1", (4, "10", "77000.1")),  # takes the ask
    (1, "limit", 1, "77010.0", (4, "10", "77000.1")),  # at the ask, not at its own price
    (4, "limit", 1, "77000.1", (2, "0", "0")),
    (4, "limit", 1, "77000.0", (4, "10", "77000")),
    (1, "limit", 4, "77000.0", (2, "0", "0")),  # maker only
    (1, "limit", 4, "77000.1", (4, "0", "0")),  # would cross: accepted, finished unfilled
    (4, "limit", 4, "77000.0", (4, "0", "0")),
    (1, "limit", 3, "76999.9", (4, "0", "0")),  # immediate or cancel
    (1, "limit", 3, "77000.1", (4, "10", "77000.1")),
    (1, "limit", 2, "76999.9", (4, "0", "0")),  # fill or kill
    (1, "limit", 2, "77000.1", (4, "10", "77000.1")),
    (1, "market", 1, None, (4, "10", "77000.1")),
    (4, "market", 1, None, (4, "10", "77000")),
]


@pytest.mark.parametrize(("side", "kind", "mode", "price", "expected"), ACCEPTED)
async def test_order_meets_the_book(
    side: int, kind: str, mode: int, price: str | None, expected: tuple[int, str, str]
) -> None:
    asks = caller()
    reply = await asks.enter("one", side=side, type=kind, mode=mode, price=price)
    assert reply.json()["data"]["price"] == ("market price" if price is None else price.removesuffix(".0"))
    order = await asks.order_of("one")
    assert (order["state"], order["deal_size"], order["deal_avg_price"]) == expected


# a thin book: 4 contracts at 77000.1, 4 at 77000.2
THIN = [
    ("market", 1, None, (4, "8", "77000.15")),  # what there is, the rest cancelled
    ("limit", 1, "77000.1", (2, "4", "77000.1")),  # the rest rests
    ("limit", 3, "77000.1", (4, "4", "77000.1")),
    ("limit", 2, "77000.1", (4, "0", "0")),  # not whole: nothing
]


@pytest.mark.parametrize(("kind", "mode", "price", "expected"), THIN)
async def test_order_meets_a_thin_book(
    kind: str, mode: int, price: str | None, expected: tuple[int, str, str]
) -> None:
    asks = caller()
    bids = [(Decimal("77000.0"), 4)]
    asks.server.venue.set_book("BTCUSDT", bids, [(Decimal("77000.1"), 4), (Decimal("77000.2"), 4)])
    await asks.enter("one", type=kind, mode=mode, price=price)
    order = await asks.order_of("one")
    assert (order["state"], order["deal_size"], order["deal_avg_price"]) == expected


# where the market goes: bid, ask, last -> filled size of a buy that rests at 76990.0
MOVES = [
    (("76990.0", "76990.1", "76990.0"), "0"),  # touched: others were before it
    (("76989.9", "76990.0", "76990.0"), "10"),  # quoted at its price
    (("76995.0", "76995.1", "76989.9"), "10"),  # traded through it
    (("76900.0", "76900.1", "76900.0"), "10"),  # gapped: its own price all the same
]


@pytest.mark.parametrize(("market", "filled"), MOVES)
async def test_market_comes_to_a_resting_order(market: tuple[str, str, str], filled: str) -> None:
    asks = caller()
    await asks.enter("one")
    asks.server.venue.set_price("BTCUSDT", market[0], market[1], last=market[2])
    order = await asks.order_of("one")
    assert order["deal_size"] == filled
    if filled != "0":
        assert order["deal_avg_price"] == "76990"
        assert (await asks.data("trades", **SYMBOL))[0]["exec_type"] == "Maker"


async def test_share_of_fills() -> None:
    asks = caller()
    asks.server.venue.fill_share = Decimal("0.4")
    await asks.enter("one")
    filled = []
    for _ in range(3):
        asks.server.venue.set_price("BTCUSDT", "76989.0")
        filled.append((await asks.order_of("one"))["deal_size"])
    assert filled == ["4", "8", "10"]


async def test_partly_filled_order_keeps_what_it_has_when_cancelled() -> None:
    asks = caller()
    order_id = (await asks.enter("one")).json()["data"]["order_id"]
    asks.server.venue.set_fill_cap(order_id, 3)
    asks.server.venue.set_price("BTCUSDT", "76989.0")
    assert (await asks.order_of("one"))["state"] == 2
    assert [row["deal_size"] for row in await asks.data("get-open-orders", order_state="partially_filled")]
    assert code(await asks.post("cancel-order", order_id=str(order_id), **SYMBOL)) == 1000
    order = await asks.order_of("one")
    assert (order["state"], order["deal_size"], order["size"]) == (4, "3", "10")
    assert (await asks.holding())["current_amount"] == "3"
    assert [row["order_id"] for row in await asks.data("order-history", client_order_id="one", **SYMBOL)] == [
        str(order_id)
    ]


async def test_cancel() -> None:
    asks = caller()
    for number in range(3):
        await asks.enter(f"o{number}")
    assert code(await asks.post("cancel-order", client_order_id="o0", **SYMBOL)) == 1000
    assert code(await asks.post("cancel-order", client_order_id="o0", **SYMBOL)) == 40036
    assert code(await asks.post("cancel-order", client_order_id="nobody", **SYMBOL)) == 40035
    assert code(await asks.post("cancel-order", order_id="12345", **SYMBOL)) == 40037
    assert len(await asks.data("get-open-orders")) == 2
    assert code(await asks.post("cancel-order", **SYMBOL)) == 1000  # names none: all of the symbol
    assert await asks.data("get-open-orders") == []
    assert asks.server.journal.without_id == 1


async def test_position_ties_leverage_and_margin_mode() -> None:
    asks = caller()
    await asks.enter("one", type="market")
    assert code(await asks.enter("two", leverage="6")) == 40012
    assert code(await asks.enter("three", open_type="cross")) == 40012
    leverage = {"leverage": "10", **SYMBOL}
    assert code(await asks.post("submit-leverage", open_type="cross", **leverage)) == 40012
    assert code(await asks.post("submit-leverage", open_type="isolated", **leverage)) == 1000
    held = await asks.holding()
    assert (held["leverage"], held["initial_margin"]) == ("10", "77.0001")
    assert code(await asks.post("set-position-mode", position_mode="one_way_mode")) == 40059


async def test_money() -> None:
    asks = caller(usdt="1000")
    await asks.enter("one", price="77000.0")
    money = (await asks.data("assets-detail"))[0]
    hold = Decimal("770") / 5 + Decimal("770") * Decimal("0.0006")
    assert Decimal(money["frozen_balance"]) == hold
    assert Decimal(money["available_balance"]) == 1000 - hold
    asks.server.venue.set_price("BTCUSDT", "76999.0")  # filled as maker at 77000
    asks.server.venue.set_price("BTCUSDT", "78000.0", mark="78000.0")
    money = (await asks.data("assets-detail"))[0]
    assert (money["frozen_balance"], money["position_deposit"], money["unrealized"]) == ("0", "154", "10")
    assert Decimal(money["equity"]) == 1000 - Decimal("0.154") + 10
    asks.server.venue.pay_funding("BTCUSDT", Decimal("0.0001"))
    await asks.enter("two", side=3, type="market", price=None)
    flows = await asks.data("transaction-history", **SYMBOL)
    assert [(flow["flow_type"], flow["amount"]) for flow in flows] == [
        (4, "-0.468"),
        (2, "10"),
        (3, "-0.078"),
        (4, "-0.154"),
    ]
    money = (await asks.data("assets-detail"))[0]
    assert money["equity"] == money["available_balance"] == "1009.3"


async def test_liquidation() -> None:
    asks = caller()
    await asks.enter("one", type="market", leverage="50")
    price = Decimal((await asks.holding())["liquidation_price"])
    assert Decimal("75800") < price < Decimal("75900")  # 2 % margin, 0.5 % maintenance
    asks.server.venue.set_price("BTCUSDT", str(price + 10))
    assert (await asks.holding())["current_amount"] == "10"
    asks.server.venue.set_price("BTCUSDT", str(price - 10))
    assert (await asks.holding())["current_amount"] == "0"
    assert (await asks.data("order-history", **SYMBOL))[0]["type"] == "liquidate"
    assert (await asks.data("transaction-history", flow_type=5))[0]["amount"].startswith("-11.")


async def test_one_way_mode_nets() -> None:
    asks = caller()
    assert code(await asks.post("set-position-mode", position_mode="one_way_mode")) == 1000
    await asks.enter("one", type="market", price=None)
    await asks.enter("two", side=4, type="market", price=None, size=15)
    (row,) = await asks.data("position-v2", **SYMBOL)
    assert (row["position_side"], row["current_amount"], row["position_amount"]) == ("both", "5", "-5")


async def test_choices() -> None:
    refusing = caller(Options(post_only="refuse", insufficient_code=40027))
    assert code(await refusing.enter("one", mode=4, price="77000.1")) == 40011
    reply = await refusing.enter("two", size=100_000)
    assert (code(reply), reply.status_code) == (40027, 400)
    shown = caller(Options(candle_offset_s=1))
    (row,) = await shown.data(
        "/contract/public/kline", start_time=AT_MS // 1000, end_time=AT_MS // 1000, **SYMBOL
    )
    assert row["timestamp"] % 60 == 1


async def test_choices_on_positions() -> None:
    lax = caller(Options(leverage_must_match_position=False, liquidations=False, fires_at_once=49998))
    await lax.enter("one", type="market", leverage="50")
    assert code(await lax.protect(3, "stop_loss", "78000")) == 49998
    assert code(await lax.enter("two", leverage="20")) == 1000
    lax.server.venue.set_price("BTCUSDT", "70000.0")
    assert (await lax.holding())["current_amount"] == "20"


async def test_changed_limit_order_goes_through_the_book_again() -> None:
    asks = caller()
    order_id = (await asks.enter("one")).json()["data"]["order_id"]
    change = {"order_id": order_id, **SYMBOL}
    assert code(await asks.post("modify-limit-order", price="76980.05", **change)) == 40043
    assert code(await asks.post("modify-limit-order", price="77000.1", size=12, **change)) == 1000
    order = await asks.order_of("one")
    assert (order["state"], order["deal_size"], order["size"]) == (4, "12", "12")
    assert code(await asks.post("modify-limit-order", price="77000.1", **change)) == 40036


async def test_claim_tops_the_demo_balance_up() -> None:
    asks = caller(usdt="1")
    reply = await asks.post("/contract/private/claim")
    assert reply.json()["data"] == {"currency": "USDT", "amount": "10000"}
    assert (await asks.data("assets-detail"))[0]["equity"] == "10001"
