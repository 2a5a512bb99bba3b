"""Reads that take more than one request to be sure: orders, full lists, histories; and retries."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from scripted_wire import NOW_MS, Wire, error, ok

from server.exchange.bitmart import BitmartExchange
from server.exchange.errors import SymbolUnknown, VenueUnavailable

NOW_SEC = NOW_MS // 1000


def an_order(client_id: str, state: int = 2, **changes: Any) -> dict[str, Any]:
    return {
        "order_id": "11",
        "client_order_id": client_id,
        "symbol": "BTCUSDT",
        "side": 1,
        "type": "limit",
        "price": "100",
        "size": "10",
        "deal_size": "0",
        "deal_avg_price": "0",
        "state": state,
        "create_time": NOW_MS,
        "update_time": NOW_MS,
        **changes,
    }


async def test_an_open_order_is_found_in_one_request(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["get-open-orders"] = ok([an_order("other"), an_order("mine", deal_size="4")])
    found = await venue.order("BTCUSDT", "mine")
    assert found is not None
    assert (found.status, found.filled_size, found.size) == ("open", 4, 10)
    assert [r.url.params.get("symbol") for r in wire.requests] == ["BTCUSDT"]


async def test_a_closed_order_is_found_in_the_history(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["get-open-orders"] = ok([])
    wire.answers["order-history"] = ok([an_order("mine", 4, deal_size="10", deal_avg_price="99.5")])
    found = await venue.order("BTCUSDT", "mine")
    assert found is not None
    assert (found.status, found.filled_size, found.average_price) == ("closed", 10, Decimal("99.5"))
    (asked,) = wire.sent("order-history")
    assert dict(asked.url.params) == {"symbol": "BTCUSDT", "client_order_id": "mine"}


async def test_absence_is_proven_more_than_once(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["get-open-orders"] = ok([an_order("other")])
    wire.answers["order-history"] = ok([])
    assert await venue.order("BTCUSDT", "mine") is None
    assert len(wire.sent("get-open-orders")) == len(wire.sent("order-history")) == 4


async def test_an_order_that_shows_up_late_is_found(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["get-open-orders"] = [ok([]), ok([]), ok([]), ok([an_order("mine")])]
    wire.answers["order-history"] = ok([])
    assert await venue.order("BTCUSDT", "mine") is not None


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("get-open-orders", ok([an_order(f"o{i}") for i in range(100)])),
        ("order-history", ok([an_order(f"o{i}", 4) for i in range(200)])),
        ("get-open-orders", error(30000, 404)),
        ("order-history", error(30000, 200)),
        ("order-history", error(30014, 503)),
        ("order-history", httpx.ReadTimeout("late")),
        ("order-history", ok(None)),
        ("order-history", ok({"orders": []})),
        ("order-history", ok([{"order_id": "11"}])),
        ("get-open-orders", httpx.Response(404, content=b"not found")),
    ],
    ids=str,
)
async def test_absence_is_not_read_into_anything_else(
    venue: BitmartExchange, wire: Wire, name: str, answer: Any
) -> None:
    wire.answers |= {"get-open-orders": ok([]), "order-history": ok([]), name: answer}
    with pytest.raises(VenueUnavailable):
        await venue.order("BTCUSDT", "mine")


LISTS: list[tuple[str, Callable[[BitmartExchange], Any]]] = [
    ("position-v2", lambda venue: venue.positions()),
    ("get-open-orders", lambda venue: venue.open_orders()),
    ("current-plan-order", lambda venue: venue.trigger_orders()),
    ("trades", lambda venue: venue.fills("BTCUSDT", NOW_MS - 1000)),
    ("transaction-history", lambda venue: venue.realised_pnl(NOW_MS - 1000)),
    ("assets-detail", lambda venue: venue.balance()),
]


@pytest.mark.parametrize(("name", "read"), LISTS, ids=[name for name, _ in LISTS])
@pytest.mark.parametrize("answer", [error(30000, 404), error(30012, 403), ok(None), ok({})], ids=str)
async def test_a_failed_list_is_never_an_empty_one(
    venue: BitmartExchange, wire: Wire, name: str, read: Callable[[BitmartExchange], Any], answer: Any
) -> None:
    wire.answers[name] = answer
    with pytest.raises(VenueUnavailable):
        await read(venue)


async def test_a_full_list_is_asked_for_symbol_by_symbol(venue: BitmartExchange, wire: Wire) -> None:
    def listed(request: httpx.Request) -> httpx.Response:
        symbol = request.url.params.get("symbol")
        if symbol is None:
            return ok([an_order(f"o{i}") for i in range(100)])
        return ok([an_order(f"{symbol}{i}", symbol=symbol) for i in range(60)])

    wire.answers["get-open-orders"] = listed
    wire.answers["details"] = ok({"symbols": [{"symbol": "BTCUSDT"}, {"symbol": "ETHUSDT"}]})
    orders = await venue.open_orders()
    assert len(orders) == 120
    assert {order.symbol for order in orders} == {"BTCUSDT", "ETHUSDT"}
    wire.answers["get-open-orders"] = ok([an_order(f"o{i}") for i in range(100)])
    with pytest.raises(VenueUnavailable, match="100 rows"):
        await venue.open_orders()


async def test_only_triggers_that_protect_are_listed(venue: BitmartExchange, wire: Wire) -> None:
    stop = {
        "order_id": "5",
        "client_order_id": "",
        "symbol": "BTCUSDT",
        "type": "stop_loss",
        "side": 3,
        "plan_category": 2,
        "trigger_price": "90",
        "size": "10",
        "state": "active",
        "create_time": NOW_MS,
    }
    wire.answers["current-plan-order"] = ok([stop, {**stop, "type": "plan", "side": 1}])
    (trigger,) = await venue.trigger_orders()
    assert (trigger.kind, trigger.side, trigger.size) == ("stop_loss", "long", None)
    assert dict(wire.requests[0].url.params) == {"plan_type": "profit_loss", "limit": "100"}


def a_trade(trade_id: int, at_ms: int) -> dict[str, Any]:
    return {
        "order_id": "11",
        "trade_id": str(trade_id),
        "symbol": "BTCUSDT",
        "side": 3,
        "price": "100",
        "vol": "1",
        "realised_profit": "-0.5",
        "paid_fees": "0.06",
        "create_time": at_ms,
    }


async def test_more_fills_than_an_answer_holds_are_asked_for_in_halves(
    venue: BitmartExchange, wire: Wire
) -> None:
    every = [a_trade(i, NOW_MS - i * 1500) for i in range(450)]

    def answer(request: httpx.Request) -> httpx.Response:
        start, end = (int(request.url.params[name]) for name in ("start_time", "end_time"))
        assert end - start <= 90 * 86_400
        inside = [t for t in every if start <= t["create_time"] // 1000 <= end]
        return ok(inside[:200])

    wire.answers["trades"] = answer
    fills = await venue.fills("BTCUSDT", 0)
    assert len(fills) == 450
    assert [fill.at_ms for fill in fills] == sorted(trade["create_time"] for trade in every)
    since = NOW_MS - 100 * 1500
    assert len(await venue.fills("BTCUSDT", since)) == 101
    assert (fills[0].fee_usdt, fills[0].realised_pnl_usdt) == (Decimal("0.06"), Decimal("-0.5"))


async def test_a_second_with_too_many_fills_is_not_cut(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["trades"] = ok([a_trade(i, NOW_MS) for i in range(200)])
    with pytest.raises(VenueUnavailable, match="200 rows"):
        await venue.fills("BTCUSDT", NOW_MS - 5000)


async def test_fills_of_an_unknown_symbol(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["trades"] = error(40034)
    with pytest.raises(SymbolUnknown):
        await venue.fills("NOSUCHUSDT", NOW_MS)


def flows(request: httpx.Request, rows: list[dict[str, Any]]) -> httpx.Response:
    kind, start, end = (int(request.url.params[n]) for n in ("flow_type", "start_time", "end_time"))
    start, end = start // 1000 * 1000, end // 1000 * 1000 + 999  # bounds rounded out to the second
    inside = [r for r in rows if r["flow_type"] == kind and start <= int(r["time"]) <= end]
    return ok(inside[: int(request.url.params["page_size"])])


def a_flow(kind: int, amount: str, at_ms: int = NOW_MS - 10) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "flow_type": kind,
        "type": "text",
        "amount": amount,
        "asset": "USDT",
        "time": str(at_ms),
        "tran_id": "1",
    }


async def test_what_was_realised_is_every_movement_but_transfers(venue: BitmartExchange, wire: Wire) -> None:
    rows = [
        a_flow(1, "1000"),
        a_flow(2, "5.5"),
        a_flow(2, "-8"),
        a_flow(3, "0.25"),
        a_flow(4, "-0.1"),
        a_flow(5, "-2"),
        a_flow(2, "77", NOW_MS - 5000),
    ]
    wire.answers["transaction-history"] = lambda request: flows(request, rows)
    assert await venue.realised_pnl(NOW_MS - 1000) == Decimal("-4.35")
    assert await venue.realised_pnl(NOW_MS + 1000) == 0


async def test_more_movements_than_an_answer_holds(venue: BitmartExchange, wire: Wire) -> None:
    rows = [a_flow(4, "-0.001", NOW_MS - 2 * i) for i in range(2500)]
    wire.answers["transaction-history"] = lambda request: flows(request, rows)
    assert await venue.realised_pnl(NOW_MS - 86_400_000) == Decimal("-2.5")


@pytest.mark.parametrize(
    "changes",
    [
        {"flow_type": 1},
        {"flow_type": None, "type": "Transfer"},
        {"asset": "BTC"},
        {"amount": "much"},
    ],
)
async def test_a_sum_over_the_wrong_rows_is_no_sum(
    venue: BitmartExchange, wire: Wire, changes: dict[str, Any]
) -> None:
    wire.answers["transaction-history"] = ok([{**a_flow(2, "1"), **changes}])
    with pytest.raises(VenueUnavailable):
        await venue.realised_pnl(NOW_MS - 1000)


BALANCE = ok([{"currency": "USDT", "equity": "1", "available_balance": "1"}])


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("cut"),
        error(30013, 429),
        error(40013, 400),
        error(30014, 503),
        httpx.Response(502, content=b"<html>", headers={"content-type": "text/html"}),
        httpx.Response(429, content=b"slow", headers={"retry-after": "0"}),
        httpx.Response(200, content=b'{"code": 10'),
    ],
    ids=str,
)
async def test_a_read_is_tried_again_and_not_for_ever(
    venue: BitmartExchange, wire: Wire, failure: Any
) -> None:
    wire.answers["assets-detail"] = [failure, failure, BALANCE]
    assert (await venue.balance()).equity_usdt == 1
    assert len(wire.sent("assets-detail")) == 3
    wire.answers["assets-detail"] = failure
    wire.requests.clear()
    with pytest.raises(VenueUnavailable):
        await venue.balance()
    assert len(wire.sent("assets-detail")) == 3


@pytest.mark.parametrize(
    "failure",
    [
        error(30002, 401),
        error(40034, 400),
        error(30017, 418),
        httpx.Response(403, content=b"error code: 1010", headers={"content-type": "text/html"}),
        httpx.Response(503, content=b"<html>", headers={"content-type": "text/html"}),
        httpx.Response(404, content=b"nothing"),
    ],
    ids=str,
)
async def test_a_read_that_will_not_do_better_is_not_tried_again(
    venue: BitmartExchange, wire: Wire, failure: Any
) -> None:
    wire.answers["assets-detail"] = failure
    with pytest.raises(VenueUnavailable):
        await venue.balance()
    assert len(wire.sent("assets-detail")) == 1


async def test_the_retry_waits_as_long_as_it_is_told(venue: BitmartExchange, wire: Wire) -> None:
    import time

    wire.answers["assets-detail"] = [
        httpx.Response(503, json={"code": 30014, "message": "no"}, headers={"retry-after": "1"}),
        BALANCE,
    ]
    began = time.monotonic()
    await venue.balance()
    assert 0.95 < time.monotonic() - began < 3
