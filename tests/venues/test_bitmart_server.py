"""The venue's manners: keys, signatures, paths, parameters, limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from .bitmart import DEMO_KEY, BitMart, Clock, Direct, Key, Options, Venue, signature
from .bitmart.codes import ERRORS, LIMITS
from .bitmart.contracts import from_details
from .bitmart.routes import ROUTES
from .caller import AT_MS, Caller, caller, code

BODY = b'{"symbol": "BTCUSDT", "leverage": "5", "open_type": "isolated"}'


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            b'{"symbol":"BTC_USDT","price":"8600","count":"100"}',
            "c31dc326bf87f38bfb49a3f8494961abfa291bd549d0d98d9578e87516cee46d",
        ),
        (b"", "f38f0d62f545344208c544d43a32269234c08ad19c50b00707444a3172f47546"),
    ],
)
def test_signature_of_the_documented_examples(message: bytes, expected: str) -> None:
    secret = "6c6c98544461bbe71db2bca4c6d7fd0021e0ba9efc215f9c6ad41852df9d9df9"
    assert signature(secret, "test001", "1589793796145", message) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 1000),
        ({"key": None}, 30001),
        ({"key": ""}, 30001),
        ({"key": "someone"}, 30002),
        ({"sign": None}, 30004),
        ({"sign": "0" * 64}, 30005),
        ({"timestamp": None}, 30006),
        ({"timestamp": "now"}, 30008),
        ({"timestamp": str(AT_MS - 5000)}, 1000),
        ({"timestamp": str(AT_MS - 5001)}, 30007),
        ({"timestamp": str(AT_MS + 999)}, 1000),
        ({"timestamp": str(AT_MS + 1000)}, 30007),
        ({"timestamp": str(AT_MS // 1000)}, 30007),
    ],
)
async def test_signed_request(changed: dict[str, str | None], expected: int) -> None:
    asks = caller()
    reply = await asks.send("submit-leverage", BODY, **changed)
    assert (code(reply), reply.status_code) == (expected, 200 if expected == 1000 else 401)
    assert asks.server.journal.authentication_failures == (expected != 1000)


async def test_signature_covers_the_exact_bytes() -> None:
    asks = caller()
    sign = signature(DEMO_KEY.secret, DEMO_KEY.memo, str(AT_MS), BODY.replace(b" ", b""))
    assert code(await asks.send("submit-leverage", BODY, sign=sign)) == 30005


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Key("a", "b", "c", frozen=True), 30003),
        (Key("a", "b", "c", expired=True), 30011),
        (Key("a", "b", "c", may_trade=False), 30012),
    ],
)
async def test_key_that_may_not(key: Key, expected: int) -> None:
    asks = caller(keys=[key])
    asks.key = key
    assert code(await asks.send("submit-leverage", BODY)) == expected


async def test_reads_need_a_key_and_no_signature() -> None:
    asks = caller()
    assert code(await asks.get("position-v2")) == 1000
    assert code(await asks.client.get("/contract/private/position-v2")) == 30001


async def test_unknown_paths_and_methods() -> None:
    asks = caller()
    for reply in (
        await asks.get("order-detail", symbol="BTCUSDT", order_id="1"),
        await asks.get("submit-order"),
        await asks.client.post("/contract/public/details"),
    ):
        assert (reply.status_code, code(reply)) == (404, 30000)


@pytest.mark.parametrize(("body", "expected"), [(b"{", 30018), (b"", 30018), (b"[1]", 40007)])
async def test_body_that_is_no_object(body: bytes, expected: int) -> None:
    assert code(await caller().send("submit-leverage", body)) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 1000),
        ({"symbol": "NOPEUSDT"}, 40034),
        ({"symbol": "LTCUSDT"}, 40014),
        ({"symbol": "ADAUSDT"}, 40015),
        ({"side": 5}, 40041),
        ({"side": "1"}, 40041),
        ({"side": None}, 40041),
        ({"type": "stop"}, 40042),
        ({"mode": 9}, 49998),
        ({"type": "market", "mode": 4}, 49998),
        ({"size": "10"}, 40007),
        ({"size": 10.0}, 40007),
        ({"size": True}, 40007),
        ({"size": None}, 40007),
        ({"size": 0}, 40044),
        ({"size": 1_000_001}, 40044),
        ({"type": "market", "size": 100_001}, 40044),
        ({"price": None}, 40007),
        ({"price": 76990.0}, 40007),
        ({"price": "7.699e4"}, 40043),
        ({"price": "76990.05"}, 40043),
        ({"price": "0"}, 40044),
        ({"leverage": "201"}, 40029),
        ({"leverage": "0"}, 40030),
        ({"leverage": "5.5"}, 40040),
        ({"leverage": 5}, 40007),
        ({"open_type": "both"}, 40045),
        ({"open_type": None}, 40045),
        ({"client_order_id": "a-1"}, 40048),
        ({"client_order_id": "a" * 33}, 40049),
        ({"preset_stop_loss_price": "77100.0"}, 40044),
        ({"preset_take_profit_price": "76000.0"}, 40044),
        ({"preset_stop_loss_price": "76000.05"}, 40043),
        ({"preset_stop_loss_price": "76000", "preset_stop_loss_price_type": 3}, 49998),
        ({"stop_price": "76000"}, 40021),
        ({"side": 3}, 40021),
        ({"size": 100_000}, 42000),
        ({"size": 100_000, "leverage": "200"}, 40029),
    ],
)
async def test_order_parameters(changed: dict[str, Any], expected: int) -> None:
    asks = caller()
    asks.server.venue.contracts["LTCUSDT"].status = "Delisted"
    asks.server.venue.contracts["ADAUSDT"].status = "Paused"
    reply = await asks.enter("abc123", **changed)
    assert code(reply) == expected
    assert reply.status_code == ERRORS[expected][0] if expected != 1000 else 200
    assert asks.server.journal.accepted.total() == (expected == 1000)


async def test_client_order_id_is_taken_once_whatever_became_of_it() -> None:
    asks = caller()
    assert code(await asks.enter("one", size=0)) == 40044
    assert code(await asks.enter("one")) == 1000
    assert code(await asks.enter("one")) == 40050
    assert code(await asks.post("cancel-order", symbol="BTCUSDT", client_order_id="one")) == 1000
    assert code(await asks.enter("one")) == 40050
    assert asks.server.journal.accepted == {"one": 1}
    assert asks.server.journal.attempts == {"one": 4}


async def test_order_ids_are_integers_a_float_cannot_hold() -> None:
    asks = caller()
    order_id = (await asks.enter("one")).json()["data"]["order_id"]
    assert isinstance(order_id, int)
    assert int(float(order_id)) != order_id
    order = await asks.data("order", symbol="BTCUSDT", order_id=str(order_id))
    assert order["order_id"] == str(order_id)


async def test_order_is_read_by_its_id_only_unless_told() -> None:
    asks, other = caller(), caller(Options(order_by_client_id=True))
    for one, expected in ((asks, 40007), (other, 1000)):
        await one.enter("one")
        assert code(await one.get("order", symbol="BTCUSDT", client_order_id="one")) == expected
    assert code(await asks.get("order", symbol="BTCUSDT", order_id="1")) == 40035


async def test_limits_are_the_documented_ones(market_data: Path) -> None:
    rows = json.loads((market_data / "bitmart/doc-examples/rate-limits.json").read_text())
    documented = {row["path"]: (row["requests"], row["seconds"]) for row in rows if row["path"] in ROUTES}
    assert documented.items() <= LIMITS.items()


async def test_codes_are_the_documented_ones(market_data: Path) -> None:
    rows = json.loads((market_data / "bitmart/doc-examples/error-codes.json").read_text())
    documented = {row["code"]: row["http_status"] for row in rows}
    served = {code: status for code, (status, _) in ERRORS.items() if code in documented}
    assert served.items() <= documented.items()
    assert set(ERRORS) - set(documented) == {40059, 49998}


async def test_limit_is_refused_on_the_venues_clock() -> None:
    asks = caller(limits=True)
    replies = [await asks.get("position-v2") for _ in range(7)]
    assert [reply.status_code for reply in replies] == [200] * 6 + [429]
    assert code(replies[-1]) == 30013
    assert replies[0].headers["X-BM-RateLimit-Limit"] == "6"
    assert replies[2].headers["X-BM-RateLimit-Remaining"] == "3"  # used, despite its name
    asks.server.clock.advance(2000)
    assert (await asks.get("position-v2")).status_code == 200
    assert asks.server.limits.exceeded == {"/contract/private/position-v2": 1}
    assert asks.server.limits.peaks["/contract/private/position-v2"] == 6


async def test_undocumented_parameters_are_counted_or_refused() -> None:
    asks, strict = caller(), caller(strict=True)
    assert code(await asks.enter("one", reduce_only=True)) == 1000
    assert asks.server.journal.undocumented == {"/contract/private/submit-order reduce_only": 1}
    assert code(await strict.enter("one", reduce_only=True)) == 49998


async def test_asgi_transport_serves_the_same() -> None:
    server = BitMart(clock=Clock(AT_MS))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=server), base_url="http://bitmart"
    ) as client:
        asks = Caller(server, client)
        assert code(await asks.enter("one")) == 1000
        assert [row["client_order_id"] for row in await asks.data("get-open-orders")] == ["one"]
        server.faults.plan("drop_after", "submit-order")
        with pytest.raises(httpx.ReadTimeout):
            await asks.enter("two")
    assert server.journal.accepted == {"one": 1, "two": 1}


async def test_accounts_are_apart() -> None:
    other = Key("other", "secret", "memo", account="other")
    asks = caller(keys=[DEMO_KEY, other])
    await asks.enter("one")
    async with httpx.AsyncClient(transport=Direct(asks.server), base_url="http://bitmart") as client:
        assert await Caller(asks.server, client, other).data("get-open-orders") == []


async def test_contracts_of_a_recording(market_data: Path) -> None:
    path = market_data / "bitmart/recorded/contract-details-2026-05-21.json"
    recorded = json.loads(path.read_text())
    asks = caller(venue=Venue(contracts=from_details(recorded)), clock=None)
    served = (await asks.data("/contract/public/details"))["symbols"]
    specified = ("symbol", "contract_size", "price_precision", "max_leverage", "max_volume", "min_volume")
    assert [[row[name] for name in specified] for row in served] == [
        [row[name] for name in specified] for row in recorded
    ]
