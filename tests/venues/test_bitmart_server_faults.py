"""Faults on demand, seen by a client over a real socket and by one in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from .bitmart import BitMart, Clock, Direct, serving
from .caller import AT_MS, SYMBOL, Caller, caller, code

PATIENCE_S = 0.3


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[BitMart, str]]:
    server = BitMart(clock=Clock(AT_MS), limits=False, usdt="1000000")
    with serving(server) as url:
        yield server, url


@pytest.fixture(params=["socket", "direct"])
async def asks(request: pytest.FixtureRequest) -> AsyncIterator[Caller]:
    """A caller of one server over loopback, or without a socket."""
    if request.param == "socket":
        server, url = request.getfixturevalue("address")
        server.faults.clear()
        server.clock.set(AT_MS)
        client = httpx.AsyncClient(base_url=url, timeout=PATIENCE_S)
    else:
        server = BitMart(clock=Clock(AT_MS), limits=False)
        client = httpx.AsyncClient(transport=Direct(server), base_url="http://bitmart", timeout=PATIENCE_S)
    server.venue.set_price("BTCUSDT", "77000.0")
    async with client:
        yield Caller(server, client)


_names = iter(range(10**6))


def new_name() -> str:
    return f"c{next(_names)}"


def orders(asks: Caller, client_id: str) -> int:
    """How many orders the venue really has under a client id."""
    account = asks.server.venue.account()
    return sum(order.client_order_id == client_id for order in account.orders.values())


LOST = {
    "timeout": httpx.ReadTimeout,
    "disconnect": (httpx.RemoteProtocolError, httpx.ReadError),
}


@pytest.mark.parametrize("ending", ["timeout", "disconnect"])
@pytest.mark.parametrize(("kind", "made"), [("drop_before", 0), ("drop_after", 1)])
async def test_lost_reply(asks: Caller, kind: Any, made: int, ending: Any) -> None:
    asks.server.faults.plan(kind, "submit-order", ending=ending)
    name = new_name()
    with pytest.raises(LOST[ending]):
        await asks.enter(name)
    assert orders(asks, name) == made
    again = await asks.enter(name)
    assert code(again) == (40050 if made else 1000)
    assert orders(asks, name) == 1


async def test_connection_cut_in_the_middle_of_the_body(asks: Caller) -> None:
    asks.server.faults.plan("cut", "submit-order")
    name = new_name()
    with pytest.raises(httpx.RemoteProtocolError):
        await asks.enter(name)
    assert orders(asks, name) == 1


@pytest.mark.parametrize(
    ("kind", "details", "status", "expected", "made"),
    [
        ("throttle", {}, 429, 30013, 0),
        ("error_before", {}, 503, 30014, 0),
        ("error_after", {}, 503, 30014, 1),
        ("error_after", {"status": 500}, 500, 30014, 1),
        ("reject", {"code": 40014}, 400, 40014, 0),
        ("reject", {"code": 30019}, 200, 30019, 0),
        ("reject", {"code": 40012, "status": 500}, 500, 40012, 0),
        ("duplicate_ack", {}, 403, 40050, 1),
    ],
)
async def test_answer_other_than_the_true_one(
    asks: Caller, kind: Any, details: dict[str, Any], status: int, expected: int, made: int
) -> None:
    asks.server.faults.plan(kind, "submit-order", **details)
    name = new_name()
    reply = await asks.enter(name)
    assert (reply.status_code, code(reply)) == (status, expected)
    assert orders(asks, name) == made


async def test_failure_in_html(asks: Caller) -> None:
    asks.server.faults.plan("error_before", "depth", html=True, status=403)
    reply = await asks.get("/contract/public/depth", **SYMBOL)
    assert reply.status_code == 403
    assert reply.text.startswith("<html>")


async def test_delay_within_patience(asks: Caller) -> None:
    for before in (True, False):
        asks.server.faults.plan("delay", "time", ms=50, before=before)
        now = asks.server.clock.now_ms()
        assert (await asks.data("/system/time"))["server_time"] == now + (50 if before else 0)
        assert asks.server.clock.now_ms() == now + 50


async def test_delay_of_a_running_clock_is_real() -> None:
    asks = caller(clock=Clock())
    asks.server.faults.plan("delay", "time", ms=40)
    started = time.monotonic()
    await asks.data("/system/time")
    assert time.monotonic() - started >= 0.04


@pytest.mark.parametrize("before", [True, False])
async def test_delay_beyond_patience(before: bool) -> None:
    asks = caller()
    asks.client.timeout = httpx.Timeout(1.0)
    asks.server.faults.plan("delay", "submit-order", ms=3000, before=before)
    with pytest.raises(httpx.ReadTimeout):
        await asks.enter("one")
    assert orders(asks, "one") == (0 if before else 1)
    asks.server.clock.advance(3000)
    asks.server.run_due()
    assert orders(asks, "one") == 1


@pytest.mark.parametrize(("ms", "made"), [(4900, 1), (5001, 0)])
async def test_late_request_happens_within_the_receive_window(asks: Caller, ms: int, made: int) -> None:
    asks.server.faults.plan("late", "submit-order", ms=ms)
    name = new_name()
    with pytest.raises(httpx.ReadTimeout):
        await asks.enter(name)
    assert orders(asks, name) == 0
    asks.server.clock.advance(ms)
    await asks.data("/system/time")
    assert orders(asks, name) == made
    assert asks.server.journal.signature_failures == 0
    entries = asks.server.journal.of("submit-order")
    assert (entries[-1].late, entries[-1].code) == (True, 1000 if made else 30007)


async def test_order_that_is_not_seen_yet(asks: Caller) -> None:
    asks.server.faults.plan("hide", "submit-order", reads=2)
    name = new_name()
    order_id = (await asks.enter(name)).json()["data"]["order_id"]
    assert code(await asks.get("order", order_id=order_id, **SYMBOL)) == 40035
    assert name not in [row["client_order_id"] for row in await asks.data("get-open-orders")]
    assert (await asks.data("order", order_id=order_id, **SYMBOL))["client_order_id"] == name


async def test_stale_read(asks: Caller) -> None:
    asks.server.faults.plan("stale", "get-open-orders", after=1)
    before = await asks.data("get-open-orders")
    await asks.enter(new_name())
    assert await asks.data("get-open-orders") == before
    assert len(await asks.data("get-open-orders")) == len(before) + 1


async def test_part_of_an_order(asks: Caller) -> None:
    asks.server.faults.plan("partial_fill", "submit-order", share=Decimal("0.3"))
    order_id = (await asks.enter(new_name(), type="market")).json()["data"]["order_id"]
    order = await asks.data("order", order_id=order_id, **SYMBOL)
    assert (order["state"], order["deal_size"], order["size"]) == (4, "3", "10")


async def test_stop_that_is_refused_and_presets_that_are_not_armed() -> None:
    asks = caller()
    asks.server.faults.plan("presets_lost", "submit-order")
    asks.server.faults.refuse_stop()
    await asks.enter("one", type="market", preset_stop_loss_price="76000.0")
    assert await asks.data("current-plan-order") == []
    trigger = {"side": 3, "price_type": 1, "trigger_price": "76000", "executive_price": "76000"}
    target = trigger | {"trigger_price": "78000"}
    assert code(await asks.post("submit-tp-sl-order", type="take_profit", **target, **SYMBOL)) == 1000
    assert code(await asks.post("submit-tp-sl-order", type="stop_loss", **trigger, **SYMBOL)) == 40012
    assert code(await asks.post("submit-tp-sl-order", type="stop_loss", **trigger, **SYMBOL)) == 1000
    assert asks.server.faults.pending == []


async def test_faults_wait_for_their_request() -> None:
    asks = caller()
    asks.server.faults.plan("throttle", "submit-order", after=1, times=2)
    asks.server.faults.plan("reject", match={"side": 4}, code=40015)
    replies = [code(await asks.enter(f"o{n}")) for n in range(4)]
    assert replies == [1000, 30013, 30013, 1000]
    assert code(await asks.enter("short", side=4, price="77100.0")) == 40015


async def test_refused_connection() -> None:
    asks = caller()
    asks.server.faults.plan("drop_before", ending="refuse")
    with pytest.raises(httpx.ConnectError):
        await asks.data("/system/time")


RATES = {
    "drop_before": 0.1,
    "drop_after": 0.1,
    "late": 0.1,
    "throttle": 0.05,
    "error_before": 0.05,
    "error_after": 0.05,
    "duplicate_ack": 0.05,
    "cut": 0.05,
    "stale": 0.1,
    "hide": 0.2,
    "partial_fill": 0.2,
    "presets_lost": 0.1,
}


async def seen(seed: int) -> list[str]:
    asks = caller()
    asks.server.faults.randomly(seed, RATES, endpoints=["submit-order", "get-open-orders"])
    for number in range(60):
        for ask in (asks.enter(f"o{number}"), asks.get("get-open-orders"), asks.get("position-v2")):
            try:
                await ask
            except httpx.TransportError:
                assert asks.server.journal.entries
        asks.server.clock.advance(100)
    assert all(count == 1 for count in asks.server.journal.accepted.values())
    assert not any(entry.fault for entry in asks.server.journal.of("position-v2"))
    return [entry.fault for entry in asks.server.journal.entries if not entry.late]


async def test_random_faults_are_the_same_for_the_same_seed() -> None:
    first, second, other = await seen(1), await seen(1), await seen(2)
    assert first == second != other
    met = {name for fault in first for name in fault.split("+")}
    assert met >= set(RATES) - {"presets_lost", "duplicate_ack"}
    with pytest.raises(ValueError, match="no probabilities"):
        caller().server.faults.randomly(1, {"drop_before": 0.6, "drop_after": 0.6})


async def test_control_over_http(asks: Caller) -> None:
    async def control(method: str, path: str, **body: Any) -> Any:
        reply = await asks.client.request(method, f"/_control/{path}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    name = new_name()
    order_id = (await asks.enter(name)).json()["data"]["order_id"]
    moved = await control("POST", "price", symbol="BTCUSDT", bid="76980.0")
    assert (moved["bid"], moved["ask"]) == ("76980.0", "76980.1")
    state = await control("GET", "state")
    assert {o["order_id"]: o["deal_size"] for o in state["orders"]}[order_id] == 10
    await control("POST", "faults", kind="drop_after", endpoint="submit-order", ending="disconnect")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await asks.enter(new_name())
    assert (await control("GET", "faults"))["pending"] == []
    assert (await control("POST", "clock", advance=2500))["now_ms"] == AT_MS + 2500
    await control("POST", "fills", share="0.5")
    await control("POST", "limits", enforced=True)
    await control("POST", "limits", enforced=False)
    await control("POST", "fills", share="1")
    await control("POST", "faults", random={"seed": 3, "rates": {"throttle": 1.0}})
    assert code(await asks.get("position-v2")) == 30013
    await control("DELETE", "faults")
    journal = await control("GET", "journal", last=2)
    assert journal["accepted"][name] == 1
    assert journal["last"][-1]["fault"] == "throttle"
    wrong = await asks.client.post("/_control/price", json={"symbol": "BTCUSDT"})
    assert wrong.status_code == 400
    assert (await asks.client.get("/_control/")).status_code == 404


async def test_concurrent_submits_make_one_order(asks: Caller) -> None:
    name = new_name()
    replies = await asyncio.gather(*(asks.enter(name) for _ in range(8)))
    assert sorted(code(reply) for reply in replies) == [1000] + [40050] * 7
    assert orders(asks, name) == 1
