"""Recorded replies, the documentation's examples and a client's fixtures are read as what they are."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from scripted_wire import NOW_MS, Wire, ok

from server.exchange.bitmart import BitmartExchange
from server.exchange.bitmart.account import (
    decode_fill,
    decode_open_order,
    decode_order,
    decode_position_mode,
    decode_positions,
    decode_trigger,
)
from server.exchange.bitmart.contracts import Fees, decode_contracts, decode_fees, decode_tiers
from server.exchange.bitmart.endpoints import ENDPOINTS, WINDOW_SEC
from server.exchange.bitmart.market import decode_book, decode_candle
from server.exchange.bitmart.orders import accepted, leverage_outcome
from server.exchange.bitmart.wire import Envelope, Row, WireError, envelope, row, rows
from server.exchange.port import Balance, Contract, OpenOrder, RiskTier, UnspecifiedContract
from server.exchange.trading import Accepted, EntryOrder, Fill, OrderState, TriggerOrder

FEES = Fees(Decimal("0.0002"), Decimal("0.0006"))
LATER_MS = 1_779_379_200_000  # 2026-05-21


@pytest.fixture(scope="session")
def bitmart_data(market_data: Path) -> Path:
    folder = market_data / "bitmart"
    if not folder.is_dir():
        pytest.skip("needs the recorded BitMart replies in ../shared/market-data/bitmart")
    return folder


def recorded(folder: Path, name: str) -> Any:
    return json.loads((folder / "recorded" / f"{name}.json").read_bytes())


def example(folder: Path, name: str, block: int = 0) -> Envelope:
    document = json.loads((folder / "doc-examples" / f"{name}.json").read_bytes())
    return envelope(json.dumps(document["json_blocks"][block]).encode())


def fixture(folder: Path, name: str) -> Envelope:
    document = json.loads((folder / "sdk-fixtures" / f"rest-{name}.json").read_bytes())
    return envelope(json.dumps(document["response"]).encode())


def spelt(document: Any) -> Envelope:
    return envelope(json.dumps(document).encode())


def test_every_reply_is_an_envelope(bitmart_data: Path) -> None:
    seen = 0
    for path in (bitmart_data / "sdk-fixtures").glob("rest-*.json"):
        assert fixture(bitmart_data, path.stem.removeprefix("rest-")).code == 1000
        seen += 1
    assert seen > 25


def test_paths_and_rates_are_the_documented_ones(bitmart_data: Path) -> None:
    documented = {
        entry["path"]: (entry["requests"], entry["seconds"], entry["limited_by"])
        for entry in json.loads((bitmart_data / "doc-examples" / "rate-limits.json").read_bytes())
    }
    targets = {"address": "IP", "key": "X-BM-KEY", "user": "UID"}
    ours = {
        endpoint.path: (endpoint.requests, WINDOW_SEC, targets[endpoint.counted_by])
        for endpoint in ENDPOINTS
        if endpoint.path != "/system/time"
    }
    assert {path: documented.get(path) for path in ours} == ours


def test_the_paths_are_those_of_the_examples(bitmart_data: Path) -> None:
    shown: dict[str, str] = {"/system/time": "GET", "/contract/private/order": "GET"}
    for path in (bitmart_data / "doc-examples").glob("*.json"):
        document = json.loads(path.read_bytes())
        if isinstance(document, dict) and document["method"] and document["url"]:
            shown["/" + document["url"].split("/", 3)[3]] = document["method"]
    # Its own example posts it to the path of plan orders, which is a copy error there.
    shown.setdefault("/contract/private/submit-tp-sl-order", "POST")
    for endpoint in ENDPOINTS:
        assert shown[endpoint.path] == ("POST" if endpoint.access == "signed" else "GET"), endpoint.path


async def test_an_order_is_what_another_client_was_recorded_to_send(
    bitmart_data: Path, venue: BitmartExchange, wire: Wire
) -> None:
    requests = recorded(bitmart_data, "client-requests")
    theirs = next(r for r in requests if r["meaning"] == "limit buy, maker only, client id")
    wire.answers["submit-order"] = ok({"order_id": 1, "price": "55"})
    order = EntryOrder(
        symbol="LTCUSDT",
        client_order_id="myClientOrderId",
        side="long",
        type="limit",
        size=Decimal(1),
        price=Decimal("55.00"),
        time_in_force="post_only",
        leverage=1,
        margin_mode="cross",
    )
    await venue.submit(order)
    (request,) = wire.sent("submit-order")
    assert request.url.path == theirs["path"]
    assert json.loads(request.content) == {**theirs["body"], "leverage": "1"}


def test_recorded_contracts(bitmart_data: Path) -> None:
    data = {"symbols": recorded(bitmart_data, "contract-details-2026-05-21")}
    tier = RiskTier(Decimal(0), Decimal("0.004"), 200)
    listings = decode_contracts(data, {"BTCUSDT": [tier]}, FEES, LATER_MS)
    assert list(listings) == sorted(listings)
    assert set(listings) == {"BTCUSDT", "ETHUSDT", "LTCUSDT", "ADAUSDT", "XRPUSDT", "DOGEUSDT", "TRXUSDT"}
    assert listings["BTCUSDT"] == Contract(
        symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        status="trading",
        tick_size=Decimal("0.1"),
        size_step=Decimal(1),
        contract_size=Decimal("0.001"),
        min_size=Decimal(1),
        max_size=Decimal(1_000_000),
        market_max_size=Decimal(100_000),
        min_leverage=1,
        max_leverage=200,
        maker_fee_ratio=Decimal("0.0002"),
        taker_fee_ratio=Decimal("0.0006"),
        maintenance_margin_ratio=Decimal("0.004"),
        turnover_24h_usdt=Decimal("2194131191.3386"),
        listed_at_ms=1_645_977_600_000,
        tiers=(tier,),
    )
    litecoin = listings["LTCUSDT"]
    assert isinstance(litecoin, Contract)
    assert litecoin.market_max_size is None  # "0" is no limit
    assert litecoin.maintenance_margin_ratio == 1 / Decimal(150)  # half the margin at 75x


def test_contracts_of_the_documentation_and_of_old_answers(bitmart_data: Path) -> None:
    new = decode_contracts(example(bitmart_data, "get-contract-details").data, {}, FEES, LATER_MS)
    old = decode_contracts(fixture(bitmart_data, "GetContracts").data, {}, FEES, LATER_MS)
    delisted, listed = new["BTCUSDT"], old["BTCUSDT"]
    assert isinstance(delisted, Contract) and isinstance(listed, Contract)
    assert (delisted.status, delisted.listed_at_ms) == ("delisted", 1_594_080_000_123)
    assert (listed.status, listed.listed_at_ms) == ("trading", 1_594_080_000_000)  # given in seconds
    assert listed.market_max_size is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "Suspended"}, "status is 'Suspended'"),
        ({"price_precision": "0"}, "price_precision"),
        ({"contract_size": None}, "contract_size"),
        ({"product_type": 2}, "product_type"),
        ({"max_leverage": "0"}, "max_leverage"),
    ],
)
def test_an_odd_contract_does_not_hide_the_others(bitmart_data: Path, changes: Any, said: str) -> None:
    first, second, *_ = recorded(bitmart_data, "contract-details-2026-05-21")
    listings = decode_contracts({"symbols": [{**first, **changes}, second]}, {}, FEES, LATER_MS)
    odd = listings["BTCUSDT"]
    assert isinstance(odd, UnspecifiedContract) and said in odd.detail
    assert isinstance(listings["ETHUSDT"], Contract)


def test_a_contract_whose_delisting_has_come(bitmart_data: Path) -> None:
    first, *_ = recorded(bitmart_data, "contract-details-2026-05-21")
    at_sec = LATER_MS // 1000
    for delist_time, status in ((at_sec - 1, "delisted"), (at_sec + 1, "trading"), (0, "trading")):
        data = {"symbols": [{**first, "delist_time": delist_time}]}
        listing = decode_contracts(data, {}, FEES, LATER_MS)["BTCUSDT"]
        assert listing.status == status


def test_the_tiers_and_the_fees(bitmart_data: Path) -> None:
    tiers = example(bitmart_data, "get-current-leverage-risk-limit").data
    decoded = decode_tiers(tiers)["FUNUSDT"]
    assert decoded[:2] == [
        RiskTier(Decimal(0), Decimal("0.01"), 50),
        RiskTier(Decimal(10_000), Decimal("0.02"), 25),
    ]
    assert [tier.floor_usdt for tier in decoded] == sorted(tier.floor_usdt for tier in decoded)
    assert decode_fees(example(bitmart_data, "get-trade-fee-rate").data) == FEES


async def test_recorded_balance(bitmart_data: Path, venue: BitmartExchange, wire: Wire) -> None:
    wire.answers["assets-detail"] = ok(**recorded_data(bitmart_data, "assets-detail-2024-08-07"))
    assert await venue.balance() == Balance(Decimal(5), Decimal(5))


def recorded_data(folder: Path, name: str) -> dict[str, Any]:
    return {"data": recorded(folder, name)["data"]}


def test_recorded_orders(bitmart_data: Path) -> None:
    """Everything here is text, which is how the recording was kept; the wire has numbers as well."""
    market = row(spelt(recorded(bitmart_data, "order-detail-2024-08-07")).data)
    assert decode_order(market, resting=False) == OrderState(
        symbol="LTCUSDT",
        order_id="3000013086011694",
        client_order_id="",
        status="closed",
        size=Decimal(1),
        filled_size=Decimal(1),
        average_price=Decimal("58.45"),
        price=None,
        created_at_ms=1_723_028_432_693,
        updated_at_ms=1_723_028_432_793,
    )
    (cancelled,) = rows(spelt(recorded(bitmart_data, "order-history-2023-11-17")).data)
    state = decode_order(cancelled, resting=False)
    assert (state.status, state.filled_size, state.average_price) == ("closed", 0, None)
    assert state.price == 100


def test_orders_of_the_documentation(bitmart_data: Path) -> None:
    (history,) = rows(example(bitmart_data, "get-order-history").data)
    state = decode_order(history, resting=False)
    assert (state.client_order_id, state.average_price) == ("PLAN_3000097492004577", Decimal(84802))
    detail = decode_order(row(example(bitmart_data, "get-order-detail").data), resting=False)
    assert (detail.status, detail.order_id) == ("open", "220906179895578")
    # Listed as open with the state of a finished order: being listed is what counts.
    for source in (example(bitmart_data, "get-all-open-orders"), fixture(bitmart_data, "GetOpenOrders")):
        (item,) = rows(source.data)
        assert decode_order(item, resting=True).status == "open"
        assert decode_open_order(item) == OpenOrder(
            symbol="BTCUSDT",
            order_id="220908185908509",
            client_order_id="BM123",
            side="sell",
            type="limit",
            price=Decimal(14277),
            size=Decimal(7216),
            filled_size=Decimal(7216),
            reduce_only=True,
            created_at_ms=1_662_368_173_000,
        )


@pytest.mark.parametrize("state", [0, 3, 5, "x", None])
def test_an_undocumented_state_is_no_state(bitmart_data: Path, state: object) -> None:
    (item,) = rows(spelt(recorded(bitmart_data, "order-history-2023-11-17")).data)
    with pytest.raises(WireError, match="state"):
        decode_order(Row(item.place, {**item.fields, "state": state}), resting=False)


def test_triggers_of_the_documentation(bitmart_data: Path) -> None:
    for source in (
        example(bitmart_data, "get-all-current-plan-orders"),
        fixture(bitmart_data, "GetTriggerOrders"),
    ):
        (item,) = rows(source.data)
        wanted = TriggerOrder(
            symbol="BTCUSDT",
            order_id="220908185908509",
            client_order_id="BM123",
            kind="stop_loss",
            side="long",
            trigger_price=Decimal(14277),
            size=None,
            created_at_ms=1_662_368_173_000,
        )
        assert decode_trigger(item) == wanted
        short = Row(item.place, {**item.fields, "side": 2, "plan_category": 1, "type": "take_profit"})
        other = decode_trigger(short)
        assert other is not None
        assert (other.side, other.size, other.kind) == ("short", 7216, "take_profit")
        assert decode_trigger(Row(item.place, {**item.fields, "type": "plan"})) is None
        with pytest.raises(WireError, match="side"):
            decode_trigger(Row(item.place, {**item.fields, "side": 1}))


def test_fills_of_the_documentation(bitmart_data: Path) -> None:
    (item,) = rows(example(bitmart_data, "get-order-trade").data)
    assert decode_fill(item) == Fill(
        symbol="BTCUSDT",
        order_id="220921197409432",
        client_order_id="",
        side="long",
        closes=False,
        price=Decimal("19313.3"),
        size=Decimal(108),
        fee_usdt=Decimal(0),
        realised_pnl_usdt=Decimal(0),  # an opening fill realises nothing, whatever the example says
        at_ms=1_663_663_818_589,
    )
    closing = decode_fill(Row(item.place, {**item.fields, "side": 2}))
    assert (closing.side, closing.closes, closing.realised_pnl_usdt) == ("short", True, Decimal("-0.00832"))


def test_positions_of_the_documentation(bitmart_data: Path) -> None:
    with pytest.raises(WireError, match="one-way"):
        decode_positions(rows(example(bitmart_data, "get-current-position-v2", 0).data))
    hedged = rows(example(bitmart_data, "get-current-position-v2", 1).data)
    assert decode_positions(hedged) == []  # both sides are listed, with nothing in them
    filled = {
        **hedged[1].fields,
        "current_amount": "5",
        "entry_price": "99000.5",
        "initial_margin": "9.7",
        "unrealized_pnl": "0.44",
        "liquidation_price": "99900.1",
        "open_timestamp": NOW_MS,
    }
    ((position, margin_mode),) = decode_positions([Row("data[0]", filled)])
    assert (position.side, position.size, position.leverage) == ("short", 5, 51)
    assert (position.liquidation_price, margin_mode) == (Decimal("99900.1"), "isolated")


def test_the_mark_value_is_not_taken_for_the_mark_price(bitmart_data: Path) -> None:
    """A recorded answer has the value of the position (0.058) where the price (58.2) belongs."""
    recorded_row = rows(spelt(recorded(bitmart_data, "position-hedge-2024-08-07")).data)[0]
    v2 = {
        **recorded_row.fields,
        "position_side": "short",
        "open_type": "cross",
        "liquidation_price": "0",
        "initial_margin": "0.058",
        "unrealized_pnl": "0.00002",
    }
    with pytest.raises(WireError, match="mark_price"):
        decode_positions([Row("data[0]", v2)])
    ((position, _),) = decode_positions([Row("data[0]", {**v2, "mark_price": "58.244"})])
    assert (position.mark_price, position.liquidation_price) == (Decimal("58.244"), None)


def test_candles_and_books_of_the_documentation(bitmart_data: Path) -> None:
    late = [decode_candle(item, "1m") for item in rows(example(bitmart_data, "get-k-line").data)]
    assert [at for at, _ in late] == [1_662_518_160_000] * 2  # the second one comes a second late
    assert late[0][1] == tuple(map(Decimal, (100, 130, 90, 120, 941008)))
    depth = example(bitmart_data, "get-market-depth").data
    details = example(bitmart_data, "get-contract-details").data
    marks = example(bitmart_data, "get-markprice-k-line").data
    with pytest.raises(WireError, match="crossed"):  # bid and ask of the example are equal
        decode_book("BTCUSDT", depth, details, marks)
    opened = {**row(depth).fields, "asks": [["23935.5", "60", "60"]]}
    book = decode_book("BTCUSDT", opened, details, marks)
    assert (book.bid, book.ask, book.bid_size, book.ask_size) == (
        Decimal("23935.4"),
        Decimal("23935.5"),
        65,
        60,
    )
    assert (book.last, book.mark, book.at_ms) == (23920, 120, 1_660_285_421_287)


@pytest.mark.parametrize(
    ("name", "order_id"),
    [
        ("submit-order", "220609666322019"),
        ("submit-tp-sl-order", "220609666322019"),
        ("modify-tp-sl-order", "220609666322019"),
        ("cancel-order", None),
        ("cancel-plan-order", None),
    ],
)
def test_acknowledgements_of_the_documentation(bitmart_data: Path, name: str, order_id: str | None) -> None:
    assert accepted(example(bitmart_data, name)) == Accepted(order_id)


def test_leverage_and_mode_of_the_documentation(bitmart_data: Path) -> None:
    answer = example(bitmart_data, "submit-leverage")
    assert leverage_outcome(answer, "ETHUSDT", 5, "isolated") == Accepted()
    assert decode_position_mode(example(bitmart_data, "get-position-mode").data) == "one_way_mode"
    with pytest.raises(WireError):
        decode_position_mode({"position_mode": "portfolio"})
