"""What leaves: signatures, headers, bodies, decimals; and how answers are read."""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from scripted_wire import KEY, MEMO, NOW_MS, SECRET, Clocks, Wire, error, ok, options

from server.exchange.bitmart import BitmartExchange, BitmartOptions
from server.exchange.bitmart.signing import sign
from server.exchange.bitmart.wire import Row, WireError, envelope, plain
from server.exchange.errors import VenueUnavailable
from server.exchange.trading import Accepted, ClosingOrder, EntryOrder, Refused, TriggerOrder, TriggerRequest


def entry(**changes: Any) -> EntryOrder:
    given: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "client_order_id": "eg1",
        "side": "long",
        "type": "limit",
        "size": Decimal(10),
        "price": Decimal("0.0000098"),
        "time_in_force": "post_only",
        "leverage": 5,
        "margin_mode": "isolated",
    }
    return EntryOrder(**{**given, **changes})


@pytest.mark.parametrize(
    ("stamp", "body", "signature"),
    [
        (
            1589793796145,
            b'{"symbol":"BTC_USDT","price":"8600","count":"100"}',
            "c31dc326bf87f38bfb49a3f8494961abfa291bd549d0d98d9578e87516cee46d",
        ),
        (1589793796145, b"", "f38f0d62f545344208c544d43a32269234c08ad19c50b00707444a3172f47546"),
        (
            1589267764859,
            b"bitmart.WebSocket",
            "3ceeb7e1b8cb165a975e28a2e2dfaca4d30b358873c0351c1a071d8c83314556",
        ),
    ],
)
def test_the_documented_signatures(stamp: int, body: bytes, signature: str) -> None:
    assert sign(SECRET, MEMO, stamp, body) == signature


async def test_what_is_signed_is_what_is_sent(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["submit-order"] = ok({"order_id": 220609666322019, "price": "0.0000098"})
    assert await venue.submit(entry()) == Accepted("220609666322019")
    (request,) = wire.sent("submit-order")
    stamp = request.headers["X-BM-TIMESTAMP"]
    message = f"{stamp}#{MEMO}#".encode() + request.content
    assert request.headers["X-BM-SIGN"] == hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
    assert stamp == str(NOW_MS)
    assert request.headers["X-BM-KEY"] == KEY
    assert request.headers["Content-Type"] == "application/json"
    assert b" " not in request.content


async def test_a_read_carries_the_key_and_no_signature(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["assets-detail"] = ok(
        [{"currency": "USDT", "equity": "12.5", "available_balance": "7.25"}], code="1000"
    )
    balance = await venue.balance()
    assert (balance.equity_usdt, balance.available_usdt) == (Decimal("12.5"), Decimal("7.25"))
    (request,) = wire.sent("assets-detail")
    assert request.headers["X-BM-KEY"] == KEY
    assert "X-BM-SIGN" not in request.headers and "X-BM-TIMESTAMP" not in request.headers
    assert "python" not in request.headers["User-Agent"].lower()


async def test_public_data_is_asked_for_without_the_key(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["details"] = ok({"symbols": []})
    assert await venue.contracts() == {}
    for name in ("time", "details", "leverage-bracket"):
        assert all("X-BM-KEY" not in request.headers for request in wire.sent(name))


async def test_an_entry_order_on_the_wire(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["submit-order"] = ok({"order_id": 1, "price": "x"})
    await venue.submit(entry(stop_loss=Decimal("0.0000090"), take_profit=Decimal("1E+2")))
    await venue.submit(
        entry(side="short", type="market", price=None, time_in_force="ioc", margin_mode="cross")
    )
    assert wire.bodies("submit-order") == [
        {
            "symbol": "BTCUSDT",
            "client_order_id": "eg1",
            "side": 1,
            "type": "limit",
            "size": 10,
            "leverage": "5",
            "open_type": "isolated",
            "mode": 4,
            "price": "0.0000098",
            "preset_take_profit_price": "100",
            "preset_take_profit_price_type": 1,
            "preset_stop_loss_price": "0.000009",
            "preset_stop_loss_price_type": 1,
        },
        {
            "symbol": "BTCUSDT",
            "client_order_id": "eg1",
            "side": 4,
            "type": "market",
            "size": 10,
            "leverage": "5",
            "open_type": "cross",
        },
    ]


@pytest.mark.parametrize(("time_in_force", "mode"), [("gtc", 1), ("fok", 2), ("ioc", 3), ("post_only", 4)])
async def test_modes(venue: BitmartExchange, wire: Wire, time_in_force: Any, mode: int) -> None:
    wire.answers["submit-order"] = ok({"order_id": 1, "price": "1"})
    await venue.submit(entry(time_in_force=time_in_force))
    assert wire.bodies("submit-order")[0]["mode"] == mode


def held(side: str, open_type: str = "isolated", **changes: str) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "leverage": "7",
        "open_type": open_type,
        "position_side": side,
        "current_amount": "3",
        "entry_price": "100",
        "mark_price": "101",
        "liquidation_price": "0",
        "initial_margin": "10",
        "unrealized_pnl": "1",
        "open_timestamp": NOW_MS,
        **changes,
    }


@pytest.mark.parametrize(("side", "wire_side"), [("long", 3), ("short", 2)])
async def test_closing_takes_the_margin_mode_of_the_position(
    venue: BitmartExchange, wire: Wire, side: Any, wire_side: int
) -> None:
    other = "short" if side == "long" else "long"
    wire.answers["position-v2"] = ok([held(other, "isolated"), held(side, "cross")])
    wire.answers["submit-order"] = ok({"order_id": 5, "price": "market price"})
    order = ClosingOrder(symbol="BTCUSDT", client_order_id="c1", side=side, size=Decimal("3.0"))
    assert await venue.close(order) == Accepted("5")
    assert wire.bodies("submit-order") == [
        {
            "symbol": "BTCUSDT",
            "client_order_id": "c1",
            "side": wire_side,
            "type": "market",
            "size": 3,
            "leverage": "7",
            "open_type": "cross",
        }
    ]


async def test_nothing_is_closed_where_nothing_is_held_or_known(venue: BitmartExchange, wire: Wire) -> None:
    order = ClosingOrder(symbol="BTCUSDT", client_order_id="c1", side="long", size=Decimal(3))
    wire.answers["position-v2"] = ok([held("short"), held("long", current_amount="0")])
    assert getattr(await venue.close(order), "cause", None) == "no_position"
    wire.answers["position-v2"] = error(30014, 503)
    assert getattr(await venue.close(order), "cause", None) == "not_sent"
    assert not wire.sent("submit-order")


async def test_triggers_on_the_wire(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["submit-tp-sl-order"] = ok({"order_id": "77", "client_order_id": "t1"})
    for name in ("modify-tp-sl-order", "cancel-plan-order"):
        wire.answers[name] = ok({"order_id": "77"})
    stop = TriggerRequest(
        symbol="BTCUSDT",
        client_order_id="t1",
        kind="stop_loss",
        side="long",
        trigger_price=Decimal("99.50"),
        size=None,
    )
    part = TriggerRequest(
        symbol="BTCUSDT",
        client_order_id="t2",
        kind="take_profit",
        side="short",
        trigger_price=Decimal(90),
        size=Decimal(4),
    )
    assert await venue.place_trigger(stop) == Accepted("77")
    await venue.place_trigger(part)
    whole = {
        "symbol": "BTCUSDT",
        "client_order_id": "t1",
        "type": "stop_loss",
        "side": 3,
        "trigger_price": "99.5",
        "executive_price": "99.5",
        "price_type": 1,
        "plan_category": 2,
        "category": "market",
    }
    partial = {
        "symbol": "BTCUSDT",
        "client_order_id": "t2",
        "type": "take_profit",
        "side": 2,
        "trigger_price": "90",
        "executive_price": "90",
        "price_type": 1,
        "plan_category": 1,
        "category": "market",
        "size": 4,
    }
    assert wire.bodies("submit-tp-sl-order") == [whole, partial]
    waiting = TriggerOrder(
        symbol="BTCUSDT",
        order_id="77",
        client_order_id="t2",
        kind="take_profit",
        side="short",
        trigger_price=Decimal(90),
        size=Decimal(4),
        created_at_ms=0,
    )
    assert await venue.amend_trigger(waiting, Decimal("91.0"), Decimal(4)) == Accepted("77")
    assert await venue.amend_trigger(waiting, Decimal("91.0"), None) == Accepted("77")
    refused = await venue.amend_trigger(waiting, Decimal("91.0"), Decimal(5))
    assert isinstance(refused, Refused) and refused.cause == "invalid_size"
    await venue.cancel_trigger(waiting)
    amended = {
        "symbol": "BTCUSDT",
        "order_id": "77",
        "trigger_price": "91",
        "executive_price": "91",
        "price_type": 1,
        "plan_category": 1,
        "category": "market",
    }
    assert wire.bodies("modify-tp-sl-order") == [amended, amended]
    assert wire.bodies("cancel-plan-order") == [{"symbol": "BTCUSDT", "order_id": "77"}]


async def test_leverage_is_accepted_only_as_stated(venue: BitmartExchange, wire: Wire) -> None:
    stated = {"symbol": "BTCUSDT", "leverage": "5.0", "open_type": "isolated", "max_value": "100"}
    wire.answers["submit-leverage"] = [
        ok(stated),
        ok({**stated, "leverage": "10"}),
        ok({**stated, "open_type": "cross"}),
        ok({}),
    ]
    kinds = [type(await venue.set_leverage("BTCUSDT", 5, "isolated")).__name__ for _ in range(4)]
    assert kinds == ["Accepted", "Refused", "Refused", "Unknown"]
    assert wire.bodies("submit-leverage")[0] == {
        "symbol": "BTCUSDT",
        "leverage": "5",
        "open_type": "isolated",
    }


async def test_a_cancel_always_names_its_order(venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["cancel-order"] = ok({})
    assert await venue.cancel("BTCUSDT", "eg1") == Accepted()
    for nothing in ("", " ", "a-b"):
        outcome = await venue.cancel("BTCUSDT", nothing)
        assert isinstance(outcome, Refused) and outcome.cause == "no_such_order"
    assert wire.bodies("cancel-order") == [{"symbol": "BTCUSDT", "client_order_id": "eg1"}]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"size": Decimal("1.5")}, "invalid_size"),
        ({"size": Decimal(0)}, "invalid_size"),
        ({"size": Decimal(-1)}, "invalid_size"),
        ({"price": None}, "invalid_price"),
        ({"type": "market"}, "invalid_price"),
        ({"client_order_id": ""}, "other"),
        ({"client_order_id": "x" * 33}, "other"),
        ({"client_order_id": "a-b"}, "other"),
    ],
)
async def test_what_the_wire_cannot_carry_is_not_sent(
    venue: BitmartExchange, wire: Wire, changes: dict[str, Any], cause: str
) -> None:
    outcome = await venue.submit(entry(**changes))
    assert isinstance(outcome, Refused) and outcome.cause == cause
    assert not wire.requests


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**12, places=18))
def test_decimals_are_fixed_point(value: Decimal) -> None:
    for spelt in (value, value.normalize()):
        text = plain(spelt)
        assert set(text) <= set("0123456789.")
        assert Decimal(text) == spelt
        assert "." not in text or not text.endswith(("0", "."))


def test_numbers_of_an_answer_never_pass_through_binary() -> None:
    answer = envelope(b'{"code": "1000", "data": {"a": 0.1, "b": 220609666322019}}')
    item = Row("data", answer.data)  # type: ignore[arg-type]
    assert item.decimal("a") == Decimal("0.1")
    assert item.identifier("b") == "220609666322019"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>error code: 1010</html>",
        b"[]",
        b"{}",
        b'{"code": null}',
        b'{"code": "x"}',
        b'{"code": 1000',
        b'{"code": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_envelope(content: bytes) -> None:
    with pytest.raises(WireError):
        envelope(content)


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("text", 1),
        ("identifier", ""),
        ("identifier", True),
        ("decimal", "1,5"),
        ("decimal", "NaN"),
        ("decimal", "Infinity"),
        ("decimal", True),
        ("decimal", None),
        ("decimal", [1]),
        ("positive", "0"),
        ("whole", "1.5"),
    ],
)
def test_a_wrong_field_is_named(reader: str, value: object) -> None:
    with pytest.raises(WireError, match=r"data\[3\]\.size"):
        getattr(Row("data[3]", {"size": value}), reader)("size")
    with pytest.raises(WireError, match=r"data\[3\]\.absent is missing"):
        getattr(Row("data[3]", {"size": value}), reader)("absent")


def test_an_unknown_enumeration_value_is_named() -> None:
    with pytest.raises(WireError, match=r"data\.state is 3, expected one of 1, 2, 4"):
        Row("data", {"state": 3}).one_of("state", {1: "a", 2: "b", 4: "c"})
    assert Row("data", {"state": "4"}).one_of("state", {4: "c"}) == "c"


async def test_secrets_are_never_seen(wire: Wire, clocks: Clocks, capsys: pytest.CaptureFixture[str]) -> None:
    given = options(wire, clocks)
    with structlog.testing.capture_logs() as events:
        venue = BitmartExchange(given)
        await venue.open()
        wire.answers["submit-order"] = [error(30005, 401), httpx.ReadTimeout("late"), ok({"order_id": 1})]
        outcomes = [await venue.submit(entry()) for _ in range(3)]
        wire.answers["assets-detail"] = [httpx.ReadTimeout("late"), error(30002, 401)]
        with pytest.raises(VenueUnavailable) as failure:
            await venue.balance()
        await venue.aclose()
    seen = json.dumps(events, default=str) + repr(given) + repr(venue) + repr(outcomes) + repr(failure.value)
    seen += str(failure.value) + "".join(capsys.readouterr())
    for secret in (SECRET, KEY, MEMO):
        assert secret not in seen
    submits = [event for event in events if event.get("path", "").endswith("/submit-order")]
    assert [event.get("code") for event in submits] == [30005, None, 1000]
    assert {"trace", "duration_ms", "status", "path"} <= set(submits[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "venue.test"},
        {"base_url": "ftp://venue.test"},
        {"api_key": "k"},
        {"api_key": "k", "secret": "s"},
        {"timeout_sec": 0},
        {"receive_window_ms": 0},
        {"rate_factor": -1},
        {"absence_rechecks_sec": (0.1, -1.0)},
        {"retries": {"attempts": 0}},
        {"api_key": "k\n", "secret": "s", "memo": "m"},
    ],
)
def test_options_that_cannot_work(changes: dict[str, Any]) -> None:
    from server.exchange.bitmart import ReadRetries

    if "retries" in changes:
        changes = {"retries": ReadRetries(**changes["retries"])}
    with pytest.raises(ValueError):
        BitmartOptions(**changes)
