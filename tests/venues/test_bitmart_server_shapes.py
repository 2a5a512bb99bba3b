"""Every reply has the names and types that the documentation's example of it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .bitmart.routes import ROUTES
from .caller import AT_MS, Caller, caller

EXAMPLES = {
    "cancel-all-orders": "cancel-orders",
    "get-all-current-plan-orders": "current-plan-order",
    "get-all-open-orders": "get-open-orders",
    "get-contract-assets": "assets-detail",
    "get-contract-details": "/contract/public/details",
    "get-current-funding-rate": "/contract/public/funding-rate",
    "get-current-leverage-risk-limit": "/contract/public/leverage-bracket",
    "get-current-position-risk-details": "position-risk",
    "get-current-position-v2": "position-v2",
    "get-current-position": "position",
    "get-futures-openinterest": "/contract/public/open-interest",
    "get-k-line": "/contract/public/kline",
    "get-market-depth": "/contract/public/depth",
    "get-market-trade": "/contract/public/market-trade",
    "get-markprice-k-line": "/contract/public/markprice-kline",
    "get-order-detail": "order",
    "get-order-history": "order-history",
    "get-order-trade": "trades",
    "get-position-mode": "get-position-mode",
    "get-trade-fee-rate": "trade-fee-rate",
    "get-transaction-history": "transaction-history",
    "timed-cancel-all-orders": "cancel-all-after",
} | {
    name: name
    for name in (
        "cancel-order",
        "cancel-plan-order",
        "modify-limit-order",
        "modify-plan-order",
        "modify-preset-plan-order",
        "modify-tp-sl-order",
        "set-position-mode",
        "submit-leverage",
        "submit-order",
        "submit-plan-order",
        "submit-tp-sl-order",
    )
}
MORE_THAN_SHOWN = {
    "details": {"funding_time"},
    "order": {
        "preset_take_profit_price_type",
        "preset_stop_loss_price_type",
        "preset_take_profit_price",
        "preset_stop_loss_price",
        "executive_order_id",
        "activation_price",
        "callback_rate",
        "activation_price_type",
    },
    "order-history": {"executive_order_id"},
    "transaction-history": {"flow_type"},
}
"""Fields of the document (or of a recording) that its example of the endpoint leaves out."""


async def everything(asks: Caller) -> dict[str, Any]:
    """The replies of all endpoints after some trading, by path as `EXAMPLES` names them."""
    replies: dict[str, Any] = {}

    async def post(path: str, **body: Any) -> Any:
        replies[path] = (await asks.post(path, **body)).json()
        return replies[path]["data"]

    symbol = {"symbol": "BTCUSDT"}
    await post("set-position-mode", position_mode="hedge_mode")
    await post("submit-leverage", leverage="5", open_type="isolated", **symbol)
    await post("submit-order", side=1, type="market", size=10, open_type="isolated", **symbol)
    stop = {"side": 3, "price_type": 1, "executive_price": "76000"}
    placed = await post("submit-tp-sl-order", type="stop_loss", trigger_price="76000", **stop, **symbol)
    await post("modify-tp-sl-order", trigger_price="76100", price_type=1, **placed, **symbol)
    planned = {
        "side": 1,
        "size": 1,
        "leverage": "5",
        "open_type": "isolated",
        "trigger_price": "78000",
        "executive_price": "78000",
        "price_type": 1,
    }
    plan = await post("submit-plan-order", price_way=1, **planned, **symbol)
    changed = {"trigger_price": "78100", "price_type": 1, "type": "limit", "executive_price": "78100"}
    await post("modify-plan-order", order_id=str(plan["order_id"]), **changed, **symbol)
    resting = {"side": 1, "size": 10, "price": "76990", "open_type": "isolated", "leverage": "5"}
    order = await post("submit-order", preset_stop_loss_price="76000", **resting, **symbol)
    await post("modify-limit-order", price="76980", order_id=order["order_id"], **symbol)
    await post(
        "modify-preset-plan-order",
        order_id=str(order["order_id"]),
        preset_stop_loss_price="75000",
        **symbol,
    )
    await post("cancel-all-after", timeout=10, **symbol)
    for path in (path for path in EXAMPLES.values() if path.startswith("/")):
        times = {"start_time": AT_MS // 1000 - 600, "end_time": AT_MS // 1000} if "kline" in path else {}
        replies[path] = (await asks.get(path, **symbol, **times)).json()
    for path in set(EXAMPLES.values()):
        if f"/contract/private/{path}" in ROUTES and ROUTES[f"/contract/private/{path}"].method == "GET":
            query = {"order_id": order["order_id"]} if path == "order" else {}
            replies[path] = (await asks.get(path, **symbol, **query)).json()
    await post("cancel-plan-order", order_id=placed["order_id"], **symbol)
    await post("cancel-order", order_id=str(order["order_id"]), **symbol)
    await post("cancel-orders", **symbol)
    return replies


def shape(value: Any) -> Any:
    """Names and types of a reply; a list is one of its first element."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def without(shaped: Any, names: set[str]) -> Any:
    if isinstance(shaped, dict):
        return {name: without(inner, names) for name, inner in shaped.items() if name not in names}
    return [without(inner, names) for inner in shaped] if isinstance(shaped, list) else shaped


async def test_shapes_are_those_of_the_documentation(market_data: Path) -> None:
    replies = await everything(caller())
    assert {reply["code"] for reply in replies.values()} == {1000}
    for name, path in EXAMPLES.items():
        example = json.loads((market_data / f"bitmart/doc-examples/{name}.json").read_text())
        assert example["url"].endswith(path), name
        more = MORE_THAN_SHOWN.get(path.rsplit("/", 1)[-1], set())
        assert without(shape(replies[path]), more) == shape(example["json_blocks"][-1]), name


async def test_fields_are_those_of_the_recordings(market_data: Path) -> None:
    replies = await everything(caller())
    recorded = {
        "assets-detail": "assets-detail-2024-08-07",
        "order": "order-detail-2024-08-07",
        "order-history": "order-history-2023-11-17",
        "position": "position-hedge-2024-08-07",
    }
    for path, name in recorded.items():
        reply = json.loads((market_data / f"bitmart/recorded/{name}.json").read_text())
        theirs, ours = reply["data"], replies[path]["data"]
        theirs, ours = (theirs[0], ours[0]) if isinstance(theirs, list) else (theirs, ours)
        assert set(theirs) <= set(ours), path
    details = json.loads((market_data / "bitmart/recorded/contract-details-2026-05-21.json").read_text())
    served = replies["/contract/public/details"]["data"]["symbols"][0]
    assert set(details[0]) - {"tradfi_info"} == set(served)
