"""Whoever asks the venue in these tests: signs what it sends, and knows nothing of our client."""

from __future__ import annotations

import json
from typing import Any

import httpx

from .bitmart import DEMO_KEY, BitMart, Clock, Direct, Key, Options, signature

AT_MS = 1_750_000_000_000
"""2025-06-15 15:06:40 UTC, where the clock of these tests stands."""


SYMBOL = {"symbol": "BTCUSDT"}


class Caller:
    """Sends requests with one key; `post` signs with the venue's own time."""

    def __init__(self, server: BitMart, client: httpx.AsyncClient, key: Key = DEMO_KEY) -> None:
        self.server = server
        self.client = client
        self.key = key

    async def get(self, path: str, **query: Any) -> httpx.Response:
        """A path's last part stands for the private one."""
        return await self.client.get(whole(path), params=query, headers={"X-BM-KEY": self.key.access})

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.send(path, json.dumps(body).encode())

    async def send(self, path: str, body: bytes, **changed: str | None) -> httpx.Response:
        """Exact bytes; ``changed`` replaces headers by their last word (key, sign, timestamp), None: none."""
        timestamp = changed.get("timestamp") or str(self.server.clock.now_ms())
        headers = {
            "Content-Type": "application/json",
            "X-BM-KEY": self.key.access,
            "X-BM-TIMESTAMP": timestamp,
            "X-BM-SIGN": signature(self.key.secret, self.key.memo, timestamp, body),
        }
        for name, value in changed.items():
            header = f"X-BM-{name.upper()}"
            if value is None:
                del headers[header]
            else:
                headers[header] = value
        return await self.client.post(whole(path), content=body, headers=headers)

    async def data(self, path: str, **query: Any) -> Any:
        """The data of a read that succeeds."""
        reply = (await self.get(path, **query)).json()
        assert reply["code"] == 1000, reply
        return reply["data"]

    async def order_of(self, client_id: str) -> dict[str, Any]:
        """The order of BTCUSDT that the venue has under a client id, as its detail endpoint says it."""
        order = self.server.venue.account().client_ids[client_id]
        return await self.data("order", order_id=order.order_id, **SYMBOL)

    async def holding(self, side: str = "long") -> dict[str, Any]:
        """One side of BTCUSDT."""
        rows = await self.data("position-v2", **SYMBOL)
        return next(row for row in rows if row["position_side"] == side)

    async def enter(self, client_id: str, **changed: Any) -> httpx.Response:
        """A limit buy of 10 contracts of BTCUSDT, changed as told; None leaves a parameter out."""
        body = {
            "symbol": "BTCUSDT",
            "side": 1,
            "type": "limit",
            "mode": 1,
            "size": 10,
            "price": "76990.0",
            "leverage": "5",
            "open_type": "isolated",
            "client_order_id": client_id,
        } | changed
        return await self.post("submit-order", **{k: v for k, v in body.items() if v is not None})

    async def protect(self, side: int, kind: str, trigger: str, **more: Any) -> httpx.Response:
        """A stop or target of BTCUSDT's position; side 3 of a long one, 2 of a short one."""
        body = {
            "side": side,
            "type": kind,
            "trigger_price": trigger,
            "executive_price": trigger,
            "price_type": 1,
        }
        return await self.post("submit-tp-sl-order", **SYMBOL | body | more)


def whole(path: str) -> str:
    return path if path.startswith("/") else f"/contract/private/{path}"


def code(response: httpx.Response) -> int:
    return response.json()["code"]


def caller(options: Options | None = None, **settings: Any) -> Caller:
    """A caller of a new server in this process: clock standing, BTCUSDT at 77000.0 / 77000.1, no limits."""
    settings = {"clock": Clock(AT_MS), "limits": False, "options": options} | settings
    server = BitMart(**settings)
    server.venue.set_price("BTCUSDT", "77000.0")
    return Caller(server, httpx.AsyncClient(transport=Direct(server), base_url="http://bitmart"))
