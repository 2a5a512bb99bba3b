"""Orders on the paper venue with a running clock: placed, followed, cancelled, halted, over a connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from live_server import serving

from server.api import create_app
from server.instants import at
from server.settings import load_settings

START = "2025-06-01T07:46:00Z"
"""LINKUSDT is READY long and SUIUSDT short; their entries rest for a while."""

REASON = {"reason": "a test"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    settings = load_settings(
        database_url=f"sqlite:///{tmp_path / 'journal.db'}", paper_start=at(START), paper_speed=3
    )
    with serving(create_app(settings)) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


def test_from_the_verdict_to_the_cancelled_entry(client: httpx.Client) -> None:
    body = {"symbols": ["LINKUSDT"], "dry_run": False}
    data = client.post("/api/mtf/run", json=body).json()["data"]
    decision = data["symbols"]["LINKUSDT"]["trading_decision"]
    name = decision["client_order_id"]
    assert decision["status"] in ("submitted", "pending")
    assert data["run"]["dry_run"] is False

    order = seen(client, name, "resting", "open")
    listed = client.get("/api/orders", params={"symbol": "linkusdt"}).json()
    assert [one["client_order_id"] for one in listed["items"]] == [name]
    assert client.get("/api/orders", params={"symbol": "BTCUSDT"}).json()["total"] == 0
    assert client.get("/api/orders", params={"state": "failed"}).json()["total"] == 0
    assert order["actor"] == "api:127.0.0.1"
    assert (order["plan"]["size"], order["plan"]["leverage"]) == (order["size"], order["leverage"])
    assert {"decided", "recorded", "submitting", "accepted"} <= {e["kind"] for e in order["events"]}
    assert [e["number"] for e in order["events"]] == list(range(1, len(order["events"]) + 1))
    assert all(e["sentence"] and "?" not in e["sentence"] for e in order["events"])

    stored = client.get(f"/api/runs/{data['run']['run_id']}").json()["decisions"][0]["trading_decision"]
    assert (stored["status"], stored["client_order_id"]) == ("submitted", name)

    asked = client.post(f"/api/orders/{name}/cancel", json=REASON)
    assert asked.status_code == 200, asked.text
    seen(client, name, "cancelled")
    again = client.post(f"/api/orders/{name}/cancel", json=REASON)
    assert (again.status_code, again.json()["type"]) == (409, "urn:entrygate:problem:not-possible-now")
    assert client.post(f"/api/orders/{name}/retry", json=REASON).status_code == 409
    assert client.get("/api/positions").json()["positions"] == []
    (action,) = client.get("/api/actions").json()["items"]
    assert (action["action"], action["actor"], action["reason"]) == ("cancel", "api:127.0.0.1", "a test")

    told = client.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'entrygate_orders_ended_total{exchange="paper"' in told.text


def test_a_halt_lets_nothing_leave(client: httpx.Client) -> None:
    assert client.post("/api/halt", json={}).status_code == 400
    assert client.post("/api/halt", json=REASON).json()["halted"] is True
    assert client.get("/ready").json()["trading"]["halted"] is True

    body = {"symbols": ["LINKUSDT"], "dry_run": False}
    data = client.post("/api/mtf/run", json=body).json()["data"]
    assert data["symbols"]["LINKUSDT"]["trading_decision"]["reason"] == "trading_halted"
    assert client.post("/api/resume", json=REASON).json()["halted"] is False


def test_what_is_not_there(client: httpx.Client) -> None:
    for path in ("/api/orders/EGNOTHING", "/api/orders/%00"):
        assert client.get(path).status_code == 404
    assert client.post("/api/orders/EGNOTHING/cancel", json=REASON).status_code == 404
    assert client.get("/api/positions", params={"exchange": "papr"}).status_code == 400
    loss = client.post("/api/daily-loss/reset", json=REASON).json()
    assert (loss["day"], loss["locked"]) == ("2025-06-01", False)
    assert client.get("/api/daily-loss").json()["forgiven_usdt"] == "0"


def seen(client: httpx.Client, name: str, *states: str) -> dict[str, Any]:
    """The order once it stands so."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        order = client.get(f"/api/orders/{name}").json()
        if order["state"] in states:
            return order
        time.sleep(0.1)
    raise AssertionError(f"{order['state']}: {[e['sentence'] for e in order['events']]}")
