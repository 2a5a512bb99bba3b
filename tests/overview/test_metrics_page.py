"""What Prometheus is told: by serve and by worker, of the work of every process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from order_rows import event, recorded

from server.database import Database, DatabaseAddress, upgrade
from server.metrics import Metrics
from server.orders.store import Orders
from server.overview.gauges import rendered

ROOT = Path(__file__).resolve().parents[2]
READ = "r" * 28


@pytest.fixture
async def orders(tmp_path: Path) -> Orders:
    address = DatabaseAddress.parse(f"sqlite:///{tmp_path / 'entrygate.db'}")
    upgrade(address)
    return Orders(Database.open(address))


def value(page: bytes, sample: str) -> float:
    found = re.search(rf"^{re.escape(sample)} (\S+)$", page.decode(), re.MULTILINE)
    assert found is not None, sample
    return float(found[1])


async def test_gauges_are_those_of_the_database_whoever_looks_after_the_orders(orders: Orders) -> None:
    """Another process leads: this one has looked long ago, or never."""
    metrics = Metrics()
    metrics.now("paper", unprotected=0, unsettled=3)
    left = await recorded(orders, "BTCUSDT")
    await orders.change(left, state="submitting", events=[event("submitting")])
    filled = await recorded(orders, "ETHUSDT", 1)
    filled = await orders.change(filled, state="submitting", events=[event("submitting")])
    await orders.change(
        filled, state="resting", progress={"unprotected_since": 5}, events=[event("accepted")]
    )
    page = await rendered(metrics, orders, ["paper", "bitmart"])
    assert value(page, 'entrygate_unsettled_orders{exchange="paper"}') == 1
    assert value(page, 'entrygate_unprotected_positions{exchange="paper"}') == 1
    assert value(page, 'entrygate_unsettled_orders{exchange="bitmart"}') == 0
    await orders.database.close()


async def test_a_position_that_is_in_no_database_counts_while_it_is_seen(orders: Orders) -> None:
    metrics = Metrics()
    metrics.now("paper", unprotected=2, unsettled=0)
    page = await rendered(metrics, orders, ["paper"])
    assert value(page, 'entrygate_unprotected_positions{exchange="paper"}') == 2
    await orders.database.close()


def test_a_worker_answers_prometheus(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ENTRYGATE_")}
    process = subprocess.Popen(
        [sys.executable, "-c", "from server.cli import main; main()", "worker", "--json"],
        env={
            **inherited,
            "PYTHONPATH": str(ROOT),
            "ENTRYGATE_DATABASE_URL": f"sqlite:///{tmp_path / 'entrygate.db'}",
            "ENTRYGATE_METRICS_PORT": str(port),
            "ENTRYGATE_API_KEYS": f"eye:read:{READ}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = "".join(iter(process.stdout.readline, "}\n")) + "}"
        assert json.loads(said)["metrics"] == f"http://127.0.0.1:{port}/metrics"
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}")
        reply = _answered(client)
        assert reply.status_code == 401
        page = client.get("/metrics", headers={"Authorization": f"Bearer {READ}"})
        assert value(page.content, 'entrygate_unsettled_orders{exchange="paper"}') == 0
        assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert client.get("/", headers={"Authorization": f"Bearer {READ}"}).status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()


def _answered(client: httpx.Client) -> httpx.Response:
    for _ in range(200):
        with suppress(httpx.TransportError):
            return client.get("/metrics")
        time.sleep(0.05)
    raise AssertionError("the worker does not answer")
